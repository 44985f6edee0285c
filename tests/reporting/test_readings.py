"""Every way to count a data set, and which of them comes closest to a published count."""

from __future__ import annotations

from pathlib import Path

import pytest

from handmade_run import write_run
from watchtime.core.plan import Plan
from watchtime.reporting.published.readings import TITLES, Reading, closest, decimals, measures, readings

COUNTS = {
    "before": [{"rule": "views", "rows": 90_000, "users": 400, "items": 60, "sessions": 500}],
    "candidates": [{"rule": "watched", "rows": 30_000, "users": 280, "items": 45, "positives": 30_000}],
}


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.chdir(tmp_path)
    wechat = {"protocols": ["days_12_1_1", "random_622"], "core": 20, "methods": ["vr"]}
    return write_run(tmp_path, datasets={"wechat21": wechat, "criteo_ssc": {}}, counts=COUNTS, tables=False)


def test_the_log_as_read_stands_first_and_every_other_reading_after_it(plan: Plan) -> None:
    found = readings(plan, "wechat21", plan.protocols("wechat21"))
    assert [(one.name, one.values.get("n_interactions")) for one in found] == [
        ("as read", 40_000),
        ("after zero_duration: drop", 39_960),
        ("views", 90_000),
        ("watched", 30_000),
        ("20-core", 1000),
        ("the number that this project uses", None),
    ]
    assert found[-1].values == {"n_duration_buckets": 5}
    assert len(readings(plan, "wechat21", ["random_622"])) == 5


def test_a_data_set_without_durations_has_no_duration_buckets(plan: Plan) -> None:
    assert not any("n_duration_buckets" in one.values for one in readings(plan, "criteo_ssc", []))


def test_a_count_gives_the_published_measures() -> None:
    count = {"rule": "one", "rows": 200, "users": 20, "items": 50, "positives": 30, "sessions": 60}
    rows = {"n_interactions": 200, "n_samples": 200, "n_users": 20, "n_items": 50}
    assert measures(count) == {**rows, "n_sessions": 60, "positive_ratio_pct": 15.0, "density": 0.2}
    assert set(measures(count)) | {"n_duration_buckets"} == set(TITLES)
    bare = measures({"rule": "lines", "rows": 7})
    assert bare == {"n_interactions": 7, "n_samples": 7, "n_sessions": 7}
    assert measures({"rule": "none", "rows": 0, "users": 0, "items": 0, "positives": 0})["n_users"] == 0


def test_the_closest_reading_is_the_first_of_those_that_are_equally_close() -> None:
    found = [
        Reading("other", {"n_items": 100}),
        Reading("far", {"n_users": 130}),
        Reading("below", {"n_users": 90}),
        Reading("above", {"n_users": 110}),
    ]
    best = closest(found, "n_users", 100)
    assert best is not None
    assert (best.reading, best.value) == ("below", 90)
    assert best.off == pytest.approx(-0.1)
    assert closest(found, "n_users", 1000) == closest([found[1]], "n_users", 1000)
    assert closest(found, "density", 0.1) is None


def test_counts_are_whole_and_ratios_are_not() -> None:
    assert [decimals(name) for name in ("n_users", "positive_ratio_pct", "density")] == [0, 2, 4]
