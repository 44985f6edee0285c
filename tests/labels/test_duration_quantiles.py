from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import percentileofscore

from watchtime.core.errors import WatchtimeError
from watchtime.labels.base import Floats
from watchtime.labels.storage import fit_codec

TIED = st.integers(0, 6).map(float)
TARGETS = st.lists(st.one_of(TIED, st.floats(0.001, 1e4)), min_size=1, max_size=60)
Rows = list[tuple[float, float]]
ROWS = st.lists(st.tuples(st.one_of(TIED, st.floats(0.001, 1e4)), TIED), min_size=1, max_size=60)


def fit(target: npt.ArrayLike, duration: npt.ArrayLike | None = None, **options: Any) -> Any:
    target = np.asarray(target, dtype=float)
    duration = np.ones(len(target)) if duration is None else np.asarray(duration, dtype=float)
    return fit_codec("duration_quantiles", options, target, duration)


def levels(codec: Any, target: npt.ArrayLike) -> Floats:
    column = np.asarray(target, dtype=float)
    return codec.level(np.zeros(len(column), dtype=int), column)


def test_levels_by_hand() -> None:
    codec = fit([0, 0, 0, 1, 2], groups=1, knots=5)
    # The quantile function is 0, 0, 0, 1, 2 at the levels 0, ¼, ½, ¾, 1: flat at 0 from 0 to ½.
    np.testing.assert_allclose(levels(codec, [0, 0.5, 1, 1.5, 2, 7]), [0.25, 0.625, 0.75, 0.875, 1, 1])


def test_a_target_below_all_of_its_group_has_level_zero_and_above_all_one() -> None:
    codec = fit([3, 4, 9], groups=1, knots=3)
    np.testing.assert_array_equal(levels(codec, [0, 2.999, 3, 9, 9.001]), [0, 0, 0, 1, 1])
    tied = fit([3, 3, 9, 9], groups=1, knots=4)
    np.testing.assert_allclose(levels(tied, [2.9, 3, 9, 9.1]), [0, 1 / 6, 5 / 6, 1])


@settings(max_examples=60)
@given(TARGETS)
def test_with_one_knot_per_row_the_level_is_the_mid_rank(train: list[float]) -> None:
    count = len(train)
    codec = fit(train, groups=1, knots=max(count, 2))
    mid_rank = np.array([percentileofscore(train, value, kind="mean") / 100 for value in train])
    # Row i of n has rank (i + ½) / n and level i / (n − 1).
    expected = (mid_rank * count - 0.5) / (count - 1) if count > 1 else [0.5]
    np.testing.assert_allclose(levels(codec, train), expected, atol=1e-9)


@settings(max_examples=60)
@given(TARGETS, st.integers(2, 40))
def test_with_fewer_knots_it_is_the_mid_rank_to_within_their_distance(train: list[float], knots: int) -> None:
    count = len(train)
    codec = fit(train, groups=1, knots=knots)
    mid_rank = np.array([percentileofscore(train, value, kind="mean") / 100 for value in train])
    distance = np.abs(levels(codec, train) - (mid_rank * count - 0.5) / max(count - 1, 1))
    assert distance.max() <= 1 / (knots - 1) + 1e-9 or count == 1


def slow_level(knots: list[float], value: float) -> float:
    """The middle of all levels at which a quantile function through ``knots`` takes ``value``, by scanning pieces."""
    if value < knots[0]:
        return 0.0
    if value > knots[-1]:
        return 1.0
    found: list[float] = []
    for index, (low, high) in enumerate(pairwise(knots)):
        if low == high == value:
            found += [index, index + 1]
        elif low <= value <= high:
            found.append(index + (value - low) / (high - low))
    return (min(found) + max(found)) / 2 / (len(knots) - 1)


@settings(max_examples=60)
@given(ROWS, st.integers(1, 8), st.integers(2, 12), st.lists(st.floats(0, 2e4), max_size=20))
def test_levels_against_a_scan_of_the_quantile_function(
    rows: Rows, groups: int, knots: int, others: list[float]
) -> None:
    target, duration = np.array(rows).T
    codec = fit(target, duration, groups=groups, knots=knots)
    for group in range(len(codec.starts)):
        values = np.append(target, others)
        expected = [slow_level(codec.quantiles[group], value) for value in values]
        np.testing.assert_allclose(codec.level(np.full(len(values), group), values), expected, atol=1e-12)


@settings(max_examples=60)
@given(ROWS, st.integers(1, 8), st.integers(2, 12))
def test_groups_and_their_quantiles_against_a_loop(rows: Rows, groups: int, knots: int) -> None:
    target, duration = np.array(rows).T
    codec = fit(target, duration, groups=groups, knots=knots)
    by_duration = sorted(duration)
    starts = sorted({by_duration[k * len(rows) // groups] for k in range(groups)})
    assert codec.starts.tolist() == starts
    for group, (start, end) in enumerate(zip(starts, [*starts[1:], np.inf], strict=True)):
        members = [y for y, d in rows if start <= d < end]
        assert codec.sizes[group] == len(members) >= 1
        expected = np.percentile(members, np.linspace(0, 100, knots))
        np.testing.assert_allclose(codec.quantiles[group], expected, rtol=1e-9, atol=1e-8)


@settings(max_examples=60)
@given(ROWS, st.integers(1, 8), st.integers(2, 12))
def test_round_trip_is_exact_on_training_rows(rows: Rows, groups: int, knots: int) -> None:
    target, duration = np.array(rows).T
    codec = fit(target, duration, groups=groups, knots=knots)
    np.testing.assert_allclose(codec.reconstruct(target, duration), target, rtol=1e-9, atol=1e-9)
    label = codec.encode(target, duration)["level"]
    np.testing.assert_allclose(codec.decode(label, duration), target, rtol=1e-9, atol=1e-9)


@settings(max_examples=60)
@given(ROWS, st.integers(2, 12), st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_decoding_is_monotone_and_undone_by_level_where_it_rises(rows: Rows, knots: int, some: list[float]) -> None:
    target, duration = np.array(rows).T
    codec = fit(target, duration, groups=1, knots=knots)
    asked = np.sort(some)
    decoded = codec.decode(asked, np.full(len(asked), duration[0]))
    assert np.all(np.diff(decoded) >= -1e-9 * (1 + decoded[1:]))
    piece = np.minimum((asked * (knots - 1)).astype(int), knots - 2)
    rises = np.diff(codec.quantiles[0])[piece] > 1e-3
    inside = np.abs(asked * (knots - 1) - np.rint(asked * (knots - 1))) > 1e-6
    again = levels(codec, decoded)
    np.testing.assert_allclose(again[rises & inside], asked[rises & inside], atol=1e-6)


@settings(max_examples=60)
@given(ROWS, st.integers(1, 8), st.integers(2, 12), st.lists(st.floats(0, 2e4), min_size=2, max_size=20))
def test_levels_are_monotone_in_the_target(rows: Rows, groups: int, knots: int, some: list[float]) -> None:
    target, duration = np.array(rows).T
    codec = fit(target, duration, groups=groups, knots=knots)
    asked = np.sort(np.append(some, target))
    for length in np.unique(duration):
        label = codec.encode(asked, np.full(len(asked), length))["level"]
        assert np.all(np.diff(label) >= 0)
        assert label[0] >= 0
        assert label[-1] <= 1


def test_groups_of_distinct_durations_have_equal_frequency() -> None:
    duration = np.random.default_rng(0).permutation(600).astype(float)
    codec = fit(duration, duration, groups=30)
    assert codec.sizes.tolist() == [20] * 30
    assert codec.facts() == {"groups": 30, "smallest_group": 20}
    uneven = fit(duration[:599], duration[:599], groups=30)
    assert set(uneven.sizes.tolist()) == {19, 20}


def test_durations_outside_the_training_range_go_to_the_nearest_group() -> None:
    duration = np.arange(10, 20, dtype=float)
    codec = fit(np.arange(10) * 10.0, duration, groups=5, knots=11)
    edges = np.array([0.0, 9.99, 10.0, 11.0, 12.0, 19.0, 19.01, 1e9])
    assert codec.group_of(edges).tolist() == [0, 0, 0, 0, 1, 4, 4, 4]
    np.testing.assert_array_equal(codec.decode(np.ones(8), edges), [10, 10, 10, 10, 30, 90, 90, 90])


def test_equal_group_starts_are_merged_and_counted() -> None:
    duration = np.array([5.0] * 80 + [8.0] * 10 + [12.0] * 10)
    codec = fit(np.arange(100.0), duration, groups=10)
    assert codec.starts.tolist() == [5, 8, 12]
    assert codec.sizes.tolist() == [80, 10, 10]
    assert codec.facts() == {"groups": 3, "smallest_group": 10}
    assert codec.settings.groups == 10


def test_one_duration_and_one_target() -> None:
    codec = fit([7.0], [30.0])
    assert codec.facts() == {"groups": 1, "smallest_group": 1}
    assert codec.encode(np.array([6.0, 7.0, 8.0]), np.array([1.0, 30.0, 99.0]))["level"].tolist() == [0, 0.5, 1]
    np.testing.assert_array_equal(codec.decode([0.0, 0.3, 1.0], np.array([1.0, 30.0, 99.0])), [7, 7, 7])


def test_levels_beyond_zero_and_one_are_clipped_and_nan_stays_nan() -> None:
    codec = fit([1, 2, 4], groups=1, knots=3)
    np.testing.assert_array_equal(codec.decode([-0.5, 0, 0.75, 1, 1.5, np.nan], np.ones(6)), [1, 1, 3, 4, 4, np.nan])


@pytest.mark.parametrize(("key", "value"), [("groups", 0), ("knots", 1)])
def test_too_few_groups_or_knots_are_refused(key: str, value: int) -> None:
    with pytest.raises(WatchtimeError, match=rf"codec 'duration_quantiles': {key}: found {value}"):
        fit([1, 2], **{key: value})
