"""The statistics of the studies, each against another way of computing it."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from resnext_lib.statistics import detectable, interval, paired, power, resample, seeds_needed


def test_the_interval_is_scipys_own():
    values = [0.87, 0.88, 0.86, 0.885, 0.875]
    middle, width = interval(values)
    low, high = stats.t.interval(0.95, 4, loc=middle, scale=stats.sem(values))
    assert (middle - width, middle + width) == pytest.approx((low, high))


def test_the_interval_covers_the_mean_as_often_as_it_says():
    generator = torch.Generator().manual_seed(0)
    samples = torch.randn(2000, 5, generator=generator).tolist()
    covered = sum(abs(middle) <= width for middle, width in map(interval, samples)) / 2000
    assert covered == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / 2000))


@pytest.mark.parametrize(
    "values, confidence, message",
    [
        ([0.9], 0.95, "values must hold two runs or more, not 1"),
        ([], 0.95, "values must hold two runs or more, not 0"),
        ([0.9, math.nan], 0.95, "values must be finite numbers"),
        ([0.9, 0.8], 95, "confidence must be between 0 and 1, such as 0.95, not 95"),
        ([0.9, 0.8], 0, "confidence must be between 0 and 1"),
    ],
)
def test_fault_11a_an_interval_that_cannot_be_is_refused(values, confidence, message):
    """``interval(values, 95)`` gave nan."""
    with pytest.raises(ValueError, match=message):
        interval(values, confidence)


def test_a_paired_comparison_is_scipys_with_bonferronis_correction():
    first, second = {0: 0.31, 1: 0.33, 2: 0.30, 7: 9.0}, {2: 0.32, 0: 0.34, 1: 0.34, 8: 9.0}
    differences = [first[s] - second[s] for s in (0, 1, 2)]
    test = stats.ttest_rel([first[s] for s in (0, 1, 2)], [second[s] for s in (0, 1, 2)])
    found = paired(first, second, comparisons=5)
    low, high = test.confidence_interval(1 - 0.05 / 5)
    assert (found["low"], found["high"]) == pytest.approx((low, high))
    assert found["p_alone"] == pytest.approx(test.pvalue) and found["p"] == pytest.approx(min(1, 5 * test.pvalue))
    assert found["mean"] == pytest.approx(np.mean(differences)) and found["seeds"] == 3 and found["same_sign"] == 3


@pytest.mark.parametrize("effect, spread, seeds", [(0.5, 1.0, 10), (1.0, 1.0, 5), (0.0, 1.0, 8)])
def test_power_is_how_often_a_simulated_study_finds_it(effect, spread, seeds):
    generator = np.random.default_rng(0)
    samples = generator.normal(effect, spread, (4000, seeds))
    found = (stats.ttest_1samp(samples, 0, axis=1).pvalue < 0.05).mean()
    assert power(effect, spread, seeds) == pytest.approx(found, abs=3 * math.sqrt(0.25 / 4000))


def test_what_can_be_detected_and_the_seeds_needed_are_the_inverse_of_power():
    effect = detectable(0.8, 10)
    assert power(effect, 0.8, 10) == pytest.approx(0.8, abs=1e-6)
    needed = seeds_needed(0.5, 0.5)
    assert power(0.5, 0.5, needed) >= 0.8 > power(0.5, 0.5, needed - 1)


def test_the_seeds_for_half_a_point_are_not_those_of_a_normal_distribution():
    """For effects of 1.27, 0.68 and 0.35 spreads: 7, 19, 67 runs; the first edition said 5, 11, 35, which find half of them."""
    for ratio, wanted in ((1.275, 7), (0.68, 19), (0.3475, 67)):
        assert abs(seeds_needed(ratio, 1.0) - wanted) <= 1


def test_resampling_seeds_and_pictures_is_wider_than_either_alone():
    generator = np.random.default_rng(1)
    pictures, runs = generator.normal(0, 1, 400), generator.normal(0, 0.05, 8)
    first = 0.2 + pictures + runs[:, None] + generator.normal(0, 0.1, (8, 400))
    second = np.zeros((8, 400))
    mean, low, high = resample(first, second, draws=2000)
    assert mean == pytest.approx((first - second).mean())
    assert high - low == pytest.approx(2 * 1.96 * math.sqrt(1 / 400 + 0.05**2 / 8), rel=0.25)
    assert resample(first, second, draws=200) == resample(first, second, draws=200)
