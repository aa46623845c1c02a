"""What the studies' numbers support: paired differences, intervals corrected for how many are looked at, power."""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import optimize, stats


def interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Mean of ``values`` and the half width of its confidence interval by Student's t: ``(mean, half_width)``.

    Raises ``ValueError`` for fewer than two values, or a ``confidence`` that is not between 0 and 1.
    """
    values = np.asarray(list(values), dtype=float)
    if len(values) < 2:
        raise ValueError(f"values must hold two runs or more, not {len(values)}: one run has no spread")
    if not np.isfinite(values).all():
        raise ValueError(f"values must be finite numbers, not {values.tolist()}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, such as 0.95, not {confidence}")
    width = stats.t.ppf((1 + confidence) / 2, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values))
    return float(values.mean()), float(width)


def paired(
    first: Mapping[Any, float], second: Mapping[Any, float], comparisons: int = 1, confidence: float = 0.95
) -> dict[str, Any]:
    """``first - second`` over the seeds that both have: a dictionary of what a paired t-test says of it.

    ``first`` and ``second`` are ``{seed: value}``. The interval and ``p`` are Bonferroni's for ``comparisons``
    comparisons; ``p_alone`` is that of this comparison by itself.
    """
    seeds = sorted(first.keys() & second.keys())
    differences = np.array([first[seed] - second[seed] for seed in seeds], dtype=float)
    mean, half_width = interval(differences, 1 - (1 - confidence) / comparisons)
    p_alone = float(stats.ttest_1samp(differences, 0).pvalue)
    return {
        "seeds": len(seeds),
        "mean": mean,
        "low": mean - half_width,
        "high": mean + half_width,
        "spread": float(differences.std(ddof=1)),
        "p": min(1.0, comparisons * p_alone),
        "p_alone": p_alone,
        "same_sign": int(max((differences > 0).sum(), (differences < 0).sum())),
    }


def power(effect: float, spread: float, seeds: int, alpha: float = 0.05) -> float:
    """How often a paired t-test over ``seeds`` pairs finds a true mean ``effect``; ``spread``: their standard deviation."""
    freedom = seeds - 1
    shift = max((effect / spread) ** 2 * seeds, 1e-12)  # scipy's noncentral F is wrong at exactly 0
    return float(stats.ncf.sf(stats.f.ppf(1 - alpha, 1, freedom), 1, freedom, shift))  # t squared; nct gives nan here


def detectable(spread: float, seeds: int, alpha: float = 0.05, wanted: float = 0.8) -> float:
    """The smallest true difference that ``seeds`` pairs find with the probability ``wanted``."""
    return float(optimize.brentq(lambda effect: power(effect, spread, seeds, alpha) - wanted, 0, 100 * spread))


def seeds_needed(effect: float, spread: float, alpha: float = 0.05, wanted: float = 0.8) -> int:
    """How many pairs a paired t-test needs to find ``effect``, which is not 0, with the probability ``wanted``."""
    seeds = range(2, 10**9)  # in order of power, so that halving the range finds it
    return seeds[bisect_left(seeds, wanted, key=lambda number: power(effect, spread, number, alpha))]


def resample(
    first: np.ndarray, second: np.ndarray, draws: int = 10_000, seed: int = 0, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Mean of ``first - second`` and its interval when seeds *and* pictures are drawn again: ``(mean, low, high)``.

    ``first`` and ``second`` have the shape ``(seeds, pictures)``, row by row the same seed, column by column the same
    picture. Percentiles of ``draws`` resamples drawn with the stated ``seed``.
    """
    difference = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)
    runs, pictures = difference.shape
    generator = np.random.default_rng(seed)
    means = np.empty(draws)
    for draw in range(draws):
        weights = np.bincount(generator.integers(pictures, size=pictures), minlength=pictures)
        of_runs = difference @ weights / pictures
        means[draw] = of_runs[generator.integers(runs, size=runs)].mean()
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(difference.mean()), float(low), float(high)
