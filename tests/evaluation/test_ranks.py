"""Spearman's correlation against SciPy; the normalised Gini against its gain curve, drawn for every order of ties."""

from __future__ import annotations

import math
from itertools import pairwise, permutations, product

import numpy as np
import pytest
from scipy import stats

from watchtime.evaluation.ranks import average_ranks, normalised_gini, spearman


def gain(ordered: list[float]) -> float:
    """Return 2 mean_k C_k − 1 of targets in the order in which they are found."""
    total, shares = 0.0, []
    for value in ordered:
        total += value
        shares.append(total)
    return 2 * sum(shares) / (len(ordered) * total) - 1


def enumerated(target: list[float], prediction: list[float]) -> float:
    """Return the mean of the gain curves over all orders with falling predictions, over that of falling targets."""
    rows = range(len(target))
    orders = [
        order
        for order in permutations(rows)
        if all(prediction[one] >= prediction[other] for one, other in pairwise(order))
    ]
    return float(np.mean([gain([target[row] for row in order]) for order in orders])) / gain(sorted(target)[::-1])


def test_four_customers_by_hand() -> None:
    """Found as 0, 6, 2, 0: shares 0, 6/8, 1, 1 and 2 · 2.75/4 − 1 = 0.375; at best 6/8, 1, 1, 1 and 0.875."""
    assert normalised_gini(np.array([2.0, 6, 0, 0]), np.array([2.0, 3, 4, 1])) == pytest.approx(0.375 / 0.875)


@pytest.mark.parametrize("seed", range(30))
def test_gini_is_the_mean_over_all_orders_of_equal_predictions(seed: int) -> None:
    draws = np.random.default_rng(seed)
    target, prediction = draws.integers(0, 4, 6).astype(float), draws.integers(0, 3, 6).astype(float)
    target[0] = 5.0
    expected = enumerated(target.tolist(), prediction.tolist())
    assert normalised_gini(target, prediction) == pytest.approx(expected, abs=1e-12)


def test_gini_of_untied_predictions_is_that_of_the_gain_curve() -> None:
    draws = np.random.default_rng(1)
    target = draws.lognormal(size=500) * (draws.random(500) < 0.3)
    prediction = target + draws.normal(size=500)
    found = gain(target[np.argsort(-prediction)].tolist()) / gain(np.sort(target)[::-1].tolist())
    assert normalised_gini(target, prediction) == pytest.approx(found, rel=1e-12)


def test_gini_knows_the_order_alone() -> None:
    target = np.random.default_rng(2).lognormal(size=200).round(1)
    assert normalised_gini(target, np.exp(target)) == 1
    assert normalised_gini(target * 7, target) == 1
    reverse = normalised_gini(target, -target)
    assert reverse == pytest.approx(-1, abs=0.05)
    # A constant finds each row at its average place: 1/n in place of the best order's G.
    assert normalised_gini(target, np.zeros(200)) == pytest.approx(1 / 200 / gain(np.sort(target)[::-1].tolist()))


def test_gini_and_spearman_do_not_depend_on_how_rows_are_stored() -> None:
    draws = np.random.default_rng(3)
    target, prediction, order = draws.integers(0, 9, 99), draws.integers(0, 9, 99), draws.permutation(99)
    for function in (normalised_gini, spearman):
        assert function(target, prediction) == pytest.approx(function(target[order], prediction[order]), rel=1e-12)


@pytest.mark.parametrize(("size", "levels"), list(product([2, 3, 50, 3000], [2, 5, 10**6])))
def test_spearman_is_scipys(size: int, levels: int) -> None:
    draws = np.random.default_rng(size + levels)
    target, prediction = (draws.integers(0, levels, size).astype(np.float32) for _ in range(2))
    target[0], prediction[0] = -1, levels
    target[-1], prediction[-1] = levels, -1
    assert spearman(target, prediction) == pytest.approx(stats.spearmanr(target, prediction).statistic, abs=1e-12)
    assert average_ranks(target).tolist() == stats.rankdata(target).tolist()


def test_what_the_rows_do_not_define_is_nan() -> None:
    some = np.array([1.0, 2, 3])
    assert math.isnan(spearman(some, np.ones(3)))
    assert math.isnan(spearman(np.ones(3), some))
    assert math.isnan(spearman(some[:1], some[:1]))
    assert math.isnan(normalised_gini(np.zeros(3), some))
    assert math.isnan(normalised_gini(np.ones(3), some))
    assert spearman(some, some) == 1
    assert spearman(some, -some) == -1
