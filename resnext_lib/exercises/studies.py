"""The checks of chapter 9: more paths, or wider, or deeper."""

from resnext_lib.exercises.delegation import OWN_WORK, call
from resnext_lib.exercises.values import items, near, number, table, truth
from resnext_lib.exercises.verdicts import FUNCTION, NotYet, check, expect, shown


@check(
    "100 * (count / counts[0] - 1) for each, without its sign; then the largest",
    FUNCTION,
    takes="counts",
    visible=([100, 102, 97, 101], [200, 198, 206], [50, 50]),
    hidden=lambda dice: [[dice.randint(900, 1100) for _ in range(n)] for n in (2, 3, 4, 5, 6)],
    forbidden=OWN_WORK,
)
def budget_kept(answer, cases):
    """A function from parameter counts to the largest deviation from the first, in per cent, without sign."""
    for counts in cases:
        given = number(call(answer, list(counts)))
        deviations = [100 * (count / counts[0] - 1) for count in counts]
        right = max(map(abs, deviations))
        if near(given, right):
            continue
        expect(not near(given, right / 100), "that is a share; per cent is 100 times it")
        expect(given >= 0, "without sign: a budget is missed downwards as well")
        signed = near(given, max(deviations))
        expect(not signed, f"for {counts} the largest deviation is downwards: take the size of each before the largest")
        span = 100 * (max(counts) / min(counts) - 1)
        expect(not near(given, span), "compare with the first count, not the smallest")
        expect(False, f"for {counts} it is {right:.1f} per cent, not {given:.1f}")
    return "the number to look at before anybody says 'at equal cost'."


@check(
    "statistics.mean, and 2.78 * statistics.stdev(values) / 5 ** 0.5",
    FUNCTION,
    takes="values",
    visible=([0.85, 0.86, 0.84, 0.87, 0.855],),
    hidden=lambda dice: [[dice.randint(700, 950) / 1000 for _ in range(5)] for _ in range(4)],
    forbidden=OWN_WORK,
)
def five_runs(answer, cases):
    """A function from five numbers to their mean and the half width of the 95 % interval."""
    for values in cases:
        given = items(call(answer, list(values)), "return two numbers: the mean and the half width", 2)
        middle, half = map(number, given)
        centre = sum(values) / 5
        squares = sum((value - centre) ** 2 for value in values)
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
        # 2.78 and 2.776 are both right.
        known = [message for value, message in mistakes.items() if abs(half - value) <= 3e-3 * value]
        expect(not known, known[0] if known else "")
        expect(abs(half - right) < 3e-3 * right, f"the half width is {right:.4f}, not {half:.4f}")
    return "the mean says where, the half width how sure."


def draw_pairs(dice):
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
def differences(answer, cases):
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


@check('a dictionary with the four keys and True or False, such as {"fits": True, ...}')
def what_follows(answer):
    """A dictionary from four statements about the study to True (supported) or False."""
    reasons = {
        "fits": (True, "look at the paired differences on the training pictures: the interval is clear of 0"),
        "always": (False, "one data set was tried, and on its test pictures the interval barely clears 0"),
        "depth": (False, "six epochs are few for 38 layers; the study says nothing about longer training"),
        "seeds": (True, "compare the rankings of seed 0 and seed 4"),
    }
    given = table(answer, f"give a dictionary, not {type(answer).__name__}")
    expect(set(given) == set(reasons), f"the keys are {list(reasons)}, not {sorted(map(str, given))}")
    for name, (right, reason) in reasons.items():
        said = truth(given[name], f"{name}: answer True or False, not {shown(given[name])}")
        expect(said == right, f"{name}: {reason}")
    return "a study supports what it varied and measured, no more."
