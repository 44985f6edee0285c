"""Intervals and paired tests against scipy, tables, hand-computed cases and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from watchtime.core.errors import WatchtimeError
from watchtime.evaluation.statistics import (
    Comparison,
    Summary,
    compare,
    compare_unpaired,
    holm,
    minimum_detectable_difference,
    summarise,
)


def test_summary_by_hand() -> None:
    # t_{2, 0.975} = 4.302653 (table), s = 1, √3 = 1.7320508
    summary = summarise([1.0, 2.0, 3.0])
    assert (summary.mean, summary.spread, summary.n) == (2.0, 1.0, 3)
    assert summary.high == pytest.approx(2 + 4.302653 / 1.7320508, abs=1e-6)
    assert summary.low == pytest.approx(2 - 4.302653 / 1.7320508, abs=1e-6)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_interval_is_scipys(level: float) -> None:
    values = np.random.default_rng(0).normal(3, 2, 7)
    expected = stats.ttest_1samp(values, 0).confidence_interval(level)
    found = summarise(values, level)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)


def test_one_value_has_no_interval_and_equal_values_have_one_of_width_zero() -> None:
    assert summarise([0.1]) == Summary(0.1, low=None, high=None, spread=None, n=1)
    assert summarise([0.1] * 3) == Summary(0.1, low=0.1, high=0.1, spread=0.0, n=3)


@pytest.mark.parametrize("values", [[], [1.0, float("nan")], [float("inf")]])
def test_what_cannot_be_summarised_is_refused(values: list[float]) -> None:
    with pytest.raises(WatchtimeError, match="one or more finite numbers"):
        summarise(values)


@pytest.mark.parametrize("n", [2, 3, 5, 30])
@pytest.mark.parametrize("shift", [0.0, 1.0, -0.3])
def test_comparison_is_scipys_paired_test(n: int, shift: float) -> None:
    generator = np.random.default_rng(n)
    reference = dict(enumerate(generator.normal(5, 1, n).tolist()))
    ours = {seed: value + shift + generator.normal(0, 0.5) for seed, value in reference.items()}
    expected = stats.ttest_rel(list(ours.values()), list(reference.values()))
    interval = expected.confidence_interval(0.95)
    found = compare(ours, reference, "lower")
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-9)
    assert found.better == (found.difference < 0)
    assert (found.spread_known, found.n) == (True, n)


def test_comparison_by_hand() -> None:
    # differences 1, 2, 3: t = 2 / (1 / √3) = 3.4641016; for 2 degrees of freedom
    # P(|T| > t) = 1 − t / √(t² + 2) = 1 − √(12 / 14)
    found = compare({7: 2.0, 8: 4.0, 9: 6.0}, {9: 3.0, 8: 2.0, 7: 1.0}, "higher")
    assert found.difference == 2.0
    assert found.p_value == pytest.approx(1 - np.sqrt(12 / 14), abs=1e-12)
    assert found.better


def test_only_common_seeds_are_paired() -> None:
    found = compare({1: 5.0, 2: 6.0, 3: 100.0}, {2: 5.5, 1: 4.0, 4: -100.0}, "lower")
    assert (found.difference, found.n, found.better) == (0.75, 2, False)


@pytest.mark.parametrize(
    ("ours", "reference", "direction", "difference", "better"),
    [
        ({0: 1.0, 1: 1.0}, {0: 2.0, 1: 2.0}, "lower", -1.0, True),
        ({0: 1.0, 1: 1.0}, {0: 2.0, 1: 2.0}, "higher", -1.0, False),
        ({0: 1.0, 1: 2.0}, {0: 1.0, 1: 2.0}, "lower", 0.0, False),
        ({0: 1.0, 1: 2.0}, {1: 1.5}, "higher", 0.5, True),
    ],
)
def test_without_spread_between_seeds_there_is_no_p_value(
    ours: dict[int, float], reference: dict[int, float], direction: str, difference: float, better: bool
) -> None:
    assert compare(ours, reference, direction) == Comparison(
        difference, low=None, high=None, p_value=None, better=better, spread_known=False, n=len(reference)
    )


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(WatchtimeError, match=r"ours has the seeds \[1, 2\], the reference \[3\]"):
        compare({1: 1.0, 2: 1.0}, {3: 1.0}, "lower")
    with pytest.raises(WatchtimeError, match="unknown direction 'lowr', did you mean 'lower'"):
        compare({1: 1.0}, {1: 1.0}, "lowr")


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.6]) == [1.0, 1.0]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


def test_holm_leaves_out_what_is_not_a_test() -> None:
    assert holm([None, 0.01, None, 0.04]) == [None, 0.02, None, 0.04]
    assert holm([None]) == [None]


def test_holm_lies_between_no_correction_and_bonferroni_and_keeps_the_order() -> None:
    p_values = np.random.default_rng(2).uniform(0, 0.2, 20)
    adjusted = np.array(holm(p_values.tolist()), float)
    assert (adjusted >= p_values).all()
    assert (adjusted <= np.minimum(1, 20 * p_values)).all()
    assert (np.diff(adjusted[np.argsort(p_values)]) >= 0).all()


def test_minimum_detectable_difference_of_the_tables() -> None:
    # Power tables of the paired t-test: effect 0.5, level 0.05, power 0.8 needs 33.37 pairs, effect 1 needs 9.94.
    assert minimum_detectable_difference(1.0, 34) < 0.5 < minimum_detectable_difference(1.0, 33)
    assert minimum_detectable_difference(1.0, 10) < 1.0 < minimum_detectable_difference(1.0, 9)


@pytest.mark.parametrize(("n", "level", "power"), [(2, 0.95, 0.8), (3, 0.95, 0.8), (5, 0.9, 0.6), (20, 0.99, 0.9)])
def test_minimum_detectable_difference_is_found_with_that_power(n: int, level: float, power: float) -> None:
    # Given the chi-distributed estimate s of the spread, the mean of the differences is normal.
    shift = minimum_detectable_difference(2.0, n, level, power) / 2.0 * math.sqrt(n)
    threshold = stats.t.ppf((1 + level) / 2, n - 1) / math.sqrt(n - 1)
    found, _ = integrate.quad(lambda s: stats.chi.pdf(s, n - 1) * stats.norm.cdf(shift - threshold * s), 0, 20)
    assert found == pytest.approx(power, abs=1e-6)


def test_minimum_detectable_difference_needs_two_seeds() -> None:
    with pytest.raises(WatchtimeError, match="at least 2"):
        minimum_detectable_difference(1.0, 1)
    assert minimum_detectable_difference(0.0, 5) == 0.0


@pytest.mark.parametrize("sizes", [(2, 2), (3, 5), (30, 4)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_unpaired_comparison_is_welchs_by_its_formula(sizes: tuple[int, int], level: float) -> None:
    generator = np.random.default_rng(sum(sizes))
    ours, reference = generator.normal(1, 2, sizes[0]), generator.normal(0, 0.5, sizes[1])
    parts = [sample.var(ddof=1) / len(sample) for sample in (ours, reference)]
    freedom = sum(parts) ** 2 / sum(
        part**2 / (len(one) - 1) for part, one in zip(parts, (ours, reference), strict=True)
    )
    difference, error = ours.mean() - reference.mean(), math.sqrt(sum(parts))
    margin = stats.t.ppf((1 + level) / 2, freedom) * error
    found = compare_unpaired(ours, reference, "lower", level)
    assert found.difference == pytest.approx(difference)
    assert (found.low, found.high) == pytest.approx((difference - margin, difference + margin), rel=1e-9)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(difference) / error, freedom), rel=1e-9)
    assert (found.better, found.n) == (difference < 0, min(sizes))


@pytest.mark.parametrize("samples", [([1.0], [2.0, 3.0]), ([1.0, 1.0], [2.0, 2.0])])
def test_unpaired_samples_without_a_spread_say_nothing_about_chance(samples: tuple[list[float], list[float]]) -> None:
    found = compare_unpaired(*samples, "higher")
    assert (found.p_value, found.low, found.spread_known, found.better) == (None, None, False, False)
    assert found.difference == np.mean(samples[0]) - np.mean(samples[1])
    with pytest.raises(WatchtimeError, match="direction"):
        compare_unpaired(*samples, "none")
