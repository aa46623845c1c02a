"""The checks of chapter 5: the ResNeXt block."""

from random import Random
from typing import Any

from resnext_lib.complexity import RESNET_BUDGET, bottleneck_weights, width_for_budget
from resnext_lib.exercises.delegation import FROM_SCRATCH, OWN_WORK, Forbidden, call
from resnext_lib.exercises.modules import expect_block
from resnext_lib.exercises.values import expect_number, items, number, table, whole_number
from resnext_lib.exercises.verdicts import CLASS, FUNCTION, check, expect

OWN_SEARCH = Forbidden(allowed=("resnext_lib.complexity.bottleneck_weights",))


def draw_cardinalities(dice: Random) -> list:
    """Cardinalities for which the width nearest to the exact solution has the nearest cost as well.

    The two differ for some; an answer may take either, as the question and the hint do.
    """

    def exact(c):
        return ((256**2 + 9 * RESNET_BUDGET / c) ** 0.5 - 256) / 9

    clear = [c for c in range(3, 110) if round(exact(c)) == width_for_budget(c)]
    return dice.sample(clear, 12)


@check(
    "solve C * (512 d + 9 d d) = 69,632 for d, then take the nearest whole number",
    FUNCTION,
    takes="c",
    visible=(1, 2, 4, 8, 32, 64),
    hidden=draw_cardinalities,
    forbidden=OWN_SEARCH,
)
def budget_width(answer: Any, cases: list) -> str:
    """A function from the cardinality to the bottleneck width that keeps 69,632 weights at 256 channels."""
    given = [whole_number(call(answer, c), "a width is a whole number, an int") for c in cases]
    expect(len(set(given)) > 1, "the width does not depend on C; with more paths, each gets thinner")
    for c, width in zip(cases, given, strict=True):
        right = width_for_budget(c)
        expect_number(
            width,
            right,
            {
                136 // c: f"for C={c} you share out 136, as if the 3x3 cost nothing; that is the limit for very many paths",
                64 // c: f"for C={c} you share out 64 channels; that keeps C*d and not the cost: "
                f"{bottleneck_weights(c, max(1, 64 // c)):,} weights are far below the budget",
                128 // c: f"for C={c} you fix C*d at 128; that fits the budget only from C=32 on",
                right - 1: f"for C={c} the neighbour {right} is nearer to the budget: round to the nearest cost, not down",
                right + 1: f"for C={c} the neighbour {right} is nearer to the budget",
            },
        )
    return "Table 2 of the paper: 64, 40, 24, 14 and 4."


@check(
    "C stays; d doubles when the map halves",
    FUNCTION,
    takes="cardinality, bottleneck_width",
    visible=((32, 4), (64, 4), (1, 64)),
    hidden=lambda dice: [(dice.randint(2, 64), dice.randint(2, 64)) for _ in range(6)],
    forbidden=Forbidden(),
)
def stage_widths(answer: Any, cases: list) -> str:
    """A function (cardinality, bottleneck_width) to the list of (C, d, C*d) over the four stages."""
    for c, d in cases:
        given = call(answer, c, d)
        rows = items(given, f"return a list of (C, d, C*d), not {type(given).__name__}")
        rows = [items(row, "each row has three numbers: C, d, C*d") for row in rows]
        rows = [tuple(number(value) for value in row) for row in rows]
        right = [(c, d * 2**i, c * d * 2**i) for i in range(4)]
        if rows == right:
            continue
        expect(len(rows) == 4, "four stages, conv2 to conv5")
        expect(rows != [(c, d, c * d)] * 4, "d doubles from stage to stage: the 4 in 32x4d is the first stage's")
        expect(
            rows != [(c * 2**i, d, c * d * 2**i) for i in range(4)],
            "you double the cardinality; C is the same in every stage, d doubles",
        )
        expect(rows != [(c, d * 2**i, 4 * c * d * 2**i) for i in range(4)], "C*d is the middle, not the block's output")
        expect(
            rows != [(c, d * (i + 1), c * d * (i + 1)) for i in range(4)],
            "d doubles from stage to stage; you add d each time",
        )
        expect(all(len(row) == 3 for row in rows), "each row has three numbers: C, d, C*d")
        expect([row[:2] for row in rows] != [(b, a) for a, b, _ in right], "the order is C, d, C*d")
        expect([row[2] for row in rows] != [c * d] * 4, "C*d grows with d")
        expect(rows == right, f"for {c}x{d}d the first stage is {right[0]}, the second {right[1]}, and so on")
    return "32x4d has paths of width 4, 8, 16 and 32."


@check("trace one path: its own 1x1, its own 3x3, its own 1x1")
def path_reach(answer: Any) -> str:
    """A dictionary for one path of the 32x4d block in conv2: reads, middle, reaches."""
    right = {"reads": 256, "middle": 4, "reaches": 256}
    given = table(answer, f"give a dictionary with the keys {list(right)}", right)
    given = {key: number(value) for key, value in given.items()}
    expect(given["reads"] != 8, "256/32 = 8 would be splitting the input; each path's 1x1 reads all of it")
    expect(given["reads"] != 4, "4 channels is what the path's 1x1 gives out; it reads the whole input")
    expect(given["middle"] != 32, "32 is the number of paths; one path is 4 channels wide in conv2")
    expect(given["middle"] != 128, "128 is the middle of all 32 paths together")
    expect(given["reaches"] != 8, "the last 1x1 of a path writes to every output channel")
    expect(given["reaches"] != 4, "the path ends with a 1x1 back to the block's width")
    expect(given == right, f"{given} is not it")
    return "all in, 4 in the middle, all out. Only the middle is split."


def draw_grouped_blocks(dice: Random) -> list:
    """Channels in, middle and out that the cardinality divides; each group of the middle has its own width."""
    cases = []
    for _ in range(6):
        c, d = dice.randint(3, 12), dice.randint(2, 9)
        cases.append((c * dice.randint(10, 30), c * d, c * dice.randint(10, 30), c))
    return cases


@check(
    "group by group: which inputs does a middle channel read, and which middle channels an output",
    FUNCTION,
    takes="in_channels, width, out_channels, cardinality",
    visible=((256, 128, 256, 32), (64, 96, 128, 4)),
    hidden=draw_grouped_blocks,
    forbidden=OWN_WORK,
)
def all_grouped(answer: Any, cases: list) -> str:
    """A function (in_channels, width, out_channels, cardinality) to (weights, inputs an output depends on)."""
    for cin, width, cout, c in cases:
        given = call(answer, cin, width, cout, c)
        weights, reads = items(given, "return two numbers: the weights, and the inputs that one output depends on", 2)
        dense, middle = cin * width + width * cout, 9 * width * width
        where = f"for (in, width, out, C) = {(cin, width, cout, c)}"
        expect_number(
            weights,
            (dense + middle) // c,
            {
                dense + middle // c: f"{where} you group the 3x3 only; here the 1x1s are grouped as well",
                dense + middle: f"{where} that is the dense block: nothing is grouped",
                (dense + middle) / c**2: f"{where} you divide by C twice; each layer is divided once",
                (dense + middle // 9) // c: f"{where} the 3x3 has nine places",
                (dense + middle // 3) // c: f"{where} the 3x3 has nine places, not three",
            },
            f"weights {where}",
        )
        expect_number(
            reads,
            cin // c,
            {
                cin: f"{where} an output does not see the whole input: its group reads one group of the middle, "
                "and that reads one group of the input",
                width // c: f"{where} that many middle channels are in its group; follow them back to the input",
                width: f"{where} that is the whole middle",
                c: f"{where} that is the number of groups",
            },
            f"inputs {where}",
        )
    return (
        "a tenth of the weights at 32x4d, but no output sees more than its own part of the input: "
        "the paths meet only in a projection, or after a channel shuffle."
    )


def draw_blocks(dice: Random) -> list:
    """Sizes with and without a projection, at both strides, with two to six paths."""
    c, d = dice.randint(2, 3), dice.randint(4, 7)
    width = c * d
    few = [(width, width, 3 * width, c, 2), (2 * width, width, 2 * width, c, 1)]
    return [*few, (30, 6 * d, 30, 6, 2), (24, 5 * d, 40, 5, 1)]


@check(
    "as ResNet's bottleneck, with groups=cardinality on the 3x3",
    CLASS,
    takes="in_channels, width, out_channels, cardinality, stride",
    visible=((32, 24, 64, 4, 2), (64, 24, 64, 4, 1), (64, 24, 64, 8, 1), (32, 24, 64, 1, 1)),
    hidden=draw_blocks,
    forbidden=FROM_SCRATCH,
)
def resnext_block(answer: Any, cases: list) -> str:
    """A class (in_channels, width, out_channels, cardinality, stride): the ResNeXt block, form C."""
    for case in cases:
        expect_block(call(answer, *case), case)
    return "your block and the library's give the same numbers for C = 1, 4 and 8, in both modes."
