"""Means by tenths of the prediction, by hand and against copies of every row."""

from __future__ import annotations

import math

import numpy as np
import pytest

from watchtime.evaluation.deciles import decile_mape, deciles


def test_twenty_rows_by_hand() -> None:
    """Rows stored in reverse; a tenth has two of them, the lowest 0 and 1."""
    prediction = np.arange(20.0)[::-1]
    target, predicted = deciles(prediction**2, prediction)
    assert predicted.tolist() == [0.5, 2.5, 4.5, 6.5, 8.5, 10.5, 12.5, 14.5, 16.5, 18.5]
    assert target.tolist() == [((2 * one) ** 2 + (2 * one + 1) ** 2) / 2 for one in range(10)]


def test_equal_predictions_share_alike_in_the_tenths_that_they_reach() -> None:
    """15 of 20 rows are predicted as 1, with targets 0 but for one of 15; they fill seven tenths and a half."""
    target, predicted = deciles([*[0.0] * 14, 15.0, *[8.0] * 5], [*[1.0] * 15, *[4.0] * 5])
    assert target.tolist() == pytest.approx([*[1] * 7, (1 + 8) / 2, 8, 8])
    assert predicted.tolist() == pytest.approx([*[1] * 7, (1 + 4) / 2, 4, 4])


@pytest.mark.parametrize("size", [1, 3, 17, 250])
def test_tenths_are_those_of_ten_copies_of_every_row(size: int) -> None:
    """Ten copies of each row can be cut into ten parts of whole rows."""
    draws = np.random.default_rng(size)
    target, prediction = draws.exponential(size=size), draws.permutation(size) + 0.5
    copies = np.argsort(np.repeat(prediction, 10), kind="stable")
    expected = [np.repeat(one, 10)[copies].reshape(10, size).mean(1) for one in (target, prediction)]
    for found, means in zip(deciles(target, prediction), expected, strict=True):
        assert found == pytest.approx(means)
        assert found.mean() == pytest.approx(means.mean())


def test_the_relative_error_by_hand_and_where_there_is_none() -> None:
    true, predicted = np.arange(1.0, 11), np.arange(1.0, 11)
    assert decile_mape(true, predicted) == 0
    predicted[0], predicted[9] = 2, 15
    assert decile_mape(true, predicted) == pytest.approx((1 + 0.5) / 10)
    assert math.isnan(decile_mape(true - 1, predicted))
