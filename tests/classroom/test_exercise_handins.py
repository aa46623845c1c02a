"""What students hand in, and how some try to cheat: the visible check and the grading one say the same, and the right thing."""

import copy
import functools
import logging
import math
import sys
from collections import OrderedDict, namedtuple
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch
import torchvision
from scipy.linalg import circulant
from test_exercises import CHECKS, NETWORK_CHECKS, RIGHT, Block, OwnFormA, ThreeA, spoilt
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_weights

from resnext_lib import blocks, complexity, data, descendants, exercises, forms, networks

SEED = 1611
WHOLE = {"output_size", "budget_width"}  # "a whole number, an int": a float is refused, by both
CLASSES = {"inception_3a", "bottleneck", "resnext_block", "form_a", "x_block"}
VALUES = {"common_factor", "miscounts", "path_reach", "form_c_shapes", "small_change", "steps_to_convnext", "what_follows"}


def both(name, answer):
    """The verdicts of the student's check and of the one that grades."""
    return CHECKS[name](answer), CHECKS[name].graded(answer, SEED)


# ------------------------------------------------------------------ P4: one comparison, whatever the kind of the answer

Answer = namedtuple("Answer", "first second")


def containers(value, make):
    """``value`` with every tuple and list in it made anew."""
    if isinstance(value, dict):
        return {key: containers(part, make) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        return make([containers(part, make) for part in value])
    return value


def numbers(value, make):
    """``value`` with every number in it made anew."""
    if isinstance(value, dict):
        return {key: numbers(part, make) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        return (list if isinstance(value, list) else tuple)(numbers(part, make) for part in value)
    return make(value) if isinstance(value, (bool, int, float)) else value


def tensors(value, make):
    """``value`` with every tensor in it made anew."""
    if isinstance(value, dict):
        return {key: tensors(part, make) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(tensors(part, make) for part in value)
    return make(value) if isinstance(value, torch.Tensor) else value


def as_one(value, make):
    """A tuple or list of plain numbers as one array or tensor."""
    flat = value if isinstance(value, (tuple, list)) else ()
    plain = [part for row in flat for part in (row if isinstance(row, (tuple, list)) else [row])]
    return make(value) if flat and all(isinstance(part, (int, float)) for part in plain) else value


def whole(value):
    """An int where the number is whole, for kinds of whole numbers."""
    return int(value) if value == int(value) else value


KINDS = {
    "lists": lambda v: containers(v, list),
    "tuples": lambda v: containers(v, tuple),
    "a namedtuple": lambda v: containers(v, lambda parts: Answer(*parts) if len(parts) == 2 else tuple(parts)),
    "an ordered dictionary": lambda v: OrderedDict(v) if isinstance(v, dict) else v,
    "NumPy's integers": lambda v: numbers(v, lambda n: np.int64(n) if n == int(n) else np.float64(n)),
    "NumPy's float64": lambda v: numbers(v, np.float64),
    "NumPy's float32": lambda v: numbers(v, np.float32),
    "NumPy's bool": lambda v: numbers(v, lambda n: np.bool_(n) if isinstance(n, bool) else n),
    "0 and 1 for bools": lambda v: numbers(v, lambda n: int(n) if isinstance(n, bool) else n),
    "bools for 0 and 1": lambda v: numbers(v, lambda n: bool(n) if n in (0, 1) else n),
    "arrays of one number": lambda v: numbers(v, np.array),
    "arrays": lambda v: as_one(v, np.array),
    "tensors of one number": lambda v: numbers(v, torch.tensor),
    "float32 tensors of one number": lambda v: numbers(v, lambda n: torch.tensor(n, dtype=torch.float32)),
    "float64 tensors of one number": lambda v: numbers(v, lambda n: torch.tensor(n, dtype=torch.float64)),
    "tensors": lambda v: as_one(v, torch.tensor),
    "float64 tensors": lambda v: tensors(as_one(v, lambda n: torch.tensor(n, dtype=torch.float64)), torch.Tensor.double),
    "float32 tensors": lambda v: tensors(v, lambda t: t.float() if t.is_floating_point() else t),
    "arrays for tensors": lambda v: tensors(v, lambda t: t.detach().numpy()),
    "tensors with a gradient": lambda v: tensors(v, lambda t: t.double().requires_grad_() if t.is_floating_point() else t),
    "fractions": lambda v: numbers(v, Fraction),
    "decimals": lambda v: numbers(v, lambda n: Decimal(n)),
}
FLOATS = {"NumPy's float64", "NumPy's float32", "float32 tensors of one number", "float64 tensors of one number"}


def converted(answer, change, name):
    return change(answer) if name in VALUES else lambda *arguments: change(answer(*arguments))


PLAIN = sorted(set(CHECKS) - CLASSES - NETWORK_CHECKS - {"steps_to_convnext", "only_path"})


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", PLAIN)
def test_P4_a_right_answer_is_right_in_every_kind_for_both(name):
    for answer in RIGHT[name]:
        for kind, change in KINDS.items():
            visible, graded = both(name, converted(answer, change, name))
            refused = name in WHOLE and kind in FLOATS
            assert visible.passed == graded.passed == (not refused), f"{kind}: {visible}; graded: {graded}"


@pytest.mark.parametrize("name", ["convolution_cost", "all_positive", "differences"])
def test_P4_half_precision_is_refused_by_both(name):
    for half in (np.float16, lambda n: torch.tensor(n, dtype=torch.bfloat16)):
        with np.errstate(over="ignore"):
            verdicts = both(name, converted(RIGHT[name][0], lambda v, half=half: numbers(v, half), name))
        assert all(not verdict and "keeps three digits only" in verdict.message for verdict in verdicts)


def logs(answer):
    """``answer``, with a log that writes to the stream of errors as it was before."""
    handler = logging.StreamHandler(sys.stderr)

    def logged(*arguments):
        log = logging.getLogger("student")
        log.addHandler(handler)
        log.warning("called with %s", arguments)
        log.removeHandler(handler)
        return answer(*arguments)

    return logged


def prints(answer):
    def printed(*arguments):
        print(arguments)
        print("look", file=sys.stderr)
        return answer(*arguments)

    return printed


class Callable:
    def __init__(self, answer):
        self.answer = answer

    def __call__(self, *arguments):
        return self.answer(*arguments)

    def method(self, *arguments, verbose=False):
        return self.answer(*arguments)


def with_defaults(answer):
    return lambda *arguments, debug=False, name="mine": answer(*arguments)


STYLES = {
    "logs": logs,
    "prints": prints,
    "callable object": Callable,
    "bound method": lambda answer: Callable(answer).method,
    "extra defaults": with_defaults,
    "partial": functools.partial,
    "decorated": lambda answer: functools.wraps(answer)(lambda *arguments: answer(*arguments)),
}


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", sorted(set(PLAIN) - VALUES | {"only_path"}))
def test_P4_functions_of_every_style_are_right_for_both(name):
    for style, change in STYLES.items():
        for verdict in both(name, change(RIGHT[name][0])):
            assert verdict, f"{style}: {verdict}"


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_P4_classes_and_factories_are_right_for_both(name):
    for verdict in both(name, prints(with_defaults(RIGHT[name][0]))):
        assert verdict


@pytest.mark.sampled(20)
@pytest.mark.parametrize("name", sorted(set(CHECKS) - NETWORK_CHECKS - CLASSES))
@pytest.mark.parametrize("seed", range(5))
def test_P4_right_answers_are_right_for_whatever_inputs_are_drawn(name, seed):
    for answer in RIGHT[name]:
        assert CHECKS[name].graded(answer, seed)


def drawn(name):
    """The cases of a grading check, as it hands them to a right answer."""
    seen = []

    def answer(*arguments):
        seen.append([a if isinstance(a, (int, float, str, tuple)) else repr(a) for a in arguments])
        return RIGHT[name][0](*arguments)

    return answer, seen


@pytest.mark.sampled(16)
@pytest.mark.parametrize("name", sorted(set(PLAIN) - VALUES))
def test_fault_20_hidden_inputs_differ_from_the_visible_ones(name):
    (first, visible), (second, hidden) = drawn(name), drawn(name)
    assert CHECKS[name](first) and CHECKS[name].graded(second, SEED)
    assert hidden and not [case for case in hidden if case in visible]


def test_P4_a_right_float32_answer_is_right():
    """As PyTorch makes tensors by itself."""

    def by_layers(x, weight, groups):
        layers = [
            nn.Conv2d(p.shape[1], len(w), 3, padding=1, bias=False)
            for p, w in zip(x.chunk(groups, 1), weight.chunk(groups), strict=True)
        ]
        with torch.no_grad():
            for layer, w in zip(layers, weight.chunk(groups), strict=True):
                layer.weight.copy_(w)
            return torch.cat([layer(piece) for layer, piece in zip(layers, x.chunk(groups, 1), strict=True)], 1)

    for verdict in both("side_by_side", by_layers):
        assert verdict
    for verdict in both("merge_last_layers", lambda w, b: (torch.cat(w, 1).float(), sum(b).float())):
        assert verdict


# ------------------------------------------------------------------ 20: who did the work

TORCHVISION = torchvision.models.resnet.Bottleneck


def torchvisions_block(i, w, o, c, s):
    project = nn.Sequential(nn.Conv2d(i, o, 1, s, bias=False), nn.BatchNorm2d(o)) if s > 1 or i != o else None
    made = TORCHVISION(i, o // 4, s, project)
    made.conv1, made.bn1 = nn.Conv2d(i, w, 1, bias=False), nn.BatchNorm2d(w)
    made.conv2, made.bn2 = nn.Conv2d(w, w, 3, s, 1, groups=c, bias=False), nn.BatchNorm2d(w)
    made.conv3, made.bn3 = nn.Conv2d(w, o, 1, bias=False), nn.BatchNorm2d(o)
    return made


class Wrapper(nn.Module):
    """A module of the student's own by name."""

    def __init__(self, *arguments):
        super().__init__()
        self.inner = blocks.Bottleneck(*arguments)

    def forward(self, x):
        return self.inner(x)


class Subclass(blocks.ResidualBlock):
    """The library adds the shortcut and the ReLU."""

    def __init__(self, i, w, o, c, s):
        super().__init__(i, w, o, c, s)
        own = Block(i, w, o, c, s)
        self.body = nn.Sequential(own.conv1, own.bn1, nn.ReLU(), own.conv2, own.bn2, nn.ReLU(), own.conv3, own.bn3)
        self.project = own.project

    def transform(self, x):
        return self.body(x)

    def shortcut(self, x):
        return x if self.project is None else self.project(x)


def renamed(function):
    """The same code under another name, with other globals."""
    return type(function)(function.__code__, dict(function.__globals__, __name__="__main__"), "mine", function.__defaults__)


def grouped(x, weight, groups):
    return functional.conv2d(x, weight, padding=1, groups=groups)


def by_layer(x, weight, groups):
    layer = nn.Conv2d(x.shape[1], len(weight), 3, padding=1, groups=groups, bias=False)
    layer.weight = nn.Parameter(weight)
    return layer(x).detach()


def in_a_thread(c):
    import threading

    found = []
    thread = threading.Thread(target=lambda: found.append(complexity.width_for_budget(c)))
    thread.start()
    thread.join()
    return found[0]


def built_stage(i, w, o, c, n):
    layers = [Block(i, w, o, c, 1, always=True), *(Block(o, w, o, c, 1) for _ in range(n - 1))]
    return sum(p.numel() for layer in layers for p in layer.parameters())


def moments_of_the_library(pixels):
    return data.mean_and_spread(data.Images(pixels, torch.zeros(len(pixels)), ()))


class Scripted(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = blocks.Inception(192, **networks.GOOGLENET_MODULES["3a"])

    def forward(self, x):
        return self.inner.forward(x)


DELEGATED = {
    "a library function renamed": (
        "budget_width",
        complexity.width_for_budget,
        "resnext_lib.complexity.width_for_budget does the work",
    ),
    "in a lambda": ("budget_width", lambda c: complexity.width_for_budget(c), "width_for_budget does the work"),
    "its code under another name": ("budget_width", renamed(complexity.width_for_budget), "does the work"),
    "in a partial": ("budget_width", functools.partial(complexity.width_for_budget, budget=69_632), "does the work"),
    "in a thread": ("budget_width", in_a_thread, "does the work"),
    "the library's weights": (
        "convolution_cost",
        lambda i, o, k, h, w: (complexity.count_parameters(nn.Conv2d(i, o, k, bias=False)), i * o * k * k * h * w),
        "count_parameters does the work",
    ),
    "the library's counter": (
        "all_grouped",
        lambda i, w, o, c: (
            sum(
                complexity.count_parameters(nn.Conv2d(*sizes, groups=c, bias=False))
                for sizes in ((i, w, 1), (w, w, 3), (w, o, 1))
            ),
            i // c,
        ),
        "count_parameters does the work",
    ),
    "the library's map": ("b_to_c_map", forms.b_to_c, "resnext_lib.forms.b_to_c does the work"),
    "the library's map by another": ("b_to_c_map", lambda state: forms.to_form(state, "C"), "does the work"),
    "the library's block": ("resnext_block", blocks.Bottleneck, "Bottleneck comes from resnext_lib; write it with nn only"),
    "a wrapper round it": ("resnext_block", Wrapper, "Bottleneck comes from resnext_lib"),
    "a subclass of its base": ("resnext_block", Subclass, "ResidualBlock comes from resnext_lib"),
    "torchvision's block": ("resnext_block", torchvisions_block, "Bottleneck comes from torchvision; write it with nn only"),
    "torchvision's in another exercise": (
        "bottleneck",
        lambda i, w, o, s: torchvisions_block(i, w, o, 1, s),
        "comes from torchvision",
    ),
    "the library's form A": ("form_a", forms.FormA, "FormA comes from resnext_lib"),
    "the library's Inception": ("inception_3a", Scripted, "Inception comes from resnext_lib"),
    "the library's X block": ("x_block", descendants.XBlock, "resnext_lib.descendants.XBlock does the work"),
    "groups by a function": ("side_by_side", grouped, "a convolution with groups=4 did it"),
    "groups by a layer": ("side_by_side", by_layer, "a convolution with groups="),
    "groups by PyTorch's own operator": (
        "side_by_side",
        lambda x, w, g: torch.ops.aten.convolution(x, w, None, [1, 1], [1, 1], [1, 1], False, [0, 0], g),
        "did it",
    ),
    "groups without gradients": ("side_by_side", torch.inference_mode()(grouped), "did it"),
    "a convolution for a matrix": (
        "pointwise",
        lambda x, w: functional.conv2d(x, w[:, :, None, None]),
        "use matrix multiplication only",
    ),
    "one of one dimension": (
        "pointwise",
        lambda x, w: functional.conv1d(x.flatten(2), w[:, :, None]).reshape(len(x), -1, *x.shape[2:]),
        "use matrix",
    ),
    "layers that are counted": ("stage_parameters", built_stage, "layers are built"),
    "the library's moments": ("channel_moments", moments_of_the_library, "resnext_lib.data.mean_and_spread does the work"),
    "the library's gate": (
        "se_parameters",
        lambda c, r: complexity.count_parameters(descendants.SqueezeExcitation(c, c // r)),
        "does the work",
    ),
    "torchvision's gate": (
        "se_parameters",
        lambda c, r: sum(p.numel() for p in torchvision.ops.SqueezeExcitation(c, c // r).parameters()),
        "does the work",
    ),
    "torch's folding": ("fold", lambda w, g, b, m, v, e: fuse_conv_bn_weights(w, None, m, v, e, g, b), "does the work"),
}


@pytest.mark.sampled(14)
@pytest.mark.parametrize("kind", DELEGATED)
def test_fault_20_an_answer_that_lets_others_work_gets_a_sentence_from_both(kind):
    name, answer, words = DELEGATED[kind]
    visible, graded = both(name, answer)
    assert not visible and words in visible.message, visible
    assert not graded and "\n" not in repr(graded), graded


def test_fault_20_only_what_is_called_counts_and_not_its_name():
    def width_for_budget(c):
        return min(range(1, 65), key=lambda d: abs(c * (512 * d + 9 * d * d) - 69_632))

    assert all(both("budget_width", width_for_budget))
    mapped = torch.vmap(lambda x, w: functional.conv2d(x, w, padding=1))  # PyTorch makes one grouped convolution of it
    assert all(
        both("side_by_side", lambda x, w, g: torch.cat(list(mapped(torch.stack(x.chunk(g, 1)), torch.stack(w.chunk(g)))), 1))
    )


def test_fault_20_a_profiler_that_runs_goes_on():
    seen = []
    sys.setprofile(lambda *event: seen.append(event))
    try:
        exercises.budget_width(RIGHT["budget_width"][0])
        kept = sys.getprofile()
    finally:
        sys.setprofile(None)
    assert kept is not None and seen


# ------------------------------------------------------------------ right in an unusual style


def by_unfolding(x, weight):
    return (weight @ x.flatten(2)).reshape(len(x), len(weight), *x.shape[2:])


def by_running(size, kernel, stride, padding):
    return nn.Conv2d(1, 1, kernel, stride, padding)(torch.zeros(1, 1, size, size)).shape[-1]


def dense_instead(x, weight, groups):
    full = torch.block_diag(*(piece.flatten(1) for piece in weight.chunk(groups)))
    return functional.conv2d(x, full.reshape(len(weight), x.shape[1], 3, 3), padding=1)


class FunctionalBlock(nn.Module):
    """Everything in one line of forward, with the projection in a dictionary."""

    def __init__(self, in_channels, width, out_channels, cardinality=1, stride=1):
        super().__init__()
        self.parts = nn.ModuleDict(
            {
                "last": nn.Conv2d(width, out_channels, 1, bias=False),
                "middle": nn.Conv2d(width, width, 3, stride, 1, groups=cardinality, bias=False),
                "first": nn.Conv2d(in_channels, width, 1, bias=False),
                "n1": nn.BatchNorm2d(width),
                "n2": nn.BatchNorm2d(width),
                "n3": nn.BatchNorm2d(out_channels),
            }
        )
        self.side = nn.Sequential()
        if (in_channels, 1) != (out_channels, stride):
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x):
        p = self.parts
        y = p["n3"](p["last"](p["n2"](p["middle"](p["n1"](p["first"](x)).relu())).relu()))
        return functional.relu(y + self.side(x), inplace=True)


def recursive_field(layers):
    if not layers:
        return 1
    kernel, stride = layers[0]
    return kernel + (recursive_field(layers[1:]) - 1) * stride


UNUSUAL = {
    "a recursion": ("receptive_field", recursive_field),
    "a matrix product": ("pointwise", by_unfolding),
    "einsum": ("pointwise", lambda x, w: torch.einsum("oc,nc...->no...", w, x)),
    "a linear layer": ("pointwise", lambda x, w: functional.linear(x.movedim(1, -1), w).movedim(-1, 1)),
    "a layer that is run": ("output_size", by_running),
    "floor of a division": ("output_size", lambda n, k, s, p: math.floor((n + 2 * p - k) / s) + 1),
    "one dense convolution": ("side_by_side", dense_instead),
    "np.median": ("times_as_fast", lambda a, b: np.median(a) / np.median(b)),
    "scipy's ring": ("no_paths", lambda c, r: circulant([1] * r + [0] * (c - r))),
    "a rolled identity": ("no_paths", lambda c, r: sum(torch.eye(c).roll(step, 0) for step in range(r))),
    "a generator's list": ("differences", lambda a, b: [*(a[s] - b[s] for s in sorted(set(a) & set(b)))]),
    "NumPy's gcd": ("valid_groups", lambda i, o: [g for g in range(1, i + 1) if np.gcd.reduce([g, i, o]) == g]),
    "a functional block": ("resnext_block", FunctionalBlock),
    "a block made by a function": ("bottleneck", lambda i, w, o, s: FunctionalBlock(i, w, o, 1, s)),
    "conv3x3 of the chapter": ("resnext_block", lambda i, w, o, c, s: with_helpers(i, w, o, c, s)),
    "padding='same'": ("inception_3a", lambda: SameInception()),
    "an exact fraction": ("whole_speedup", lambda s, f: 1 / (1 - Fraction(s) + Fraction(s) / Fraction(f))),
    "numbers of a sum": ("class_accuracy", lambda y, a: {int(n): (a[y == n] == n).float().mean() for n in y.unique()}),
    "NumPy's moments": ("channel_moments", lambda p: ((p.numpy() / 255).mean((0, 2, 3)), (p.numpy() / 255).std((0, 2, 3)))),
    "a product's list": ("stage_widths", lambda c, d: np.array([[c, d * 2**i, c * d * 2**i] for i in range(4)])),
    "other columns": ("only_path", lambda block, path: masked(block, path)),
    "a spelt-out bool": ("projection_needed", lambda i, o, s: not (i == o and s == 1)),
    "a generator": (
        "first_difference",
        lambda ours, theirs, x: next(
            (
                n
                for n in range(len(ours))
                if not torch.equal(nn.Sequential(*ours[: n + 1])(x), nn.Sequential(*theirs[: n + 1])(x))
            ),
            len(ours),
        ),
    ),
    "counts of answers": (
        "paired_loss",
        lambda b, a: (100 * (b.sum() - a.sum()) / len(b), 100 * np.std(b.numpy() * 1.0 - a.numpy()) / len(b) ** 0.5),
    ),
}


def with_helpers(i, w, o, c, s):
    made = Block(i, w, o, c, s)
    made.conv1, made.conv2, made.conv3 = blocks.conv1x1(i, w), blocks.conv3x3(w, w, s, c), blocks.conv1x1(w, o)
    return made


class SameInception(ThreeA):
    def __init__(self):
        super().__init__()
        self.large, self.middle = nn.Conv2d(16, 32, 5, padding="same"), nn.Conv2d(96, 128, 3, padding="same")


def masked(block, path):
    block = copy.deepcopy(block)
    d = block.width // block.cardinality
    mask = torch.zeros(block.width, dtype=block.conv3.weight.dtype)
    mask[path * d : (path + 1) * d] = 1
    block.conv3.register_forward_pre_hook(lambda _layer, inputs: (inputs[0] * mask.to(inputs[0].dtype).view(1, -1, 1, 1),))
    return block


@pytest.mark.sampled(12)
@pytest.mark.parametrize("style", UNUSUAL)
def test_P4_right_in_an_unusual_style(style):
    name, answer = UNUSUAL[style]
    for verdict in both(name, answer):
        assert verdict, verdict


# ------------------------------------------------------------------ typical mistakes, wrong kinds, code that fails


class SpokenError(Exception):
    def __str__(self):
        raise ValueError("no text")


class LongError(Exception):
    def __str__(self):
        return "x" * 10**6


class NoRepr:
    def __repr__(self):
        raise RuntimeError("no")


def stop(error):
    def answer(*_arguments):
        raise error

    return answer


class NoReturn(Block):
    def forward(self, x):
        torch.relu(self.transform(x) + self.shortcut(x))


class TupleReturned(Block):
    def forward(self, x):
        return super().forward(x), x


class OtherEps(Block):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.bn2.eps = 1e-3


class Gelu(Block):
    def forward(self, x):
        return functional.gelu(self.transform(x) + self.shortcut(x))


class LeakyInside(Block):
    def transform(self, x):
        y = functional.leaky_relu(self.bn1(self.conv1(x)))
        return self.bn3(self.conv3(torch.relu(self.bn2(self.conv2(y)))))


class OwnCall(Block):
    def __call__(self, x):
        return super().__call__(x)


class GeluA(OwnFormA):
    def forward(self, x):
        return functional.gelu(self.norm(sum(path(x) for path in self.paths)) + self.project(x))


class NoReturnA(OwnFormA):
    def forward(self, x):
        self.norm(sum(path(x) for path in self.paths))


class NothingFromInception(ThreeA):
    def forward(self, x):
        super().forward(x)


RETURN = "is `return` missing?"
MISTAKES = {  # fault: exercise, answer, words
    "26a, SystemExit": ("output_size", stop(SystemExit(3)), "your code raised SystemExit: 3"),
    "26a, an exit inside a block": ("resnext_block", stop(SystemExit()), "your code raised SystemExit"),
    "26a, an error whose text raises": (
        "output_size",
        stop(SpokenError()),
        "your code raised SpokenError: (its text cannot be shown)",
    ),
    "26a, an error with an endless text": ("output_size", stop(LongError()), "x ..."),
    "26a, GeneratorExit": ("count_depth", stop(GeneratorExit()), "your code raised GeneratorExit"),
    "26a, an exit of a test": ("write_a_test", stop(SystemExit(1)), "on the right network your test raised SystemExit"),
    "26a, an object that cannot be printed": ("output_size", lambda *a: NoRepr(), "give a number, not NoRepr"),
    "26a, forward without return": ("resnext_block", NoReturn, "your forward returns nothing: " + RETURN),
    "26a, form A's forward without return": ("form_a", NoReturnA, "your forward returns nothing: " + RETURN),
    "26a, Inception's forward without return": (
        "inception_3a",
        NothingFromInception,
        "your forward returns nothing: " + RETURN,
    ),
    "26a, a tuple from forward": ("resnext_block", TupleReturned, "your forward returns a tuple, not a tensor"),
    "26a, a list with duplicates": (
        "valid_groups",
        lambda i, o: sorted([1, *RIGHT["valid_groups"][0](i, o)]),
        "[1] is in the list more than once",
    ),
    "26a, another eps": ("resnext_block", OtherEps, "a batch norm has eps=0.001; leave eps out"),
    "26a, GELU": ("resnext_block", Gelu, "there is a GELU where a ReLU belongs"),
    "26a, GELU in form A": ("form_a", GeluA, "there is a GELU where a ReLU belongs"),
    "26a, a leaky ReLU inside": ("resnext_block", LeakyInside, "there is a LeakyReLU where a ReLU belongs"),
    "26a, a class without forward": ("resnext_block", lambda *a: nn.Module(), "there is no 3x3"),
    "27, prints instead of returning": ("budget_width", lambda c: print(c), "your function returns nothing: " + RETURN),
    "27, prints two numbers": ("convolution_cost", lambda *a: print(*a), "your function returns nothing: " + RETURN),
    "27, prints a list": ("stage_widths", lambda c, d: print(c, d), "your function returns nothing: " + RETURN),
    "27, prints a truth": ("projection_needed", lambda *a: print(True), "your function returns nothing: " + RETURN),
    "27, a number for a function": ("budget_width", 4, "give a function, its name without brackets, not int"),
    "27, a result for a function": (
        "stage_widths",
        [(32, 4, 128)] * 4,
        "give a function, its name without brackets, not list",
    ),
    "27, a tensor for a function": ("pointwise", torch.zeros(2, 3), "not Tensor"),
    "27, a text for a function": ("output_size", "(n + 2p - k) // s + 1", "not str"),
    "27, a class for a function": ("output_size", Block, "give a function, not the class Block"),
    "27, an instance for a class": ("resnext_block", Block(8, 8, 8), "give the class itself, without brackets"),
    "27, an instance of Inception": ("inception_3a", ThreeA(), "give the class itself, without brackets"),
    "27, a list for a class": ("form_a", [OwnFormA], "give a class whose objects are nn.Modules, not list"),
    "27, a number for a class": ("bottleneck", 3, "give a class whose objects are nn.Modules, not int"),
    "27, a class that is no module": (
        "bottleneck",
        type("B", (), {"__init__": lambda self, *a: None}),
        "give a class whose objects are nn.Modules, not B",
    ),
    "27, a factory without return": ("resnext_block", lambda *a: None, RETURN),
    "27, a class for an instance": ("small_change", networks.ResNeXt, "give a network, not a class"),
    "27, classes for instances": (
        "steps_to_convnext",
        {"resnextify": blocks.Bottleneck, "inverted": blocks.Bottleneck},
        "give a block made by Bottleneck(...)",
    ),
    "27, a function for a number": ("common_factor", lambda: 1.47, "give a number, not function"),
    "27, a function for a dictionary": ("path_reach", lambda: {"reads": 256}, "give a dictionary with the keys"),
    "27, a list for a dictionary": ("what_follows", [True, False, False, True], "give a dictionary, not list"),
    "27, texts in a dictionary": ("path_reach", {"reads": "256", "middle": "4", "reaches": "256"}, "give a number, not str"),
    "27, numbers for shapes": ("form_c_shapes", {"conv1": 256, "conv2": 256, "conv3": 256}, "conv1: give a shape, not int"),
    "27, too few arguments": (
        "output_size",
        lambda size, kernel: size,
        "with (size, kernel, stride, padding), but it takes (size, kernel)",
    ),
    "27, too many arguments": ("count_depth", lambda a, b, c, d: a + b + c + d, "with (blocks), but it takes (a, b, c, d)"),
    "27, a class with too few arguments": ("resnext_block", nn.Identity, "there is no 3x3"),
    "27, a class of other arguments": ("bottleneck", ThreeA, "6 of 6 convolutions have a bias"),
    "27, arguments for 3a": ("inception_3a", nn.ReLU6, "lacks its 1x1"),
    "27, a text for a number": ("all_positive", lambda *a: "12.3", "give a number, not str"),
    "27, a complex number": ("all_positive", lambda *a: 0.1 + 0j, "give a number, not complex"),
    "27, an iterator for a list": ("valid_groups", lambda i, o: iter([1]), "return a list, not list_iterator"),
    "27, a set for a list": ("valid_groups", lambda i, o: {1, 2}, "return a list, not set"),
    "27, a dictionary for a pair": ("convolution_cost", lambda *a: {"parameters": 1, "MACs": 2}, "return two numbers"),
    "27, three numbers for a pair": ("convolution_cost", lambda *a: (1, 2, 3), "return two numbers"),
    "27, texts in a list": ("differences", lambda a, b: ["a", "b", "c"], "give a number, not str"),
    "27, a list of lists": ("valid_groups", lambda i, o: [[1]] * 3, "give a number, not list"),
    "27, NaN": ("whole_speedup", lambda s, f: float("nan"), "not nan"),
    "27, infinity": ("all_positive", lambda n: math.inf, "not inf"),
    "27, an empty list": ("valid_groups", lambda i, o: [], "1 is missing"),
    "27, a meta tensor": ("pointwise", lambda x, w: torch.zeros(2, 3, 5, 4, device="meta"), "it is on the device meta"),
    "27, an undefined name": ("output_size", lambda *a: undefined_name, "your code raised NameError"),  # noqa: F821
    "27, a division by zero": ("all_positive", lambda *a: 1 / 0, "your code raised ZeroDivisionError"),
    "27, an endless recursion": (
        "count_depth",
        lambda blocks: MISTAKES["27, an endless recursion"][1](blocks),
        "your code raised RecursionError",
    ),
}


@pytest.mark.sampled(30)
@pytest.mark.parametrize("mistake", MISTAKES)
def test_fault_26a_27_wrong_answers_hear_what_is_wrong_from_both(mistake, capsys):
    name, answer, words = MISTAKES[mistake]
    visible, graded = both(name, answer)
    assert not visible and words in visible.message, visible
    assert not graded and "\n" not in repr(graded) and len(repr(graded)) < 1000
    if not mistake.endswith(("arguments", "name", "zero", "recursion")) and "26a" not in mistake:
        assert not visible.message.startswith("your code raised")


def test_fault_26a_a_reader_can_still_interrupt():
    with pytest.raises(KeyboardInterrupt):
        exercises.output_size(stop(KeyboardInterrupt()))


def test_fault_26a_every_kind_of_number_is_a_number_everywhere():
    for name in ("output_size", "reduction_limit", "fold", "whole_speedup", "convolution_cost", "path_reach"):
        assert all(both(name, converted(RIGHT[name][0], KINDS["NumPy's integers"], name)))


def test_much_output_is_no_fault():
    def loud(*arguments):
        print("line\n" * 1000)
        return RIGHT["output_size"][0](*arguments)

    assert all(both("output_size", loud))


# ------------------------------------------------------------------ attempts to cheat


class Anything(int):
    """Equals every int, and differs from every int as well."""

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    __hash__ = int.__hash__


class AnyFloat(float):
    def __eq__(self, other):
        return True

    def __abs__(self):
        return 0.0

    def __sub__(self, other):
        return AnyFloat(0)

    __rsub__ = __sub__
    __hash__ = float.__hash__


class AnyText(str):
    def __eq__(self, other):
        return True

    __hash__ = str.__hash__


class AnyList(list):
    def __eq__(self, other):
        return True


class AnyDictionary(dict):
    def __eq__(self, other):
        return True

    def __getitem__(self, key):
        return Anything(0)

    def keys(self):
        return ["reads", "middle", "reaches"]


class AnyTensor(torch.Tensor):
    """Says that it is close to everything."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function.__name__ in ("allclose", "equal"):
            return True
        return super().__torch_function__(function, types, args, kwargs or {})


class Hidden(Block):
    """Shows its own layers, and computes with others."""

    def modules(self):
        return iter(Block(32, 24, 64, 4, 2).modules())

    def forward(self, x):
        return x


class Remembering(Block):
    """Wrong, but it answers the first call with zeros."""

    def __eq__(self, other):
        return True

    __hash__ = nn.Module.__hash__

    def forward(self, x):
        return torch.zeros_like(super().forward(x))


def counting_test():
    """Accepts the first network that it sees, whichever it is."""
    seen = []

    def answer(network):
        seen.append(network)
        assert len(seen) == 1

    return answer


TABLE2 = {1: 64, 2: 40, 4: 24, 8: 14, 32: 4, 64: 2}


def table_of(name):
    """The right answers to the visible cases, and None for every other."""
    known = {
        repr(case if isinstance(case, tuple) and name != "count_depth" else (case,)): None for case in CHECKS[name].visible
    }
    for case in CHECKS[name].visible:
        arguments = case if isinstance(case, tuple) and name != "count_depth" else (case,)
        known[repr(arguments)] = RIGHT[name][0](*arguments)
    return lambda *arguments: known.get(repr(arguments), 0)


def looks_at_the_caller(*arguments):
    frame = sys._getframe()
    while frame is not None:
        if "right" in frame.f_locals:
            return frame.f_locals["right"]
        frame = frame.f_back
    return 0


def takes_from_the_caller(c):
    frame = sys._getframe()
    while "width_for_budget" not in frame.f_globals or "OWN_SEARCH" not in frame.f_globals:
        frame = frame.f_back
    return frame.f_globals["width_for_budget"](c)


FAKE = SimpleNamespace(in_channels=384, width=96, out_channels=384, cardinality=96, conv2=SimpleNamespace(groups=96))
FAKE2 = SimpleNamespace(in_channels=96, width=384, out_channels=96, cardinality=384, conv2=SimpleNamespace(groups=384))


BUILT = blocks.Bottleneck(32, 24, 64, 4, 2)


class WithoutShortcut(blocks.Bottleneck):
    def forward(self, x):
        return self.transform(x)


TABLED = [
    "convolution_cost",
    "output_size",
    "reduction_limit",
    "projection_needed",
    "count_depth",
    "groups_from_count",
    "all_grouped",
    "valid_groups",
    "stage_widths",
    "stage_parameters",
    "se_parameters",
    "whole_speedup",
    "all_positive",
]
CHEATS = {  # exercise, answer, whether the student's own check falls for it
    "an int that equals everything": ("budget_width", lambda c: Anything(0), False),
    "a pair of them": ("convolution_cost", lambda *a: (Anything(0), Anything(0)), False),
    "a dictionary of them": ("path_reach", dict.fromkeys(("reads", "middle", "reaches"), Anything(0)), False),
    "a dictionary that equals everything": ("path_reach", AnyDictionary(reads=8, middle=8, reaches=8), False),
    "a float that is near everything": ("whole_speedup", lambda *a: AnyFloat(3.0), False),
    "a text that equals everything": ("sum_of_maps", lambda a, b: AnyText("anything"), False),
    "a list that equals everything": ("valid_groups", lambda i, o: AnyList([1]), False),
    "rows that equal everything": ("stage_widths", lambda c, d: AnyList([AnyList([1, 1, 1])] * 4), False),
    "a tensor that is close to everything": (
        "pointwise",
        lambda x, w: torch.zeros(2, 3, 5, 4).as_subclass(AnyTensor),
        False,
    ),
    "a table of Table 2": ("budget_width", lambda c: TABLE2.get(c, 1), True),
    **{f"a table of the cases of {name}": (name, table_of(name), True) for name in TABLED},
    "the right value of the caller": ("output_size", looks_at_the_caller, False),
    "the caller's function": ("budget_width", takes_from_the_caller, False),
    "layers that are only shown": ("resnext_block", spoilt(Hidden), False),
    "a block that equals everything": ("resnext_block", spoilt(Remembering), False),
    "a block with its own call": ("resnext_block", spoilt(OwnCall), False),
    "objects with the right attributes": ("steps_to_convnext", {"resnextify": FAKE, "inverted": FAKE2}, False),
    "blocks without shortcut": (
        "steps_to_convnext",
        {"resnextify": WithoutShortcut(384, 96, 384, 96), "inverted": WithoutShortcut(96, 384, 96, 384)},
        False,
    ),
    "a check of the book in the answer": (
        "budget_width",
        lambda c: exercises.budget_width and complexity.width_for_budget(c),
        False,
    ),
    "the verdict itself": ("output_size", exercises.Verdict(True, "yes"), False),
    "the check itself": ("output_size", exercises.output_size, False),
    "a mock": ("stage_widths", MagicMock(), False),
    "a block already built": ("resnext_block", lambda *a: BUILT, False),
}


@pytest.mark.parametrize("trick", CHEATS)
def test_fault_20_attempts_to_cheat_get_no_point(trick):
    name, answer, fooled = CHEATS[trick]
    visible, graded = both(name, answer)
    assert not graded, graded
    assert visible.passed == fooled, visible


def test_fault_20_a_test_that_counts_its_calls_is_no_test():
    with torch.device("meta"):
        assert exercises.write_a_test(counting_test()), "otherwise this proves nothing"
        assert not exercises.write_a_test.graded(counting_test(), SEED)


def test_fault_20_torchvisions_network_is_not_the_library_s():
    with torch.device("meta"):
        network = torchvision.models.resnext50_32x4d(num_classes=10)
        network.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
    assert "torchvision's network" in exercises.small_change(network).message


def test_the_tables_are_long_enough():
    assert len(UNUSUAL) + len(MISTAKES) >= 40 and len(CHEATS) + len(DELEGATED) >= 30
