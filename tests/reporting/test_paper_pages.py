"""Whole papers and the page across papers, of runs that nobody trained; pages that fail."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from handmade_run import write_run
from watchtime.core.catalog import Catalog
from watchtime.core.errors import WatchtimeError
from watchtime.core.manifest import write_manifest
from watchtime.core.plan import Plan
from watchtime.reporting.published.verdicts import all_verdicts, paper_verdicts
from watchtime.reporting.rendering import render
from watchtime.reporting.rendering.page import page_of
from watchtime.reporting.report import Report
from watchtime.reporting.summaries import across_papers, paper_differences, paper_summary

TWO = ["prowtp/table6", "prowtp/figure1", "prowtp/table5"]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plan]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("papers"))
        yield write_run(Path.cwd())


def rows_of(table: object) -> dict[str, list[str]]:
    """Return the cells of a table's rows by their first cell; escapes, padding and marks are no text."""
    assert hasattr(table, "_repr_markdown_")
    lines = [line for line in table._repr_markdown_().splitlines() if line.startswith("|")]
    cells = [[re.sub(r"[*\\\u2004-\u200a\u00a0]", "", cell).strip() for cell in line.split(" | ")] for line in lines]
    return {line[0].removeprefix("|").strip(): line[1:] for line in cells}


def test_the_verdicts_of_a_paper_are_its_part_of_all(plan: Plan) -> None:
    everything = all_verdicts(plan)
    for paper in ("prowtp", "labelcraft"):
        assert paper_verdicts(plan, paper).equals(everything.filter(paper=paper))


def test_the_first_page_of_a_paper_counts_all_that_it_prints(plan: Plan) -> None:
    report = Report("results/demo", "prowtp")
    said = paper_summary.opening(report)
    assert "Of its 21 tables and figures 3 are drawings without data; of the others 17 of 18 follow" in said
    assert "then 1 page that it does not have." in said
    rows = rows_of(paper_summary.artifacts(report))
    frame = report.verdicts
    assert rows["all"][-1].rstrip("|").strip() == str(frame.height)
    totals = [cells[-1].rstrip("|").strip() for name, cells in rows.items() if name not in ("all", "Place", ":--")]
    assert sum(int(total) for total in totals if total.isdigit()) == frame.height
    assert rows["figure 2"][1] == "drawing only"
    assert rows["table 10"][1].startswith("not shown: no data set of the run has the target watch_time with every_pair")
    assert f"Of the {frame.height} numbers of the paper" in paper_summary.conclusion(report)
    open_questions = paper_summary.ambiguities(report)
    assert "prowtp/implicit, prowtp.plan" in open_questions._repr_markdown_().replace("\\", "")


def test_a_paper_without_open_questions_says_so(plan: Plan) -> None:
    report = Report("results/demo", "prowtp")
    bare = plan.catalog.papers["prowtp"].model_copy(update={"ambiguities": []})
    catalog: Catalog = replace(plan.catalog, papers={**plan.catalog.papers, "prowtp": bare})
    report.plan = Plan(plan.config, catalog)
    assert paper_summary.ambiguities(report) == "Nothing is noted as open."


def test_a_paper_joins_its_pages_in_order_and_has_the_same_bytes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = write_run(tmp_path, tables=False, artifacts=TWO[:2])
    with pytest.raises(WatchtimeError, match=r"^prowtp: .*figure1.ipynb: the executed notebook cannot be read"):
        render.render(made, "prowtp")
    for name in TWO[:2]:
        render.render(made, name)
    render.render(made, "prowtp")
    pdf = made.folder / "reports" / "prowtp.pdf"
    first = pdf.read_bytes()
    render.render(made, "prowtp")
    assert pdf.read_bytes() == first
    page = page_of(made, "prowtp")
    assert (page.title, page.banner) == ("ProWTP: all tables and figures", "SIMULATED DATA")
    joined = (made.folder / "notebooks" / "prowtp.ipynb").read_text(encoding="utf-8")
    assert "all tables and figures" in joined
    write_manifest(made.folder, made.belongs, made.measured_pages)
    files = json.loads((made.folder / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert files["reports/prowtp.pdf"]["varies"] is False
    write_manifest(made.folder, made.belongs, ["prowtp"])
    files = json.loads((made.folder / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert files["reports/prowtp.pdf"]["varies"] is True


# Across papers


def test_conflicts_are_printed_with_their_ends_the_largest_first(plan: Plan) -> None:
    report = Report("results/demo", "across_papers")
    text = across_papers.conflicts(report)._repr_markdown_()
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    apart = [float(line.rsplit("|", 2)[1].strip("\u2007\u2008 ")) for line in lines]
    assert apart == sorted(apart, reverse=True)
    assert min(apart) >= 2.0
    assert re.search(r"CREAD.*MAE.*3\.215.*RQ\\-Reg, table 2.*5\.230.*PTPM, table 2.*62\.7", lines[0])


def test_numbers_stand_side_by_side_with_ours_of_every_protocol(plan: Plan) -> None:
    report = Report("results/demo", "across_papers")
    (table,) = across_papers.side_by_side(report, "kuairand_pure")
    heads = [column.title for column in table.columns]
    assert heads[:3] == ["Method", "ProWTP, table 1", "ProWTP, table 2"]
    assert heads[-2:] == ["Readout", "Ours: random 6:2:2 (ProWTP)"]
    assert "simulated" in table.caption
    found = report.table("metrics").filter(method="tpm", variant="paper", readout="mean", metric="rmse")
    ours = next(row for row in table.rows if isinstance(row, list) and row[0] == "TPM")
    mean = sum(found["value"].to_list()) / len(found)
    assert str(ours[-1]).startswith(f"{mean:.2f} ± ")
    others = across_papers.side_by_side(report, "kuairec")
    assert {one.caption.split(":")[0] for one in others} == {"KuaiRec, watch time", "KuaiRec, watch ratio"}
    assert all("This run has no numbers for it." in one.caption for one in others)


def test_counts_splits_and_definitions_that_differ_are_told(plan: Plan) -> None:
    report = Report("results/demo", "across_papers")
    statistics = paper_differences.statistics(report)._repr_markdown_()
    assert re.search(r"WeChat21 \| users .*15,075 \\\(120\\-core\\\).*20,000", statistics)
    splits = [row for row in paper_differences.protocols(report).rows if isinstance(row, list)]
    assert ["KuaiRec", "PTPM", "big matrix, then the small one (GR's code)", False] in splits
    rules = {(row[0], row[1]): row[2] for row in paper_differences.definitions(report).rows if isinstance(row, list)}
    assert rules["XAUC", "tpm"] == "GR"
    assert rules["XAUC", "strict"] is None
    (effect,) = (row for row in paper_differences.effect_of_rules(report).rows if isinstance(row, list))
    xauc = report.table("metrics").filter(pl.col("method") == "tpm", variant="paper", readout="mean", metric="xauc")
    means = xauc.group_by("convention").agg(pl.col("value").mean())["value"]
    assert float(str(effect[2])) >= means.max() - means.min()  # type: ignore[operator]


def test_what_can_be_concluded_depends_on_the_tolerance_and_the_data(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = paper_differences.conclusion(Report("results/demo", "across_papers"))
    number = re.search(r"Of the (\d+) numbers that more than one paper prints, (\d+) differ by more than 2", said)
    assert number
    assert 0 < int(number[2]) < int(number[1])
    assert "All logs of this run are simulated" in said
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path, real=True, tolerance=0.9)
    report = Report("results/demo", "across_papers")
    said = paper_differences.conclusion(report)
    assert ", 0 differ by more than 90" in said
    assert "stands under its own protocol" in said
    assert across_papers.conflicts(report) == "No two tables contradict each other."


# Pages that fail


def broken(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> Plan:
    """Return a plan whose templates are all this one."""
    made = write_run(folder, tables=False, artifacts=["prowtp/figure1"])
    template = folder / "broken.py"
    template.write_text(body, encoding="utf-8")
    monkeypatch.setattr(Plan, "template", lambda self, name: template)
    return made


HEAD = '# %% tags=["parameters"]\nrun: str\nartifact: str\n\n# %%\n'


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (HEAD + "report = 1\nreport.draw()\n", r"broken.py, line 7: the cell failed with AttributeError: .*'draw'"),
        (HEAD + "if True print(1)\n", r"broken.py, line 6: the cell failed with SyntaxError"),
        ('# %% tags=["parameters"]\nrun: str =\n', r"broken.py, line 2: the parameters are not valid Python"),
        (
            HEAD + "from watchtime.reporting.elements.figures import figure, show\n\ndrawing = figure()\n"
            "drawing.subplots().plot([], [])\nshow(drawing, 'Nothing.')\n",
            r"broken.py, line 10: the cell failed with WatchtimeError: the figure 'Nothing.' is empty: axes 1 of 1",
        ),
        (
            HEAD + "from watchtime.reporting.elements.figures import figure, show\n\ndef draw():\n"
            "    figure().subplots().plot([1, 2], [1])\n\ndraw()\n",
            r"broken.py, line 11: the cell failed with ValueError: x and y must have same first dimension",
        ),
        (
            HEAD
            + "class Table:\n    def _repr_markdown_(self):\n        raise KeyError('no such column')\n\nTable()\n",
            r"broken.py, line 8: the cell failed with KeyError: 'no such column'",
        ),
    ],
)
def test_a_broken_page_is_one_sentence_with_page_and_place_and_leaves_no_pdf(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    made = broken(tmp_path, monkeypatch, body)
    with pytest.raises(WatchtimeError, match=r"^prowtp/figure1: .*" + sentence) as caught:
        render.render(made, "prowtp/figure1")
    assert "\n" not in str(caught.value)
    assert not (made.folder / "reports" / "prowtp" / "figure1.pdf").exists()
