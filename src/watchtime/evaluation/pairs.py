"""All pairs of rows, counted exactly by how target and prediction order them, in O(n log n) steps."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from watchtime.core.errors import WatchtimeError

IntArray = npt.NDArray[np.int64]


def finite_column(name: str, values: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return ``values`` as an array (n,) of finite numbers, n ≥ 1.

    Raises WatchtimeError where the shape or the type is another, and names the first row that is not finite.
    """
    column = np.asarray(values)
    if column.ndim != 1 or not len(column):
        raise WatchtimeError(f"{name}: an array of shape {column.shape} was found, allowed is (rows,), rows ≥ 1.")
    if column.dtype.kind not in "fiu":
        raise WatchtimeError(f"{name}: values of type {column.dtype} were found, allowed are real numbers.")
    finite = np.isfinite(column)
    if not finite.all():
        row = int(np.argmin(finite))
        raise WatchtimeError(f"{name}: row {row} (counted from 0) is {column[row]}, allowed are finite numbers.")
    return column


def same_length(name: str, values: npt.NDArray[Any], rows: int) -> None:
    """Raise WatchtimeError where ``values`` does not have one entry for each of ``rows`` rows of the target."""
    if values.shape != (rows,):
        raise WatchtimeError(f"{name}: an array of shape {values.shape} was found, the target has ({rows},).")


class Pairs:
    """The unordered pairs {i, j} of distinct rows of the same group (one group if ``group`` is None).

    Every property is an int64 array (groups,), in ascending order of the group's key, computed when first asked.
    y is the target, p the prediction, both (n,), finite; equal floats are ties, 0.0 and -0.0 among them.
    The order in which the rows are stored matters to the two ``..._larger_first`` counts only.

    Four orders of the rows give every count: by target, by prediction, and each of them with its ties ordered
    by the other. A pair that two orders list in opposite ways is found by ``_larger_before``. Rows of a group
    stand together in all four, because the group is the leading sort key.
    """

    def __init__(self, target: npt.ArrayLike, prediction: npt.ArrayLike, group: npt.ArrayLike | None = None) -> None:
        self.target = finite_column("target", target)
        prediction = finite_column("prediction", prediction)
        same_length("prediction", prediction, len(self.target))
        self._target_rank = _dense_ranks(self.target)
        self._prediction_rank = _dense_ranks(prediction)
        self.group = np.zeros(len(self.target), np.int64)
        self.rows = np.array([len(self.target)])
        if group is not None:
            group = np.asarray(group)
            same_length("group", group, len(self.target))
            self.group = _dense_ranks(group)
            self.rows = np.bincount(self.group)
            self._target_rank = _dense_ranks(self.group * len(group) + self._target_rank)
            self._prediction_rank = _dense_ranks(self.group * len(group) + self._prediction_rank)

    @cached_property
    def total(self) -> IntArray:
        """All pairs: n (n − 1) / 2."""
        return self.rows * (self.rows - 1) // 2

    @cached_property
    def concordant(self) -> IntArray:
        """Pairs with (y_i − y_j)(p_i − p_j) > 0."""
        return self.total - self.discordant - self.tied_target - self.tied_prediction + self.tied_both

    @cached_property
    def discordant(self) -> IntArray:
        """Pairs with (y_i − y_j)(p_i − p_j) < 0."""
        return self._per_group(self._discordant_before)

    @cached_property
    def tied_target(self) -> IntArray:
        """Pairs with y_i = y_j, whatever the predictions."""
        return self._tied(self._target_rank[self._by_target])

    @cached_property
    def tied_prediction(self) -> IntArray:
        """Pairs with p_i = p_j, whatever the targets."""
        return self._tied(self._prediction_rank[self._by_prediction])

    @cached_property
    def tied_both(self) -> IntArray:
        """Pairs with y_i = y_j and p_i = p_j."""
        order = self._by_target_then_prediction
        return self._tied(self._target_rank[order], self._prediction_rank[order])

    @cached_property
    def tied_prediction_larger_first(self) -> IntArray:
        """Pairs with p_i = p_j and y_i > y_j, where row i is stored before row j."""
        return self._opposite(self._by_prediction, self._by_prediction_then_target)

    @cached_property
    def tied_target_larger_first(self) -> IntArray:
        """Pairs with y_i = y_j and p_i > p_j, where row i is stored before row j."""
        return self._opposite(self._by_target, self._by_target_then_prediction)

    def discordant_of_rows(self) -> IntArray:
        """Return for each row, as stored (n,), in how many discordant pairs it is."""
        order = self._by_target_then_prediction
        place = _places(self._by_prediction_then_target)[order]
        # Of the rows with a smaller target, those that do not stand before it by prediction are discordant too.
        found = np.empty(len(order), np.int64)
        found[order] = 2 * self._discordant_before.astype(np.int64) + np.arange(len(order)) - place
        return found

    def tied_target_of_rows(self) -> IntArray:
        """Return for each row, as stored (n,), how many others of its group have its target."""
        return _others(self._target_rank)

    def tied_prediction_of_rows(self) -> IntArray:
        """Return for each row, as stored (n,), how many others of its group have its prediction."""
        return _others(self._prediction_rank)

    def tied_both_of_rows(self) -> IntArray:
        """Return for each row, as stored (n,), how many others of its group have its target and its prediction."""
        order = self._by_target_then_prediction
        starts = _run_starts(self._target_rank[order], self._prediction_rank[order])
        found = np.empty(len(order), np.int64)
        found[order] = _others(np.cumsum(starts))
        return found

    @cached_property
    def _discordant_before(self) -> npt.NDArray[np.int32]:
        """For each row, sorted by target and then prediction: the rows of larger target and smaller prediction."""
        order = _places(self._by_target_then_prediction)
        return _larger_before(order[self._by_prediction_then_target])

    @cached_property
    def _by_target(self) -> IntArray:
        return _stably_sorted(np.arange(len(self.target)), self._target_rank)

    @cached_property
    def _by_prediction(self) -> IntArray:
        return _stably_sorted(np.arange(len(self.target)), self._prediction_rank)

    @cached_property
    def _by_target_then_prediction(self) -> IntArray:
        return _stably_sorted(self._by_prediction, self._target_rank)

    @cached_property
    def _by_prediction_then_target(self) -> IntArray:
        return _stably_sorted(self._by_target, self._prediction_rank)

    def _opposite(self, one: IntArray, other: IntArray) -> IntArray:
        """Count the pairs that the two orders list in opposite ways."""
        return self._per_group(_larger_before(_places(one)[other]))

    def _tied(self, *sorted_ranks: IntArray) -> IntArray:
        """Count the pairs that are equal in all of ``sorted_ranks``; equal rows stand together."""
        row, starts = np.arange(len(self.target)), _run_starts(*sorted_ranks)
        return self._per_group(row - np.maximum.accumulate(np.where(starts, row, 0)))

    def _per_group(self, counts: npt.NDArray[Any]) -> IntArray:
        """Sum the counts of each group's positions, which are the same in every order."""
        return np.add.reduceat(counts, np.cumsum(self.rows) - self.rows, dtype=np.int64)


def _dense_ranks(values: npt.NDArray[Any]) -> IntArray:
    """Return each value's rank among the distinct values, from 0."""
    return np.unique(values, return_inverse=True)[1]


def _places(order: IntArray) -> npt.NDArray[np.int32]:
    """Return the place of each row in an order of the rows."""
    places = np.empty(len(order), np.int32)
    places[order] = np.arange(len(order), dtype=np.int32)
    return places


def _run_starts(*sorted_ranks: IntArray) -> npt.NDArray[np.bool_]:
    """Return whether each of the sorted rows but the first differs from the one before it in any of the ranks."""
    starts = np.zeros(len(sorted_ranks[0]), bool)
    for ranks in sorted_ranks:
        starts[1:] |= ranks[1:] != ranks[:-1]
    return starts


def _others(ranks: IntArray) -> IntArray:
    """Return for each rank how many others are equal to it."""
    return (np.bincount(ranks) - 1)[ranks]


def _stably_sorted(order: IntArray, ranks: IntArray) -> IntArray:
    """Return the rows of ``order`` sorted by their rank; those of equal rank stay in the order they had."""
    # Rank and place packed into one integer: sorting values is several times faster than sorting indices.
    packed = (ranks[order] << 32) | np.arange(len(order))
    packed.sort()
    return order[packed & 0xFFFFFFFF]


def _larger_before(permutation: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return for each value of a permutation of 0 … n − 1 how many larger values stand before it.

    A radix sort from the highest bit down. Values that agree in all higher bits stand together, in their
    first order, in a block of 2·half places; those whose bit is 0 move to the block's front. Such a value
    jumps over the values whose bit is 1 that stood before it, and over no others: the length of its jump is
    the number of larger values before it that first differ from it in this bit.
    """
    n = len(permutation)
    count = np.zeros(n, np.int32)
    nth = np.arange(n)
    current, following = permutation.copy(), np.empty_like(permutation)
    for bit in reversed(range((n - 1).bit_length())):
        half = 1 << bit
        is_late = (current & half).astype(bool)
        late_from = np.flatnonzero(is_late)
        early_from = np.flatnonzero(~is_late)
        # Every block but the last is full, and the last has late values only if its front half is full.
        early_to = nth[: len(early_from)] + (nth[: len(early_from)] & -half)
        late_to = nth[: len(late_from)] + (nth[: len(late_from)] & -half) + half
        early = current[early_from]
        count[early] += (early_from - early_to).astype(np.int32)
        following[early_to] = early
        following[late_to] = current[late_from]
        current, following = following, current
    return count
