"""The complete block shows every layer of a block where it stands, with the sizes that the block's own run has."""

import copy
from functools import lru_cache

import pytest
import torch
from matplotlib.colors import to_hex
from matplotlib.patches import Circle, Rectangle
from torch import nn

from resnext_lib import figures, networks
from resnext_lib.blocks import Bottleneck, Inception
from resnext_lib.descendants import SEBottleneck
from resnext_lib.forms import FormA, FormB, FormC

SIZE = dict(in_channels=256, width=128, out_channels=256, cardinality=32)
STAGE_START = dict(in_channels=256, width=256, out_channels=512, cardinality=32, stride=2)
FORMS = {"A": FormA, "B": FormB, "C": FormC}
SIZES = {
    "32x4d": SIZE,
    "stage's first": STAGE_START,
    "2 paths": dict(in_channels=16, width=8, out_channels=16, cardinality=2),
}

# The rows of every form, in the order of the picture.
SAME = ["1×1", "batch norm", "ReLU", "3×3", "batch norm", "ReLU"]
ROWS = {
    "A": [*SAME, "1×1", "sum", "batch norm", "+ shortcut", "ReLU"],
    "B": [*SAME, "concatenate", "1×1", "batch norm", "+ shortcut", "ReLU"],
    "C": [*SAME, "1×1", "batch norm", "+ shortcut", "ReLU"],
}


@lru_cache
def one_form(form, follow=1):
    """The picture of one block of 32x4d, drawn once for all tests that only look at it."""
    return figures.complete_block(FORMS[form](**SIZE), follow=follow)


def texts(fig):
    """(text, x, y) of all lettering, from top to bottom."""
    return sorted(((t.get_text(), *t.get_position()) for t in fig.axes[0].texts), key=lambda found: found[2])


def rows(fig):
    """(label, y) of what the left margin names below the input."""
    return [(text.split(",")[0], y) for text, x, y in texts(fig) if x == 2 and text != "input"]


def rectangles(fig, y):
    """The boxes whose middle is at ``y``."""
    boxes = [p for p in fig.axes[0].patches if isinstance(p, Rectangle)]
    return [box for box in boxes if abs(box.get_y() + box.get_height() / 2 - y) < 0.01]


def is_blue(box):
    return to_hex(box.get_facecolor()) == figures.PATH.lower()


def run(block, size):
    """The output shapes of one path's layers and of those behind the paths, as a hook sees them, by layer name."""
    shapes, handles = {}, []
    for name, layer in block.named_modules():
        if isinstance(layer, (nn.Conv2d, nn.BatchNorm2d)):

            def hook(layer, inputs, output, name=name):
                shapes[name.removeprefix("paths.0.")] = tuple(output.shape[1:])

            handles.append(layer.register_forward_hook(hook))
    block.eval()(torch.zeros(1, block.in_channels, size, size))
    for handle in handles:
        handle.remove()
    return shapes


def expected_trail(form, block, size):
    """The shape after every row."""
    ran = run(block, size)
    joined = {"concatenate": (block.width, *ran["bn2"][1:]), "sum": ran["conv3"]}
    names = ["conv1", "bn1", "bn1", "conv2", "bn2", "bn2"]
    names += {"A": ["conv3", "sum"], "B": ["concatenate", "conv3"], "C": ["conv3"]}[form] + ["bn3"] * 3
    return [joined.get(name) or ran[name] for name in names]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("form", FORMS)
def test_every_row_has_the_size_of_the_run(form, size):
    block = FORMS[form](**SIZES[size])
    fig = figures.complete_block(block, size=14)
    assert [label for label, _ in rows(fig)] == ROWS[form]
    trail = [(block.in_channels, 14, 14), *expected_trail(form, block, 14)]
    right = [(text, y) for text, x, y in texts(fig) if x > 340 and "×" in text]
    assert [text for text, _ in right] == [f"{height}×{width}" for _, height, width in trail]
    for (channels, *_), (_, y) in zip(trail, right, strict=True):
        beside = [text for text, x, at in texts(fig) if abs(at - y) < 0.01 and 60 < x < 340 and "×" not in text]
        assert beside[0] == str(channels) and set(beside) == {str(channels)}


def test_the_last_batch_norm_follows_the_sum_and_the_last_relu_the_shortcut():
    fig = figures.complete_block(FormA(**SIZE), FormC(**SIZE))
    places = dict(rows(fig)[-5:])
    circles = [p for p in fig.axes[0].patches if isinstance(p, Circle)]
    large = sorted(circle.center[1] for circle in circles if circle.radius == 9)
    assert large == [places["sum"], places["+ shortcut"], places["+ shortcut"]]  # A adds its paths in the open
    assert places["sum"] < places["batch norm"] < places["+ shortcut"] < places["ReLU"]
    (small,) = [circle for circle in circles if circle.radius < 9]  # C adds them in the last 1×1
    (last,) = [y for label, y in rows(fig)[4:] if label == "1×1"]
    assert small.center[1] == last and small.center[0] > 180


@pytest.mark.sampled(3)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("follow", "number"), [(1, "2"), (0, "1"), (16, "17"), (31, "32")])
def test_one_path_is_blue_in_every_layer_that_it_has(form, follow, number):
    fig = one_form(form, follow)
    blue = {number: sum(map(is_blue, rectangles(fig, y))) for number, (_, y) in enumerate(rows(fig))}
    own = [i for i, label in enumerate(ROWS[form][:8]) if label in SAME and i < 8]
    after = [i for i in range(len(ROWS[form])) if i > ROWS[form].index("1×1", 1)]
    assert [blue[i] for i in own if i not in after] == [1] * 7
    assert not any(blue[i] for i in after)
    assert [t.get_text() for t in fig.axes[0].texts if t.get_color() == figures.PATH] == [number]


def test_a_blue_path_stands_in_one_column_of_the_picture():
    """The same lane from its first layer to its last: nothing of a path moves past another's."""
    for form in FORMS:
        fig = one_form(form)
        middles = {
            round(box.get_x() + box.get_width() / 2, 3) for _, y in rows(fig) for box in rectangles(fig, y) if is_blue(box)
        }
        assert max(middles) - min(middles) < 0.1


def test_nothing_is_blue_where_no_path_is_followed():
    fig = figures.complete_block(FormA(**SIZE), FormC(**SIZE), follow=None)
    assert not any(is_blue(p) for p in fig.axes[0].patches if isinstance(p, Rectangle))
    assert figures.PATH not in [t.get_color() for t in fig.axes[0].texts]


@pytest.mark.parametrize(("form", "counts"), [("A", [3] * 7), ("B", [3] * 6 + [2]), ("C", [2, 2, 2, 4, 2, 2, 2])])
def test_boxes_are_apart_stacked_or_cut(form, counts):
    """Three paths are drawn of 32: three boxes a row, one with a blue part, or one that is cut into four pieces."""
    fig = one_form(form)
    found = [len(rectangles(fig, y)) for label, y in rows(fig) if label in SAME]
    assert found[:7] == counts and found[7:] == [1, 1]  # the last batch norm and the last ReLU


def test_two_paths_fill_the_width_by_halves():
    fig = figures.complete_block(FormC(16, 8, 16, 2))
    whole, blue = rectangles(fig, rows(fig)[0][1])
    assert is_blue(blue) and blue.get_width() == pytest.approx(whole.get_width() / 2, abs=3)


def test_a_block_with_one_path_is_hatched_and_has_nothing_to_follow():
    fig = figures.complete_block(Bottleneck(256, 64, 256), Bottleneck(**SIZE), titles=["ResNet", "ResNeXt"])
    hatched = [p for p in fig.axes[0].patches if p.get_hatch()]
    assert len(hatched) == 3 and all(p.get_x() < 180 for p in hatched)
    assert all(p.get_x() > 180 for p in fig.axes[0].patches if isinstance(p, Rectangle) and is_blue(p))
    assert {"ResNet", "ResNeXt", "1 path", "groups=32"} <= {text for text, *_ in texts(fig)}


@pytest.mark.parametrize("form", FORMS)
def test_a_projection_stands_on_the_shortcut_and_an_identity_does_not(form):
    plain, projected = one_form(form), figures.complete_block(FORMS[form](**STAGE_START))
    orange = [[t.get_text() for t in fig.axes[0].texts if t.get_color() == figures.SUM] for fig in (plain, projected)]
    assert orange == [[], ["512", "512"]]  # after its 1×1, after its batch norm
    assert "3×3, stride 2" in {text for text, *_ in texts(projected)}


class TypedInANotebook(nn.Module):
    """Form C with the library's names, but not the library's class."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(16, 8, 1, bias=False), nn.BatchNorm2d(8)
        self.conv2, self.bn2 = nn.Conv2d(8, 8, 3, padding=1, groups=4, bias=False), nn.BatchNorm2d(8)
        self.conv3, self.bn3 = nn.Conv2d(8, 16, 1, bias=False), nn.BatchNorm2d(16)
        self.relu, self.downsample = nn.ReLU(), None

    def forward(self, x):
        y = self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))))
        return self.relu(self.bn3(self.conv3(y)) + x)


def test_a_class_typed_in_a_notebook_is_drawn_as_the_librarys():
    typed, own = (figures.complete_block(block) for block in (TypedInANotebook(), FormC(16, 8, 16, 4)))
    assert figures.svg_text(typed) == figures.svg_text(own)


def test_a_forgotten_group_is_seen():
    """The picture is the layers', not the attribute's."""
    block = Bottleneck(**SIZE)
    block.conv2 = nn.Conv2d(128, 128, 3, padding=1, bias=False)
    assert "1 path" in {text for text, *_ in texts(figures.complete_block(block))}


def test_the_block_keeps_its_weights_mode_and_hooks():
    block, calls = FormA(16, 8, 16, 4), []
    block.register_forward_hook(lambda *given: calls.append(given))
    before = copy.deepcopy(block.state_dict())
    figures.complete_block(block)
    assert block.training and calls == []
    assert all(torch.equal(value, before[key]) for key, value in block.state_dict().items())


def norm_inside_every_path():
    block = FormA(16, 8, 16, 4)
    for path in block.paths:
        path.add_module("bn3", nn.BatchNorm2d(16))
    block.bn3 = nn.Identity()
    return block


def input_split():
    block = Bottleneck(16, 8, 16, 4)
    block.conv1 = nn.Conv2d(16, 8, 1, groups=4, bias=False)
    return block


def unequal_paths():
    block = FormB(16, 8, 16, 2)
    block.paths[1] = FormB(16, 6, 16, 2).paths[1]
    block.conv3 = nn.Conv2d(7, 16, 1, bias=False)
    return block


complete = figures.complete_block
REFUSED = [
    (lambda: complete(), ValueError, ("1, 2 or 3 blocks", "got 0")),
    (lambda: complete(*[FormC(**SIZE)] * 4), ValueError, ("1, 2 or 3 blocks", "got 4", "two figures")),
    (lambda: complete("C"), TypeError, ("torch.nn.Module", "str")),
    (lambda: complete(FormC), TypeError, ("not built yet",)),
    (lambda: complete(nn.ReLU()), ValueError, ("no convolution",)),
    (lambda: complete(nn.Conv2d(3, 8, 1)), ValueError, ("no shortcut", "downsample", "block_diagram")),
    (
        lambda: complete(Inception(192, **networks.GOOGLENET_MODULES["3a"])),
        ValueError,
        ("form A, B or C", "Inception has no shortcut"),
    ),
    (lambda: complete(SEBottleneck(**SIZE)), ValueError, ("SEBottleneck has", "AdaptiveAvgPool2d")),
    (lambda: complete(norm_inside_every_path()), ValueError, ("1×1, batch norm", "behind the sum")),
    (lambda: complete(input_split()), ValueError, ("1×1 with groups=4",)),
    (lambda: complete(unequal_paths()), ValueError, ("unequal paths",)),
    (lambda: complete(FormC(**SIZE), follow=32), ValueError, ("follow=32", "32 paths", "follow=0 to 31, or None")),
    (lambda: complete(FormC(**SIZE), follow=-1), ValueError, ("follow=-1", "follow=0 to 31")),
    (lambda: complete(FormC(**SIZE), FormC(16, 8, 16, 2), follow=2), ValueError, ("follow=2", "2 paths")),
    (lambda: complete(FormC(**SIZE), follow="2"), TypeError, ("follow", "'2'")),
    (lambda: complete(FormC(**SIZE), follow=True), TypeError, ("follow", "True", "bool")),
    (lambda: complete(FormC(**SIZE), size=0), ValueError, ("size=0",)),
    (lambda: complete(FormC(**SIZE), size="56"), TypeError, ("size", "'56'")),
    (lambda: complete(FormC(**SIZE), titles=["one", "two"]), ValueError, ("1 blocks", "has 2")),
    (lambda: complete(FormC(**SIZE), FormA(**SIZE), titles="A and C"), ValueError, ("2 blocks", "has 1")),
    (lambda: complete(FormC(**SIZE), FormC(**STAGE_START)), ValueError, ("28×28 and 56×56 after conv2", "one stride")),
    (
        lambda: complete(*[FormA(**STAGE_START)] * 3),
        ValueError,
        ("points more than a column of 3 has", "fewer blocks"),
    ),
    (
        lambda: complete(FormA(**SIZE), FormC(**SIZE), titles=["The form with a path for each", "C"]),
        ValueError,
        ("The form with a path for each", "shorter titles"),
    ),
]


@pytest.mark.sampled(8)
@pytest.mark.parametrize(("call", "error", "words"), REFUSED)
def test_what_cannot_be_drawn_is_refused_in_our_words(call, error, words):
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value), str(caught.value)
