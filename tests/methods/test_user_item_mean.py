"""User + item mean against sums by hand."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
import pytest

from logs import table_log
from watchtime.methods.base import build
from watchtime.methods.user_item_mean import UserItemMean

USER = [1, 1, 2, 2, 3, 0]
ITEM = [1, 2, 1, 2, 1, 1]
TARGET = [10.0, 2.0, 6.0, 2.0, 4.0, 0.0]


def fitted(shrinkage: float) -> UserItemMean:
    method: UserItemMean = build("user_item_mean", {"shrinkage": shrinkage}, None, "watch_time")
    train = table_log(USER, ITEM, TARGET)
    method.fit(train, train, seed=0)
    return method


def predicted(method: UserItemMean, user: list[int], item: list[int]) -> npt.NDArray[Any]:
    return method.predict(table_log(user, item))["mean"]


def test_shrunk_deviations_by_hand() -> None:
    """μ = 4; with k = 2, b_1 = (6 + 2 + 0 − 4) / (4 + 2) = 2/3 for item 1 and b_2 = (−2 − 2) / (2 + 2) = −1.

    User 1: (10 − 4 − 2/3 + 2 − 4 + 1) / (2 + 2) = 13/12; user 3: (4 − 4 − 2/3) / (1 + 2) = −2/9.
    """
    found = predicted(fitted(2.0), [1, 1, 3], [1, 2, 1])
    assert found == pytest.approx([4 + 2 / 3 + 13 / 12, 4 - 1 + 13 / 12, 4 + 2 / 3 - 2 / 9])


def test_unknown_and_unseen_ids_do_not_deviate() -> None:
    """Id 0 is unknown, though a training row has it; ids 9 and 5 are larger than any in training."""
    assert predicted(fitted(2.0), [0, 9, 0, 3], [1, 1, 0, 5]) == pytest.approx([4 + 2 / 3, 4 + 2 / 3, 4, 4 - 2 / 9])


def test_without_shrinkage_a_single_row_is_remembered() -> None:
    """Item 1 deviates by 1; user 3 has one row of 4 s there and so deviates by −1."""
    assert predicted(fitted(0.0), [3], [1]) == pytest.approx([4.0])


def test_with_endless_shrinkage_only_the_mean_is_left() -> None:
    assert predicted(fitted(1e12), USER, ITEM) == pytest.approx([4.0] * 6)
