"""Whatever a public function of the core is given, it works or says in our words what is wrong: the table of what was tried.

Our words: the error is raised by a line of resnext_lib, is a ``TypeError``, ``ValueError`` or ``FileNotFoundError``,
and names the argument. Torch's own words, an ``AttributeError`` and a wrong result all fail here.
"""

import inspect
import math
from functools import partial
from pathlib import Path

import numpy
import pytest
import torch
from torch import nn
from torch.testing import assert_close

import resnext_lib
from resnext_lib import blocks, complexity, descendants, forms, networks, weights
from resnext_lib.blocks import Bottleneck, Inception
from resnext_lib.descendants import ConvNeXtBlock, DepthwiseSeparable, RegNetX, SEBottleneck, SqueezeExcitation, XBlock
from resnext_lib.forms import FormA, FormB
from resnext_lib.networks import CifarResNeXt, GoogLeNet, ResNeXt, small_resnext

FOLDER = Path(resnext_lib.__file__).parent
OURS = (TypeError, ValueError, FileNotFoundError)


def assert_our_words(call, *named):
    """``call()`` fails on a line of the library, with every one of ``named`` in the message."""
    with pytest.raises(Exception) as caught:  # noqa: B017 -- which one is looked at below
        call()
    assert isinstance(caught.value, OURS), f"{type(caught.value).__name__}: {caught.value}"
    raised_in = Path(str(caught.traceback[-1].path))
    assert raised_in.is_relative_to(FOLDER), f"raised in {raised_in}: {caught.value}"
    missing = [words for words in named if words not in str(caught.value)]
    assert not missing, f"{missing} not in: {caught.value}"


# ------------------------------------------------------------------ arguments: what was tried for each kind

BLOCK = Bottleneck(8, 8, 8, 2)
STATE = BLOCK.state_dict()
BAD = {
    "count": [None, True, "4", b"4", 4.0, math.nan, math.inf, -1, 0, [], (2, 2), {}, torch.zeros(2), numpy.ones(2)],
    "counts": [
        None,
        True,
        3,
        4.0,
        math.nan,
        "3463",
        b"34",
        {3: 4},
        (0, 4, 6, 3),
        (3, -4, 6, 3),
        (3, 4, 6.0, 3),
        (3, None, 6, 3),
        (3, True, 6, 3),
        (3, math.nan, 6, 3),
        ("3", "4", "6", "3"),
        (),
        (3,),
        torch.tensor(3),
        numpy.float64(3),
    ],
    "number": [None, True, "26", math.nan, math.inf, -math.inf, [], (1,), -1],
    "switch": [None, "no", 0, 1, 1.0, [], math.nan],
    "module": [None, True, "network", 3, math.nan, [], {}, Bottleneck, torch.zeros(2), STATE],
    "state": [
        None,
        True,
        "state",
        3,
        math.nan,
        [],
        {},
        set(),
        BLOCK,
        torch.zeros(2),
        {"weight": torch.zeros(2)},
        {0: torch.zeros(2)},
    ],
    "source": [
        None,
        True,
        "nowhere.pth",
        "",
        "tests",
        Path("nowhere.pth"),
        b"bytes",
        3,
        math.nan,
        [],
        {},
        set(),
        BLOCK,
        torch.zeros(2),
        [torch.zeros(2)],
        {"state_dict": {}},
        {"epoch": 3},
        {0: torch.zeros(2)},
        {"a": {"w": torch.zeros(2)}, "b": {"w": torch.zeros(2)}},
    ],
    "block": [None, True, "Bottleneck", 3, math.nan, [], XBlock, BLOCK, nn.ReLU(), lambda channels: nn.Identity()],
    "class": [None, True, "Bottleneck", 3, [], BLOCK],
    "letter": [None, True, "D", "a", "", 3, math.nan, [], {}, torch.zeros(1)],
    "name": [None, True, "", "vgg16", "ResNet50", 3, math.nan, [], {}, "group_width"],
}
WIDTHS = dict(conv1x1=2, reduce3x3=2, conv3x3=2, reduce5x5=2, conv5x5=2, pool_projection=2)
SIZES = dict(in_channels=8, width=8, out_channels=16, cardinality=2, stride=1)
COUNTED = dict.fromkeys(SIZES, "count")
DESIGN = dict(depth=3, initial_width=24, slope=8, multiplier=2.5, group_width=8)
ENDS = dict(num_classes="count", image_channels="count")
PATH = dict(cardinality="count", bottleneck_width="count")
COSTS = (dict(module=BLOCK, input_shape=(8, 4, 4)), dict(module="module", input_shape="counts"))
IN_FORM_C, IN_FORM_A = STATE, FormA(8, 8, 8, 2).state_dict()
IN_FORM_B = FormB(8, 8, 8, 2).state_dict()

# what is called: arguments that work, and the kind of each one that is checked
TABLE = {
    blocks.conv1x1: (
        dict(in_channels=8, out_channels=8, stride=1),
        dict(in_channels="count", out_channels="count", stride="count"),
    ),
    blocks.conv3x3: (
        dict(in_channels=8, out_channels=8, stride=1, cardinality=2),
        dict(in_channels="count", out_channels="count", stride="count", cardinality="count"),
    ),
    blocks.projection: (
        dict(in_channels=8, out_channels=16, stride=2),
        dict(in_channels="count", out_channels="count", stride="count"),
    ),
    blocks.conv_relu: (
        dict(in_channels=8, out_channels=8, kernel_size=3, stride=1, batch_norm=True),
        dict(in_channels="count", out_channels="count", kernel_size="count", stride="count", batch_norm="switch"),
    ),
    blocks.Block: (SIZES, COUNTED),
    blocks.ResidualBlock: (SIZES, COUNTED),
    blocks.Bottleneck: (SIZES, COUNTED),
    blocks.Inception: (
        dict(in_channels=8, **WIDTHS, large_kernel=5, batch_norm=True),
        dict.fromkeys(["in_channels", *WIDTHS, "large_kernel"], "count") | dict(batch_norm="switch"),
    ),
    forms.FormA: (SIZES, COUNTED),
    forms.FormB: (SIZES, COUNTED),
    forms.form_of: (dict(state=STATE), dict(state="state")),
    forms.outside_paths: (dict(state=IN_FORM_A), dict(state="state")),
    forms.number_of_paths: (dict(state=IN_FORM_A), dict(state="state")),
    forms.a_to_b: (dict(state=IN_FORM_A), dict(state="state")),
    forms.b_to_c: (dict(state=IN_FORM_B), dict(state="state")),
    forms.c_to_a: (dict(state=IN_FORM_C), dict(state="state")),
    forms.to_form: (dict(state=STATE, form="A"), dict(state="state", form="letter")),
    forms.copy_weights: (dict(source=BLOCK, target=FormA(8, 8, 8, 2)), dict(source="module", target="module")),
    networks.group_width: (
        dict(bottleneck_width=4, stage_width=64, round_down=False),
        dict(bottleneck_width="count", stage_width="count", round_down="switch"),
    ),
    networks.make_stage: (
        dict(
            block_class=Bottleneck,
            in_channels=8,
            stage_width=64,
            count=1,
            stride=1,
            cardinality=1,
            bottleneck_width=4,
            round_down=False,
        ),
        dict(
            block_class="block",
            in_channels="count",
            stage_width="count",
            count="count",
            stride="count",
            **PATH,
            round_down="switch",
        ),
    ),
    networks.initialise: (
        dict(network=BLOCK, zero_init_residual=False),
        dict(network="module", zero_init_residual="switch"),
    ),
    networks.ResNeXt: (
        dict(
            blocks_per_stage=(1, 1, 1, 1),
            cardinality=1,
            bottleneck_width=1,
            num_classes=2,
            image_channels=1,
            zero_init_residual=False,
            block=Bottleneck,
        ),
        dict(blocks_per_stage="counts", **PATH, **ENDS, zero_init_residual="switch", block="block"),
    ),
    networks.CifarResNeXt: (
        dict(
            depth=11,
            cardinality=1,
            bottleneck_width=1,
            num_classes=2,
            image_channels=1,
            stage_widths=(64, 64, 64),
            stem_stride=1,
            zero_init_residual=False,
            block=Bottleneck,
            round_down=False,
        ),
        dict(
            depth="count",
            **PATH,
            **ENDS,
            stage_widths="counts",
            stem_stride="count",
            zero_init_residual="switch",
            block="block",
            round_down="switch",
        ),
    ),
    networks.small_resnext: (dict(cardinality=1, bottleneck_width=4, depth=11), dict(**PATH, depth="count")),
    networks.AuxiliaryHead: (
        dict(in_channels=8, num_classes=2, batch_norm=True),
        dict(in_channels="count", num_classes="count", batch_norm="switch"),
    ),
    networks.GoogLeNet: (
        dict(num_classes=2, image_channels=1, large_kernel=3, batch_norm=True, auxiliary_heads=False),
        dict(**ENDS, large_kernel="count", batch_norm="switch", auxiliary_heads="switch"),
    ),
    complexity.count_parameters: (dict(module=BLOCK), dict(module="module")),
    complexity.layer_macs: (dict(layer=BLOCK.conv1, output_shape=(8, 4, 4)), dict(layer="module", output_shape="counts")),
    complexity.layer_costs: COSTS,
    complexity.count_macs: COSTS,
    complexity.count_activations: COSTS,
    complexity.stage_costs: COSTS,
    complexity.bottleneck_weights: (
        dict(cardinality=32, group_width=4, channels=256),
        dict(cardinality="count", group_width="count", channels="count"),
    ),
    complexity.width_for_budget: (
        dict(cardinality=32, budget=70_000, channels=256),
        dict(cardinality="count", budget="count", channels="count"),
    ),
    complexity.width_limit: (dict(budget=70_000, channels=256), dict(budget="count", channels="count")),
    descendants.edit: (dict(after=XBlock, before=Bottleneck), dict(after="class", before="class")),
    descendants.SqueezeExcitation: (dict(channels=8, squeezed=2), dict(channels="count", squeezed="count")),
    descendants.SEBottleneck: (SIZES | dict(reduction=2), COUNTED | dict(reduction="count")),
    descendants.seresnext50_32x4d: (dict(reduction=16, num_classes=2, image_channels=1), dict(reduction="count", **ENDS)),
    descendants.XBlock: (
        dict(in_channels=8, out_channels=8, group_width=4, stride=1),
        dict(in_channels="count", out_channels="count", group_width="count", stride="count"),
    ),
    descendants.regnet_stages: (
        DESIGN,
        dict(depth="count", initial_width="count", slope="number", multiplier="number", group_width="count"),
    ),
    descendants.nearest_multiple: (dict(width=56, divisor=40), dict(width="count", divisor="count")),
    descendants.RegNetX: (
        DESIGN | dict(num_classes=2, image_channels=1),
        dict(depth="count", initial_width="count", slope="number", multiplier="number", group_width="count", **ENDS),
    ),
    descendants.DepthwiseSeparable: (
        dict(in_channels=8, out_channels=8, stride=1),
        dict(in_channels="count", out_channels="count", stride="count"),
    ),
    descendants.ConvNeXtBlock: (dict(channels=8), dict(channels="count")),
    weights.describe: (dict(state=STATE), dict(state="state")),
    weights.read_state: (dict(source=STATE), dict(source="source")),
    weights.load_weights: (dict(network=BLOCK, source=STATE), dict(network="module", source="source")),
    weights.pretrained: (dict(name="resnet50", weights="DEFAULT"), dict(name="name", weights="name")),
}
ELSEWHERE = {  # tested below or in the file named
    "Checked": "below, through every block",
    "group_widths": "group_width",
    "path_layers": "conv1x1 and conv3x3, whose errors it passes on",
    "LayerNorm2d": "torch's own layer",
    "trained_small_resnext": "takes nothing (tests/library/test_checkpoint.py)",
    "Cost": "a record",
}
# Here any dictionary of tensors is good enough to be looked at, or the file says more (tests/library/test_weights.py).
FINE = {
    (weights.describe, "state", repr({"weight": torch.zeros(2)})),
    (complexity.layer_macs, "output_shape", "(3,)"),
    # projection is a chapter's cell to the letter: it compares the stride before anything is built.
    (blocks.projection, "stride", repr(torch.zeros(2))),
    (blocks.projection, "stride", repr(numpy.ones(2))),
}
ARGUMENTS = [
    pytest.param(call, argument, kind, id=f"{call.__name__}-{argument}")
    for call, (_, kinds) in TABLE.items()
    for argument, kind in kinds.items()
]
SAID = {"after": "class", "before": "class"}  # where the error has another word for the argument


@pytest.mark.parametrize("call", TABLE, ids=lambda call: call.__name__)
def test_the_arguments_that_the_table_starts_from_work(call, monkeypatch):
    if call is weights.pretrained:  # without a download
        monkeypatch.setattr(weights, "load_weights", lambda network, state: network)
        monkeypatch.setattr("torchvision.models.ResNet50_Weights.get_state_dict", lambda *_, **__: {})
    with torch.device("meta" if inspect.isclass(call) or call is descendants.seresnext50_32x4d else "cpu"):
        call(**TABLE[call][0])


@pytest.mark.parametrize(("call", "argument", "kind"), ARGUMENTS)
def test_fault_11b_a_bad_argument_is_refused_in_our_words(call, argument, kind):
    for value in BAD[kind]:
        if (call, argument, repr(value)) not in FINE:
            arguments = TABLE[call][0] | {argument: value}
            with torch.device("meta"):
                assert_our_words(lambda arguments=arguments: call(**arguments), SAID.get(argument, argument))


def test_every_public_function_of_the_core_is_in_the_table():
    constructors = {
        name
        for name, value in vars(networks).items()
        if inspect.isfunction(value) and list(inspect.signature(value).parameters) == ["options"]
    }
    constructors |= {"regnet_x_3_2gf"}  # they only hand their options on
    known = {call.__name__ for call in TABLE} | set(ELSEWHERE) | constructors
    public = {
        name
        for module in (blocks, forms, networks, complexity, descendants, weights)
        for name, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", None) == module.__name__ and not name.startswith("_")
    }
    assert public - known == set()


# ------------------------------------------------------------------ batches: every network and every block

tiny = partial(CifarResNeXt, 11, 2, 4, image_channels=4)
TAKERS = {  # name: how it is built for batches of 4 channels, and the argument that set them
    "ResNeXt": (partial(ResNeXt, (1, 1, 1, 1), 1, 4, image_channels=4), "image_channels"),
    "CifarResNeXt": (tiny, "image_channels"),
    "small_resnext": (partial(small_resnext, 1, 4, 11, image_channels=4), "image_channels"),
    "GoogLeNet": (partial(GoogLeNet, image_channels=4, num_classes=3), "image_channels"),
    "GoogLeNet with batch norm": (partial(GoogLeNet, image_channels=4, num_classes=3, batch_norm=True), "image_channels"),
    "RegNetX": (partial(RegNetX, 2, 8, 8, 2.5, 8, image_channels=4), "image_channels"),
    "Bottleneck": (partial(Bottleneck, 4, 4, 4, 2), "in_channels"),
    "Bottleneck, stride 2": (partial(Bottleneck, 4, 4, 8, 2, 2), "in_channels"),
    "FormA": (partial(FormA, 4, 4, 4, 2), "in_channels"),
    "FormB": (partial(FormB, 4, 4, 4, 2), "in_channels"),
    "SEBottleneck": (partial(SEBottleneck, 4, 4, 4, 2, reduction=2), "in_channels"),
    "XBlock": (partial(XBlock, 4, 4, 2), "in_channels"),
    "DepthwiseSeparable": (partial(DepthwiseSeparable, 4, 8), "in_channels"),
    "ConvNeXtBlock": (partial(ConvNeXtBlock, 4), "in_channels"),
    "Inception": (partial(Inception, 4, **WIDTHS), "in_channels"),
    "AuxiliaryHead": (partial(networks.AuxiliaryHead, 4, 3, True), "in_channels"),
}
SIDE = 33  # pixels
BATCHES = {  # what is given instead of (2, 4, 33, 33) in float32, and what the error must say
    "None": (lambda x: None, "NoneType"),
    "a list": (lambda x: x.tolist(), "list"),
    "an array": (lambda x: x.numpy(), "ndarray"),
    "a number": (lambda x: 3, "int"),
    "one image": (lambda x: x[0], "unsqueeze(0)"),
    "five dimensions": (lambda x: x[None], "(1, 2, 4, 33, 33)"),
    "no dimension": (lambda x: x.sum(), "()"),
    "three channels": (lambda x: x[:, :3], "(2, 3, 33, 33)"),
    "no channels": (lambda x: x[:, :0], "(2, 0, 33, 33)"),
    "channels last": (lambda x: x.permute(0, 2, 3, 1), "(2, 33, 33, 4)"),
    "bytes": (lambda x: x.to(torch.uint8), "x.to(torch.float32) / 255"),
    "whole numbers": (lambda x: x.long(), "torch.int64"),
    "booleans": (lambda x: x > 0, "torch.bool"),
    "float64": (lambda x: x.double(), "x.to(torch.float32)"),
    "float16": (lambda x: x.half(), "torch.float16"),
    "complex": (lambda x: x.to(torch.complex64), "torch.complex64"),
    "another device": (lambda x: x.to("meta"), "x.to('cpu')"),
    "sparse": (lambda x: x.to_sparse(), "to_dense"),
}
IMAGES = torch.rand(2, 4, SIDE, SIDE, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module", params=TAKERS)
def taker(request):
    build, channels_from = TAKERS[request.param]
    return build(), channels_from


@pytest.mark.sampled(100)
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("given", BATCHES)
def test_fault_6_a_bad_batch_is_refused_in_our_words_and_changes_nothing(taker, given, training):
    module, channels_from = taker
    module.train(training)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    spoil, words = BATCHES[given]
    named = (words, f"{channels_from}=4") if "channels" in given or "dimension" in given else (words,)
    assert_our_words(lambda: module(spoil(IMAGES)), *named)
    assert_close(dict(module.state_dict()), before, rtol=0, atol=0)


@pytest.mark.sampled(16)
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_a_good_batch_passes_and_under_autocast_in_another_precision(taker, training):
    module, _ = taker
    module.train(training)
    assert (module(IMAGES)[0] if isinstance(module(IMAGES), tuple) else module(IMAGES)).isfinite().all()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        module(IMAGES)
        module(IMAGES.bfloat16())
    if not any(isinstance(layer, nn.LocalResponseNorm) for layer in module.modules()):  # torch has none in bfloat16
        module.bfloat16()(IMAGES.bfloat16())
        module.float()


def test_a_readers_hook_may_change_the_batch_before_it_is_looked_at():
    """So does inference_copy in bfloat16."""
    for module in (tiny().eval(), Bottleneck(4, 4, 4).eval()):
        module.double().register_forward_pre_hook(lambda m, inputs: (inputs[0].double(),))
        assert module(IMAGES).dtype == torch.float64


# ------------------------------------------------------------------ too few numbers for batch norm, too small images

SMALLEST = {
    "ResNeXt": 1,
    "CifarResNeXt": 1,
    "small_resnext": 1,
    "GoogLeNet": 31,
    "GoogLeNet with batch norm": 15,
    "RegNetX": 1,
}


@pytest.mark.parametrize("name", SMALLEST)
def test_fault_11_the_smallest_image_is_the_smallest_and_below_it_the_error_says_so(name):
    network, smallest = TAKERS[name][0]().eval(), SMALLEST[name]
    network(torch.rand(1, 4, smallest, 40))
    for height, width in ((smallest - 1, 40), (40, smallest - 1), (0, 0)):
        words = (f"{height}x{width}", f"{smallest}x{smallest} or more", "too small")
        assert_our_words(lambda height=height, width=width: network(torch.rand(1, 4, height, width)), *words)


@pytest.mark.sampled(8)
@pytest.mark.parametrize("name", TAKERS)
def test_the_last_map_has_the_size_that_the_module_says(name):
    """The smallest map that any of its batch norms sees."""
    module = TAKERS[name][0]().eval()
    norms = []
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.register_forward_hook(lambda m, i, o: norms.append(o.shape[2]))
    for size in (*range(SMALLEST.get(name, 1), 70, 3), 97):
        norms.clear()
        module(torch.rand(1, 4, size, max(size, 40)))
        if norms:
            assert min(norms) == module.last_map(size), size


ONE_NUMBER = {  # name: a batch of which batch norm sees one number a channel
    "ResNeXt": (1, 4, 32, 32),
    "CifarResNeXt": (1, 4, 4, 3),
    "small_resnext": (1, 4, 8, 8),
    "RegNetX": (1, 4, 8, 8),
    "GoogLeNet with batch norm": (1, 4, 32, 32),
    "Bottleneck": (1, 4, 1, 1),
    "Bottleneck, stride 2": (1, 4, 2, 2),
    "FormA": (1, 4, 1, 1),
    "FormB": (1, 4, 1, 1),
    "SEBottleneck": (1, 4, 1, 1),
    "XBlock": (1, 4, 1, 1),
    "DepthwiseSeparable": (1, 4, 1, 1),
}


@pytest.mark.parametrize("name", ONE_NUMBER)
def test_fault_11_a_last_batch_of_one_picture_is_refused_in_our_words_and_changes_nothing(name):
    module, shape = TAKERS[name][0]().train(), ONE_NUMBER[name]
    before = {key: value.clone() for key, value in module.state_dict().items()}
    named = (f"1 image of {shape[2]}x{shape[3]}", "train mode", "drop_last=True", "eval()")
    assert_our_words(lambda: module(torch.rand(shape)), *named)
    assert_our_words(lambda: module(torch.rand(0, *shape[1:])), "0 images", "train mode")
    assert_close(dict(module.state_dict()), before, rtol=0, atol=0)
    module(torch.rand(2, *shape[1:]))  # two pictures are enough
    module.eval()(torch.rand(shape))  # and so is eval mode
    assert len(module(torch.rand(0, *shape[1:]))) == 0
    for layer in module.train().modules():  # and frozen statistics
        if isinstance(layer, nn.BatchNorm2d):
            layer.eval()
    module(torch.rand(shape))


def test_fault_11_without_batch_norm_one_picture_is_a_batch():
    GoogLeNet(image_channels=4, num_classes=3).train()(torch.rand(1, 4, 32, 32))
    ConvNeXtBlock(4).train()(torch.rand(1, 4, 1, 1))
    SqueezeExcitation(4, 2).train()(torch.rand(1, 4, 1, 1))
