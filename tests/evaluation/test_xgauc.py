"""XGAUC against a loop over the users."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from watchtime.core.errors import WatchtimeError
from watchtime.evaluation.user_values import UserAverage
from watchtime.evaluation.xauc import xauc
from watchtime.evaluation.xgauc import xgauc

Array = npt.NDArray[Any]


def user_by_user(target: Array, prediction: Array, user: Array, convention: str) -> tuple[float, int]:
    total, weight, counted = 0.0, 0, 0
    for one in np.unique(user):
        y, p = target[user == one], prediction[user == one]
        if convention == "strict" and len(np.unique(y)) > 1:
            value = xauc(y, p, "strict")
        elif convention == "cwm" and y.sum() > 0:
            value = xauc(y, p, "d2q") if len(y) > 1 else 1.0
        else:
            continue
        total += len(y) * value
        weight += len(y)
        counted += 1
    return total / weight, counted


@pytest.mark.parametrize("convention", ["strict", "cwm"])
@pytest.mark.parametrize("users", [1, 5, 60, 400])
@pytest.mark.parametrize("distinct", [2, 1000])
def test_equals_the_loop_over_users(convention: str, users: int, distinct: int) -> None:
    generator = np.random.default_rng([users, distinct])
    user = generator.integers(0, users, 500) * 3 - 7
    target = generator.integers(0, distinct, 500) * generator.integers(0, 2, 500)
    prediction = generator.integers(0, distinct, 500) / 3
    value, counted = user_by_user(target, prediction, user, convention)
    found = xgauc(target, prediction, user, convention)
    assert found.value == pytest.approx(value, abs=1e-14)
    assert (found.users, found.users_counted) == (len(np.unique(user)), counted)


# User a orders one of its three pairs wrongly; b has one row; c watched nothing; d is tied in the target.
USER = ["a", "b", "a", "c", "c", "a", "d", "d"]
TARGET = [1.0, 5.0, 2.0, 0.0, 0.0, 3.0, 4.0, 4.0]
PREDICTION = [2.0, 9.0, 1.0, 1.0, 2.0, 3.0, 1.0, 2.0]


def test_by_hand() -> None:
    assert xgauc(TARGET, PREDICTION, USER) == UserAverage(2 / 3, users=4, users_counted=1)
    assert xgauc(TARGET, PREDICTION, USER, "cwm") == UserAverage(
        (3 * (2 / 3) + 1 * 1 + 2 * 1) / 6, users=4, users_counted=3
    )


def test_of_one_user_is_xauc() -> None:
    generator = np.random.default_rng(0)
    target, prediction = generator.integers(0, 9, 100), generator.normal(size=100)
    assert xgauc(target, prediction, np.zeros(100)).value == pytest.approx(xauc(target, prediction), abs=1e-15)


def test_rows_may_stand_in_any_order_and_users_have_any_name() -> None:
    generator = np.random.default_rng(1)
    user, target, prediction = generator.integers(0, 8, (3, 200))
    order = generator.permutation(200)
    renamed = np.array([f"user {7 - key}" for key in user])
    expected = xgauc(target, prediction, user)
    assert xgauc(target[order], prediction[order], user[order]) == expected
    assert xgauc(target, prediction, renamed) == expected


def test_where_no_user_counts_the_value_is_nan() -> None:
    found = xgauc([1.0, 2.0], [1.0, 2.0], [1, 2])
    assert math.isnan(found.value)
    assert (found.users, found.users_counted) == (2, 0)
    assert xgauc([1.0, 2.0], [1.0, 2.0], [1, 2], "cwm") == UserAverage(1.0, users=2, users_counted=2)


def test_an_unknown_convention_is_refused() -> None:
    with pytest.raises(WatchtimeError, match="unknown XGAUC convention 'cvm', did you mean 'cwm'"):
        xgauc([1.0], [1.0], [1], "cvm")
