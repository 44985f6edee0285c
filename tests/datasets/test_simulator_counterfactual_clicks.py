"""What would be bought after a click that was not made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from watchtime.datasets.simulator import criteo_ssc
from watchtime.datasets.simulator.counterfactual_clicks import Clicks, _law, amounts, clicks, expected_amounts
from watchtime.datasets.simulator.truth import Truth

USERS, ITEMS = 80, 50


@pytest.fixture(scope="module")
def simulated() -> Clicks:
    return clicks(USERS, ITEMS, seed=4)


def everything(simulated: Clicks, day: int) -> np.ndarray:
    products = np.tile(np.arange(ITEMS), (USERS, 1))
    return amounts(simulated, np.arange(USERS), products, np.zeros(USERS, np.int64), day)


def test_a_pair_brings_the_same_whatever_else_is_shown(simulated: Clicks) -> None:
    """Two policies that show a user the same product see the same amount."""
    whole = everything(simulated, day=3)
    some = amounts(simulated, np.array([7, 2]), np.array([[9, 1, 30], [30, 9, 4]]), np.zeros(2, np.int64), day=3)
    np.testing.assert_array_equal(some, [whole[7, [9, 1, 30]], whole[2, [30, 9, 4]]])
    assert not np.array_equal(everything(simulated, day=4), whole)
    np.testing.assert_allclose(np.round(whole * 100), whole * 100)


def test_the_law_is_that_of_the_log(tmp_path: Path, simulated: Clicks) -> None:
    """Of every logged click the law of its pair is that of the log's truth; ids of the log lead to the pair."""
    criteo_ssc.simulate(tmp_path / "raw", rows=400, users=USERS, items=ITEMS, days=5, seed=4)
    frame = pl.read_csv(tmp_path / "raw" / criteo_ssc.FILE, separator="\t", has_header=False)
    *_, product, _, _, user = frame.columns
    users, products = simulated.users(frame[user]), simulated.products(frame[product])
    device = frame[frame.columns[7]].to_numpy()
    law = _law(simulated, users, products[:, None], device)
    truth = Truth.load(tmp_path / "raw" / "truth.npz", "ltv")
    np.testing.assert_allclose(law.weights, truth.weights)
    np.testing.assert_allclose(law.scale, truth.scale)


def test_what_is_drawn_has_the_expectation_of_the_law(simulated: Clicks) -> None:
    products = np.tile(np.arange(ITEMS), (USERS, 1))
    expected = expected_amounts(simulated, np.arange(USERS), products, np.zeros(USERS, np.int64)).sum()
    drawn = np.array([everything(simulated, day).sum() for day in range(60)])
    assert abs(drawn.mean() - expected) < 4 * drawn.std(ddof=1) / np.sqrt(len(drawn))


def test_the_device_of_a_visit_counts(simulated: Clicks) -> None:
    products = np.tile(np.arange(ITEMS), (USERS, 1))
    first, second = (
        expected_amounts(simulated, np.arange(USERS), products, np.full(USERS, one)).sum()
        for one in np.argsort(criteo_ssc.DEVICE_EFFECTS)[[0, -1]]
    )
    assert second > 1.2 * first
