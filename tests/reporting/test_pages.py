"""What stands around the pages, what they may read, and that they run."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

import pytest

from handmade_run import write_run
from watchtime.core.catalog import find_root
from watchtime.core.errors import WatchtimeError
from watchtime.core.plan import SUMMARIES, Plan
from watchtime.core.sources import PACKAGE, script_sources
from watchtime.reporting.notes import Notes
from watchtime.reporting.page import page_of
from watchtime.reporting.render import render
from watchtime.reporting.report import Report

DATA = "kuairand_pure"
PAGES = [*SUMMARIES, "prowtp/figure1", "prowtp/table1", "prowtp/table6"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_banner_says_that_data_are_simulated(here: Path) -> None:
    plan = write_run(here, tables=False)
    page = page_of(plan, "prowtp/table1")
    assert page.title == "ProWTP, table 1: Overall performance"
    assert page.subtitle == "run demo · size tiny · random 6:2:2 (ProWTP)"
    assert page.banner == "SIMULATED DATA"
    assert page_of(plan, "summary").banner == "SIMULATED DATA"
    assert page_of(plan, "prowtp/figure1").subtitle == "run demo · size tiny · all rows"
    assert page_of(write_run(here, real=True, tables=False), "prowtp/table1").banner is None
    with pytest.raises(WatchtimeError, match="unknown artifact 'prowtp/tabel1', did you mean 'prowtp/table1'"):
        page_of(plan, "prowtp/tabel1")


def test_a_page_may_read_only_what_it_declares(here: Path) -> None:
    write_run(here)
    with pytest.raises(WatchtimeError, match="prowtp/table1: the page reads interactions, but declares only"):
        Report("results/demo", "prowtp/table1").interactions(DATA, ["duration"])
    with pytest.raises(WatchtimeError, match="summary: the page reads resources"):
        Report("results/demo", "summary").table("resources")


@pytest.mark.parametrize("name", PAGES)
def test_a_template_runs_by_hand_with_its_declared_inputs_alone(
    here: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Everything that the page does not declare is gone, as if it had never been made."""
    plan = write_run(here, protocols=["days_8_2", "random_622"])
    inputs = {path.resolve() for path in plan.artifact_inputs(name)}
    assert all(path.is_file() for path in inputs)
    for path in plan.folder.rglob("*"):
        if path.is_file() and path.resolve() not in inputs and path.name != "config.yaml":
            path.unlink()
    for artifact in ("prowtp/figure1", "prowtp/table1", "prowtp/table6", *SUMMARIES):
        if plan.template(artifact) == plan.template(name):
            runpy.run_path(str(plan.template(name)))
            assert "Traceback" not in capsys.readouterr().err


def test_a_page_depends_on_the_sources_of_its_own_tables_only() -> None:
    reports = find_root() / "reports"

    def imported(name: str) -> set[str]:
        return {str(path.resolve().relative_to(PACKAGE)) for path in script_sources(reports / f"{name}.py")}

    assert {"reporting/comparison.py", "reporting/rules.py", "evaluation/statistics.py"} <= imported("comparison")
    assert not {"reporting/leaderboard.py", "reporting/distribution.py"} & imported("comparison")
    assert "reporting/leaderboard.py" in imported("summary")
    assert not any(file.startswith(("methods/", "training/")) for file in imported("comparison"))


def test_a_rendered_page_has_the_same_bytes_again(here: Path) -> None:
    plan: Plan = write_run(here, tables=False)
    render(plan, "prowtp/table1")
    pdf = plan.folder / "reports" / "prowtp" / "table1.pdf"
    first = pdf.read_bytes()
    assert first.startswith(b"%PDF")
    assert (plan.folder / "notebooks" / "prowtp" / "table1.ipynb").is_file()
    shutil.rmtree(plan.folder / "reports")
    render(plan, "prowtp/table1")
    assert pdf.read_bytes() == first


def test_equal_notes_share_a_letter() -> None:
    notes = Notes()
    assert [notes.letter(text) for text in ("one", "two", "one", "")] == ["a", "b", "a", ""]
    assert notes.texts == {"a": "one", "b": "two"}
