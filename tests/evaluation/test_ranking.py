"""NWTG@k, NEG@k and DS@k against all orders of tied rows, and by hand."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchtime.core.errors import WatchtimeError
from watchtime.evaluation.ranking import RankingMetrics, ranking_metrics
from watchtime.evaluation.user_values import UserAverage

Array = npt.NDArray[Any]


def orders(score: Array) -> Iterator[tuple[int, ...]]:
    """Yield every order of the rows in which no score stands behind a smaller one."""
    for order in itertools.permutations(range(len(score))):
        if all(score[one] >= score[next_one] for one, next_one in itertools.pairwise(order)):
            yield order


def weight(rank: int, convention: str) -> float:
    return math.log2(rank + 1) if convention == "released" else 1 / math.log2(rank + 1)


def gain(values: Sequence[float], k: int, convention: str) -> float:
    return sum(weight(rank, convention) * value for rank, value in enumerate(values[:k], start=1))


def share(score: Array, values: Array, k: int, convention: str) -> float | None:
    """Return a user's mean normalised gain over all orders; None where the user is left out."""
    ideal = gain(sorted(values.tolist(), reverse=True), k, convention)
    if ideal == 0:
        return 1.0 if convention == "released" else None
    return float(np.mean([gain([values[row] for row in order], k, convention) / ideal for order in orders(score)]))


def deviation(score: Array, values: Array, k: int) -> float:
    """Return the root of the mean variance over all orders."""
    return float(np.sqrt(np.mean([np.var([values[row] for row in order[:k]], ddof=1) for order in orders(score)])))


def near(value: float, users: int, counted: int) -> UserAverage:
    approximate: Any = pytest.approx(value, nan_ok=True)
    return UserAverage(approximate, users, counted)


def average(values: Sequence[float | None], users: int) -> UserAverage:
    counted = [one for one in values if one is not None]
    return near(float(np.mean(counted)) if counted else math.nan, users, len(counted))


@pytest.mark.parametrize("convention", ["paper", "released"])
@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), k=st.integers(2, 5), levels=st.integers(1, 6))
def test_equals_the_mean_over_all_orders_of_tied_rows(convention: str, seed: int, k: int, levels: int) -> None:
    generator = np.random.default_rng(seed)
    user = np.repeat(np.arange(5), generator.integers(1, 7, 5))
    generator.shuffle(user)
    score, watch = generator.integers(0, levels, len(user)), generator.integers(0, 3, len(user)) * 1.5
    feedback, duration = generator.random(len(user)) < 0.2, generator.exponential(9.0, len(user))
    keys = np.unique(user)
    rows = [np.flatnonzero(user == key) for key in keys]
    rows = [one for one in rows if len(one) >= k + (convention == "released")]
    assert ranking_metrics(user, score, watch, feedback, duration, k, convention) == RankingMetrics(
        nwtg=average([share(score[one], watch[one], k, convention) for one in rows], len(keys)),
        neg=average([share(score[one], feedback[one] * 1.0, k, convention) for one in rows], len(keys)),
        ds=average([deviation(score[one], duration[one], k) for one in rows], len(keys)),
        ranking_users=len(rows),
    )


# User a: by score 4, 0, 6, 2 seconds. User b has just two rows and neither watched nor liked. User c has one row.
USER = ["a", "b", "a", "c", "a", "b", "a"]
SCORE = [0.9, 0.5, 0.1, 0.3, 0.7, 0.4, 0.5]
WATCH = [4.0, 0.0, 2.0, 7.0, 0.0, 0.0, 6.0]
FEEDBACK = [0, 0, 1, 1, 3, 0, 0]
DURATION = [10.0, 3.0, 99.0, 1.0, 16.0, 3.0, 50.0]


def test_the_papers_convention_by_hand() -> None:
    """a's list is 4, 0 and its ideal 6, 4; its second row has feedback. b counts for DS alone, with 0."""
    second = 1 / math.log2(3)
    assert ranking_metrics(USER, SCORE, WATCH, FEEDBACK, DURATION, k=2) == RankingMetrics(
        nwtg=near(4 / (6 + 4 * second), 3, 1),
        neg=near(second / (1 + second), 3, 1),
        ds=near((math.sqrt(18) + 0) / 2, 3, 2),
        ranking_users=2,
    )


def test_the_released_convention_by_hand() -> None:
    """b has no more than two rows. For k = 1 it counts, with 1 for its ideal of 0; the weight is log2(2) = 1."""
    second = math.log2(3)
    assert ranking_metrics(USER, SCORE, WATCH, FEEDBACK, DURATION, 2, "released") == RankingMetrics(
        nwtg=near(4 / (6 + 4 * second), 3, 1),
        neg=near(second / (1 + second), 3, 1),
        ds=near(math.sqrt(18), 3, 1),
        ranking_users=1,
    )
    first = ranking_metrics(USER, SCORE, WATCH, FEEDBACK, DURATION, 1, "released")
    assert first.nwtg == near((4 / 6 + 1) / 2, 3, 2)
    assert first.neg == near((0 + 1) / 2, 3, 2)


def test_the_released_weights_may_exceed_the_ideal() -> None:
    found = ranking_metrics(np.zeros(3), [1, 2, 0], [5.0, 1.0, 0.0], [1, 1, 0], np.ones(3), 2, "released")
    assert found.nwtg.value == pytest.approx((1 + 5 * math.log2(3)) / (5 + math.log2(3)))
    assert found.nwtg.value > 1


def test_a_single_place_has_no_deviation() -> None:
    found = ranking_metrics(USER, SCORE, WATCH, FEEDBACK, DURATION, k=1)
    assert math.isnan(found.ds.value)
    assert (found.ds.users_counted, found.ranking_users) == (0, 3)


def random_rows(seed: int, rows: int = 300) -> tuple[Array, Array, Array, Array, Array]:
    generator = np.random.default_rng(seed)
    user, score = generator.integers(0, 12, rows), generator.integers(0, 20, rows) / 4
    return (
        user,
        score,
        generator.exponential(5.0, rows),
        generator.random(rows) < 0.3,
        generator.exponential(30.0, rows),
    )


def same(one: RankingMetrics, other: RankingMetrics) -> bool:
    pairs = zip((one.nwtg, one.neg, one.ds), (other.nwtg, other.neg, other.ds), strict=True)
    return one.ranking_users == other.ranking_users and all(
        a.users_counted == b.users_counted and a.value == pytest.approx(b.value, rel=1e-12) for a, b in pairs
    )


@pytest.mark.parametrize("convention", ["paper", "released"])
def test_rows_may_stand_in_any_order_and_users_have_any_name(convention: str) -> None:
    user, score, watch, feedback, duration = random_rows(0)
    order = np.random.default_rng(1).permutation(len(user))
    expected = ranking_metrics(user, score, watch, feedback, duration, 10, convention)
    moved = ranking_metrics(user[order], score[order], watch[order], feedback[order], duration[order], 10, convention)
    assert same(moved, expected)
    names = np.array([f"user {99 - key}" for key in user])
    assert same(ranking_metrics(names, score, watch, feedback, duration, 10, convention), expected)


@pytest.mark.parametrize("convention", ["paper", "released"])
def test_the_order_of_scores_and_the_ratios_of_watch_times_are_all_that_counts(convention: str) -> None:
    user, score, watch, feedback, duration = random_rows(2)
    expected = ranking_metrics(user, score, watch, feedback, duration, 10, convention)
    moved = ranking_metrics(user, np.exp(score) - 9, 1000 * watch, 5 * feedback, duration + 77, 10, convention)
    assert same(moved, expected)


def test_the_watch_time_itself_is_the_ideal_score() -> None:
    user, _, watch, feedback, duration = random_rows(3)
    assert ranking_metrics(user, watch, watch, feedback, duration, 10).nwtg.value == pytest.approx(1)
    assert ranking_metrics(user, feedback * 1.0, watch, feedback, duration, 10).neg.value == pytest.approx(1)
    assert ranking_metrics(user, -watch, watch, feedback, duration, 10).nwtg.value < 0.5


def test_of_equal_durations_the_deviation_is_zero() -> None:
    user, score, watch, feedback, _ = random_rows(4)
    found = ranking_metrics(user, score, watch, feedback, np.full(len(user), 1e6 / 3), 10).ds
    assert found.value == pytest.approx(0, abs=1e-8)


def test_where_no_user_has_rows_enough_the_values_are_nan() -> None:
    found = ranking_metrics(USER, SCORE, WATCH, FEEDBACK, DURATION, k=5)
    assert all(math.isnan(one.value) for one in (found.nwtg, found.neg, found.ds))
    assert (found.nwtg.users, found.nwtg.users_counted, found.ranking_users) == (3, 0, 0)


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(WatchtimeError, match="unknown ranking convention 'papr', did you mean 'paper'"):
        ranking_metrics(USER, SCORE, WATCH, FEEDBACK, DURATION, 2, "papr")
    with pytest.raises(WatchtimeError, match="k = 0"):
        ranking_metrics(USER, SCORE, WATCH, FEEDBACK, DURATION, 0)
    with pytest.raises(WatchtimeError, match=r"duration: row 6 .* nan"):
        ranking_metrics(USER, SCORE, WATCH, FEEDBACK, [*DURATION[:-1], math.nan], 2)
    with pytest.raises(WatchtimeError, match="user: an array of shape"):
        ranking_metrics(USER[1:], SCORE, WATCH, FEEDBACK, DURATION, 2)
