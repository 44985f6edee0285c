"""Thresholds, their search and what they restore, against plain loops and by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchtime.core.errors import WatchtimeError
from watchtime.labels.storage import fit_codec, load, save
from watchtime.labels.thresholds import error_bound, levels

DRAWS = np.random.default_rng(0)
LOGS = {
    "exponential": DRAWS.exponential(20.0, 400),
    "many zeros": np.concatenate([np.zeros(150), DRAWS.gamma(0.7, 30.0, 250)]),
    "uniform": DRAWS.uniform(0, 60, 300),
    "few values": DRAWS.integers(0, 6, 200).astype(float),
    "late": 60 - DRAWS.exponential(3.0, 300).clip(max=60),
}
TARGETS = st.lists(st.one_of(st.integers(0, 6).map(float), st.floats(0.001, 1e4)), min_size=1, max_size=60)
SPACINGS = st.sampled_from(["equal_frequency", "equal_width", "error_adaptive"])


def fit(target: npt.ArrayLike, **options: Any) -> Any:
    return fit_codec("thresholds", options, np.asarray(target, dtype=float))


def slow_level(alpha: float, share: float) -> float:
    return share if alpha == 0 else (1 - math.exp(-alpha * share)) / (1 - math.exp(-alpha))


def slow_quantile(ordered: list[float], level: float) -> float:
    """Interpolate between the two order statistics around level · (n − 1)."""
    place = level * (len(ordered) - 1)
    before = min(math.floor(place), len(ordered) - 1)
    after = min(before + 1, len(ordered) - 1)
    return ordered[before] + (place - before) * (ordered[after] - ordered[before])


def slow_bound(target: list[float], alpha: float, count: int, balance: float) -> float:
    """J = A_w + β A_b in one loop over the thresholds, from the written formulas."""
    ordered = sorted(target)
    squares = learning = restoring = 0.0
    level_before = threshold_before = 0.0
    for m in range(1, count + 1):
        level = slow_level(alpha, m / count)
        threshold = slow_quantile(ordered, level)
        share, width = level - level_before, threshold - threshold_before
        squares += share**2
        learning += width**2 / share
        restoring += width**2
        level_before, threshold_before = level, threshold
    return squares * learning + balance * squares * restoring


# Thresholds


@given(st.floats(0, 60), st.integers(1, 60))
def test_levels_are_the_written_formula_and_end_at_1(alpha: float, count: int) -> None:
    found = levels(alpha, count)
    assert found[-1] == 1
    assert np.all(np.diff(found) >= 0)
    if alpha == 0 or alpha > 1e-3:
        np.testing.assert_allclose(found, [slow_level(alpha, m / count) for m in range(1, count + 1)], rtol=1e-9)


@pytest.mark.parametrize("alpha", [0.0, 1e-320, 1e-17, 1e-12, 1e-6])
def test_levels_are_even_as_alpha_goes_to_0(alpha: float) -> None:
    np.testing.assert_allclose(levels(alpha, 7), np.arange(1, 8) / 7, rtol=1e-6)
    np.testing.assert_allclose(levels(alpha, 7) - np.arange(1, 8) / 7, 0, atol=alpha)


def test_large_alphas_put_the_thresholds_in_the_upper_tail() -> None:
    assert levels(5.0, 4).tolist() == pytest.approx([0.7183, 0.9241, 0.9831, 1.0], abs=1e-4)
    assert fit(range(101), count=4, alpha=5.0).thresholds.tolist() == pytest.approx(
        [71.83, 92.41, 98.31, 100], abs=0.01
    )
    # Where rounding makes all levels 1, all thresholds are the maximum.
    extreme = fit(range(101), count=4, alpha=1e6)
    assert extreme.thresholds.tolist() == [100, 100, 100, 100]
    assert error_bound(levels(1e6, 4), extreme.thresholds, 50.0) == pytest.approx(51 * 100**2)


@settings(max_examples=60)
@given(TARGETS, st.integers(2, 12), st.sampled_from([0.0, 0.3, 2.0, 4.9]))
def test_thresholds_are_training_quantiles_at_the_levels(train: list[float], count: int, alpha: float) -> None:
    codec = fit(train, count=count, alpha=alpha)
    expected = [slow_quantile(sorted(train), slow_level(alpha, m / count)) for m in range(1, count + 1)]
    np.testing.assert_allclose(codec.thresholds, expected, rtol=1e-9, atol=1e-6)
    assert codec.thresholds[-1] == max(train)
    assert np.all(np.diff(codec.thresholds) >= 0)
    assert codec.alpha == alpha
    even = fit(train, count=count, spacing="equal_frequency")
    np.testing.assert_array_equal(even.thresholds, np.quantile(train, np.arange(1, count + 1) / count))
    np.testing.assert_array_equal(even.thresholds, fit(train, count=count, alpha=0).thresholds)


def test_equal_widths_divide_the_way_from_0_to_the_largest_target() -> None:
    codec = fit([3.0, 8.0, 12.0], count=4, spacing="equal_width")
    assert codec.thresholds.tolist() == [3, 6, 9, 12]
    assert codec.widths.tolist() == [3, 3, 3, 3]
    assert math.isnan(codec.alpha)
    assert codec.facts() == {"equal_thresholds": 0}


# The search


@pytest.mark.parametrize("name", LOGS)
@pytest.mark.parametrize("balance", [0.0, 1.0, 50.0])
@pytest.mark.parametrize("count", [3, 20])
def test_the_search_finds_the_grids_smallest_bound(name: str, balance: float, count: int) -> None:
    target = LOGS[name].tolist()
    grid, alpha = [], 0.001
    while alpha < 5.0:
        grid.append(alpha)
        alpha += 0.1
    assert len(grid) == 50
    bounds = [slow_bound(target, alpha, count, balance) for alpha in grid]
    codec = fit(target, count=count, balance=balance)
    assert codec.alpha == pytest.approx(grid[bounds.index(min(bounds))], abs=1e-9)
    found = error_bound(levels(codec.alpha, count), codec.thresholds, balance)
    assert found == pytest.approx(min(bounds), rel=1e-6)
    assert codec.facts()["alpha"] == codec.alpha


def test_what_restoring_weighs_moves_thresholds_into_a_long_tail() -> None:
    tail = LOGS["exponential"]
    assert fit(tail, count=20, balance=50.0).alpha == 0.001
    assert fit(tail, count=20, balance=500.0).alpha == pytest.approx(4.601)
    assert fit(LOGS["uniform"], count=20, balance=500.0).alpha == 0.001


@settings(max_examples=40)
@given(TARGETS, st.sampled_from([2.0**-10, 2.0**10]))
def test_alpha_does_not_depend_on_the_unit(train: list[float], unit: float) -> None:
    assert fit(train, count=5).alpha == fit(np.array(train) * unit, count=5).alpha


def test_the_grid_is_a_setting() -> None:
    target = LOGS["exponential"]
    assert fit(target, count=20, alpha_smallest=0.7, alpha_largest=0.8).alpha == 0.7
    fine = fit(target, count=20, alpha_step=0.01).alpha
    assert error_bound(levels(fine, 20), fit(target, count=20, alpha=fine).thresholds, 50.0) <= error_bound(
        levels(fit(target, count=20).alpha, 20), fit(target, count=20).thresholds, 50.0
    )
    sentence = r"^codec 'thresholds': alpha_largest is 0\.5, allowed are numbers above alpha_smallest \(0\.7\)\.$"
    with pytest.raises(WatchtimeError, match=sentence):
        fit(target, alpha_smallest=0.7, alpha_largest=0.5)


@pytest.mark.parametrize(
    "wrong", [{"count": 1}, {"alpha": -1.0}, {"balance": -1}, {"alpha_step": 0}, {"spacing": "even"}]
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(WatchtimeError, match=rf"^codec 'thresholds': {next(iter(wrong))}: "):
        fit([1.0, 2.0], **wrong)


# Labels


@settings(max_examples=60)
@given(TARGETS, st.integers(2, 12), SPACINGS, st.lists(st.floats(0, 2e4), max_size=8))
def test_labels_and_restoration_against_loops(
    train: list[float], count: int, spacing: str, others: list[float]
) -> None:
    codec = fit(train, count=count, spacing=spacing)
    values = [*train, *others]
    labels, restored = codec.encode(np.array(values)), codec.reconstruct(np.array(values))
    assert (labels["above"].dtype, labels["above"].shape) == (np.bool_, (len(values), count))
    np.testing.assert_array_equal(labels["target"], values)
    for row, value in enumerate(values):
        total = before = 0.0
        for m, threshold in enumerate(codec.thresholds.tolist()):
            assert labels["above"][row, m] == (value > threshold)
            total += (value > threshold) * (threshold - before)
            before = threshold
        assert restored[row] == pytest.approx(total)
        assert restored[row] <= value
    assert codec.standard_deviation == pytest.approx(np.std(train))


def test_labels_by_hand() -> None:
    codec = fit([0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0], count=4, spacing="equal_frequency")
    assert codec.thresholds.tolist() == [0, 2, 4, 6]
    values = np.array([0.0, 0.5, 2.0, 2.5, 6.0, 9.0])
    expected = [[0, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]
    assert codec.encode(values)["above"].tolist() == expected
    assert codec.reconstruct(values).tolist() == [0, 0, 0, 2, 4, 6]
    assert codec.intervals.edges.tolist() == [0, 0, 2, 4, 6, 6]
    assert codec.intervals.values.tolist() == [0, 0, 2, 4, 6]
    assert (codec.interval_shares * 9).tolist() == pytest.approx([3, 2, 2, 2, 0])


def test_zeros_have_an_atom_and_equal_thresholds_empty_ones() -> None:
    codec = fit([0.0] * 6 + [1.0, 2.0, 3.0, 4.0], count=5, spacing="equal_frequency")
    assert codec.thresholds.tolist() == pytest.approx([0, 0, 0.4, 2.2, 4])
    assert codec.facts() == {"equal_thresholds": 1}
    assert codec.interval_shares.tolist() == pytest.approx([0.6, 0, 0, 0.2, 0.2, 0])
    above = np.array([[0.3, 0.3, 0.3, 0.2, 0.0]])
    probabilities = codec.probabilities(above)
    assert probabilities.tolist() == [pytest.approx([0.7, 0, 0, 0.1, 0.2, 0])]
    low, high = codec.intervals.probability_integral(probabilities, np.array([0.0]))
    assert (low[0], high[0]) == (0, pytest.approx(0.7))
    assert codec.read_out(above)["median"].tolist() == [0]


def test_a_frequent_value_shares_an_interval_with_what_is_just_below_it() -> None:
    codec = fit([1.0] + [5.0] * 8 + [9.0], count=5, spacing="equal_frequency")
    assert codec.thresholds.tolist() == pytest.approx([5, 5, 5, 5, 9])
    assert codec.interval_shares.tolist() == pytest.approx([0.9, 0, 0, 0, 0.1, 0])
    assert codec.reconstruct(np.array([4.0, 5.0, 5.1])).tolist() == [0, 0, 5]


@pytest.mark.parametrize("spacing", ["equal_frequency", "equal_width", "error_adaptive"])
@pytest.mark.parametrize("value", [0.0, 4.0])
def test_constant_targets(value: float, spacing: str) -> None:
    codec = fit([value] * 3, count=4, spacing=spacing)
    assert codec.thresholds[-1] == value
    assert codec.interval_shares.sum() == pytest.approx(1)
    assert not codec.encode(np.array([value]))["above"][0, -1]
    for readout in codec.read_out(np.array([[0.5, 0.4, 0.2, 0.1]])).values():
        assert np.isfinite(readout).all()


# What classifiers restore


@settings(max_examples=60)
@given(st.lists(st.floats(0, 1), min_size=6, max_size=6))
def test_the_distribution_over_intervals_has_the_running_minimum_as_its_exceedance(exceedance: list[float]) -> None:
    codec = fit(LOGS["exponential"], count=6)
    probabilities = codec.probabilities(np.array([exceedance]))[0]
    assert probabilities.shape == (7,)
    assert probabilities.min() >= 0
    assert probabilities.sum() == pytest.approx(1)
    for m in range(6):
        assert probabilities[m + 1 :].sum() == pytest.approx(min(exceedance[: m + 1]), abs=1e-12)


@settings(max_examples=60)
@given(st.lists(st.floats(0, 1), min_size=6, max_size=6))
def test_the_mean_is_the_sum_over_the_classifiers_as_they_are(exceedance: list[float]) -> None:
    codec = fit(LOGS["many zeros"], count=6, spacing="equal_frequency")
    edges = [0.0, *codec.thresholds.tolist()]
    row = np.array([exceedance])
    expected = sum(p * (edges[m + 1] - edges[m]) for m, p in enumerate(exceedance))
    assert codec.read_out(row)["mean"][0] == pytest.approx(expected)
    assert list(codec.read_out(row)) == ["mean", "median", "rank", "variance"]
    falling = np.array([sorted(exceedance, reverse=True)])
    repaired = codec.intervals.mean(codec.probabilities(falling))
    assert codec.read_out(falling)["mean"] == pytest.approx(repaired)


@pytest.mark.parametrize("spacing", ["equal_frequency", "equal_width", "error_adaptive"])
def test_exceedances_of_a_known_law_restore_its_mean_from_below(spacing: str) -> None:
    """∫ P(Y > t) dt of an exponential law with mean 20: the sum is a lower one, off by at most the largest steps."""
    codec = fit(-20 * np.log1p(-(np.arange(50_000) + 0.5) / 50_000), count=1000, spacing=spacing)
    exceedance = np.exp(-codec.thresholds / 20)[None]
    found = codec.read_out(exceedance)
    steps = codec.widths * -np.diff(exceedance[0], prepend=1.0)
    assert 20 - steps.sum() - 20 * exceedance[0, -1] - 1e-6 <= found["mean"][0] <= 20
    assert found["mean"][0] == pytest.approx(20, rel=0.02)
    assert found["median"][0] == pytest.approx(20 * math.log(2), rel=0.02)
    assert found["rank"][0] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("name", LOGS)
def test_the_training_shares_are_the_distribution_of_their_own_exceedances(name: str) -> None:
    codec = fit(LOGS[name], count=10)
    exceedance = codec.encode(LOGS[name])["above"].mean(0)[None]
    np.testing.assert_allclose(codec.probabilities(exceedance)[0], codec.interval_shares, atol=1e-12)
    assert codec.read_out(exceedance)["rank"][0] == pytest.approx(0.5)
    assert codec.read_out(exceedance)["mean"][0] == pytest.approx(codec.reconstruct(LOGS[name]).mean())


@pytest.mark.parametrize("options", [{"spacing": "equal_width"}, {"spacing": "error_adaptive"}, {"alpha": 0.7}])
def test_a_saved_codec_is_the_same(options: dict[str, Any], tmp_path: Path) -> None:
    codec = fit(LOGS["many zeros"], count=7, **options)
    save(codec, tmp_path / "codec.npz")
    loaded = load(tmp_path / "codec.npz")
    assert loaded.settings == codec.settings
    assert loaded.facts() == codec.facts()
    for name, array in codec.arrays().items():
        np.testing.assert_array_equal(loaded.arrays()[name], array)
