"""The checks of chapter 9: more paths, or wider, or deeper."""

from random import Random
from typing import Any

import torch

from resnext_lib.exercises.delegation import OWN_WORK, call
from resnext_lib.exercises.values import expect_near, items, near, number, table, tensor, truth
from resnext_lib.exercises.verdicts import FUNCTION, NotYet, check, expect, shown


@check(
    "all are better exactly when the baseline comes out last of all: how many are there, and who is last by luck?",
    FUNCTION,
    takes="variants",
    visible=((5,), (1,), (9,)),
    hidden=lambda dice: [(number,) for number in dice.sample(range(2, 40), 5)],
    forbidden=OWN_WORK,
)
def all_positive(answer: Any, cases: list) -> str:
    """A function from the number of variants to how often all of them beat one shared baseline by luck."""
    for (variants,) in cases:
        given, right = number(call(answer, variants)), 1 / (variants + 1)
        mistakes = {
            0.5**variants: "these are coins with a baseline each; here all are measured against the same one",
            1 / variants: "the baseline is one of those that can come out last",
            2 / (variants + 1): "that is all better or all worse; asked is all better",
            1 - right: "that is how often it does not happen",
            float(variants + 1): "that is once in how many studies; the probability is 1 over it",
            100 * right: "that is per cent; a probability lies between 0 and 1",
        }
        mistakes = {wrong: sentence for wrong, sentence in mistakes.items() if not near(wrong, right)}
        expect_near(given, right, mistakes, f"{variants} variants: {right:.4f}, not {given:.4f}")
    return "a shared baseline that was unlucky makes everybody look good."


def draw_pairs(dice: Random) -> list:
    """Two dictionaries of accuracies that share three to five seeds."""
    found = []
    for common in (3, 4, 5):
        seeds = dice.sample(range(20), common + 2)
        first, second = (dict.fromkeys(seeds[:-1]), dict.fromkeys([*reversed(seeds[:-2]), seeds[-1]]))
        # Eighths, so that differences are exact.
        found.append(tuple({seed: dice.randint(0, 64) / 64 for seed in one} for one in (first, second)))
    return found


@check(
    "the seeds that both have: first.keys() & second.keys(); sorted",
    FUNCTION,
    takes="first, second",
    visible=(({3: 0.5, 8: 0.75, 1: 1.0, 7: 0.25}, {8: 0.5, 1: 0.5, 3: 0.625, 9: 0.0}),),
    hidden=draw_pairs,
    forbidden=OWN_WORK,
)
def differences(answer: Any, cases: list) -> str:
    """A function from two dictionaries {seed: accuracy} to the list of differences, in the order of the seeds."""
    for first, second in cases:
        given = _called_with_both(answer, first, second)
        given = [number(value) for value in items(given, f"return a list, not {type(given).__name__}")]
        seeds = sorted(set(first) & set(second))
        right = [first[seed] - second[seed] for seed in seeds]
        if len(given) == len(right) and all(map(near, given, right)):
            continue
        listed = f"{', '.join(map(str, seeds[:-1]))} and {seeds[-1]}"
        expect(
            len(given) == len(right), f"seeds {listed} are in both, so there are {len(seeds)} differences, not {len(given)}"
        )
        expect(not all(map(near, given, [-value for value in right])), "the other way round: first minus second")
        expect(
            not all(map(near, given, map(abs, right))), "keep the signs: the second pair speaks against the first network"
        )
        expect(not all(map(near, sorted(given), sorted(right))), "the right differences, but not in the order of the seeds")
        expect(False, f"expected {right}, not {given}: subtract what belongs to the same seed")
    return "what the seed did to both has dropped out."


def _called_with_both(answer, first, second):
    """What the answer gives; a missing seed is named."""
    try:
        return call(answer, dict(first), dict(second))
    except KeyError as missing:
        alone = set(first) ^ set(second)
        if missing.args and missing.args[0] in alone:
            raise NotYet(f"seed {missing} is in one dictionary only: take the seeds that both have") from None
        raise


@check(
    "let output i read the inputs i, i + 1, ...; behind the last channel begin again at the first",
    FUNCTION,
    takes="channels, reads",
    visible=((6, 2), (8, 3), (5, 5)),
    hidden=lambda dice: [(dice.randint(4, 12), dice.randint(2, 4)) for _ in range(4)] + [(16, 2), (12, 3)],
    forbidden=OWN_WORK,
)
def no_paths(answer: Any, cases: list) -> str:
    """A function (channels, reads) to a matrix of zeros and ones: as many connections as with groups, but no groups."""
    for channels, reads in cases:
        mask = _matrix(call(answer, channels, reads), "return a matrix of zeros and ones")
        case = f"{channels} channels, {reads} read: "
        expect(
            tuple(mask.shape) == (channels, channels),
            f"{case}the matrix is {channels} by {channels}, not of the shape {tuple(mask.shape)}",
        )
        expect(bool(((mask == 0) | (mask == 1)).all()), f"{case}only zeros and ones")
        for who, counts, does in (("output", mask.sum(dim=1), "reads"), ("input", mask.sum(dim=0), "is read by")):
            for index, count in enumerate(counts.int().tolist()):
                expect(count == reads, f"{case}{who} {index} {does} {count}")
        parts = _closed_sets(mask)
        expect(
            parts == 1,
            f"{case}the channels fall into {parts} closed sets, so these are paths; in whichever order they stand, "
            "the 1x1s around do not mind",
        )
    return "the width and the weights of a grouped layer, and no paths: a control."


def _matrix(given, sentence):
    """A tensor or an array, or a list of rows, in float64."""
    if isinstance(given, (list, tuple)):
        rows = [[number(value) for value in items(row, sentence)] for row in given]
        expect(len({len(row) for row in rows}) == 1, sentence)
        given = torch.tensor(rows, dtype=torch.float64)
    return tensor(given, sentence)[0]


def _closed_sets(mask):
    """Into how many sets without a connection between them the inputs and outputs of ``mask`` fall."""
    left, sets = set(range(len(mask))), 0
    while left:
        sets, found = sets + 1, {left.pop()}  # inputs
        while (
            new := {
                other
                for output in mask[:, sorted(found)].any(dim=1).nonzero().flatten().tolist()
                for other in mask[output].nonzero().flatten().tolist()
            }
            - found
        ):
            found |= new
        left -= found
    return sets


@check('a dictionary with the four keys and True or False, such as {"fits": True, ...}')
def what_follows(answer: Any) -> str:
    """A dictionary from four statements about the chapter's evidence to True (supported) or False."""
    reasons = {
        "fits": (True, "look at the paired differences on the training pictures: the interval is clear of 0"),
        "paths": (False, "what else grows in Table 3 while C grows?"),
        "regulariser": (False, "what does the training error do when the paths become more?"),
        "seeds": (True, "compare the places with seed 0 and with seed 4"),
    }
    given = table(answer, f"give a dictionary, not {type(answer).__name__}")
    expect(set(given) == set(reasons), f"the keys are {list(reasons)}, not {sorted(map(str, given))}")
    for name, (right, reason) in reasons.items():
        said = truth(given[name], f"{name}: answer True or False, not {shown(given[name])}")
        expect(said == right, f"{name}: {reason}")
    return "evidence supports what was varied alone, no more."
