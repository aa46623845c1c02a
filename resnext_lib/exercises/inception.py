"""The checks of chapter 2: Inception, fifty-four numbers."""

from random import Random
from typing import Any

import torch

from resnext_lib import networks
from resnext_lib.blocks import Inception
from resnext_lib.exercises.delegation import FROM_SCRATCH, OWN_WORK, call
from resnext_lib.exercises.modules import batch_norms, convolutions, expect_module, expect_same_function
from resnext_lib.exercises.values import expect_number, normal_numbers, number
from resnext_lib.exercises.verdicts import CLASS, FUNCTION, NotYet, check, expect


def draw_widths(dice: Random) -> list:
    """Widths of modules that GoogLeNet does not have."""
    keys = next(iter(networks.GOOGLENET_MODULES.values()))
    return [("a module of other widths", {key: dice.randint(8, 400) for key in keys}) for _ in range(6)]


@check(
    "a concatenation adds up what the four branches give out, and nothing else",
    FUNCTION,
    takes="widths",
    visible=tuple(networks.GOOGLENET_MODULES.items()),
    hidden=draw_widths,
    forbidden=OWN_WORK,
)
def inception_channels(answer: Any, cases: list) -> str:
    """A function from a module's six widths (a dictionary) to its output channels."""
    for name, w in cases:
        given = call(answer, dict(w))
        right = w["conv1x1"] + w["conv3x3"] + w["conv5x5"] + w["pool_projection"]
        largest = max(w["conv1x1"], w["conv3x3"], w["conv5x5"], w["pool_projection"])
        expect_number(
            given,
            right,
            {
                sum(w.values()): f"for {name} you also count the reductions; their output stays inside the module",
                right - w["pool_projection"]: f"for {name} the pooling branch is forgotten",
                largest: f"for {name} branches are put side by side, their channels add up",
            },
        )
    return "reductions never show outside the module."


def draw_branches(dice: Random) -> list:
    """Channels in and out, and a kernel; in the last case one more channel would cost exactly as much."""
    cases = [(dice.randint(100, 900), dice.randint(16, 400), dice.choice((1, 3, 5, 7))) for _ in range(6)]
    channels = dice.randint(10, 90)
    return [*cases, (9 * channels, channels, 3)]


@check(
    "in * reduce + reduce * out * k * k must stay below in * out * k * k",
    FUNCTION,
    takes="in_channels, out_channels, kernel",
    visible=((192, 32, 5), (192, 128, 3), (512, 64, 5), (480, 192, 1), (288, 32, 3)),
    hidden=draw_branches,
    forbidden=OWN_WORK,
)
def reduction_limit(answer: Any, cases: list) -> str:
    """A function (in_channels, out_channels, kernel) to the largest reduction that still saves weights."""
    for cin, cout, k in cases:
        given = number(call(answer, cin, cout, k))
        direct, each = cin * cout * k * k, cin + cout * k * k
        right = (direct - 1) // each
        costs = "costs as much as" if direct % each == 0 else "costs more than"
        expect(float(given).is_integer(), f"the number of channels is a whole number, not {given}: round down")
        expect_number(
            given,
            right,
            {
                right + 1: f"for {(cin, cout, k)} a reduction to {right + 1} {costs} none",
                cin - 1: "the 1x1 itself is not free: in_channels * reduce weights",
                (cin * cout * k - 1) // (cin + cout * k): "the kernel counts twice: height and width",
                (direct - 1) // (cin * k * k + cout * k * k): "the reduction is a 1x1: its kernel has one place",
            },
            f"for {(cin, cout, k)}",
        )
    return "even a slight reduction pays before a large window; before a 1x1 only a strong one does."


@check(
    "four branches over the same x, then torch.cat along dimension 1; nn.Conv2d with padding k // 2",
    CLASS,
    visible=((9, 7),),
    hidden=lambda dice: [(dice.randint(6, 8), 21), (dice.randint(10, 12), 22)],
    forbidden=FROM_SCRATCH,
)
def inception_3a(answer: Any, cases: list) -> str:
    """A class without arguments: GoogLeNet's module 3a, convolutions with bias and ReLU."""
    for side, seed in cases:
        module = expect_module(call(answer))
        expect(
            not batch_norms(module),
            "there is a batch norm: that is torchvision's variant; "
            "the paper's module has only convolutions with bias and ReLUs",
        )
        reference = Inception(192, **networks.GOOGLENET_MODULES["3a"])
        _expect_branches(module, reference)
        _expect_maps_fit(module)
        expect_same_function(
            module,
            reference,
            normal_numbers(2, 192, side, side, seed=seed),
            "the sizes are right but the values are not: is there a ReLU after every convolution, are the "
            "branches in the order 1x1, 3x3, 5x5, pooling, does the pooling take the maximum, and before its 1x1?",
        )
    return "163,696 parameters, 256 channels out."


def _expect_branches(module, reference):
    """Sentences for convolutions that are missing, too many or of another size."""
    found, wanted = (
        sorted((c.kernel_size[0], c.in_channels, c.out_channels) for c in convolutions(one)) for one in (module, reference)
    )
    expect((5, 192, 32) not in found, "the 5x5 reads 192 channels: its 1x1 reduction to 16 is missing")
    expect((3, 192, 128) not in found, "the 3x3 reads 192 channels: its 1x1 reduction to 96 is missing")
    expect((3, 16, 32) not in found, "the third branch has a 3x3: that is torchvision's variant, the paper has a 5x5")
    expect((1, 192, 32) in found, "the pooling branch lacks its 1x1 to 32 channels")
    expect(found == wanted, f"the convolutions (kernel, in, out) are {found}, but 3a has {wanted}")
    expect(
        all(c.bias is not None for c in convolutions(module)),
        "a convolution has no bias; without batch norm after it, it needs one",
    )


def _expect_maps_fit(module):
    """Sentences for branches whose maps cannot be put side by side."""
    try:
        y = call(module, torch.zeros(1, 192, 28, 28))
    except RuntimeError as error:
        raise NotYet(
            f"the branches do not fit together ({str(error)[:80]}): every branch must keep 28x28, "
            "so a 3x3 needs padding 1, a 5x5 padding 2, the pooling stride 1 and padding 1, "
            "and torch.cat needs dim=1"
        ) from None
    expect(y is not None, "your forward returns nothing: is `return` missing?")
    expect(isinstance(y, torch.Tensor), f"your forward returns a {type(y).__name__}, not a tensor")
    expect(tuple(y.shape) == (1, 256, 28, 28), f"the output is {tuple(y.shape)}, but should be (1, 256, 28, 28)")


@check("split the weights of 3a into those that grow with s and those that grow with s * s, and solve for s")
def common_factor(answer: Any) -> str:
    """By what factor the six widths of module 3a must grow for twice its weights, with two digits after the point."""
    given = number(answer)
    linear, quadratic = 192 * (64 + 96 + 16 + 32), 96 * 128 * 9 + 16 * 32 * 25
    grown = (linear * given + quadratic * given**2) / (linear + quadratic)
    mistakes = {
        2: "at twice the widths the weights become 3.5 times as many",
        1.41: "the square root of 2 would be right if both sides of every layer grew, but the input keeps its 192 channels",
        1: "that changes nothing",
    }
    for wrong, sentence in mistakes.items():
        expect(abs(given - wrong) > 0.006, sentence)
    expect(abs(grown - 2) < 0.012, f"with a factor of {given:g} the weights become {grown:.2f} times as many, not twice")
    return "one factor for six numbers, and nothing says that it is the best way to spend the weights."
