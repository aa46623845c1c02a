"""The checks of the exercises: each looks at an answer and says what is wrong, not only that it is.

A check returns a :class:`Verdict`, which prints as one line and is true when the answer is correct.
An answer that still is ``...`` gets a hint instead of a crash. No check changes the reader's objects.
"""

import copy
import dis
import functools
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data.distributed import DistributedSampler

from resnext_lib import networks
from resnext_lib.blocks import Bottleneck, Inception
from resnext_lib.complexity import bottleneck_weights, count_parameters, width_for_budget
from resnext_lib.forms import FormA, FormB, b_to_c


@dataclass(frozen=True, repr=False)
class Verdict:
    """``passed`` and a sentence; prints as "correct: ..." or "not yet: ..."."""

    passed: bool
    message: str

    def __repr__(self):
        return f"{'correct' if self.passed else 'not yet'}: {' '.join(self.message.split())}"

    def __bool__(self):
        return self.passed


class NotYet(Exception):
    """Raised inside a check with the sentence that the reader sees."""


def _is_starter(answer):
    """Whether a function, or a method of a class, still is the student edition's ``return ...`` or empty ``__init__``."""
    parts = vars(answer).values() if isinstance(answer, type) else [answer]
    codes = [part.__code__ for part in parts if hasattr(part, "__code__")]
    # Three steps: start, load the ellipsis or None, return it.
    short = [code for code in codes if len(list(dis.get_instructions(code))) <= 3]
    return any(... in code.co_consts or code.co_name == "__init__" for code in short)


def check(hint):
    """Make a check of a function that raises :class:`NotYet` or returns the sentence."""

    def decorate(function):
        @functools.wraps(function)
        def checked(answer=...):
            if answer is ... or answer is None or _is_starter(answer):
                return Verdict(False, f"replace the ... by your answer. Hint: {hint}")
            try:
                return Verdict(True, function(answer))
            except NotYet as problem:
                return Verdict(False, str(problem))
            except Exception as error:  # whatever the reader's code raises is part of the answer
                return Verdict(False, f"your code raised {type(error).__name__}: {error}")

        checked.hint = hint
        return checked

    return decorate


def expect(condition, message):
    """Raise :class:`NotYet` with ``message`` unless ``condition`` holds."""
    if not condition:
        raise NotYet(message)


NOTHING_RETURNED = "your function returns nothing: is `return` missing?"


def number(given):
    """``given``, if it is a number."""
    expect(given is not None, NOTHING_RETURNED)
    expect(isinstance(given, (int, float)), f"give a number, not {type(given).__name__}")
    return given


def near(given, value):
    """Equal but for rounding?"""
    return abs(given - value) <= 1e-6 * abs(value)


def expect_number(given, right, mistakes, unit=""):
    """Compare numbers; ``mistakes`` maps a known wrong value to the sentence that names the mistake."""
    if number(given) == right:
        return
    raise NotYet(mistakes.get(given, f"{given:,} {unit} is not it".replace("  ", " ")))


def expect_near(given, right, mistakes, otherwise):
    """As :func:`expect_number`, but for rounding; ``otherwise`` is said of a wrong value that is not known."""
    if near(number(given), right):
        return
    known = [sentence for value, sentence in mistakes.items() if near(given, value)]
    raise NotYet(known[0] if known else otherwise)


def expect_close(given, right, message):
    """Compare tensors at 1e-10, shapes first; at 1e-4 if the answer was computed in float32."""
    expect(isinstance(given, torch.Tensor), f"give a tensor, not {type(given).__name__}")
    expect(given.shape == right.shape, f"the shape is {tuple(given.shape)}, but it should be {tuple(right.shape)}")
    expect((given - right).abs().max() < (1e-10 if given.dtype == torch.float64 else 1e-4), message)


def random(*shape, seed=0):
    """Normal random numbers of ``shape`` in float64, the same for the same ``seed``."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# --- Chapter 1 --------------------------------------------------------------------------------


@check("one filter has k * k * in_channels weights, and every output number costs one filter's worth of MACs")
def convolution_cost(answer):
    """A function (in_channels, out_channels, kernel, height, width) to (parameters, MACs), without bias."""
    for case in ((3, 64, 7, 112, 112), (64, 128, 3, 28, 20), (256, 64, 1, 7, 7)):
        cin, cout, k, h, w = case
        weights = cin * cout * k * k
        given = answer(*case)
        expect(isinstance(given, tuple) and len(given) == 2, "return two numbers: parameters, MACs")
        expect(given != (weights * h * w, weights), "the two are the other way round: first parameters, then MACs")
        expect_number(
            given[0],
            weights,
            {
                weights + cout: f"for {case} you count {cout} biases; this convolution has none",
                cin * cout * k: f"for {case} the kernel is {k} high and {k} wide: k counts twice",
                cout * k * k: f"for {case} each filter reads all {cin} input channels",
            },
            "parameters",
        )
        expect_number(
            given[1],
            weights * h * w,
            {
                2 * weights * h * w: "you count additions and multiplications apart: that is FLOPs, twice the MACs",
                weights: "the filter runs once for every place of the output map",
                weights * h * h: "the map is not square: height times width",
            },
            "MACs",
        )
    return "parameters do not depend on the map, MACs do."


@check("how many steps of size stride fit after the first placement of the kernel?")
def output_size(answer):
    """A function (size, kernel, stride, padding) to the output size."""
    for size, k, s, p in ((28, 5, 1, 2), (224, 7, 2, 3), (56, 3, 2, 1), (28, 1, 2, 0), (9, 5, 3, 0), (32, 3, 1, 0)):
        right = (size + 2 * p - k) // s + 1
        given = answer(size, k, s, p)
        expect(given is not None, NOTHING_RETURNED)
        expect(isinstance(given, int), f"the size is a whole number, one int: divide with //, not {given!r}")
        expect_number(
            given,
            right,
            {
                (size + 2 * p - k) // s: "one is missing: the first placement of the kernel counts too",
                (size + p - k) // s + 1: "padding goes on both sides",
                (size + 2 * p - k) + 1: "the stride is ignored",
                (size - k) // s + 1: "the padding is ignored",
                size
                // s: f"size // stride ignores the kernel: for size {size}, kernel {k}, padding {p} it is {right}",
            },
            f"is not the size for size {size}, kernel {k}, stride {s}, padding {p}, which is {right};",
        )
    return "and 3x3 with padding 1, 1x1 with padding 0, keep the size."


@check("at every pixel: out = weight @ in, with weight (out_channels, in_channels)")
def pointwise(answer):
    """A function (x, weight) that does a 1x1 convolution with a matrix (out, in)."""
    x, weight = random(2, 6, 5, 4), random(3, 6, seed=1)
    right = functional.conv2d(x, weight[:, :, None, None])
    given = answer(x.clone(), weight.clone())
    expect(isinstance(given, torch.Tensor), "return a tensor")
    expect(
        given.shape[-1] != 3 or given.shape == right.shape,
        "the channels ended up last: move them back to dimension 1, (N, C, H, W)",
    )
    expect_close(
        given,
        right,
        "the shape is right but the values are not: each pixel's 6 channels are multiplied "
        "by the matrix, and no pixel sees another",
    )
    return "a 1x1 convolution is one matrix, applied at every pixel."


@check(
    "the first layer sees k pixels; each later one adds (k - 1) steps, and a step is as long as the strides before it"
)
def receptive_field(answer):
    """A function from a list of (kernel, stride) to the side of the receptive field."""
    for layers in ([(3, 1)], [(3, 1), (3, 1)], [(7, 2), (3, 2)], [(3, 2), (3, 2), (3, 1)], [(1, 1), (3, 1), (1, 1)]):
        right, step, ignored, last, own = 1, 1, 1, 1, 1
        previous = 1
        for k, s in layers:
            right += (k - 1) * step
            step *= s
            ignored += k - 1
            last += (k - 1) * previous
            own += (k - 1) * step
            previous = s
        expect_number(
            answer(list(layers)),
            right,
            {
                own: f"for {layers} you use a layer's own stride for itself; it only stretches the layers after it",
                last: f"for {layers} you use the last stride only; the strides before a layer multiply",
                sum(k for k, _ in layers): f"for {layers} you add the kernels; a kernel adds k - 1",
                ignored: f"for {layers} you ignore the strides: after a stride of 2 one step is two pixels",
            },
            f"as the side for {layers}",
        )
    return "strides make later kernels reach further."


# --- Chapter 2 --------------------------------------------------------------------------------


@check("a concatenation adds up what the four branches give out, and nothing else")
def inception_channels(answer):
    """A function from a module's six widths (a dictionary) to its output channels."""
    for name, w in networks.GOOGLENET_MODULES.items():
        right = w["conv1x1"] + w["conv3x3"] + w["conv5x5"] + w["pool_projection"]
        expect_number(
            answer(dict(w)),
            right,
            {
                sum(w.values()): f"for {name} you also count the reductions; their output stays inside the module",
                right - w["pool_projection"]: f"for {name} the pooling branch is forgotten",
                max(
                    w["conv1x1"], w["conv3x3"], w["conv5x5"], w["pool_projection"]
                ): f"for {name} branches are put side by side, their channels add up",
            },
        )
    return "reductions never show outside the module."


@check("with a reduction: in * reduce + reduce * out * k * k")
def reduction_saving(answer):
    """A function (in_channels, reduce, out_channels, kernel) to (weights without, weights with the 1x1)."""
    for cin, r, cout, k in ((192, 16, 32, 5), (192, 96, 128, 3), (512, 24, 64, 5)):
        direct, reduced = cin * cout * k * k, cin * r + r * cout * k * k
        given = answer(cin, r, cout, k)
        expect(isinstance(given, tuple) and len(given) == 2, "return two numbers: without, with")
        expect(given != (reduced, direct), "the two are the other way round: first without, then with")
        expect_number(
            given[0], direct, {cin * cout * k: "the kernel counts twice: height and width"}, "weights without"
        )
        expect_number(
            given[1],
            reduced,
            {
                r * cout * k * k: "the 1x1 itself is not free: in_channels * reduce weights",
                cin * r + cin * cout * k * k: "after the reduction the large kernel reads only `reduce` channels",
                cin * r * k * k + r * cout * k * k: "the reduction is a 1x1: its kernel has one place",
            },
            "weights with",
        )
    return "the reduction pays because the large kernel reads few channels."


def expect_module(built):
    """Return ``built`` if it is a module, else raise :class:`NotYet`."""
    expect(isinstance(built, nn.Module), f"give a class whose objects are nn.Modules, not {type(built).__name__}")
    return built


def _convolutions(module):
    return [layer for layer in module.modules() if isinstance(layer, nn.Conv2d)]


@check("four branches over the same x, then torch.cat along dimension 1; nn.Conv2d with padding k // 2")
def inception_3a(answer):
    """A class without arguments: GoogLeNet's module 3a, convolutions with bias and ReLU."""
    expect(not isinstance(answer, nn.Module), "give the class itself, without brackets: the check builds the module")
    module = expect_module(answer())
    expect(
        not any(isinstance(m, nn.BatchNorm2d) for m in module.modules()),
        "there is a batch norm: that is torchvision's variant; the paper's module has only convolutions with bias and ReLUs",
    )
    reference = Inception(192, **networks.GOOGLENET_MODULES["3a"])
    found = sorted((c.kernel_size[0], c.in_channels, c.out_channels) for c in _convolutions(module))
    wanted = sorted((c.kernel_size[0], c.in_channels, c.out_channels) for c in _convolutions(reference))
    expect((5, 192, 32) not in found, "the 5x5 reads 192 channels: its 1x1 reduction to 16 is missing")
    expect((3, 192, 128) not in found, "the 3x3 reads 192 channels: its 1x1 reduction to 96 is missing")
    expect((3, 16, 32) not in found, "the third branch has a 3x3: that is torchvision's variant, the paper has a 5x5")
    expect((1, 192, 32) in found, "the pooling branch lacks its 1x1 to 32 channels")
    expect(found == wanted, f"the convolutions (kernel, in, out) are {found}, but 3a has {wanted}")
    expect(
        all(c.bias is not None for c in _convolutions(module)),
        "a convolution has no bias; without batch norm after it, it needs one",
    )
    try:
        y = module(torch.zeros(1, 192, 28, 28))
    except RuntimeError as error:
        raise NotYet(
            f"the branches do not fit together ({str(error)[:80]}): every branch must keep 28x28, "
            "so a 3x3 needs padding 1, a 5x5 padding 2, the pooling stride 1 and padding 1, "
            "and torch.cat needs dim=1"
        ) from None
    expect(tuple(y.shape) == (1, 256, 28, 28), f"the output is {tuple(y.shape)}, but should be (1, 256, 28, 28)")
    expect_same_function(
        module,
        reference,
        (2, 192, 9, 9),
        "the sizes are right but the values are not: is there a ReLU after every convolution, are the "
        "branches in the order 1x1, 3x3, 5x5, pooling, does the pooling take the maximum, and before its 1x1?",
    )
    return "163,696 parameters, 256 channels out."


@check("nine modules; look at one row of GOOGLENET_MODULES")
def numbers_tuned(answer):
    """How many widths GoogLeNet's authors chose for the nine modules."""
    expect_number(
        answer,
        54,
        {
            9: "that is the number of modules; each has several widths",
            6: "that is one module; there are nine",
            36: "four branches a module, but two of them have a reduction to choose as well",
        },
    )
    return "54 widths, and no rule that says how to choose the next."


# --- Chapters 3 and 5: a block from a blank cell ------------------------------------------------


def fill(module):
    """Give every layer weights that depend only on its shape and its rank among equals; return it in float64."""
    seen = {}
    with torch.no_grad():
        for layer in module.double().modules():
            if not isinstance(layer, (nn.Conv2d, nn.BatchNorm2d)):
                continue
            for value in [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]:
                if value.ndim == 0:
                    continue
                # A bias goes with its own layer's weight: layers may be defined in any order.
                looks = (tuple(value.shape), tuple(layer.weight.shape))
                rank = seen[looks] = seen.get(looks, 0) + 1
                if isinstance(layer, nn.BatchNorm2d):
                    value.copy_(torch.linspace(0.5, 1.5, len(value)))
                else:
                    value.copy_(random(*value.shape, seed=rank + layer.weight[0].numel()) / value[0].numel() ** 0.5)
    return module


def expect_same_function(module, reference, shape, message):
    """Compare two modules, filled alike, in eval and in train mode."""
    module, reference = fill(copy.deepcopy(module)), fill(copy.deepcopy(reference))
    x = random(*shape, seed=7)
    for mode in (False, True):
        expect_close(module.train(mode)(x), reference.train(mode)(x), message)


def expect_block(build, arguments):
    """What can be wrong with a residual block, most telling first. ``arguments`` are Bottleneck's."""
    block, reference = expect_module(build(*arguments)), Bottleneck(*arguments)
    _expect_biases_strides_groups(_convolutions(block), *arguments[1:])
    _expect_sizes(sizes(block), sizes(reference), *arguments)
    spatial = [c for c in _convolutions(block) if c.kernel_size == (3, 3)]
    expect(all(c.padding in ((1, 1), "same") for c in spatial), "the 3x3 needs padding=1, or the map shrinks by two")
    norms, wanted = (sum(isinstance(m, nn.BatchNorm2d) for m in module.modules()) for module in (block, reference))
    expect(
        norms == wanted,
        f"{norms} batch norms for {wanted} convolutions: each convolution has one, the shortcut's too",
    )
    _expect_block_values(block, reference, arguments[0])


def sizes(module):
    """(kernel, in, out, stride) of every convolution, sorted, so that the order of definition does not matter."""
    return sorted((c.kernel_size[0], c.in_channels, c.out_channels, c.stride[0]) for c in _convolutions(module))


def _expect_biases_strides_groups(convolutions, width, out_channels, cardinality, stride):
    biased = [c for c in convolutions if c.bias is not None]
    expect(
        not biased,
        f"{len(biased)} of {len(convolutions)} convolutions have a bias: batch norm subtracts it again, so write bias=False",
    )
    pointwise = [c for c in convolutions if c.kernel_size == (1, 1)]
    spatial = [c for c in convolutions if c.kernel_size == (3, 3)]
    expect(spatial, "there is no 3x3 convolution")
    expect(
        all(c.groups == 1 for c in pointwise),
        "a 1x1 has groups: then the input is split, and each path reads only its share; only the 3x3 is grouped",
    )
    strided = [c for c in pointwise if c.stride == (stride, stride) and c.out_channels == width]
    expect(
        stride == 1 or len(strided) <= (width == out_channels),  # the projection may look the same
        "the stride sits on the first 1x1; here it belongs on the 3x3 (the 1x1 would throw away 3 of 4 pixels unread)",
    )
    groups = spatial[0].groups
    expect(
        groups != width // cardinality or cardinality in (1, width // cardinality),
        f"groups={groups} is the width of a path; groups is the number of paths, {cardinality}",
    )
    expect(groups == cardinality, f"the 3x3 has groups={groups}, but cardinality is {cardinality}")


def _expect_sizes(found, wanted, in_channels, width, out_channels, cardinality, stride):
    lacking, needless = [c for c in wanted if c not in found], [c for c in found if c not in wanted]
    projection = (1, in_channels, out_channels, stride)
    expect(
        projection not in needless or lacking,
        f"the shortcut has a 1x1 though {in_channels} channels at stride 1 fit as they are: use the identity there",
    )
    expect(
        (3, cardinality * width, cardinality * width, stride) not in needless or cardinality == 1,
        "width is C*d already, all paths together: do not multiply it by the cardinality again",
    )
    expect(
        projection not in lacking,
        f"the shortcut lacks its 1x1 projection for {in_channels} to {out_channels} channels at stride {stride}: "
        "it is needed where the channels change and where the map halves",
    )
    expect(len(found) >= len(wanted), f"a convolution is missing: found {found}, wanted {wanted} (kernel, in, out, stride)")
    expect(found == wanted, f"the convolutions (kernel, in, out, stride) are {found}, but should be {wanted}")


def _expect_block_values(block, reference, in_channels):
    block, reference = fill(copy.deepcopy(block)).eval(), fill(copy.deepcopy(reference)).eval()
    x = random(2, in_channels, 7, 7, seed=7)
    y, t, s = block(x), reference.transform(x), reference.shortcut(x)
    for message, wrong in {
        "the last ReLU is missing": t + s,
        "the last ReLU comes before the sum; it belongs after it": torch.relu(t) + s,
        "the shortcut is never added": torch.relu(t),
        "the shortcut is added, but both sides went through a ReLU first": torch.relu(t) + torch.relu(s),
    }.items():
        expect(y.shape != wrong.shape or (y - wrong).abs().max() > 1e-10 or torch.equal(wrong, reference(x)), message)
    expect_same_function(
        block,
        reference,
        x.shape,
        "the layers are right but not their order: convolution, batch norm, "
        "ReLU, twice; then convolution, batch norm, add the shortcut, ReLU",
    )


@check("the identity fits only if nothing about the shape changes")
def projection_needed(answer):
    """A function (in_channels, out_channels, stride) to True where the shortcut needs a projection."""
    for case, right, why in (
        ((256, 256, 1), False, "nothing changes: the identity fits, and costs nothing"),
        ((64, 256, 1), True, "64 channels cannot be added to 256, even though the map keeps its size"),
        ((256, 512, 2), True, "both the channels and the map change"),
        ((256, 256, 2), True, "the channels fit, but the map halves"),
        ((512, 256, 1), True, "fewer channels do not fit either"),
    ):
        given = answer(*case)
        expect(given in (True, False), "return True or False")
        expect(bool(given) is right, f"for (in, out, stride) = {case}: {why}")
    return "so the first block of every stage has one, and no other."


@check("1x1 down, 3x3, 1x1 up")
def bottleneck_budget(answer):
    """A function (channels, width) to the convolution weights of a bottleneck."""
    for channels, width in ((256, 64), (512, 128), (256, 128)):
        right = 2 * channels * width + 9 * width * width
        expect_number(
            answer(channels, width),
            right,
            {
                channels * width + 9 * width * width: "there are two 1x1s: one down, one up",
                2 * channels * width + 3 * width * width: "a 3x3 kernel has nine places, not three",
                2 * channels * width + 9 * channels * channels: "the 3x3 works in the narrow middle",
                right + 4 * width + 2 * channels: "you count the batch norms too; the budget is convolutions only",
                9 * channels * channels: "that is a single 3x3 on the full width, without the bottleneck",
            },
            f"weights for channels {channels}, width {width}",
        )
    return "69,632 weights for 256 and 64: the ruler for everything that follows."


@check("three convolutions a block, plus the stem and the classifier")
def count_depth(answer):
    """A function from the blocks a stage, such as (3, 4, 6, 3), to the depth in the network's name."""
    for blocks in ((3, 4, 6, 3), (3, 4, 23, 3), (3, 8, 36, 3)):
        right = 3 * sum(blocks) + 2
        expect_number(
            answer(blocks),
            right,
            {
                3 * sum(blocks): "the stem's convolution and the classifier count too",
                3 * sum(blocks) + 1: "one is missing: the stem and the classifier both count",
                2 * sum(blocks) + 2: "a bottleneck has three convolutions",
                3 * sum(blocks) + 3: "the pooling has no weights and is not counted",
                3 * sum(blocks) + 6: "projections are not counted: they lie beside the path, not on it",
            },
        )
    return "50, 101, 152."


@check("conv-bn-relu, conv-bn-relu, conv-bn, add the shortcut, relu; every convolution bias=False")
def bottleneck(answer):
    """A class (in_channels, width, out_channels, stride): ResNet's bottleneck."""

    def build(in_channels, width, out_channels, cardinality, stride):
        return answer(in_channels, width, out_channels, stride)

    for arguments in ((32, 16, 64, 1, 2), (64, 16, 64, 1, 1), (32, 8, 64, 1, 1), (64, 16, 64, 1, 2)):
        expect_block(build, arguments)
    return "your block and the library's give the same numbers, with and without a projection, in both modes."


# --- Chapter 4 --------------------------------------------------------------------------------


@check("each output channel reads in_channels / groups channels")
def grouped_cost(answer):
    """A function (in_channels, out_channels, kernel, groups) to the weights of a grouped convolution."""
    for cin, cout, k, g in ((128, 128, 3, 32), (64, 256, 1, 4), (96, 96, 3, 96)):
        right = cin * cout * k * k // g
        expect_number(
            answer(cin, cout, k, g),
            right,
            {
                cin * cout * k * k: "that is the dense one: groups is not used",
                cin
                * cout
                * k
                * k
                // (
                    g * g
                ): "you divide twice: each of the g groups has in/g times out/g weights, and there are g of them",
                cin * cout * k * k * g: "groups save weights; they do not add any",
            },
            f"weights for (in, out, kernel, groups) = {(cin, cout, k, g)}",
        )
    return "divided by the number of groups, once."


@check("x.chunk(groups, dim=1), one convolution for each piece, torch.cat along dimension 1")
def side_by_side(answer):
    """A function (x, weight, groups) that does a grouped 3x3 (padding 1) with ordinary convolutions."""
    x, weight, groups = random(2, 8, 6, 6), random(12, 2, 3, 3, seed=1), 4
    right = functional.conv2d(x, weight, padding=1, groups=groups)
    given = answer(x.clone(), weight.clone(), groups)
    expect(isinstance(given, torch.Tensor), "return a tensor")
    expect(
        given.shape[2:] == right.shape[2:], f"the map is {tuple(given.shape[2:])}, not (6, 6): padding=1 is missing"
    )
    expect(given.shape[:2] != (8, 3), "you join the pieces along dimension 0, the batch; channels are dimension 1")
    expect(given.shape[1] != 3, "3 channels: you add the pieces up; a grouped convolution puts them side by side")
    pieces = [functional.conv2d(x[:, i::groups], w, padding=1) for i, w in enumerate(weight.chunk(groups))]
    expect(
        given.shape != right.shape or (given - torch.cat(pieces, 1)).abs().max() > 1e-10,
        "you take every fourth channel (interleaved); groups are neighbouring channels",
    )
    first = torch.cat([functional.conv2d(x[:, :2], w, padding=1) for w in weight.chunk(groups)], 1)
    expect(
        given.shape != right.shape or (given - first).abs().max() > 1e-10,
        "every piece reads the first group's channels; piece i reads group i",
    )
    expect_close(given, right, "the shape is right but the values are not: piece i of x meets piece i of the weight")
    return "a grouped convolution is several small ones side by side."


@check("start from torch.zeros(out, in, k, k) and fill one square block a group")
def block_diagonal(answer):
    """A function (weight, groups) from a grouped weight (out, in/groups, k, k) to the dense one (out, in, k, k)."""
    weight, groups = random(8, 3, 3, 3), 4
    dense = torch.zeros(8, 12, 3, 3, dtype=torch.float64)
    for g in range(groups):
        dense[2 * g : 2 * g + 2, 3 * g : 3 * g + 3] = weight[2 * g : 2 * g + 2]
    given = answer(weight.clone(), groups)
    expect(isinstance(given, torch.Tensor), "return a tensor")
    expect(given.shape != weight.shape, "the shape did not change: the dense weight has all 12 input channels")
    expect(given.shape != (12, 8, 3, 3), "rows and columns are swapped: (out, in, k, k)")
    expect(
        given.shape != dense.shape or not torch.equal(given, weight.repeat(1, groups, 1, 1)),
        "you repeat the weights in every column block; outside the diagonal there are zeros",
    )
    expect(
        given.shape != dense.shape or int((given != 0).sum()) == weight.numel(),
        f"{int((given != 0).sum())} weights are not zero, but the grouped weight has {weight.numel()}",
    )
    expect_close(given, dense, "the right number of weights, in the wrong places: output group g reads input group g")
    return "one block a group, zeros elsewhere."


@check("groups must divide the input channels and the output channels")
def valid_groups(answer):
    """A function (in_channels, out_channels) to the sorted list of all group counts that work."""
    for cin, cout in ((12, 18), (64, 64), (128, 96)):
        right = [g for g in range(1, min(cin, cout) + 1) if cin % g == 0 and cout % g == 0]
        given = answer(cin, cout)
        expect(isinstance(given, (list, tuple)), f"return a list, not {type(given).__name__}")
        given = list(given)
        expect(
            given != [g for g in range(1, cin + 1) if cin % g == 0] or cin == cout,
            f"for ({cin}, {cout}) you look at the input only; each group also needs equally many outputs",
        )
        expect(
            given != [g for g in range(1, cout + 1) if cout % g == 0] or cin == cout,
            f"for ({cin}, {cout}) you look at the output only",
        )
        expect(1 in given, "1 is missing: one group is the ordinary convolution")
        extra, missing = [g for g in given if g not in right], [g for g in right if g not in given]
        expect(not extra, f"for ({cin}, {cout}) {extra[:1]} is no common divisor of both")
        expect(not missing, f"for ({cin}, {cout}) {missing[:1]} is missing: it divides both")
        expect(given == right, "sort the list")
    return "the common divisors."


# --- Chapter 5 --------------------------------------------------------------------------------


@check("solve C * (512 d + 9 d d) = 69,632 for d, then take the nearest whole number")
def budget_width(answer):
    """A function from the cardinality to the bottleneck width that keeps 69,632 weights at 256 channels."""
    expect(
        not answer(1) == answer(2) == answer(4), "the width does not depend on C; with more paths, each gets thinner"
    )
    for c in (1, 2, 4, 8, 32, 64):
        right = width_for_budget(c)
        given = answer(c)
        expect(isinstance(given, int), "a width is a whole number, an int")
        expect_number(
            given,
            right,
            {
                136
                // c: f"for C={c} you share out 136, as if the 3x3 cost nothing; that is the limit for very many paths",
                64 // c: f"for C={c} you share out 64 channels; that keeps C*d and not the cost: "
                f"{bottleneck_weights(c, max(1, 64 // c)):,} weights are far below the budget",
                128 // c: f"for C={c} you fix C*d at 128; that fits the budget only from C=32 on",
                right
                - 1: f"for C={c} the neighbour {right} is nearer to the budget: round to the nearest cost, not down",
                right + 1: f"for C={c} the neighbour {right} is nearer to the budget",
            },
        )
    return "Table 2 of the paper: 64, 40, 24, 14 and 4."


@check("C stays; d doubles when the map halves")
def stage_widths(answer):
    """A function (cardinality, bottleneck_width) to the list of (C, d, C*d) over the four stages."""
    for c, d in ((32, 4), (64, 4), (1, 64)):
        right = [(c, d * 2**i, c * d * 2**i) for i in range(4)]
        given = answer(c, d)
        expect(isinstance(given, (list, tuple)), f"return a list of (C, d, C*d), not {type(given).__name__}")
        given = [tuple(row) for row in given]
        expect(len(given) == 4, "four stages, conv2 to conv5")
        expect(given != [(c, d, c * d)] * 4, "d doubles from stage to stage: the 4 in 32x4d is the first stage's")
        expect(
            given != [(c * 2**i, d, c * d * 2**i) for i in range(4)],
            "you double the cardinality; C is the same in every stage, d doubles",
        )
        expect(
            given != [(c, d * 2**i, 4 * c * d * 2**i) for i in range(4)], "C*d is the middle, not the block's output"
        )
        expect(
            given != [(c, d * (i + 1), c * d * (i + 1)) for i in range(4)],
            "d doubles from stage to stage; you add d each time",
        )
        expect(all(len(row) == 3 for row in given), "each row has three numbers: C, d, C*d")
        expect([row[:2] for row in given] != [(b, a) for a, b, _ in right] or c == d, "the order is C, d, C*d")
        expect([row[2] for row in given] != [c * d] * 4, "C*d grows with d")
        expect(given == right, f"for {c}x{d}d the first stage is {right[0]}, the second {right[1]}, and so on")
    return "32x4d has paths of width 4, 8, 16 and 32."


@check("trace one path: its own 1x1, its own 3x3, its own 1x1")
def path_reach(answer):
    """A dictionary for one path of the 32x4d block in conv2: reads, middle, reaches."""
    right = {"reads": 256, "middle": 4, "reaches": 256}
    expect(isinstance(answer, dict) and set(answer) == set(right), f"give a dictionary with the keys {list(right)}")
    expect(answer["reads"] != 8, "256/32 = 8 would be splitting the input; each path's 1x1 reads all of it")
    expect(answer["reads"] != 4, "4 channels is what the path's 1x1 gives out; it reads the whole input")
    expect(answer["middle"] != 32, "32 is the number of paths; one path is 4 channels wide in conv2")
    expect(answer["middle"] != 128, "128 is the middle of all 32 paths together")
    expect(answer["reaches"] != 8, "the last 1x1 of a path writes to every output channel")
    expect(answer["reaches"] != 4, "the path ends with a 1x1 back to the block's width")
    expect(answer == right, f"{answer} is not it")
    return "all in, 4 in the middle, all out. Only the middle is split."


@check("as ResNet's bottleneck, with groups=cardinality on the 3x3")
def resnext_block(answer):
    """A class (in_channels, width, out_channels, cardinality, stride): the ResNeXt block, form C."""
    for arguments in ((32, 24, 64, 4, 2), (64, 24, 64, 4, 1), (64, 24, 64, 8, 1), (32, 24, 64, 1, 1)):
        expect_block(answer, arguments)
    return "your block and the library's give the same numbers for C = 1, 4 and 8, in both modes."


# --- Chapter 6 --------------------------------------------------------------------------------


@check("form C has three weights; the grouped one is (width, width / C, 3, 3)")
def form_c_shapes(answer):
    """A dictionary of the weight shapes of form C at 64x4d in conv2 (256 in, 256 out)."""
    right = {f"conv{i}": tuple(getattr(Bottleneck(256, 256, 256, 64), f"conv{i}").weight.shape) for i in (1, 2, 3)}
    expect(isinstance(answer, dict) and set(answer) == set(right), f"give a dictionary with the keys {list(right)}")
    given = {key: tuple(value) for key, value in answer.items()}
    expect(
        given["conv2"] != (256, 64, 3, 3),
        "conv2: 64 is the number of paths; the second number is what one path is wide, 4",
    )
    expect(
        given["conv2"] != (256, 256, 3, 3),
        "conv2: that is the dense weight; with 64 groups each row reads 4 channels",
    )
    expect(given["conv2"] != (4, 4, 3, 3), "conv2: that is a single path's; the grouped weight holds all 64")
    for key, shape in right.items():
        expect(
            given[key] == shape,
            f"{key}: {given[key]} is not (out, in / groups, k, k); "
            "the middle is C*d = 64 * 4 channels wide, the block has 256 in and out",
        )
    return "the second number of conv2 is d, whatever C is."


@check("the last 1x1s stand side by side along the input dimension; biases of a sum add up")
def merge_last_layers(answer):
    """A function from lists of weights (out, d, 1, 1) and biases (out,) to one weight and one bias."""
    weights, biases = [random(6, 2, 1, 1, seed=i) for i in range(3)], [random(6, seed=10 + i) for i in range(3)]
    pieces = [random(1, 2, 4, 4, seed=20 + i) for i in range(3)]
    right = sum(functional.conv2d(x, w, b) for x, w, b in zip(pieces, weights, biases, strict=True))
    given = answer([w.clone() for w in weights], [b.clone() for b in biases])
    expect(
        isinstance(given, tuple) and len(given) == 2 and all(isinstance(t, torch.Tensor) for t in given),
        "return two tensors: weight, bias",
    )
    weight, bias = given
    expect(
        tuple(weight.shape) != (18, 2, 1, 1),
        "you stack along the output (dim 0): the sum needs them side by side along the input",
    )
    expect(
        tuple(weight.shape) != (6, 2, 1, 1), "the weight still reads 2 channels: after the concatenation there are 6"
    )
    expect(tuple(weight.shape) == (6, 6, 1, 1), f"the weight is {tuple(weight.shape)}, but should be (6, 6, 1, 1)")
    expect(
        tuple(bias.shape) == (6,),
        f"the bias is {tuple(bias.shape)}: three biases that are added make one of length 6",
    )
    expect(
        not torch.allclose(bias, sum(biases) / 3),
        "you average the biases; the paths are added, so the biases are too",
    )
    expect(not torch.equal(bias, biases[0]), "you keep the first path's bias only")
    expect_close(
        functional.conv2d(torch.cat(pieces, 1), weight, bias),
        right,
        "the order of the pieces is not that of the concatenation",
    )
    return "one layer, the same sum."


@check("torch.cat along dimension 0 for weights and batch-norm vectors; all three layers in the same order")
def b_to_c_map(answer):
    """A function from form B's state dict to form C's."""
    block = FormB(12, 24, 20, 12)  # twelve paths, so that path 10 must not come before path 2; a projection
    fill(block)
    for seed, (_key, value) in enumerate(block.state_dict().items()):
        value.copy_(random(*value.shape, seed=seed).abs() + 0.1 if value.ndim else torch.tensor(7))
    right, given = b_to_c(block.state_dict()), answer(block.state_dict())
    expect(isinstance(given, dict), f"return the new state dict, a dictionary, not {type(given).__name__}")
    missing = [key for key in right if key not in given]
    expect(
        not any("downsample" in key for key in missing),
        "the projection's entries, downsample.*, are missing: copy them",
    )
    expect(
        not any("running" in key for key in missing),
        f"the statistics are missing: {[k for k in missing if 'running' in k]}; "
        "in eval mode the block would not be the same function",
    )
    expect(not missing, f"these keys are missing: {missing}")
    expect(
        len(given) == len(right), f"these keys do not belong to form C: {[k for k in given if k not in right][:3]}"
    )
    for key, value in right.items():
        expect(
            given[key].shape == value.shape, f"{key} is {tuple(given[key].shape)}, but should be {tuple(value.shape)}"
        )
        expect(
            value.ndim or torch.equal(given[key], value),
            f"{key} is one number, the same in every path: do not add it up",
        )
        same_numbers = torch.equal(given[key].flatten().sort().values, value.flatten().sort().values)
        expect(
            same_numbers, f"{key} has the right shape but other numbers than the paths: stack them, change nothing"
        )
        expect(
            torch.equal(given[key], value),
            f"{key} has the right shape but the wrong order: path 0 first, then path 1, ... "
            "(as numbers: path 2 before path 10)",
        )
    return "form C computes what form B computed."


@check("paths in nn.ModuleList; sum them; one batch norm after the sum; then the shortcut")
def form_a(answer):
    """A class (in_channels, width, out_channels, cardinality, stride): form A."""
    for arguments in ((12, 8, 12, 4, 1), (12, 8, 20, 4, 2)):
        block, reference = expect_module(answer(*arguments)), FormA(*arguments)
        convolutions = _convolutions(block)
        expect(not any(c.bias is not None for c in convolutions), "a convolution has a bias: write bias=False")
        expect(not any(c.groups > 1 for c in convolutions), "groups are form C's way; form A has separate paths")
        norms = sum(isinstance(m, nn.BatchNorm2d) for m in block.modules())
        wanted = sum(isinstance(m, nn.BatchNorm2d) for m in reference.modules())
        expect(
            norms != wanted + 3,
            "every path ends with a batch norm of its own: the last one comes once, after the sum",
        )
        expect(
            len(convolutions) != 2 * 4 + len(_convolutions(reference)) - 12 + 1,
            "one 1x1 for all paths: that is form B",
        )
        expect(
            len(convolutions) >= len(_convolutions(reference)),
            f"{len(convolutions)} convolutions instead of {len(_convolutions(reference))}: three a path, and the projection "
            "where the shape changes (are the paths in an nn.ModuleList?)",
        )
        expect(
            norms == wanted,
            f"there should be {wanted} batch norms, two a path, one after the sum and one in a projection, "
            f"but there are {norms}",
        )
        found = sizes(block)
        right = sizes(reference)
        expect(
            found == right,
            f"for {arguments} a convolution has the wrong size or stride (the stride sits on the 3x3): "
            f"{sorted(set(found) - set(right))} instead of {sorted(set(right) - set(found))} as (kernel, in, out, stride)",
        )
        _expect_block_values(block, reference, 12)
    return "separate paths, one sum, one batch norm."


# --- Chapter 7 --------------------------------------------------------------------------------


@check("two keywords, and two more for the images and the classes")
def small_change(answer):
    """A network: ResNeXt-50 (32x4d) for one image channel and 10 classes."""
    expect(isinstance(answer, nn.Module), "give a network, not a class: call it")
    right = networks.resnext50_32x4d(image_channels=1, num_classes=10)
    expect(
        _convolutions(answer) and hasattr(answer, "fc"),
        "give a ResNeXt: this network lacks its convolutions or its fc",
    )
    first = _convolutions(answer)[0]
    expect(
        first.in_channels == 1, f"the first convolution reads {first.in_channels} channels: image_channels is missing"
    )
    expect(
        answer.fc.out_features == 10, f"the classifier has {answer.fc.out_features} outputs: num_classes is missing"
    )
    total = count_parameters(answer)
    twins = {
        count_parameters(
            networks.resnet50(image_channels=1, num_classes=10)
        ): "this is ResNet-50: cardinality and bottleneck_width are missing",
        count_parameters(
            networks.wide_resnet50_2(image_channels=1, num_classes=10)
        ): "this is Wide ResNet-50-2: the groups are missing",
        count_parameters(
            networks.ResNeXt((3, 4, 6, 3), 4, 32, image_channels=1, num_classes=10)
        ): "cardinality and bottleneck_width are swapped",
        count_parameters(
            networks.ResNeXt((3, 4, 6, 3), 1, 4, image_channels=1, num_classes=10)
        ): "only the width was set: one path of 4 channels",
    }
    expect(
        total == count_parameters(right),
        twins.get(total, f"{total:,} parameters instead of {count_parameters(right):,}"),
    )
    expect(list(answer.state_dict()) == list(right.state_dict()), "the state-dict keys differ from the library's")
    return f"{total:,} parameters."


@check("ask every block's conv1 and conv2 for its stride; only stages 2 to 4 have one")
def stride_layer(answer):
    """A function from a network to the name of the layer that carries the stride: "conv1" or "conv2"."""
    right, wrong = networks.resnext50_32x4d(), _stride_on_first(networks.resnext50_32x4d())
    for network, name in ((right, "conv2"), (wrong, "conv1")):
        given = answer(network)
        expect(isinstance(given, str), "return the name as a string")
        expect(given != "downsample", "the projection has a stride in both; the question is about the main path")
        expect(
            given == name,
            f"for a network with the stride on {name} you say {given!r}: stride is a pair, (2, 2), and "
            "layer1 has none; look at layer2[0]",
        )
    return "conv2 here and in torchvision; conv1 in the first ResNet."


def _stride_on_first(network):
    for stage in (network.layer2, network.layer3, network.layer4):
        stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)
    return network


def _with_bias(network):
    for block in (b for stage in (network.layer1, network.layer2, network.layer3, network.layer4) for b in stage):
        block.conv1.bias = nn.Parameter(torch.zeros(block.conv1.out_channels))
    return network


def wrong_networks():
    """Five networks that train and give 1000 numbers, each with one of the usual mistakes."""
    return {
        "groups forgotten (Wide ResNet-50-2)": networks.wide_resnet50_2(),
        "cardinality and width swapped": networks.ResNeXt((3, 4, 6, 3), cardinality=4, bottleneck_width=32),
        "plain ResNet-50": networks.resnet50(),
        "stride on the first 1x1": _stride_on_first(networks.resnext50_32x4d()),
        "bias in each block's first 1x1": _with_bias(networks.resnext50_32x4d()),
    }


@check("assert the parameters, the MACs, and the shape of a grouped weight")
def write_a_test(answer):
    """A function that takes a network and raises AssertionError unless it is ResNeXt-50 (32x4d)."""
    expect(callable(answer), "give a function that takes a network")
    try:
        answer(networks.resnext50_32x4d())
    except AssertionError as error:
        raise NotYet(f"your test rejects the right network: {str(error) or 'an assert without a message'}") from None
    except Exception as error:
        raise NotYet(
            f"on the right network your test raised {type(error).__name__}; a test raises AssertionError, "
            "which `assert` does by itself, and only on a wrong network"
        ) from None
    slipped = []
    for name, network in wrong_networks().items():
        try:
            answer(network)
            slipped.append(name)
        except AssertionError:
            pass
    expect(len(slipped) < 5, "your test cannot fail: it accepts every network, right or wrong")
    expect(not slipped, f"your test lets pass: {'; '.join(slipped)}")
    return "your test accepts the right network and rejects five wrong ones."


@check(
    "a block: 2 * out * width + 9 * width * width / C, plus 2 numbers a batch-norm channel; the first block differs"
)
def stage_parameters(answer):
    """A function (in_channels, width, out_channels, cardinality, blocks) to a stage's parameters, batch norm included."""
    for cin, w, cout, c, n in ((64, 128, 256, 32, 3), (256, 256, 512, 32, 4), (64, 64, 256, 1, 3)):
        norm = 2 * (w + w + cout)
        rest = 2 * cout * w + 9 * w * w // c + norm
        first = cin * w + 9 * w * w // c + w * cout + norm + cin * cout + 2 * cout
        right = first + (n - 1) * rest
        expect_number(
            answer(cin, w, cout, c, n),
            right,
            {
                right - (cin * cout + 2 * cout): "the projection of the first block is missing",
                right - 2 * cout: "the projection has a batch norm too",
                n * rest: "the first block reads in_channels, and has a projection",
                right - n * norm - 2 * cout: "the batch norms are missing: two numbers a channel",
                right - n * norm: "the blocks' batch norms are missing: two numbers a channel",
                right - (n * norm + 2 * cout) // 2: "a batch norm has two numbers a channel, weight and bias",
                right + n * (9 * w * w - 9 * w * w // c): "the 3x3 is grouped: divide its weights by C",
            },
            "parameters",
        )
    return "205,824 for the first stage of ResNeXt-50."


# --- Chapter 8 --------------------------------------------------------------------------------


@check("divide by 255 first; dim=(0, 2, 3) leaves one number a channel")
def channel_moments(answer):
    """A function from bytes (N, C, H, W) to mean and standard deviation by channel, on the scale 0 to 1."""
    pixels = torch.randint(256, (5, 3, 6, 4), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    pixels[:, 1] //= 3
    x = pixels.double() / 255
    right = x.mean(dim=(0, 2, 3)), x.std(dim=(0, 2, 3))
    given = answer(pixels.clone())
    expect(given is not None, NOTHING_RETURNED)
    expect(isinstance(given, (tuple, list)) and len(given) == 2, "return two tensors: the means and the spreads")
    for what, value, wanted in zip(("mean", "spread"), given, right, strict=True):
        expect(isinstance(value, torch.Tensor), f"{what}: give a tensor, not {type(value).__name__}")
        value = value.double().squeeze()
        expect(value.shape == (3,), f"{what}: one number for each of the 3 channels, not shape {tuple(value.shape)}")
        expect(not torch.allclose(value, 255 * wanted, atol=0.5), f"{what}: that is on the scale 0 to 255")
        expect(not torch.allclose(value, wanted**2, atol=1e-4), f"{what}: that is its square; the spread is the root")
        expect(not torch.allclose(value, wanted * 255 / 256, atol=1e-5), f"{what}: the largest byte is 255, not 256")
        # The spread may be the sample's or the population's.
        close = torch.allclose(value, wanted, atol=1e-4 if what == "mean" else 2e-3)
        expect(close, f"{what} of channel 1 is {wanted[0]:.3f}, not {value[0]:.3f}")
    return "one mean and one spread for each channel."


@check("count the drops: none before half, one from half on, two from three quarters on")
def staircase(answer):
    """A function (epoch, epochs, peak) to the paper's learning rate: divided by 10 at half and three quarters."""
    for epochs, peak in ((300, 0.1), (8, 0.4)):
        for epoch in range(epochs):
            right = peak / 10 ** ((2 * epoch >= epochs) + (4 * epoch >= 3 * epochs))
            given = number(answer(epoch, epochs, peak))
            where = f"epoch {epoch} of {epochs}, peak {peak}"
            expect(4 * epoch != 3 * epochs or abs(given - peak / 10) > 1e-9, f"{where}: the second drop begins here")
            expect(2 * epoch != epochs or abs(given - peak) > 1e-9, f"{where}: the first drop begins here, at half")
            expect(abs(given - right) < 1e-9, f"{where}: {right:g}, not {given:g}")
    return "two drops, as in the paper's CIFAR runs."


@check("for each class: answers[labels == label] == label, and the mean of that")
def class_accuracy(answer):
    """A function (labels, answers) to a dictionary from each class that occurs to its share of right answers."""
    labels, answers = torch.tensor([0, 0, 0, 0, 2, 2, 5, 5]), torch.tensor([0, 0, 0, 2, 2, 0, 0, 7])
    given = answer(labels.clone(), answers.clone())
    expect(given is not None, NOTHING_RETURNED)
    expect(isinstance(given, dict), f"return a dictionary from classes to shares, not {type(given).__name__}")
    expect(not any(isinstance(label, torch.Tensor) for label in given), "the keys are tensors: take .item() or .tolist()")
    given = {int(label): float(share) for label, share in given.items()}
    expect(set(given) == {0, 2, 5}, f"the classes that occur among the labels are 0, 2 and 5; yours are {sorted(given)}")
    right = {0: 0.75, 2: 0.5, 5: 0.0}
    of_answers = {label: (labels[answers == label] == label).double().mean().item() for label in (0, 2)}
    expect(any(abs(given[n] - of_answers[n]) > 1e-6 for n in of_answers), "you divide by how often a class was answered; "
           "divide by how often it is true")
    for label, share in right.items():
        expect(abs(given[label] - 100 * share) > 1e-6 or share == 0, "shares are numbers from 0 to 1, not per cent")
        expect(abs(given[label] - share) < 1e-6, f"class {label}: {share} of its pictures are right, not {given[label]:.2f}")
    return "the row of the confusion matrix: its diagonal, divided by its sum."


@check("copy.deepcopy first; then only the path's columns of conv3.weight may stay")
def only_path(answer):
    """A function (block, path) to a copy of a form C block in which only that path adds to the sum."""
    for path in (0, 2):
        block = fill(Bottleneck(6, 8, 6, cardinality=4)).eval()
        before = {name: value.clone() for name, value in block.state_dict().items()}
        given = expect_module(answer(block, path))
        unchanged = all(torch.equal(before[name], value) for name, value in block.state_dict().items())
        expect(unchanged, "your function changed the block it was given: copy.deepcopy it first")
        x, kept = random(2, 6, 5, 5, seed=3), slice(2 * path, 2 * path + 2)
        middle = torch.relu(block.bn2(block.conv2(torch.relu(block.bn1(block.conv1(x))))))

        def output(chosen, shortcut=1, middle=middle, block=block, x=x):
            weight = torch.zeros_like(block.conv3.weight)
            weight[:, chosen] = block.conv3.weight[:, chosen]
            return torch.relu(block.bn3(functional.conv2d(middle, weight)) + shortcut * x)

        result = given.eval()(x)
        others = [n for n in range(8) if n not in range(8)[kept]]
        expect(not torch.allclose(result, output(others)), f"path {path} is off and the others are on: the other way round")
        expect(not torch.allclose(result, output([path])), "that is one channel; a path is group_width channels wide")
        expect(not torch.allclose(result, output(kept, 0)), "the shortcut is gone; it should stay")
        expect_close(result, output(kept), f"the output is not that of path {path} alone (counted from 0) plus the shortcut")
    return "one path, one term of the sum."


# --- Chapter 9 --------------------------------------------------------------------------------


@check("100 * (count / counts[0] - 1) for each, without its sign; then the largest")
def budget_kept(answer):
    """A function from parameter counts to the largest deviation from the first, in per cent, without sign."""
    for counts in ([100, 102, 97, 101], [200, 198, 206], [50, 50]):
        deviations = [100 * (count / counts[0] - 1) for count in counts]
        right = max(map(abs, deviations))
        given = number(answer(list(counts)))
        expect(abs(given - right) < 1e-9 or abs(given - right / 100) > 1e-9, "that is a share; per cent is 100 times it")
        expect(given >= 0, "without sign: a budget is missed downwards as well")
        signed = abs(given - max(deviations)) < 1e-9 and given < right - 1e-9
        expect(not signed, f"for {counts} the largest deviation is downwards: take the size of each before the largest")
        span = 100 * (max(counts) / min(counts) - 1)
        expect(abs(given - right) < 1e-9 or abs(given - span) > 1e-9, "compare with the first count, not the smallest")
        expect(abs(given - right) < 1e-9, f"for {counts} it is {right:.1f} per cent, not {given:.1f}")
    return "the number to look at before anybody says 'at equal cost'."


@check("statistics.mean, and 2.78 * statistics.stdev(values) / 5 ** 0.5")
def five_runs(answer):
    """A function from five numbers to their mean and the half width of the 95 % interval."""
    values = [0.85, 0.86, 0.84, 0.87, 0.855]
    centre = sum(values) / 5
    squares = sum((value - centre) ** 2 for value in values)
    given = answer(list(values))
    expect(given is not None, NOTHING_RETURNED)
    expect(isinstance(given, (tuple, list)) and len(given) == 2, "return two numbers: the mean and the half width")
    middle, half = map(float, given)
    right = 2.776 * (squares / 4 / 5) ** 0.5
    expect(abs(middle - centre) < 1e-6, f"the mean of {values} is {centre:.3f}, not {middle:.3f}")
    mistakes = {
        (squares / 4) ** 0.5 * 2.776: "divide the spread by the root of 5: the mean of five varies less than one run",
        (squares / 4 / 5) ** 0.5: "the factor 2.78 is missing",
        2.776 * (squares / 5 / 5) ** 0.5: "divide the squares by 4, not 5: use stdev, not pstdev",
        2.776 * (squares / 4) ** 0.5 / 5: "divide by the root of 5, not by 5",
        1.96 * (squares / 4 / 5) ** 0.5: "1.96 is for many runs; for five it is 2.78",
        2 * right: "that is the whole width; half of it lies on each side",
    }
    expect(all(abs(half - value) > 3e-3 * value for value in mistakes),
           next((message for value, message in mistakes.items() if abs(half - value) <= 3e-3 * value), ""))
    expect(abs(half - right) < 3e-3 * right, f"the half width is {right:.4f}, not {half:.4f}")
    return "the mean says where, the half width how sure."


@check("the seeds that both have: first.keys() & second.keys(); sorted")
def differences(answer):
    """A function from two dictionaries {seed: accuracy} to the list of differences, in the order of the seeds."""
    first, second = {3: 0.5, 8: 0.75, 1: 1.0, 7: 0.25}, {8: 0.5, 1: 0.5, 3: 0.625, 9: 0.0}
    try:
        given = answer(dict(first), dict(second))
    except KeyError as missing:
        alone = set(first) ^ set(second)
        expect(missing.args[0] not in alone, f"seed {missing} is in one dictionary only: take the seeds that both have")
        raise
    expect(given is not None, NOTHING_RETURNED)
    expect(isinstance(given, (list, tuple)), f"return a list, not {type(given).__name__}")
    given, right = [float(value) for value in given], [0.5, -0.125, 0.25]
    expect(len(given) == 3, f"seeds 1, 3 and 8 are in both, so there are 3 differences, not {len(given)}")
    expect(given != [-value for value in right], "the other way round: first minus second")
    expect(given != [abs(value) for value in right], "keep the signs: the second pair speaks against the first network")
    expect(sorted(given) != sorted(right) or given == right, "the right differences, but not in the order of the seeds")
    expect(given == right, f"expected {right}, not {given}: subtract what belongs to the same seed")
    return "what the seed did to both has dropped out."


@check('a dictionary with the four keys and True or False, such as {"fits": True, ...}')
def what_follows(answer):
    """A dictionary from four statements about the study to True (supported) or False."""
    reasons = {
        "fits": (True, "look at the paired differences on the training pictures: the interval is clear of 0"),
        "always": (False, "one data set was tried, and on its test pictures the interval barely clears 0"),
        "depth": (False, "six epochs are few for 38 layers; the study says nothing about longer training"),
        "seeds": (True, "compare the rankings of seed 0 and seed 4"),
    }
    expect(isinstance(answer, dict), f"give a dictionary, not {type(answer).__name__}")
    expect(set(answer) == set(reasons), f"the keys are {list(reasons)}, not {sorted(map(str, answer))}")
    for name, (right, reason) in reasons.items():
        expect(isinstance(answer[name], bool), f"{name}: answer True or False, not {answer[name]!r}")
        expect(answer[name] == right, f"{name}: {reason}")
    return "a study supports what it varied and measured, no more."


# --- Chapter 10 -------------------------------------------------------------------------------


@check("statistics.median of each list, then divide")
def times_as_fast(answer):
    """A function from two lists of seconds to how many times as fast the second arm is, by medians."""
    first, second = [8.0, 6.0, 90.0, 5.0, 6.5], [2.0, 1.0, 2.5, 40.0, 1.5]
    given = number(answer(list(first), list(second)))
    expect(not near(given, 2 / 6.5), "the other way round: a faster second arm gives more than 1")
    expect(not near(given, sum(first) / sum(second)), "these are means; one interrupted call decides them")
    expect(not near(given, 5 / 1), "the fastest calls are the luckiest ones: take the medians")
    ratios = sorted(a / b for a, b in zip(first, second, strict=True))
    expect(not near(given, ratios[2]), "that is the median of the ratios; asked is the ratio of the medians")
    expect(not near(given, 90 / 2.5), "the middle of the list as it came is not the median: sort it, or use median()")
    expect(near(given, 6.5 / 2), f"for {first} and {second} it is {6.5 / 2:.2f}, not {given:.2f}")
    even = number(answer([1.0, 4.0, 2.0, 3.0], [1.0, 1.0]))
    expect(not near(even, 3.0) and not near(even, 2.0), "of four numbers the median is the mean of the middle two")
    expect(near(even, 2.5), f"for four numbers, 1 to 4, against two ones it is 2.5, not {even:.2f}")
    return "the median forgets the call that was interrupted."


@check("MACs = channels * channels / groups * kernel**2 * side**2; bytes = 4 * (input + weights + output)")
def macs_a_byte(answer):
    """A function of channels, kernel, side, groups to a convolution's MACs a byte."""
    for channels, kernel, side, groups in ((64, 3, 14, 1), (64, 3, 14, 16), (128, 1, 7, 1)):
        given = number(answer(channels, kernel, side, groups))
        weights, maps = channels * channels // groups * kernel**2, channels * side**2
        macs = weights * side**2
        mistakes = {
            macs / (2 * maps + weights): "that is MACs a number; a number has 4 bytes",
            2 * macs / (4 * (2 * maps + weights)): "one MAC is one multiplication and one addition: count it once",
            macs * groups / (4 * (2 * maps + weights)): "with groups, each output reads only channels / groups inputs",
            macs / (4 * (2 * maps + weights * groups)): "a grouped convolution has fewer weights to fetch as well",
            macs / (4 * (maps + weights)): "the input moves, and so does the output",
            macs / (4 * 2 * maps): "the weights move as well",
        }
        right = macs / (4 * (2 * maps + weights))
        case = f"{channels} channels, {kernel}x{kernel}, side {side}, groups={groups}"
        expect_near(given, right, mistakes, f"{case}: {right:.2f} MACs a byte, not {given:.2f}")
    return "grouping divides the top of this fraction, and of the bottom only the weights."


@check("the smaller of two limits: peak, and intensity * bandwidth")
def attainable(answer):
    """A function of intensity, peak and bandwidth to the MACs a second that the roofline allows."""
    cases = [(0.5, 100.0, 20.0), (40.0, 100.0, 20.0), (5.0, 100.0, 20.0)]
    given = [number(answer(*case)) for case in cases]
    expect(given != [100.0, 800.0, 100.0], "the smaller limit decides, not the larger")
    for value, (intensity, peak, bandwidth) in zip(given, cases, strict=True):
        slope = intensity * bandwidth
        right = min(peak, slope)
        expect(near(value, right) or not near(value, peak),
               f"at {intensity} MACs a byte memory delivers less than the peak")
        expect(near(value, right) or not near(value, slope), f"at {intensity} MACs a byte this passes the peak")
        expect(near(value, right), f"intensity {intensity}, peak {peak}, bandwidth {bandwidth}: {right:g}, not {value:g}")
    return "a slope, then a flat roof."


@check("the rest takes 1 - share, the layer share / factor; the whole becomes 1 over their sum")
def whole_speedup(answer):
    """A function of a layer's share of the time and its speed-up to that of the whole network (Amdahl's law)."""
    for share, factor in ((0.1, 10.0), (0.5, 2.0), (1.0, 3.0), (0.0, 5.0)):
        given = number(answer(share, factor))
        right = 1 / (1 - share + share / factor)
        mistakes = {
            1 - share + share / factor: "that is the time that is left; how many times as fast is 1 over it",
            share * factor: "the rest of the network takes its time as well",
            1 + share * (factor - 1): "add times, not speeds",
            factor: "only the layer became faster; the rest takes 1 - share as before",
        }
        expect_near(given, right, mistakes, f"share {share}, factor {factor}: {right:.3f}, not {given:.3f}")
    return "a tenth of the time, made infinitely fast, gives 1.11."


# --- Chapter 11 -------------------------------------------------------------------------------


@check("how many input channels does one group read: all of them, some, or one?")
def kind_of_convolution(answer):
    """A function from an ``nn.Conv2d`` to "dense", "grouped" or "depthwise"."""
    for cin, cout, groups, right in (
        (128, 128, 1, "dense"),
        (128, 128, 32, "grouped"),
        (96, 96, 96, "depthwise"),
        (1008, 1008, 21, "grouped"),
        (64, 128, 64, "depthwise"),
        (128, 32, 32, "grouped"),
        (1, 8, 1, "dense"),
    ):
        given = answer(nn.Conv2d(cin, cout, 3, padding=1, groups=groups))
        expect(given is not None, NOTHING_RETURNED)
        expect(given in ("dense", "grouped", "depthwise"), f'return "dense", "grouped" or "depthwise", not {given!r}')
        expect(cin > 1 or given == right, "one channel in and one group: nothing is cut, so this is dense")
        expect(
            given == right,
            f"{cin} channels in, {cout} out, groups={groups}: one group reads {cin // groups} of the {cin} channels, "
            f"so this is {right}, not {given}",
        )
    return "dense reads all, grouped reads some, depthwise reads one."


@check("two 1x1s with biases: channels to channels // reduction, and back")
def se_parameters(answer):
    """A function (channels, reduction) to the parameters of squeeze-and-excitation."""
    for channels, reduction in ((256, 16), (2048, 16), (64, 4), (512, 32)):
        small = channels // reduction
        right = 2 * channels * small + small + channels
        expect_number(
            answer(channels, reduction),
            right,
            {
                2 * channels * small: "the two layers have biases: no batch norm follows them",
                channels * small + small: "that is the first layer; a second one leads back to all channels",
                channels * small: "that is the first layer's weights; a second layer leads back, and both have biases",
                2 * channels * small + 2 * small: "the second layer has a bias for each of its outputs, all channels",
                2 * channels * small + 2 * channels: "the first layer has a bias for each of its few outputs",
                9 * 2 * channels * small + small + channels: "the kernels are 1x1: the map is a single pixel there",
                2 * channels * reduction + reduction + channels: f"reduction is a divisor: the middle has {small} channels",
                2 * channels * channels + 2 * channels: f"the middle has channels // reduction = {small} channels",
            },
            f"parameters for {channels} channels and reduction {reduction}",
        )
    return "8,464 for the first stage of SE-ResNeXt-50."


@check("the ResNeXt block with width=out_channels, and out_channels // group_width groups")
def x_block(answer):
    """A class (in_channels, out_channels, group_width, stride): RegNet's X block."""
    for cin, cout, d, stride in ((32, 96, 24, 2), (48, 48, 8, 1), (32, 24, 24, 2), (24, 48, 1, 1)):
        layers = _convolutions(expect_module(answer(cin, cout, d, stride)))
        middle = {layer.out_channels for layer in layers if layer.kernel_size == (3, 3)}
        case = f"{cin} in and {cout} out: the 3x3 gives {sorted(middle)} channels"
        expect(middle <= {cout}, case + "; an X block is as wide inside as its output")
        expect_block(lambda i, w, o, c, s: answer(i, o, w // c, s), (cin, cout, cout, cout // d, stride))
    return "groups of equal width, as many as the stage needs."


@check("Bottleneck(in_channels, width, out_channels, cardinality); the widths are 96 and 384")
def steps_to_convnext(answer):
    """A dictionary of two ``Bottleneck`` objects, "resnextify" and "inverted": ConvNeXt's first two steps."""
    right = {"resnextify": (384, 96, 384), "inverted": (96, 384, 96)}
    expect(isinstance(answer, dict) and set(answer) == set(right), f"give a dictionary with the keys {list(right)}")
    for name, (outer, middle, _) in right.items():
        block = answer[name]
        expect(
            all(hasattr(block, key) for key in ("in_channels", "width", "out_channels", "cardinality", "conv2")),
            f"{name}: give a block made by Bottleneck(...), not {type(block).__name__}",
        )
        given = (block.in_channels, block.width, block.out_channels)
        other = "wide outside and narrow in the middle" if outer > middle else "narrow outside and wide in the middle"
        expect(given != (middle, outer, middle), f"{name}: it is the other way round: {other}")
        expect(given == right[name], f"{name}: in, middle and out are {given}, but should be {right[name]}")
        groups = block.conv2.groups
        expect(groups != 1, f"{name}: the 3x3 is dense; cardinality is missing")
        expect(groups != 32, f"{name}: 32 paths is ResNeXt's choice; here every channel is a group of its own")
        expect(groups == middle, f"{name}: the 3x3 reads {middle} channels, so depthwise is {middle} groups, not {groups}")
    return "both are our block, with one channel a group."


# --- Chapter 12 -------------------------------------------------------------------------------


@check("rank, rank + world, rank + 2 * world, ... up to ceil(count / world) of them; % count begins again at 0")
def share_of_images(answer):
    """A function (count, world, rank) to the indices that an unshuffled ``DistributedSampler`` gives."""
    for count, world in ((12, 4), (10, 4), (9, 2), (3, 8), (7, 1)):
        shares = [answer(count, world, rank) for rank in range(world)]
        expect(shares[0] is not None, NOTHING_RETURNED)
        expect(all(isinstance(share, list) for share in shares), f"give a list, not {type(shares[0]).__name__}")
        case = f"{count} images, {world} ranks: "
        right = [list(DistributedSampler(range(count), world, rank, shuffle=False)) for rank in range(world)]
        sizes = {len(share) for share in shares}
        expect(len(sizes) == 1, case + f"the shares have {sorted(sizes)} images, so who has more would wait for the others")
        lost = sorted(set(range(count)) - set(sum(shares, [])))
        expect(not lost, case + f"nobody sees the images {lost}")
        outside = sorted(set(sum(shares, [])) - set(range(count)))
        expect(not outside, case + f"there are no images {outside}; begin again at 0")
        expect(len(shares[0]) == len(right[0]), case + f"{len(right[0])} each suffice, not {len(shares[0])}")
        for rank, (given, wanted) in enumerate(zip(shares, right, strict=True)):
            expect(given == wanted, case + f"rank {rank} gets {wanted}, every {world}-th, but you give it {given}")
    return "no image is lost, and only the padding is seen twice."


@check("how many images does one step see, on all machines together?")
def cluster_learning_rate(answer):
    """A function (machines, cards, batch of a card) to the learning rate by the linear rule."""
    for machines, cards, batch in ((2, 4, 32), (1, 8, 32), (1, 2, 32), (4, 4, 128)):
        given, right = number(answer(machines, cards, batch)), 0.1 * machines * cards * batch / 256
        mistakes = {
            0.1 * machines * batch / 256: "that is the rate for one card a machine; every machine has several",
            0.1 * batch / 256: "that is the rate for the batch of one card; a step sees those of all cards",
            machines * cards * batch / 256: "that is the factor; the rate is 0.1 times as much",
            0.1 * cards * batch / 256: "that is the rate for one machine; a step sees the images of all machines",
            0.1 * 256 / (machines * cards * batch): "a larger batch wants a larger learning rate, not a smaller one",
            0.1 * (machines * cards * batch / 256) ** 0.5: "that is the root of the factor; the rule takes the factor",
            0.1: "the learning rate follows the batch; 0.1 is for 256 images a step",
        }
        case = f"{machines} machines, {cards} cards, {batch} images a card"
        expect_near(given, right, mistakes, f"{case}: {given} is not it")
    return "0.1 for 256 images a step, in proportion for every other batch."


@check("a mean times its count is a sum; sums may be added")
def mean_of_all(answer):
    """A function (gradients, counts): the mean over all images of ranks with unequal shares."""
    for counts in ((3, 1), (20, 20, 10), (5,)):
        gradients = [random(4, seed=seed) for seed in range(len(counts))]
        before = [gradient.clone() for gradient in gradients]
        given = answer(gradients, list(counts))
        expect(given is not None, NOTHING_RETURNED)
        expect(all(torch.equal(a, b) for a, b in zip(gradients, before, strict=True)), "leave the gradients as they were")
        total = sum(gradient * count for gradient, count in zip(gradients, counts, strict=True))
        expect_close(given, given, "give a tensor")
        for wrong, text in (
            (sum(gradients) / len(gradients), "every rank counts the same here, but they had unequally many images"),
            (total, "that is the sum over all images; divide by their number"),
            (total / len(counts), f"divide by the number of images, {sum(counts)}, not by that of the ranks"),
            (sum(gradients) / sum(counts), "weigh each gradient by its rank's number of images before adding"),
        ):
            same = torch.allclose(wrong, total / sum(counts)) or given.shape != wrong.shape
            expect(same or not torch.allclose(given, wrong), f"shares of {counts}: {text}")
        expect_close(given, total / sum(counts), f"shares of {counts}: this is not the mean over all images")
    return "shares weighted by their size give the mean over all images."
