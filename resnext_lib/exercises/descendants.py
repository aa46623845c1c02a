"""The checks of chapter 11: what became of the idea."""

from torch import nn

from resnext_lib.blocks import Bottleneck
from resnext_lib.exercises.delegation import OWN_WORK, Forbidden, call
from resnext_lib.exercises.modules import convolutions, expect_block, expect_module, expect_same_function
from resnext_lib.exercises.values import expect_number, normal_numbers, table, text
from resnext_lib.exercises.verdicts import CLASS, FUNCTION, check, expect, shown

ON_THE_LIBRARYS_BLOCK = Forbidden(allowed=("resnext_lib.blocks",))


def kind(cin, groups):
    """What a convolution with so many input channels and groups is called."""
    if groups == 1:
        return "dense"
    return "depthwise" if groups == cin else "grouped"


def draw_convolutions(dice):
    """Channels in and out and groups, of every kind."""
    found = []
    for groups in dice.sample(range(2, 40), 4):
        found += [(groups, groups * dice.randint(1, 3), groups), (2 * groups, groups * dice.randint(1, 3), groups)]
    return [*found, (dice.randint(2, 90), dice.randint(2, 90), 1), (1, dice.randint(2, 6), 1)]


@check(
    "how many input channels does one group read: all of them, some, or one?",
    FUNCTION,
    takes="convolution",
    visible=((128, 128, 1), (128, 128, 32), (96, 96, 96), (1008, 1008, 21), (64, 128, 64), (128, 32, 32), (1, 8, 1)),
    hidden=draw_convolutions,
    forbidden=OWN_WORK,
)
def kind_of_convolution(answer, cases):
    """A function from an ``nn.Conv2d`` to "dense", "grouped" or "depthwise"."""
    for cin, cout, groups in cases:
        given = call(answer, nn.Conv2d(cin, cout, 3, padding=1, groups=groups))
        right = kind(cin, groups)
        asked = f'return "dense", "grouped" or "depthwise", not {shown(given)}'
        given = text(given, asked)
        expect(given in ("dense", "grouped", "depthwise"), asked)
        expect(cin > 1 or given == right, "one channel in and one group: nothing is cut, so this is dense")
        expect(
            given == right,
            f"{cin} channels in, {cout} out, groups={groups}: one group reads {cin // groups} of the {cin} channels, "
            f"so this is {right}, not {given}",
        )
    return "dense reads all, grouped reads some, depthwise reads one."


def draw_squeezes(dice):
    """Channels and a reduction that divides them."""
    reductions = [dice.choice((2, 4, 8, 16, 32)) for _ in range(6)]
    return [(r * dice.randint(3, 60), r) for r in reductions]


@check(
    "two 1x1s with biases: channels to channels // reduction, and back",
    FUNCTION,
    takes="channels, reduction",
    visible=((256, 16), (2048, 16), (64, 4), (512, 32)),
    hidden=draw_squeezes,
    forbidden=OWN_WORK,
)
def se_parameters(answer, cases):
    """A function (channels, reduction) to the parameters of squeeze-and-excitation."""
    for channels, reduction in cases:
        given = call(answer, channels, reduction)
        small = channels // reduction
        right = 2 * channels * small + small + channels
        expect_number(
            given,
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


def draw_x_blocks(dice):
    """Sizes with and without a projection, at both strides."""
    d = dice.choice((6, 10, 12))
    return [(dice.randint(20, 40), 3 * d, d, 2), (2 * d, 2 * d, d, 1), (dice.randint(41, 50), 4 * d, d, 1)]


@check(
    "the ResNeXt block with width=out_channels, and out_channels // group_width groups",
    CLASS,
    takes="in_channels, out_channels, group_width, stride",
    visible=((32, 96, 24, 2), (48, 48, 8, 1), (32, 24, 24, 2), (24, 48, 1, 1)),
    hidden=draw_x_blocks,
    forbidden=ON_THE_LIBRARYS_BLOCK,
)
def x_block(answer, cases):
    """A class (in_channels, out_channels, group_width, stride): RegNet's X block."""
    for cin, cout, d, stride in cases:
        built = expect_module(call(answer, cin, cout, d, stride))
        middle = {layer.out_channels for layer in convolutions(built) if layer.kernel_size == (3, 3)}
        case = f"{cin} in and {cout} out: the 3x3 gives {sorted(middle)} channels"
        expect(middle <= {cout}, case + "; an X block is as wide inside as its output")
        expect_block(built, (cin, cout, cout, cout // d, stride))
    return "groups of equal width, as many as the stage needs."


@check("Bottleneck(in_channels, width, out_channels, cardinality); the widths are 96 and 384")
def steps_to_convnext(answer):
    """A dictionary of two ``Bottleneck`` objects, "resnextify" and "inverted": ConvNeXt's first two steps."""
    right = {"resnextify": (384, 96, 384), "inverted": (96, 384, 96)}
    given = table(answer, f"give a dictionary with the keys {list(right)}", right)
    for name, (outer, middle, _) in right.items():
        block = given[name]
        expect(
            isinstance(block, nn.Module)
            and all(hasattr(block, key) for key in ("in_channels", "width", "out_channels", "cardinality", "conv2")),
            f"{name}: give a block made by Bottleneck(...), not {type(block).__name__}",
        )
        sizes = (block.in_channels, block.width, block.out_channels)
        other = "wide outside and narrow in the middle" if outer > middle else "narrow outside and wide in the middle"
        expect(sizes != (middle, outer, middle), f"{name}: it is the other way round: {other}")
        expect(sizes == right[name], f"{name}: in, middle and out are {sizes}, but should be {right[name]}")
        groups = block.conv2.groups
        expect(groups != 1, f"{name}: the 3x3 is dense; cardinality is missing")
        expect(groups != 32, f"{name}: 32 paths is ResNeXt's choice; here every channel is a group of its own")
        expect(groups == middle, f"{name}: the 3x3 reads {middle} channels, so depthwise is {middle} groups, not {groups}")
        expect_same_function(
            expect_module(block),
            Bottleneck(outer, middle, outer, middle),
            normal_numbers(1, outer, 5, 5),
            f"{name}: the sizes are right, but the block computes something else than Bottleneck",
        )
    return "both are our block, with one channel a group."
