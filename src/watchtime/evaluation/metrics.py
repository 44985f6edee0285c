"""The metrics: what each is called, which direction is better, what it needs, how it is computed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from watchtime.core.errors import WatchtimeError, unknown
from watchtime.evaluation.pairs import Pairs, finite_column, same_length
from watchtime.evaluation.xauc import CONVENTIONS, PairCounts, score, summed
from watchtime.evaluation.xgauc import XGAUC_CONVENTIONS, average_over_users

Direction = Literal["lower", "higher", "none"]
Need = Literal["user", "duration", "full_watch", "positive"]


@dataclass(frozen=True)
class EvaluatedRows:
    """Targets and predictions of n rows, the optional columns (each (n,)), and what several metrics share."""

    target: npt.NDArray[Any]
    prediction: npt.NDArray[Any]
    optional: dict[Need, npt.NDArray[Any]]

    @cached_property
    def error(self) -> npt.NDArray[np.float64]:
        """Prediction − target."""
        return np.subtract(self.prediction, self.target, dtype=np.float64)

    @cached_property
    def truncated_error(self) -> npt.NDArray[np.float64]:
        """Prediction − min(target, full watch), of the rows whose full watch is known."""
        full = np.asarray(self.optional["full_watch"], dtype=np.float64)
        known = ~np.isnan(full)
        return np.subtract(self.prediction[known], np.minimum(self.target[known], full[known]), dtype=np.float64)

    @cached_property
    def pairs(self) -> Pairs:
        return Pairs(self.target, self.prediction)

    @cached_property
    def counts(self) -> PairCounts:
        return summed(self.pairs)

    @cached_property
    def pairs_by_user(self) -> Pairs:
        return Pairs(self.target, self.prediction, self.optional["user"])


@dataclass(frozen=True)
class Metric:
    """A metric: ``function`` computes it from the rows under one of its conventions.

    ``unit`` is "target" where the value has the target's unit; ``needs`` names the optional columns without which
    the metric does not exist; a metric that can be computed in one way only has the one convention "". The
    function returns NaN where the rows do not define the metric.
    """

    name: str
    title: str
    direction: Direction
    function: Callable[[EvaluatedRows, str], float]
    unit: Literal["target"] | None = None
    needs: tuple[Need, ...] = ()
    conventions: tuple[str, ...] = ("",)


@dataclass(frozen=True)
class MetricValue:
    """A measured value; None where the rows do not define it, as strict XAUC of a constant target."""

    metric: str
    convention: str
    value: float | None


def evaluate(
    target: npt.ArrayLike,
    prediction: npt.ArrayLike,
    user: npt.ArrayLike | None = None,
    *,
    duration: npt.ArrayLike | None = None,
    full_watch: npt.ArrayLike | None = None,
    positive: npt.ArrayLike | None = None,
    metrics: Iterable[str] | None = None,
) -> list[MetricValue]:
    """Return the named metrics (all of ``METRICS`` if None) under all their conventions.

    All arrays have shape (n,). ``full_watch`` is the target of an item watched once to its end, its duration or a
    ratio of 1, NaN where it is unknown. A metric that needs a column that is absent is skipped. Raises WatchtimeError
    where shapes differ, a target or prediction is not finite (the first such row is named), or a name is unknown.
    """
    target = finite_column("target", target)
    prediction = finite_column("prediction", prediction)
    same_length("prediction", prediction, len(target))
    optional: dict[Need, npt.NDArray[Any]] = {}
    given: dict[Need, npt.ArrayLike | None] = {
        "user": user,
        "duration": duration,
        "full_watch": full_watch,
        "positive": positive,
    }
    for need, column in given.items():
        if column is not None:
            optional[need] = np.asarray(column)
            same_length(need, optional[need], len(target))
    rows = EvaluatedRows(target, prediction, optional)
    values = []
    for name in METRICS if metrics is None else metrics:
        metric = metric_named(name)
        if all(need in optional for need in metric.needs):
            for convention in metric.conventions:
                value = float(metric.function(rows, convention))
                values.append(MetricValue(name, convention, None if math.isnan(value) else value))
    return values


def metric_named(name: str) -> Metric:
    """Return the metric of that name. Raises WatchtimeError where there is none."""
    if name not in METRICS:
        raise WatchtimeError(unknown("metric", name, METRICS))
    return METRICS[name]


def _mae(rows: EvaluatedRows, _: str) -> float:
    return float(np.abs(rows.error).mean())


def _rmse(rows: EvaluatedRows, _: str) -> float:
    return float(np.sqrt(np.square(rows.error).mean()))


def _mae_truncated(rows: EvaluatedRows, _: str) -> float:
    error = rows.truncated_error
    return float(np.abs(error).mean()) if len(error) else math.nan


def _rmse_truncated(rows: EvaluatedRows, _: str) -> float:
    error = rows.truncated_error
    return float(np.sqrt(np.square(error).mean())) if len(error) else math.nan


def _xauc(rows: EvaluatedRows, convention: str) -> float:
    return float(score(rows.pairs, convention)[0])


def _xgauc(rows: EvaluatedRows, convention: str) -> float:
    return average_over_users(rows.pairs_by_user, convention).value


def _users(rows: EvaluatedRows, _: str) -> float:
    return len(rows.pairs_by_user.rows)


def _xgauc_users(rows: EvaluatedRows, convention: str) -> float:
    return average_over_users(rows.pairs_by_user, convention).users_counted


def _target_tie_mass(rows: EvaluatedRows, _: str) -> float:
    return rows.counts.target_tie_mass


def _prediction_tie_mass(rows: EvaluatedRows, _: str) -> float:
    return rows.counts.prediction_tie_mass


_PER_USER = tuple(XGAUC_CONVENTIONS)

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("mae", "MAE", "lower", _mae, unit="target"),
        Metric("rmse", "RMSE", "lower", _rmse, unit="target"),
        Metric("mae_truncated", "MAE (truncated)", "lower", _mae_truncated, unit="target", needs=("full_watch",)),
        Metric("rmse_truncated", "RMSE (truncated)", "lower", _rmse_truncated, unit="target", needs=("full_watch",)),
        Metric("xauc", "XAUC", "higher", _xauc, conventions=tuple(CONVENTIONS)),
        Metric("xgauc", "XGAUC", "higher", _xgauc, needs=("user",), conventions=_PER_USER),
        Metric("target_tie_mass", "Pairs tied in target", "none", _target_tie_mass),
        Metric("prediction_tie_mass", "Pairs tied in prediction", "none", _prediction_tie_mass),
        Metric("users", "Users", "none", _users, needs=("user",)),
        Metric("xgauc_users", "Users in XGAUC", "none", _xgauc_users, needs=("user",), conventions=_PER_USER),
    )
}
