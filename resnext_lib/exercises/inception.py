"""The checks of chapter 2: Inception, fifty-four numbers."""

import torch

from resnext_lib import networks
from resnext_lib.blocks import Inception
from resnext_lib.exercises.delegation import FROM_SCRATCH, OWN_WORK, call
from resnext_lib.exercises.modules import batch_norms, convolutions, expect_module, expect_same_function
from resnext_lib.exercises.values import expect_number, items, near, normal_numbers, number
from resnext_lib.exercises.verdicts import CLASS, FUNCTION, NotYet, check, expect


def draw_widths(dice):
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
def inception_channels(answer, cases):
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


def draw_branches(dice):
    """Channels in, reduced and out, and a kernel."""
    return [(dice.randint(100, 900), dice.randint(8, 96), dice.randint(16, 400), dice.randint(2, 7)) for _ in range(6)]


@check(
    "with a reduction: in * reduce + reduce * out * k * k",
    FUNCTION,
    takes="in_channels, reduce, out_channels, kernel",
    visible=((192, 16, 32, 5), (192, 96, 128, 3), (512, 24, 64, 5)),
    hidden=draw_branches,
    forbidden=OWN_WORK,
)
def reduction_saving(answer, cases):
    """A function (in_channels, reduce, out_channels, kernel) to (weights without, weights with the 1x1)."""
    for cin, r, cout, k in cases:
        given = items(call(answer, cin, r, cout, k), "return two numbers: without, with", 2)
        direct, reduced = cin * cout * k * k, cin * r + r * cout * k * k
        swapped = near(number(given[0]), reduced) and near(number(given[1]), direct) and direct != reduced
        expect(not swapped, "the two are the other way round: first without, then with")
        expect_number(given[0], direct, {cin * cout * k: "the kernel counts twice: height and width"}, "weights without")
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


@check(
    "four branches over the same x, then torch.cat along dimension 1; nn.Conv2d with padding k // 2",
    CLASS,
    visible=((9, 7),),
    hidden=lambda dice: [(dice.randint(6, 8), 21), (dice.randint(10, 12), 22)],
    forbidden=FROM_SCRATCH,
)
def inception_3a(answer, cases):
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
