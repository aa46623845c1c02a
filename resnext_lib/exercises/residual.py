"""The checks of chapter 3: residual learning."""

from resnext_lib.exercises.delegation import FROM_SCRATCH, OWN_WORK, call
from resnext_lib.exercises.modules import expect_block
from resnext_lib.exercises.values import expect_number, truth
from resnext_lib.exercises.verdicts import CLASS, FUNCTION, check, expect


def draw_shortcuts(dice):
    """Shortcuts of every kind; strides are 1 and 2, as in every ResNet."""
    a, b = sorted(dice.sample(range(16, 2048), 2))
    return [(a, b, 1), (a, a, 1), (b, b, 2), (b, a, 1), (a, b, 2), (b, b, 1), (b, a, 2), (a, a, 2)]


def _why(in_channels, out_channels, stride):
    """Why a shortcut needs its projection, or does not."""
    if stride > 1:
        same = in_channels == out_channels
        return "the channels fit, but the map halves" if same else "both the channels and the map change"
    if in_channels == out_channels:
        return "nothing changes: the identity fits, and costs nothing"
    if in_channels > out_channels:
        return "fewer channels do not fit either"
    return f"{in_channels} channels cannot be added to {out_channels}, even though the map keeps its size"


@check(
    "the identity fits only if nothing about the shape changes",
    FUNCTION,
    takes="in_channels, out_channels, stride",
    visible=((256, 256, 1), (64, 256, 1), (256, 512, 2), (256, 256, 2), (512, 256, 1)),
    hidden=draw_shortcuts,
    forbidden=OWN_WORK,
)
def projection_needed(answer, cases):
    """A function (in_channels, out_channels, stride) to True where the shortcut needs a projection."""
    for case in cases:
        given = truth(call(answer, *case), "return True or False")
        in_channels, out_channels, stride = case
        right = stride > 1 or in_channels != out_channels
        expect(given is right, f"for (in, out, stride) = {case}: {_why(*case)}")
    return "so the first block of every stage has one, and no other."


@check(
    "1x1 down, 3x3, 1x1 up",
    FUNCTION,
    takes="channels, width",
    visible=((256, 64), (512, 128), (256, 128)),
    hidden=lambda dice: [(dice.randint(100, 2000), dice.randint(10, 600)) for _ in range(6)],
    forbidden=OWN_WORK,
)
def bottleneck_budget(answer, cases):
    """A function (channels, width) to the convolution weights of a bottleneck."""
    for channels, width in cases:
        given = call(answer, channels, width)
        right = 2 * channels * width + 9 * width * width
        expect_number(
            given,
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


@check(
    "three convolutions a block, plus the stem and the classifier",
    FUNCTION,
    takes="blocks",
    visible=((3, 4, 6, 3), (3, 4, 23, 3), (3, 8, 36, 3)),
    hidden=lambda dice: [tuple(dice.randint(1, 40) for _ in range(4)) for _ in range(6)],
    forbidden=OWN_WORK,
)
def count_depth(answer, cases):
    """A function from the blocks a stage, such as (3, 4, 6, 3), to the depth in the network's name."""
    for blocks in cases:
        given = call(answer, blocks)
        expect_number(
            given,
            3 * sum(blocks) + 2,
            {
                3 * sum(blocks): "the stem's convolution and the classifier count too",
                3 * sum(blocks) + 1: "one is missing: the stem and the classifier both count",
                2 * sum(blocks) + 2: "a bottleneck has three convolutions",
                3 * sum(blocks) + 3: "the pooling has no weights and is not counted",
                3 * sum(blocks) + 6: "projections are not counted: they lie beside the path, not on it",
            },
        )
    return "50, 101, 152."


def draw_blocks(dice):
    """Sizes with and without a projection, at both strides."""
    channels, width = dice.randint(20, 60), dice.randint(5, 15)
    return [
        (channels, width, channels, 1),
        (channels, width, channels, 2),
        (channels, width, 2 * width, 2),
        (width, channels, 3 * width, 1),
    ]


@check(
    "conv-bn-relu, conv-bn-relu, conv-bn, add the shortcut, relu; every convolution bias=False",
    CLASS,
    takes="in_channels, width, out_channels, stride",
    visible=((32, 16, 64, 2), (64, 16, 64, 1), (32, 8, 64, 1), (64, 16, 64, 2)),
    hidden=draw_blocks,
    forbidden=FROM_SCRATCH,
)
def bottleneck(answer, cases):
    """A class (in_channels, width, out_channels, stride): ResNet's bottleneck."""
    for in_channels, width, out_channels, stride in cases:
        expect_block(call(answer, in_channels, width, out_channels, stride), (in_channels, width, out_channels, 1, stride))
    return "your block and the library's give the same numbers, with and without a projection, in both modes."
