"""How sure an order is: the table and the sentences under a comparison, on a run that nobody trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from handmade_run import write_run
from watchtime.core.files import read_json, write_json
from watchtime.core.job import JobSpec
from watchtime.reporting.comparisons import agreement, certainty
from watchtime.reporting.elements.tables import Cell, Section, Table
from watchtime.reporting.elements.words import few
from watchtime.reporting.report import Report

DATA = "kuairand_pure"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def scores(spec: JobSpec, readout: str, metric: str, convention: str, repetition: int) -> float:
    """TPM's RMSE is 9, 11, 13, so that WLR's 10, 10, 10 is beaten in some draws; all others are far behind."""
    if metric == "rmse":
        rows = {"tpm": [9.0, 11.0, 13.0], "wlr": [10.0, 10.001, 10.002], "lightgbm": [20.0]}
        return rows.get(spec.method, [30.0, 30.5, 31.0])[repetition] + 3 * (readout != "mean")
    return 0.5 + len(spec.method) / 1000


def rows_of(table: object) -> dict[object, list[object]]:
    assert isinstance(table, Table)
    found: dict[object, list[object]] = {}
    for row in table.rows:
        assert not isinstance(row, Section)
        name, *others = (one.value if isinstance(one, Cell) else one for one in row)
        found[name] = list(others)
    return found


def test_the_winner_changes_as_often_as_another_is_best_in_a_draw(here: Path) -> None:
    """Three of nines and elevens with a mean below 10 have two nines or three: 3 + 1 of the 27 draws are TPM's."""
    write_run(here, scores=scores, tables=False)
    report = Report("results/demo", "prowtp/table8")
    found = rows_of(certainty.table(report, DATA))
    assert found["TPM (mean)"][1] == pytest.approx(100 * 4 / 27)
    assert found["WLR"][1] == pytest.approx(100 * 23 / 27)
    assert found["WLR"][2] == "1–2"
    assert found["LightGBM (l2)"][0] is None, "without randomness there is no interval over seeds"
    said = certainty.conclusions(report, DATA)
    assert "the winner would change in 15\u00a0% of the draws in RMSE (WLR)" in said
    assert "3 repetitions find with a chance of 80\u00a0%" in said


def test_rows_that_are_always_equal_share_the_first_place_and_no_winner_changes(here: Path) -> None:
    write_run(here, scores=lambda *_: 1.0, tables=False)
    report = Report("results/demo", "prowtp/table1")
    shares = [row[1] for row in rows_of(certainty.table(report, DATA)).values() if row[1] is not None]
    assert len(shares) > 5
    assert shares == pytest.approx([100 / len(shares)] * len(shares))
    assert "the winner would change in 0\u00a0% of the draws in RMSE" in certainty.conclusions(report, DATA)


def with_users(here: Path, half: float, users: float | None = None) -> Report:
    """Return a page of a run whose errors have intervals of this half-width over users."""
    plan = write_run(here, tables=False)
    for path in plan.folder.glob("jobs/**/metrics.json"):
        job = read_json(path)
        for one in job["values"]:
            if one["repetition"] == 0 and one["metric"] in ("rmse", "xauc"):
                one |= {"users_low": one["value"] - half, "users_high": one["value"] + half}
            if one["metric"] == "users" and users:
                one["value"] = users
        write_json(path, job)
    return Report("results/demo", "prowtp/table1")


def test_half_widths_over_users_stand_beside_those_over_seeds(here: Path) -> None:
    report = with_users(here, half=0.25)
    table = certainty.table(report, DATA)
    assert isinstance(table, Table)
    assert [one.title for one in table.columns[1:5]] == ["RMSE ±\u00a0seeds", "±\u00a0users", "Best", "Ranks"]
    assert rows_of(table)["TR"][1] == pytest.approx(0.25)
    assert "when the 100 users of the test rows are drawn anew 500 times" in table.caption
    assert "Intervals over users are" in certainty.conclusions(report, DATA)


def test_one_row_per_user_is_said(here: Path) -> None:
    table = certainty.table(with_users(here, half=0.25, users=200.0), DATA)
    assert isinstance(table, Table)
    assert "every user has one row, so that it is an interval over rows" in table.caption


def test_a_run_without_intervals_over_users_says_so(here: Path) -> None:
    write_run(here, tables=False)
    table = certainty.table(Report("results/demo", "prowtp/table1"), DATA)
    assert isinstance(table, Table)
    assert "the metrics of this run have no intervals over users" in table.caption
    assert not any("users" in one.title for one in table.columns)


def test_one_repetition_says_nothing_about_other_seeds(here: Path) -> None:
    write_run(here, repetitions=1, tables=False)
    report = Report("results/demo", "prowtp/table1")
    assert "One repetition says nothing" in str(certainty.table(report, DATA))
    assert "One repetition finds no difference" in certainty.conclusions(report, DATA)


def test_lists_of_names_are_short(here: Path) -> None:
    assert few([]) == ""
    assert few(["a", "b", "c"]) == "a, b, c"
    assert few(["a", "b", "c", "d", "e"]) == "5, such as a, b, c"
    write_run(here, scores=lambda *_: 1.0, tables=False)
    said = agreement.conclusions(Report("results/demo", "prowtp/table1"), DATA)
    assert all(line.count(",") < 20 for line in said.splitlines())
    assert ", such as " in said
