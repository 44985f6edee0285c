"""The metrics: what each is called, which direction is better, what it needs, how it is computed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from watchtime.core.errors import WatchtimeError, unknown
from watchtime.evaluation import user_sums
from watchtime.evaluation.pairs import finite_column, same_length
from watchtime.evaluation.ranking import RANKING_CONVENTIONS
from watchtime.evaluation.ranks import normalised_gini, spearman
from watchtime.evaluation.rows import LIST_LENGTHS, EvaluatedRows, Need
from watchtime.evaluation.user_bootstrap import UserDraws, UserRatio
from watchtime.evaluation.xauc import CONVENTIONS, score
from watchtime.evaluation.xgauc import XGAUC_CONVENTIONS, average_over_users

Direction = Literal["lower", "higher", "none"]
Function = Callable[[EvaluatedRows, str], float]
ByUser = Callable[[EvaluatedRows, str], UserRatio | None]


@dataclass(frozen=True)
class Metric:
    """A metric: ``function`` computes it from the rows under one of its conventions.

    ``unit`` is "target" where the value has the target's unit; ``needs`` names the optional columns without which
    the metric does not exist; ``tasks`` are the targets that it is about, all if there are none; a metric that needs
    no rule for ties has the one convention "". The function returns NaN where the rows do not define the metric.
    ``by_user`` gives what every user adds to it; without it, as for what is made of ranks among all rows, there is no
    interval over users.
    """

    name: str
    title: str
    direction: Direction
    function: Function
    unit: Literal["target"] | None = None
    needs: tuple[Need, ...] = ()
    tasks: tuple[str, ...] = ()
    conventions: tuple[str, ...] = ("",)
    by_user: ByUser | None = None


@dataclass(frozen=True)
class MetricValue:
    """A measured value; None where the rows do not define it, as strict XAUC of a constant target.

    ``users`` is its interval over users, where they were drawn and the metric is made of sums over them.
    """

    metric: str
    convention: str
    value: float | None
    users: tuple[float, float] | None = None


def evaluate(
    target: npt.ArrayLike,
    prediction: npt.ArrayLike,
    user: npt.ArrayLike | None = None,
    *,
    duration: npt.ArrayLike | None = None,
    full_watch: npt.ArrayLike | None = None,
    positive: npt.ArrayLike | None = None,
    draws: UserDraws | None = None,
    metrics: Iterable[str] | None = None,
) -> list[MetricValue]:
    """Return the named metrics (all of ``METRICS`` if None) under all their conventions.

    All arrays have shape (n,). ``full_watch`` is the target of an item watched once to its end, its duration or a
    ratio of 1, NaN where it is unknown. With ``draws`` of the rows' users, values have intervals over users. A metric
    that needs a column that is absent is skipped. Raises WatchtimeError where shapes differ, a target or prediction is
    not finite (the first such row is named), the draws are of another number of users, or a name is unknown.
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
    return _with_intervals(values, rows, draws) if draws and "user" in optional else values


def _with_intervals(values: list[MetricValue], rows: EvaluatedRows, draws: UserDraws) -> list[MetricValue]:
    """Return the values with their intervals over users, all of the same draws."""
    users = len(rows.pairs_by_user.rows)
    if draws.users != users:
        raise WatchtimeError(f"draws of users: {draws.users} users were drawn from, the rows have {users}.")
    ratios: dict[tuple[str, str], UserRatio] = {}
    for one in values:
        by_user = METRICS[one.metric].by_user
        ratio = by_user(rows, one.convention) if by_user and one.value is not None else None
        if ratio:
            ratios[one.metric, one.convention] = ratio
    found = dict(zip(ratios, draws.intervals(list(ratios.values())), strict=True))
    return [replace(one, users=found.get((one.metric, one.convention))) for one in values]


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


def _of_positive(function: Function) -> Function:
    """Return the same metric of the rows whose target is above 0, NaN where there are none."""

    def restricted(rows: EvaluatedRows, convention: str) -> float:
        return function(rows.above_zero, convention) if len(rows.above_zero.target) else math.nan

    return restricted


def _positive_rows(rows: EvaluatedRows, _: str) -> float:
    return len(rows.above_zero.target)


def _list_metrics(length: int) -> tuple[Metric, ...]:
    """Return what is measured of lists of ``length`` rows per user."""
    about: dict[str, Any] = {"tasks": ("label",), "conventions": tuple(RANKING_CONVENTIONS)}

    def of_lists(gain: str) -> dict[str, Any]:
        return {
            "function": lambda rows, convention: rows.of_lists(length, convention, gain).average().value,
            "by_user": lambda rows, convention: user_sums.lists(rows, length, convention, gain),
            **about,
        }

    def users(rows: EvaluatedRows, convention: str) -> float:
        return rows.rankings[length, convention].users_ranked

    return (
        Metric(f"nwtg@{length}", f"NWTG@{length}", "higher", needs=("user",), **of_lists("target")),
        Metric(f"ds@{length}", f"DS@{length}", "higher", needs=("user", "duration"), **of_lists("duration")),
        Metric(f"neg@{length}", f"NEG@{length}", "higher", needs=("user", "positive"), **of_lists("positive")),
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


def _error(name: str, title: str, function: Function, by_user: ByUser, **more: Any) -> Metric:
    """Return a metric in the target's unit."""
    return Metric(name, title, "lower", function, unit="target", by_user=by_user, **more)


_PER_USER = tuple(XGAUC_CONVENTIONS)
_LTV = ("ltv",)
_STRICT = ("strict",)

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        _error("mae", "MAE", _mae, user_sums.mae),
        _error("rmse", "RMSE", _rmse, user_sums.rmse),
        _error("mae_truncated", "MAE (truncated)", _mae_truncated, user_sums.mae_truncated, needs=("full_watch",)),
        _error("rmse_truncated", "RMSE (truncated)", _rmse_truncated, user_sums.rmse_truncated, needs=("full_watch",)),
        Metric("xauc", "XAUC", "higher", _xauc, conventions=tuple(CONVENTIONS), by_user=user_sums.xauc),
        Metric(*("xgauc", "XGAUC", "higher", _xgauc), needs=("user",), conventions=_PER_USER, by_user=user_sums.xgauc),
        Metric("norm_gini", "Normalised Gini", "higher", _norm_gini, tasks=_LTV, conventions=_STRICT),
        Metric("spearman", "Spearman", "higher", _spearman, tasks=_LTV),
        _error("mae_pos", "MAE (positive)", _of_positive(_mae), user_sums.mae_above_zero, tasks=_LTV),
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
