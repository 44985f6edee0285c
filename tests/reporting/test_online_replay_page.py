"""The page of a replayed online test, on hand-made visits."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from handmade_run import write_run
from watchtime.core.files import write_parquet, write_text
from watchtime.reporting.comparisons import online_replay
from watchtime.reporting.comparisons.replay import Replay
from watchtime.reporting.elements.alignment import Interval
from watchtime.reporting.elements.tables import Cell, Section
from watchtime.reporting.report import Report

DATASETS = {
    "kuairec": {"protocols": ["big_to_small"], "methods": ["training_constant/median"]},
    "criteo_ssc": {"protocols": ["random_712"], "methods": ["training_constant/median"]},
}
USERS = 40


def visits(gains: dict[str, float], test: range, same: range) -> pl.DataFrame:
    """Return visits of users who all bring 10 under the control, and by ``gains`` per part more under the treatment."""
    return pl.DataFrame(
        [
            {
                "day": day,
                "phase": phase,
                "part": part,
                "kind": kind,
                "visitor": user,
                "bucket": user % 2,
                "control": 10.0,
                "treatment": 10.0 * (1 + gain / 100) if phase == "test" else 10.0,
            }
            for phase, days in (("test", test), ("same", same))
            for day in days
            for part, gain in gains.items()
            for kind in ("drawn", "expected")
            for user in range(USERS)
        ]
    )


def replay(name: str, dataset: str, gains: dict[str, float], test: range, same: range) -> Replay:
    plan = write_run(Path.cwd(), tables=False, datasets=DATASETS, artifacts=[name])
    folder = plan.analysis_folder(name) / dataset
    write_parquet(folder / "visits.parquet", visits(gains, test, same))
    over = [
        {"part": part, "kind": "drawn", "repetition": one, "control": 100.0, "treatment": 100.0 + gain + one - 1}
        for part, gain in gains.items()
        for one in range(3)
    ]
    write_parquet(folder / "repetitions.parquet", pl.DataFrame(over))
    stage = {"visitors": USERS, "without_enough": 2, "items": 50, "pairs": 42 * 30}
    write_parquet(folder / "stage.parquet", pl.DataFrame([stage]))
    auc = [
        {"row": row, "part": part, "repetition": one, "auc": value}
        for row, value in (("wlr", 0.5), ("rqreg", 0.6))
        for part in gains
        for one in range(3)
    ]
    write_parquet(folder / "auc.parquet", pl.DataFrame(auc))
    return Replay(Report("results/demo", name), dataset)


def values(row: Any) -> list[Any]:
    return [cell.value if isinstance(cell, Cell) else cell for cell in row]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_printed_metric_stands_beside_what_stands_for_it(here: Path) -> None:
    table = online_replay.table(replay("gr/table2", "kuairec", {"all": 5.0}, range(1, 7), range(7, 10)))
    usage, _, watching = (values(row) for row in table.rows)
    assert usage == ["App usage time", 0.112, None, None, None, None, None]
    title, paper, same, over, expected, buckets, needed = watching
    assert (title, paper, needed) == ("Video consumption time", 0.129, 0)
    for gain in (same, expected, buckets):
        assert isinstance(gain, Interval)
        assert (gain.mean, gain.low, gain.high) == pytest.approx((5.0, 5.0, 5.0)), "all users gain alike"
    assert isinstance(over, Interval)
    assert over.mean == pytest.approx(5.0)
    assert "Nothing stands for it in a replay." in table.notes["a"]
    assert table.notes["b"] == "Not comparable: live traffic."


def test_days_with_the_same_policy_have_no_gain_of_the_same_users(here: Path) -> None:
    table = online_replay.daily_table(replay("prowtp/table10", "kuairec", {"all": 5.0}, range(9, 16), range(6, 9)))
    rows = [values(row) for row in table.rows]
    assert [row[:3] for row in rows[:4]] == [
        ["6", "A/A", 0.003],
        ["7", "A/A", 0.028],
        ["8", "A/A", 0.037],
        ["9", "A/B", 0.154],
    ]
    assert [row[3] is None for row in rows] == [True] * 3 + [False] * 7
    assert [round(row[4].mean, 6) for row in rows] == [0.0] * 3 + [5.0] * 7


def test_the_long_tail_stands_apart_and_ranks_are_compared(here: Path) -> None:
    made = replay("rqreg/table7", "criteo_ssc", {"all": 4.0, "long tail": -3.0}, range(1, 8), range(9, 14))
    rows = {row[0]: row for row in map(values, online_replay.table(made).rows)}
    assert rows["AUC (long tail)"][3] == pytest.approx(20.0)
    assert rows["Advertiser value"][2].mean == pytest.approx(4.0)
    assert rows["Advertiser value (long tail)"][2].mean == pytest.approx(-3.0)
    assert [row.title for row in online_replay.daily_table(made).rows if isinstance(row, Section)] == ["Long tail"]
    said = str(online_replay.conclusion(made)).replace("\\", "")
    assert "RQ-Reg brings more purchase value than WLR from the same users: +4.0 %" in said
    assert "RQ-Reg brings less purchase value (long tail) than WLR" in said
    assert "3 of 3 trainings gain" in said
    assert "The paper prints a gain of 4.76 % in advertiser value (long tail)" in said


def test_the_page_runs(here: Path) -> None:
    made = replay("rqreg/figure4", "criteo_ssc", {"all": 4.0, "long tail": -3.0}, range(1, 8), range(9, 14))
    template = made.report.plan.template("rqreg/figure4").read_text(encoding="utf-8")
    write_text(here / "page.py", template.replace('"gr/table2"', '"rqreg/figure4"'))
    runpy.run_path(str(here / "page.py"))


def test_two_buckets_compare_the_treatments_half_with_the_controls(here: Path) -> None:
    """Half of the users, who watch twice as much whatever they are shown, happen to be the treatment's bucket."""
    made = replay("gr/table2", "kuairec", {"all": 10.0}, range(1, 7), range(7, 10))
    twice = pl.when(pl.col("bucket") == 1).then(2.0).otherwise(1.0)
    frame = made.visits.with_columns(pl.col("control", "treatment") * twice)
    write_parquet(made.report.plan.analysis_folder("gr/table2") / "kuairec" / "visits.parquet", frame)
    again = Replay(made.report, "kuairec")
    assert again.same_users("all").percent == pytest.approx(10.0)
    assert again.two_buckets("all").percent == pytest.approx(120.0)
    assert again.two_buckets("all", day=8).percent == pytest.approx(100.0)
