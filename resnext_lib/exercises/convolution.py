"""The checks of chapter 1: what a convolution costs."""

from random import Random
from typing import Any

from torch.nn import functional

from resnext_lib.exercises.delegation import OWN_WORK, Forbidden, call
from resnext_lib.exercises.values import (
    call_with_copies,
    expect_close,
    expect_number,
    items,
    near,
    normal_numbers,
    number,
    same,
    table,
    tensor,
    text,
    whole_number,
)
from resnext_lib.exercises.verdicts import FUNCTION, check, expect, shown

MATRIX_ONLY = Forbidden(
    convolutions=(lambda groups: False, "right, but a convolution did it: use matrix multiplication only")
)


def draw_convolutions(dice: Random) -> list:
    """Sizes of other convolutions, on maps that are not square."""
    return [
        (dice.randint(2, 300), dice.randint(2, 300), dice.randint(1, 9), dice.randint(2, 120), dice.randint(121, 240))
        for _ in range(6)
    ]


@check(
    "one filter has k * k * in_channels weights, and every output number costs one filter's worth of MACs",
    FUNCTION,
    takes="in_channels, out_channels, kernel, height, width",
    visible=((3, 64, 7, 112, 112), (64, 128, 3, 28, 20), (256, 64, 1, 7, 7)),
    hidden=draw_convolutions,
    forbidden=OWN_WORK,
)
def convolution_cost(answer: Any, cases: list) -> str:
    """A function (in_channels, out_channels, kernel, height, width) to (parameters, MACs), without bias."""
    for case in cases:
        given = items(call(answer, *case), "return two numbers: parameters, MACs", 2)
        cin, cout, k, h, w = case
        weights = cin * cout * k * k
        swapped = near(number(given[0]), weights * h * w) and near(number(given[1]), weights) and h * w > 1
        expect(not swapped, "the two are the other way round: first parameters, then MACs")
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


def draw_outputs(dice: Random) -> list:
    """Sizes, kernels, strides and paddings; at least one stride leaves a rest."""
    kernels = [dice.randint(1, 9) for _ in range(12)]
    cases = [(dice.randint(12, 300), k, dice.randint(1, 4), dice.randint(0, k // 2)) for k in kernels]
    return [*cases, (2 * dice.randint(20, 90), 3, 2, 1), (2 * dice.randint(20, 90), 7, 2, 3)]


@check(
    "how many steps of size stride fit after the first placement of the kernel?",
    FUNCTION,
    takes="size, kernel, stride, padding",
    visible=((28, 5, 1, 2), (224, 7, 2, 3), (56, 3, 2, 1), (28, 1, 2, 0), (9, 5, 3, 0), (32, 3, 1, 0)),
    hidden=draw_outputs,
    forbidden=OWN_WORK,
)
def output_size(answer: Any, cases: list) -> str:
    """A function (size, kernel, stride, padding) to the output size."""
    for size, k, s, p in cases:
        given = call(answer, size, k, s, p)
        whole_number(given, f"the size is a whole number, one int: divide with //, not {shown(given)}")
        right = (size + 2 * p - k) // s + 1
        expect_number(
            given,
            right,
            {
                (size + 2 * p - k) // s: "one is missing: the first placement of the kernel counts too",
                (size + p - k) // s + 1: "padding goes on both sides",
                (size + 2 * p - k) + 1: "the stride is ignored",
                (size - k) // s + 1: "the padding is ignored",
                size // s: f"size // stride ignores the kernel: for size {size}, kernel {k}, padding {p} it is {right}",
            },
            f"is not the size for size {size}, kernel {k}, stride {s}, padding {p}, which is {right};",
        )
    return "and 3x3 with padding 1, 1x1 with padding 0, keep the size."


def draw_maps(dice: Random) -> list:
    """Batch, channels in and out, height, width of other maps, and a seed for their numbers."""
    return [
        (dice.randint(1, 3), dice.randint(3, 9), dice.randint(2, 9), dice.randint(2, 6), 7, seed) for seed in (11, 12, 13)
    ]


@check(
    "at every pixel: out = weight @ in, with weight (out_channels, in_channels)",
    FUNCTION,
    takes="x, weight",
    visible=((2, 6, 3, 5, 4, 0),),
    hidden=draw_maps,
    forbidden=MATRIX_ONLY,
)
def pointwise(answer: Any, cases: list) -> str:
    """A function (x, weight) that does a 1x1 convolution with a matrix (out, in)."""
    for n, cin, cout, height, width, seed in cases:
        x, weight = normal_numbers(n, cin, height, width, seed=seed), normal_numbers(cout, cin, seed=seed + 1)
        given = call_with_copies(answer, x, weight)
        right = functional.conv2d(x, weight[:, :, None, None])
        found, _ = tensor(given, "return a tensor")
        expect(
            same(given, right) or tuple(found.shape) != (n, height, width, cout),
            "the channels ended up last: move them back to dimension 1, (N, C, H, W)",
        )
        expect_close(
            given,
            right,
            f"the shape is right but the values are not: each pixel's {cin} channels are multiplied "
            "by the matrix, and no pixel sees another",
        )
    return "a 1x1 convolution is one matrix, applied at every pixel."


def draw_stacks(dice: Random) -> list:
    """Stacks of (kernel, stride), first layer first."""
    return [[(dice.choice((1, 2, 3, 5, 7)), dice.randint(1, 3)) for _ in range(length)] for length in (1, 2, 3, 4, 5, 6)]


@check(
    "the first layer sees k pixels; each later one adds (k - 1) steps, and a step is as long as the strides before it",
    FUNCTION,
    takes="layers",
    visible=([(3, 1)], [(3, 1), (3, 1)], [(7, 2), (3, 2)], [(3, 2), (3, 2), (3, 1)], [(1, 1), (3, 1), (1, 1)]),
    hidden=draw_stacks,
    forbidden=OWN_WORK,
)
def receptive_field(answer: Any, cases: list) -> str:
    """A function from a list of (kernel, stride) to the side of the receptive field."""
    for layers in cases:
        given = call(answer, list(layers))
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
            given,
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


# The four wrong counts of the exercise, and how far each is from the right one.
MISCOUNTS = {
    "Ada": ("FLOPs", "twice the right number"),
    "Ben": ("input map", "four times the right number"),
    "Cem": ("k once", "a third of the right number"),
    "Dora": ("one channel", "a 64th of the right number"),
}


@check('count the layer yourself, then divide: {"Ada": "FLOPs", ...}')
def miscounts(answer: Any) -> str:
    """A dictionary from the names of four people who counted one layer's MACs to the mistake that each made."""
    mistakes = sorted(mistake for mistake, _ in MISCOUNTS.values())
    given = table(answer, f"give a dictionary from names to mistakes, not {type(answer).__name__}")
    expect(set(given) == set(MISCOUNTS), f"the names are {list(MISCOUNTS)}, not {sorted(map(str, given))}")
    for name, (mistake, distance) in MISCOUNTS.items():
        said = text(given[name], f"{name}: give one of {mistakes}, not {shown(given[name])}")
        expect(said in mistakes, f"{name}: give one of {mistakes}, not {shown(said)}")
        expect(said == mistake, f"{name} is not explained by {said!r}: the count is {distance}")
    return "a factor is the fingerprint of a mistake."
