"""The table of methods, and what makes its page again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from handmade_run import write_run
from watchtime.core.pages import page_settings
from watchtime.core.plan import Plan
from watchtime.reporting.report import Report
from watchtime.reporting.summaries import method_notes


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """D2Q cannot run on CIKM16; of VR and TPM nothing is left out."""
    monkeypatch.chdir(tmp_path)
    return write_run(tmp_path, datasets={"cikm16": {}}, methods=["d2q", "vr"], artifacts=[])


def with_lines(plan: Plan, method: str, **lines: str) -> Plan:
    cards = dict(plan.catalog.methods)
    cards[method] = cards[method].model_copy(update=lines)
    return replace(plan, catalog=replace(plan.catalog, methods=cards))


def test_every_method_of_the_run_is_told_whether_or_not_it_could_run(plan: Plan) -> None:
    table = method_notes.table(Report("results/demo", "summary"))
    assert list(table.rows) == [
        [card.title, card.summary, card.reference, card.watch_ratio, card.without_duration]
        for card in (plan.catalog.methods[name] for name in ("d2q", "vr"))
    ]
    assert "| cannot run\\: its groups are groups of duration |" in table._repr_markdown_()


def test_what_a_card_does_not_say_is_a_dash(plan: Plan) -> None:
    report = Report("results/demo", "summary")
    report.plan = with_lines(plan, "vr", watch_ratio="", without_duration="")
    assert method_notes.table(report).rows[1][3:] == [None, None]  # type: ignore[index]


@pytest.mark.parametrize("line", ["title", "summary", "reference", "watch_ratio", "without_duration"])
def test_another_line_of_a_card_makes_the_summary_again(plan: Plan, line: str) -> None:
    other = with_lines(plan, "vr", **{line: "something else"})
    assert page_settings(other, "summary") != page_settings(plan, "summary")
    pages = ("resources", "data/cikm16") if line != "title" else ("data/cikm16",)
    for page in pages:
        assert page_settings(other, page) == page_settings(plan, page)
    unused = with_lines(plan, "lightgbm", **{line: "something else"})
    if line != "title":
        assert page_settings(unused, "summary") == page_settings(plan, "summary")
