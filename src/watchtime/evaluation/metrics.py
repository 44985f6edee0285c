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
from watchtime.evaluation.ranking import RANKING_CONVENTIONS, Rankings
from watchtime.evaluation.ranks import normalised_gini, spearman
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
    def above_zero(self) -> EvaluatedRows:
        """The rows whose target is above 0."""
        kept = self.target > 0
        optional = {need: column[kept] for need, column in self.optional.items()}
        return EvaluatedRows(self.target[kept], self.prediction[kept], optional)

    @cached_property
    def rankings(self) -> dict[tuple[int, str], Rankings]:
        """Every user's list of the rows of highest prediction, by its length and convention."""
        user = self.optional["user"]
        return {
            (length, convention): Rankings(user, self.prediction, length, convention)
            for length in LIST_LENGTHS
            for convention in RANKING_CONVENTIONS
        }

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
    the metric does not exist; ``tasks`` are the targets that it is about, all if there are none; a metric that needs
    no rule for ties has the one convention "". The function returns NaN where the rows do not define the metric.
    """

    name: str
    title: str
    direction: Direction
    function: Callable[[EvaluatedRows, str], float]
    unit: Literal["target"] | None = None
    needs: tuple[Need, ...] = ()
    tasks: tuple[str, ...] = ()
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


def metrics_about(task: str) -> dict[str, Metric]:
    """Return the metrics that are about a target, by name."""
    return {name: metric for name, metric in METRICS.items() if not metric.tasks or task in metric.tasks}


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


def _norm_gini(rows: EvaluatedRows, _: str) -> float:
    return normalised_gini(rows.target, rows.prediction)


def _spearman(rows: EvaluatedRows, _: str) -> float:
    return spearman(rows.target, rows.prediction)


def _of_positive(function: Callable[[EvaluatedRows, str], float]) -> Callable[[EvaluatedRows, str], float]:
    """Return the same metric of the rows whose target is above 0, NaN where there are none."""

    def restricted(rows: EvaluatedRows, convention: str) -> float:
        return function(rows.above_zero, convention) if len(rows.above_zero.target) else math.nan

    return restricted


def _positive_rows(rows: EvaluatedRows, _: str) -> float:
    return len(rows.above_zero.target)


def _list_metrics(length: int) -> tuple[Metric, ...]:
    """Return what is measured of lists of ``length`` rows per user."""

    def nwtg(rows: EvaluatedRows, convention: str) -> float:
        return rows.rankings[length, convention].normalised_gain("target", rows.target).value

    def neg(rows: EvaluatedRows, convention: str) -> float:
        return rows.rankings[length, convention].normalised_gain("positive", rows.optional["positive"]).value

    def ds(rows: EvaluatedRows, convention: str) -> float:
        return rows.rankings[length, convention].standard_deviation("duration", rows.optional["duration"]).value

    def users(rows: EvaluatedRows, convention: str) -> float:
        return rows.rankings[length, convention].users_ranked

    about: dict[str, Any] = {"tasks": ("label",), "conventions": tuple(RANKING_CONVENTIONS)}
    return (
        Metric(f"nwtg@{length}", f"NWTG@{length}", "higher", nwtg, needs=("user",), **about),
        Metric(f"ds@{length}", f"DS@{length}", "higher", ds, needs=("user", "duration"), **about),
        Metric(f"neg@{length}", f"NEG@{length}", "higher", neg, needs=("user", "positive"), **about),
        Metric(f"users@{length}", f"Users with a list of {length}", "none", users, needs=("user",), **about),
    )


def _users(rows: EvaluatedRows, _: str) -> float:
    return len(rows.pairs_by_user.rows)


def _xgauc_users(rows: EvaluatedRows, convention: str) -> float:
    return average_over_users(rows.pairs_by_user, convention).users_counted


def _target_tie_mass(rows: EvaluatedRows, _: str) -> float:
    return rows.counts.target_tie_mass


def _prediction_tie_mass(rows: EvaluatedRows, _: str) -> float:
    return rows.counts.prediction_tie_mass


_PER_USER = tuple(XGAUC_CONVENTIONS)
_LTV = ("ltv",)
LIST_LENGTHS = (3, 10)
"""How many rows a user's list has: LabelCraft's, and one for logs in which few users have so many rows."""
_STRICT = ("strict",)

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("mae", "MAE", "lower", _mae, unit="target"),
        Metric("rmse", "RMSE", "lower", _rmse, unit="target"),
        Metric("mae_truncated", "MAE (truncated)", "lower", _mae_truncated, unit="target", needs=("full_watch",)),
        Metric("rmse_truncated", "RMSE (truncated)", "lower", _rmse_truncated, unit="target", needs=("full_watch",)),
        Metric("xauc", "XAUC", "higher", _xauc, conventions=tuple(CONVENTIONS)),
        Metric("xgauc", "XGAUC", "higher", _xgauc, needs=("user",), conventions=_PER_USER),
        Metric("norm_gini", "Normalised Gini", "higher", _norm_gini, tasks=_LTV, conventions=_STRICT),
        Metric("spearman", "Spearman", "higher", _spearman, tasks=_LTV),
        Metric("mae_pos", "MAE (positive)", "lower", _of_positive(_mae), unit="target", tasks=_LTV),
        Metric(
            *("norm_gini_pos", "Normalised Gini (positive)", "higher", _of_positive(_norm_gini)),
            tasks=_LTV,
            conventions=_STRICT,
        ),
        Metric("spearman_pos", "Spearman (positive)", "higher", _of_positive(_spearman), tasks=_LTV),
        Metric("positive_rows", "Rows above 0", "none", _positive_rows, tasks=_LTV),
        *(metric for length in LIST_LENGTHS for metric in _list_metrics(length)),
        Metric("target_tie_mass", "Pairs tied in target", "none", _target_tie_mass),
        Metric("prediction_tie_mass", "Pairs tied in prediction", "none", _prediction_tie_mass),
        Metric("users", "Users", "none", _users, needs=("user",)),
        Metric("xgauc_users", "Users in XGAUC", "none", _xgauc_users, needs=("user",), conventions=_PER_USER),
    )
}
