"""The registry of metrics and what evaluate() returns from it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from watchtime.core.errors import WatchtimeError
from watchtime.core.files import read_json, write_json
from watchtime.evaluation.metrics import METRICS, Metric, MetricValue, evaluate, metrics_about
from watchtime.evaluation.rows import LIST_LENGTHS, EvaluatedRows
from watchtime.evaluation.xauc import CONVENTIONS, xauc
from watchtime.evaluation.xgauc import XGAUC_CONVENTIONS, xgauc

TARGET = [1.0, 1.0, 2.0, 2.0, 3.0]
PREDICTION = [4.0, 2.0, 3.0, 5.0, 4.0]
USER = [1, 1, 1, 2, 3]


def by_key(values: list[MetricValue]) -> dict[tuple[str, str], float | None]:
    return {(entry.metric, entry.convention): entry.value for entry in values}


def test_values_by_hand() -> None:
    values = by_key(evaluate(TARGET, PREDICTION, USER, metrics=metrics_about("watch_time")))
    assert values["mae", ""] == (3 + 1 + 1 + 3 + 1) / 5
    assert values["rmse", ""] == math.sqrt((9 + 1 + 1 + 9 + 1) / 5)
    assert values["target_tie_mass", ""] == 0.2
    assert values["prediction_tie_mass", ""] == 0.1
    assert values["users", ""] == 3
    assert values["xgauc_users", "strict"] == 1
    assert values["xgauc_users", "cwm"] == 3
    assert {type(value) for value in values.values()} == {float}
    for convention in CONVENTIONS:
        assert values["xauc", convention] == xauc(TARGET, PREDICTION, convention)
    for convention in XGAUC_CONVENTIONS:
        assert values["xgauc", convention] == xgauc(TARGET, PREDICTION, USER, convention).value


def test_truncated_errors_are_against_what_a_full_watch_leaves_of_the_target() -> None:
    """Replays count as a full watch, targets below it as they are, and rows whose full watch is unknown not at all."""
    full = [0.5, 4.0, 2.0, np.nan, 1.0]
    values = by_key(evaluate(TARGET, PREDICTION, full_watch=full))
    assert values["mae_truncated", ""] == (3.5 + 1 + 1 + 3) / 4
    assert values["rmse_truncated", ""] == math.sqrt((3.5**2 + 1 + 1 + 9) / 4)
    assert values["mae", ""] == 9 / 5, "the raw errors are as they were"
    unreached = by_key(evaluate(TARGET, PREDICTION, full_watch=[3.0] * 5))
    assert unreached["mae_truncated", ""] == unreached["mae", ""]


def test_truncated_errors_exist_only_where_a_full_watch_is_known() -> None:
    truncated = {"mae_truncated", "rmse_truncated"}
    assert not truncated & {entry.metric for entry in evaluate(TARGET, PREDICTION, duration=[1.0] * 5)}
    unknown = by_key(evaluate(TARGET, PREDICTION, full_watch=[np.nan] * 5))
    assert [unknown[name, ""] for name in sorted(truncated)] == [None, None]


def test_every_metric_appears_under_every_convention_once() -> None:
    values = evaluate(TARGET, PREDICTION, USER, full_watch=TARGET, duration=TARGET, positive=np.ones(5))
    found = [(entry.metric, entry.convention) for entry in values]
    assert found == [(metric.name, convention) for metric in METRICS.values() for convention in metric.conventions]


def test_what_needs_the_user_is_skipped_without_one() -> None:
    found = {entry.metric for entry in evaluate(TARGET, PREDICTION, full_watch=TARGET)}
    assert found == {name for name, metric in METRICS.items() if "user" not in metric.needs}
    assert "xauc" in found
    assert "xgauc" not in found


def test_named_metrics_only_in_the_order_named() -> None:
    assert evaluate(TARGET, PREDICTION, metrics=["rmse", "mae"])[1] == MetricValue("mae", "", 9 / 5)
    with pytest.raises(WatchtimeError, match="unknown metric 'xauk', did you mean 'xauc'"):
        evaluate(TARGET, PREDICTION, metrics=["xauk"])


def test_what_the_rows_do_not_define_is_none_and_can_be_written(tmp_path: Path) -> None:
    values = evaluate([1.0, 1.0], [1.0, 2.0], [1, 2])
    assert by_key(values)["xauc", "strict"] is None
    assert by_key(values)["xgauc", "strict"] is None
    assert by_key(values)["xauc", "d2q"] == 1.0
    write_json(tmp_path / "metrics.json", [vars(entry) for entry in values])
    assert len(read_json(tmp_path / "metrics.json")) == len(values)


def test_single_precision_is_summed_in_double() -> None:
    target = np.zeros(10**6, np.float32)
    prediction = np.full(10**6, 0.1, np.float32)
    prediction[0] = 3e6
    values = by_key(evaluate(target, prediction, metrics=["mae"]))
    assert values["mae", ""] == pytest.approx(3 + float(np.float32(0.1)) * (1 - 1e-6), rel=1e-12)


def test_unsigned_targets_do_not_wrap_around() -> None:
    values = by_key(evaluate(np.array([5], np.uint8), np.array([3], np.uint8), metrics=["mae"]))
    assert values["mae", ""] == 2.0


def test_a_new_metric_is_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    def mean_share_missed(rows: EvaluatedRows, _: str) -> float:
        return float((np.abs(rows.error) / rows.optional["duration"]).mean())

    metric = Metric("share_missed", "Share missed", "lower", mean_share_missed, needs=("duration",))
    monkeypatch.setitem(METRICS, "share_missed", metric)
    assert "share_missed" not in {entry.metric for entry in evaluate(TARGET, PREDICTION)}
    values = by_key(evaluate(TARGET, PREDICTION, duration=[3, 1, 1, 3, 1]))
    assert values["share_missed", ""] == 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prediction": [1.0, 2.0, np.nan, 4.0, 5.0]}, r"prediction: row 2 \(counted from 0\) is nan"),
        ({"prediction": [1.0]}, r"prediction: an array of shape \(1,\)"),
        ({"user": [1, 2]}, r"user: an array of shape \(2,\)"),
        ({"duration": [1, 2]}, r"duration: an array of shape \(2,\)"),
        ({"full_watch": [1, 2]}, r"full_watch: an array of shape \(2,\)"),
    ],
)
def test_what_cannot_be_evaluated_is_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(WatchtimeError, match=message):
        evaluate(**({"target": TARGET, "prediction": PREDICTION} | arguments))


def test_ltv_is_judged_by_its_order_and_on_positive_rows_too() -> None:
    target, prediction = [0.0, 4.0, 0.0, 1.0, 9.0], [5.0, 3.0, 1.0, 3.0, 7.0]
    values = by_key(evaluate(target, prediction))
    kept = by_key(evaluate([4.0, 1.0, 9.0], [3.0, 3.0, 7.0]))
    assert values["positive_rows", ""] == 3
    assert values["mae_pos", ""] == (1 + 2 + 2) / 3
    for name, rule in (("norm_gini", "strict"), ("spearman", ""), ("mae", "")):
        assert values[f"{name}_pos", rule] == kept[name, rule]
        assert values[name, rule] != kept[name, rule]


@pytest.mark.filterwarnings("error")
def test_without_a_positive_row_nothing_is_said_of_them() -> None:
    values = by_key(evaluate([0.0, 0.0], [1.0, 2.0]))
    assert values["positive_rows", ""] == 0
    names = [("mae_pos", ""), ("norm_gini_pos", "strict"), ("spearman_pos", ""), ("norm_gini", "strict")]
    assert [values[name] for name in names] == [None] * 4


def test_a_metric_of_one_target_is_not_of_others() -> None:
    own = {"norm_gini", "spearman", "mae_pos", "norm_gini_pos", "spearman_pos", "positive_rows"}
    assert metrics_about("ltv").keys() - metrics_about("watch_time").keys() == own
    lists = {f"{name}@{length}" for name in ("nwtg", "ds", "neg", "users") for length in LIST_LENGTHS}
    assert metrics_about("label").keys() - metrics_about("watch_time").keys() == lists
    assert metrics_about("watch_time") == {name: one for name, one in METRICS.items() if name not in own | lists}


def test_lists_are_measured_with_what_stands_beside_the_target() -> None:
    """Of four rows the best three are 9, 5 and 2 seconds long; the best list has 9, 7 and 5."""
    watched, score, duration = [5.0, 9.0, 7.0, 2.0], [0.8, 0.9, 0.1, 0.3], [10.0, 20.0, 30.0, 60.0]
    known = metrics_about("label")
    values = by_key(evaluate(watched, score, [1, 1, 1, 1], metrics=known, duration=duration, positive=[0, 1, 1, 0]))
    weight = [1.0, 1 / math.log2(3), 0.5]
    gain = 9 + 5 * weight[1] + 2 * weight[2]
    assert values["nwtg@3", "paper"] == pytest.approx(gain / (9 + 7 * weight[1] + 5 * weight[2]))
    assert values["neg@3", "paper"] == pytest.approx(1 / (1 + weight[1]))
    assert values["ds@3", "paper"] == pytest.approx(np.std([20.0, 10.0, 60.0], ddof=1))
    assert values["users@3", "paper"] == 1
    assert values["nwtg@10", "paper"] is None
