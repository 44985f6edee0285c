"""Ranks under repetitions drawn anew: by hand, against a loop over all draws, and in the limit."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from watchtime.core.errors import WatchtimeError
from watchtime.evaluation import rank_stability as module
from watchtime.evaluation.rank_stability import rank_stability


def test_two_repetitions_by_hand() -> None:
    """Of the four draws 00, 01, 10, 11 the means of a are 1, 2, 2, 3 and those of b 2, 2, 2, 2; c is never best."""
    found = rank_stability([[1.0, 3.0], [2.0, 2.0], [5.0, 5.0]], "lower")
    assert found.best.tolist() == [0.5, 0.5, 0.0]
    assert found.unbeaten.tolist() == [0.75, 0.75, 0.0]
    assert found.lowest.tolist() == [1.0, 1.0, 3.0]
    assert found.highest.tolist() == [2.0, 2.0, 3.0]
    assert rank_stability([[1.0, 3.0], [2.0, 2.0], [5.0, 5.0]], "higher").best.tolist() == [0.0, 0.0, 1.0]


@pytest.mark.parametrize("repetitions", [1, 3, 4])
@pytest.mark.parametrize("direction", ["lower", "higher"])
def test_equals_a_loop_over_all_draws(repetitions: int, direction: str) -> None:
    values = np.random.default_rng(repetitions).normal(0, 1, (5, repetitions))
    wins, ranks = np.zeros(5), []
    for draw in product(range(repetitions), repeat=repetitions):
        means = [float(np.mean([row[one] for one in draw])) for row in values]
        order = sorted(range(5), key=lambda one: means[one], reverse=direction == "higher")
        wins[order[0]] += 1
        ranks.append([order.index(one) + 1 for one in range(5)])
    found = rank_stability(values, direction)
    assert found.best == pytest.approx(wins / repetitions**repetitions)
    assert found.best.sum() == pytest.approx(1)
    low, high = np.quantile(ranks, (0.025, 0.975), axis=0, method="inverted_cdf")
    assert (found.lowest.tolist(), found.highest.tolist()) == (low.tolist(), high.tolist())


def test_draws_are_paired_across_rows() -> None:
    """Repetitions that are hard for all rows do not change their order."""
    hard = np.array([1.0, 50.0, 7.0])
    found = rank_stability([hard, hard + 0.01], "lower")
    assert found.best.tolist() == [1.0, 0.0]
    assert found.highest.tolist() == [1.0, 2.0]


def test_equal_means_are_equal_whatever_the_order_of_their_sum() -> None:
    """Of the 27 draws 10 are won by either row and 7 by both: six orders of all three, and three times the second."""
    found = rank_stability([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1], [9.0, 9.0, 9.0]], "lower")
    assert found.best.tolist() == [0.5, 0.5, 0.0]


def test_many_repetitions_are_drawn_by_the_seed_and_come_near_the_count(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).normal(0, 1, (3, 4))
    exact = rank_stability(values, "lower")
    monkeypatch.setattr(module, "MOST_COUNTED", 200)
    drawn = rank_stability(values, "lower", seed=5)
    assert drawn.best == pytest.approx(exact.best, abs=0.12)
    assert drawn.best.tolist() == rank_stability(values, "lower", seed=5).best.tolist()
    assert drawn.best.tolist() != rank_stability(values, "lower", seed=6).best.tolist()


@pytest.mark.parametrize("values", [[], [[1.0, np.nan]], [1.0, 2.0]])
def test_what_is_no_table_of_values_is_one_sentence(values: list[float]) -> None:
    with pytest.raises(WatchtimeError, match="rank stability: finite values"):
        rank_stability(values, "lower")
    with pytest.raises(WatchtimeError, match="did you mean 'lower'"):
        rank_stability([[1.0]], "lowr")
