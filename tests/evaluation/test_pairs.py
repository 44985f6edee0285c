"""The exact counts of pairs against an O(n²) table of signs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from watchtime.core.errors import WatchtimeError
from watchtime.evaluation.pairs import Pairs

Array = npt.NDArray[Any]

PROPERTIES = (
    "total",
    "concordant",
    "discordant",
    "tied_target",
    "tied_prediction",
    "tied_both",
    "tied_prediction_larger_first",
    "tied_target_larger_first",
)


def counted_slowly(target: Array, prediction: Array, user: Array) -> dict[str, list[int]]:
    """Look at every pair i < j of rows of the same user and say what it is."""
    i, j = np.triu_indices(len(target), k=1)
    y = np.sign(target[i].astype(float) - target[j])
    p = np.sign(prediction[i].astype(float) - prediction[j])
    kinds = {
        "total": np.ones(len(i), bool),
        "concordant": y * p > 0,
        "discordant": y * p < 0,
        "tied_target": y == 0,
        "tied_prediction": p == 0,
        "tied_both": (y == 0) & (p == 0),
        "tied_prediction_larger_first": (p == 0) & (y > 0),
        "tied_target_larger_first": (y == 0) & (p > 0),
    }
    same = {key: (user[i] == key) & (user[j] == key) for key in np.unique(user)}
    return {name: [int((kind & pair).sum()) for pair in same.values()] for name, kind in kinds.items()}


def assert_counts(target: Array, prediction: Array, user: Array | None = None) -> None:
    pairs = Pairs(target, prediction, user)
    found = {name: getattr(pairs, name).tolist() for name in PROPERTIES}
    everyone = np.zeros(len(target)) if user is None else user
    assert found == counted_slowly(target, prediction, everyone)


# Around each power of two the blocks of the radix sort are full, all but full, or begun.
@pytest.mark.parametrize("rows", [*range(1, 20), 31, 32, 33, 63, 64, 65, 127, 128, 129, 300])
@pytest.mark.parametrize("distinct", [1, 3, 10**6])
def test_counts_equal_those_of_every_pair(rows: int, distinct: int) -> None:
    generator = np.random.default_rng([rows, distinct])
    assert_counts(generator.integers(0, distinct, rows), generator.integers(0, distinct, rows))


@pytest.mark.parametrize(("targets", "predictions"), [(2, 10**6), (10**6, 2), (40, 40)])
def test_counts_of_many_rows(targets: int, predictions: int) -> None:
    generator = np.random.default_rng(targets)
    assert_counts(
        generator.integers(0, targets, 1500).astype(np.float32),
        generator.integers(0, predictions, 1500) / 7,
    )


@pytest.mark.parametrize("users", [1, 2, 7, 200])
def test_counts_within_users(users: int) -> None:
    generator = np.random.default_rng(users)
    assert_counts(generator.integers(0, 6, 150), generator.integers(0, 6, 150), generator.integers(0, users, 150))


def test_users_may_have_any_key() -> None:
    target, prediction = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 4.0, 3.0])
    assert Pairs(target, prediction, ["b", "a", "b", "a"]).concordant.tolist() == [1, 1]
    assert Pairs(target, prediction, [-5, -5, 10**15, 10**15]).discordant.tolist() == [0, 1]


def test_neighbouring_floats_differ_and_the_two_zeros_do_not() -> None:
    one = np.float64(1.0)
    assert Pairs([one, np.nextafter(one, 2)], [1.0, 2.0]).concordant.tolist() == [1]
    assert Pairs([0.0, -0.0], [-0.0, 0.0]).tied_both.tolist() == [1]


def test_counts_beyond_32_bits() -> None:
    rows = 100_000
    ascending = np.arange(rows)
    assert Pairs(ascending, -ascending).discordant.tolist() == [rows * (rows - 1) // 2]
    assert Pairs(ascending, ascending).concordant.tolist() == [rows * (rows - 1) // 2]
    assert Pairs(np.zeros(rows), np.zeros(rows)).tied_both.tolist() == [rows * (rows - 1) // 2]


@pytest.mark.parametrize(
    ("target", "prediction", "user", "message"),
    [
        ([1.0, 2.0, 3.0], [1.0, np.nan, np.inf], None, r"prediction: row 1 \(counted from 0\) is nan"),
        ([1.0, 2.0, -np.inf], [1.0, 2.0, 3.0], None, r"target: row 2 \(counted from 0\) is -inf"),
        ([1.0, 2.0], [1.0], None, r"prediction: an array of shape \(1,\)"),
        ([1.0, 2.0], [1.0, 2.0], [1], r"group: an array of shape \(1,\)"),
        ([], [], None, r"target: an array of shape \(0,\)"),
        ([[1.0], [2.0]], [1.0, 2.0], None, r"target: an array of shape \(2, 1\)"),
        (["1", "2"], [1.0, 2.0], None, "target: values of type <U1"),
    ],
)
def test_what_cannot_be_counted_is_named(target: Any, prediction: Any, user: Any, message: str) -> None:
    with pytest.raises(WatchtimeError, match=message):
        Pairs(target, prediction, user)
