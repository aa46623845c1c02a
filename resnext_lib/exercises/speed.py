"""The checks of chapter 10: operations are not seconds."""

from random import Random
from statistics import median
from typing import Any

from resnext_lib.exercises.delegation import OWN_WORK, Forbidden, call
from resnext_lib.exercises.values import (
    call_with_copies,
    expect_close,
    expect_near,
    items,
    near,
    normal_numbers,
    number,
    same,
    text,
)
from resnext_lib.exercises.verdicts import FUNCTION, check, expect, shown

OWN_FOLDING = Forbidden(modules=("torch.nn.utils.fusion",))


def draw_seconds(dice: Random) -> list:
    """Pairs of lists of seconds, each with an interrupted call; of odd and of even length."""

    def arm(count, scale):
        return [scale * dice.randint(100, 140) / 16 for _ in range(count - 1)] + [scale * dice.randint(2000, 3000) / 16]

    return [(arm(n, 4), arm(m, 1)) for n, m in ((5, 5), (7, 7), (6, 6), (4, 5))]


@check(
    "statistics.median of each list, then divide",
    FUNCTION,
    takes="first, second",
    visible=(([8.0, 6.0, 90.0, 5.0, 6.5], [2.0, 1.0, 2.5, 40.0, 1.5]), ([1.0, 4.0, 2.0, 3.0], [1.0, 1.0])),
    hidden=draw_seconds,
    forbidden=OWN_WORK,
)
def times_as_fast(answer: Any, cases: list) -> str:
    """A function from two lists of seconds to how many times as fast the second arm is, by medians."""
    for first, second in cases:
        given = number(call(answer, list(first), list(second)))
        right = median(first) / median(second)
        if near(given, right):
            continue
        if len(first) % 2:
            _name_another_middle(given, first, second)
        else:
            low, high = (sorted(first)[n] / median(second) for n in (len(first) // 2 - 1, len(first) // 2))
            expect(
                not near(given, low) and not near(given, high), "of four numbers the median is the mean of the middle two"
            )
        expect(False, f"for {first} and {second} it is {right:.2f}, not {given:.2f}")
    return "the median forgets the call that was interrupted."


def _name_another_middle(given, first, second):
    """Sentences for a mean, the fastest calls, a list as it came."""
    expect(not near(given, median(second) / median(first)), "the other way round: a faster second arm gives more than 1")
    means = sum(first) / len(first) / (sum(second) / len(second))
    expect(not near(given, means), "these are means; one interrupted call decides them")
    expect(not near(given, min(first) / min(second)), "the fastest calls are the luckiest ones: take the medians")
    ratios = median(a / b for a, b in zip(first, second, strict=False))
    expect(not near(given, ratios), "that is the median of the ratios; asked is the ratio of the medians")
    expect(
        not near(given, first[len(first) // 2] / second[len(second) // 2]),
        "the middle of the list as it came is not the median: sort it, or use median()",
    )


def draw_convolutions(dice: Random) -> list:
    """Shapes (out, in, kernel) of convolutions, with a seed for their numbers."""
    return [(dice.randint(2, 9), dice.randint(1, 6), dice.choice((1, 3, 5)), dice.randint(1, 10**6)) for _ in range(5)]


@check(
    "scale = gamma / sqrt(variance + eps), one for each output channel of the weight; what is left is the bias",
    FUNCTION,
    takes="weight, gamma, beta, mean, variance, eps",
    visible=((4, 3, 3, 0), (5, 5, 1, 1)),
    hidden=draw_convolutions,
    forbidden=OWN_FOLDING,
)
def fold(answer: Any, cases: list) -> str:
    """A function that folds a batch norm into the convolution before it: the new weight and the bias."""
    for outs, ins, kernel, seed in cases:
        weight = normal_numbers(outs, ins, kernel, kernel, seed=seed)
        gamma, beta, mean = normal_numbers(3, outs, seed=seed + 1)
        variance = normal_numbers(outs, seed=seed + 2).square() + 0.1
        numbers = weight, gamma, beta, mean, variance
        eps = 0.05  # large, so that forgetting it shows
        given = items(call_with_copies(answer, *numbers, eps), "return two tensors: the weight and the bias", 2)
        scale = gamma / (variance + eps).sqrt()
        right = weight * scale[:, None, None, None], beta - mean * scale
        _name_a_wrong_fold(given, numbers, eps)
        expect_close(given[0], right[0], "the weight is not it: every output channel has a scale of its own")
        expect_close(given[1], right[1], "the bias is not it: what does the batch norm give where the convolution gives 0?")
    return "one layer instead of two, and the same function in eval mode."


def _name_a_wrong_fold(given, numbers, eps):
    """Sentences for an eps, a root or a sign that went astray."""
    weight, gamma, beta, mean, variance = numbers

    def folded(scale, bias=None):
        return weight * scale[:, None, None, None], beta - mean * scale if bias is None else bias

    scale = gamma / (variance + eps).sqrt()
    for wrong, sentence in (
        (folded(gamma / variance.sqrt()), "eps is missing: it is added to the variance, under the root"),
        (folded(gamma / (variance.sqrt() + eps)), "eps is added to the variance, under the root"),
        (folded(gamma / (variance + eps)), "divide by the standard deviation, the root of the variance"),
        (folded(scale, beta), "the mean is subtracted before the scale, so the bias needs it too"),
        (folded(scale, beta - mean), "the mean is subtracted before the scale: scale it as well"),
        (folded(scale, beta + mean * scale), "the mean is subtracted, not added"),
    ):
        expect(not all(map(same, given, wrong)), sentence)


COUNTS = ("MACs", "written", "calls")
TOLERANCE = 1.2  # a factor


def draw_diagnoses(dice: Random) -> list:
    """Pairs of counts and seconds: each count in turn explains the time, or none does."""
    found = []
    for cause in (*COUNTS, "routine", "routine"):
        change = dice.choice((1 / 4, 1 / 3, 2, 3.5, 5))
        ratios = {name: dice.choice((0.4, 0.6, 1.5, 2.5)) * change for name in COUNTS}
        ratios |= {cause: change * dice.choice((0.9, 1.0, 1.1))} if cause in COUNTS else {}
        first = {name: dice.randint(1, 20) * 1000 for name in COUNTS} | {"seconds": dice.randint(1, 9) / 8}
        second = {name: first[name] * ratio for name, ratio in ratios.items()} | {"seconds": first["seconds"] * change}
        found.append((first, second))
    return found


def _counts(macs, written, calls, seconds):
    return {"MACs": macs, "written": written, "calls": calls, "seconds": seconds}


@check(
    "divide second by first for each count and for the seconds; two ratios agree if neither is over 1.2 times the other",
    FUNCTION,
    takes="first, second",
    visible=(
        (_counts(220, 26, 96, 6.0), _counts(220, 1.6, 3, 0.4)),
        (_counts(460, 4, 1, 4.0), _counts(230, 4, 1, 2.1)),
        (_counts(29, 4, 1, 0.7), _counts(14, 4, 1, 1.2)),
        (_counts(100, 8, 40, 1.0), _counts(210, 8, 40, 1.0)),
        (_counts(100, 30, 20, 3.0), _counts(300, 30, 100, 14.0)),
    ),
    hidden=draw_diagnoses,
    forbidden=OWN_WORK,
)
def why_slow(answer: Any, cases: list) -> str:
    """A function of two dictionaries of counts and seconds to the count that explains the time, or "routine"."""
    for first, second in cases:
        given = text(call(answer, dict(first), dict(second)), 'return a name: "MACs", "written", "calls" or "routine"')
        ratios = {name: second[name] / first[name] for name in (*COUNTS, "seconds")}
        right = next((name for name in COUNTS if _agree(ratios[name], ratios["seconds"])), "routine")
        if given == right:
            continue
        shares = ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items())
        expect(given in (*COUNTS, "routine"), f'{shown(given)} is no answer: "MACs", "written", "calls" or "routine"')
        expect(right != "routine", f"second to first: {shares}. No count changed as the time did, so it is the routine")
        expect(given != "routine", f"second to first: {shares}. {right} changed as the time did: nothing else is needed")
        expect(False, f"second to first: {shares}. {given} did not change as the time did, but {right} did")
    return "counts explain a time until the routine changes; then look which one ran."


def _agree(one, other):
    return max(one / other, other / one) <= TOLERANCE


@check(
    "the rest takes 1 - share, the layer share / factor; the whole becomes 1 over their sum",
    FUNCTION,
    takes="share, factor",
    visible=((0.1, 10.0), (0.5, 2.0), (1.0, 3.0), (0.0, 5.0)),
    hidden=lambda dice: [(dice.randint(1, 19) / 20, dice.randint(3, 40) / 2) for _ in range(8)],
    forbidden=OWN_WORK,
)
def whole_speedup(answer: Any, cases: list) -> str:
    """A function of a layer's share of the time and its speed-up to that of the whole network (Amdahl's law)."""
    for share, factor in cases:
        given = number(call(answer, share, factor))
        right = 1 / (1 - share + share / factor)
        mistakes = {
            1 - share + share / factor: "that is the time that is left; how many times as fast is 1 over it",
            share * factor: "the rest of the network takes its time as well",
            1 + share * (factor - 1): "add times, not speeds",
            factor: "only the layer became faster; the rest takes 1 - share as before",
        }
        expect_near(given, right, mistakes, f"share {share}, factor {factor}: {right:.3f}, not {given:.3f}")
    return "a tenth of the time, made infinitely fast, gives 1.11."
