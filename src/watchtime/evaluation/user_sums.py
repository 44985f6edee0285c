"""What each user adds to a metric, of those metrics that are sums over users or pairs of rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from watchtime.evaluation.rows import EvaluatedRows
from watchtime.evaluation.user_bootstrap import UserRatio
from watchtime.evaluation.user_values import UserValues
from watchtime.evaluation.xauc import strict_of_rows
from watchtime.evaluation.xgauc import user_scores

FloatArray = npt.NDArray[np.float64]


def mae(rows: EvaluatedRows, _: str) -> UserRatio:
    return _mean(rows, np.abs(rows.error))


def rmse(rows: EvaluatedRows, _: str) -> UserRatio:
    return _mean(rows, np.square(rows.error), root=True)


def mae_truncated(rows: EvaluatedRows, _: str) -> UserRatio:
    return _mean(rows, np.abs(rows.truncated_error), rows.has_full_watch)


def rmse_truncated(rows: EvaluatedRows, _: str) -> UserRatio:
    return _mean(rows, np.square(rows.truncated_error), rows.has_full_watch, root=True)


def mae_above_zero(rows: EvaluatedRows, _: str) -> UserRatio:
    return _mean(rows, np.abs(rows.above_zero.error), rows.target > 0)


def xauc(rows: EvaluatedRows, convention: str) -> UserRatio | None:
    """Only strict XAUC is resampled: the other conventions differ from it in ties, which no table leads with."""
    if convention != "strict":
        return None
    credit, counted = strict_of_rows(rows.pairs)
    return UserRatio(_summed(rows, credit), _summed(rows, counted), pairs=True)


def xgauc(rows: EvaluatedRows, convention: str) -> UserRatio:
    return _average(user_scores(rows.pairs_by_user, convention))


def lists(rows: EvaluatedRows, length: int, convention: str, name: str) -> UserRatio:
    return _average(rows.of_lists(length, convention, name))


def _average(users: UserValues) -> UserRatio:
    return UserRatio(users.weight * users.value, users.weight.astype(np.float64))


def _mean(
    rows: EvaluatedRows, values: FloatArray, kept: npt.NDArray[np.bool_] | None = None, root: bool = False
) -> UserRatio:
    """Return the mean of ``values``, one for each of the rows that are ``kept``."""
    return UserRatio(_summed(rows, values, kept), _summed(rows, np.ones(len(values)), kept), root)


def _summed(rows: EvaluatedRows, values: FloatArray, kept: npt.NDArray[np.bool_] | None = None) -> FloatArray:
    user = rows.pairs_by_user.group
    users = len(rows.pairs_by_user.rows)
    return np.bincount(user if kept is None else user[kept], values, users).astype(np.float64, copy=False)
