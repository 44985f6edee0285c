"""The verdicts of all papers in a few tables."""

from __future__ import annotations

from typing import Any

import polars as pl

from watchtime.evaluation.metrics import METRICS
from watchtime.reporting.elements.alignment import format_number, usual_decimals
from watchtime.reporting.elements.tables import Column, Section, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.elements.words import percent, target_name
from watchtime.reporting.measured.results import ALPHA
from watchtime.reporting.published import readings, rules
from watchtime.reporting.published.cells import GAIN, row_key
from watchtime.reporting.rendering.page import artifact_label, paper_title
from watchtime.reporting.report import Report


def counts(report: Report) -> Table:
    """How many published cells of every paper got which verdict."""
    frame = report.table("verdicts")
    papers = frame["paper"].unique(maintain_order=True).to_list()
    rows: list[list[Value]] = [
        [name, *(cells.filter(verdict=word).height for word in rules.WORDS), cells.height]
        for name, cells in [
            *((paper_title(report.plan, paper), frame.filter(paper=paper)) for paper in papers),
            ("all", frame),
        ]
    ]
    columns = [Column("Paper"), *(Column(word) for word in rules.WORDS), Column("cells")]
    return Table(columns, rows, caption=f"The verdicts on all {frame.height:,} published numbers.")


def meanings(report: Report) -> Markdown:
    """Say what every verdict means."""
    lines = [f"- *{word}*: {escape(meaning)}." for word, meaning in rules.MEANINGS.items()]
    tolerance = f"The tolerance of this run is {percent(report.plan.config.tolerance, None)}"
    return Markdown("\n".join(lines) + f"\n\n{tolerance}; significant means p ≤ {ALPHA} after Holm's correction.")


def reasons(report: Report) -> Table:
    """How many cells got which verdict for which reason."""
    groups = report.table("verdicts").group_by("paper", "verdict", "reason", maintain_order=True).len()
    rows: list[Section | list[Value]] = []
    for (paper,), of_paper in groups.group_by("paper", maintain_order=True):
        rows.append(Section(paper_title(report.plan, str(paper))))
        for _, verdict, reason, number in of_paper.sort("verdict", "len", descending=[False, True]).iter_rows():
            rows.append([verdict, reason or None, number])
    columns = [Column("Verdict"), Column("Reason"), Column("Cells")]
    return Table(columns, rows, caption="Why: the reasons, paper by paper.")


def measured_cells(report: Report) -> Table | Markdown:
    """Every cell for which this run has a number or a setting."""
    frame = report.table("verdicts").filter(
        pl.col("ours").is_not_null() | pl.col("verdict").is_in(["used", "differs", "reproduced", "ordering holds"])
    )
    if not frame.height:
        return Markdown("This run has no number for any published cell.")
    parts: dict[str, list[list[Value]]] = {}
    for one in frame.iter_rows(named=True):
        parts.setdefault(_heading(report, one), []).append(_measured(report, one))
    rows: list[Section | list[Value]] = []
    for heading, lines in parts.items():
        rows += [Section(heading), *lines]
    columns = [Column("Row"), Column("Measure"), *(Column(name, align="right") for name in ("Paper", "Ours", "p"))]
    caption = "The published numbers for which this run has one, p as corrected for the order to the reference row."
    return Table([*columns, Column("Verdict")], rows, caption=caption)


def _heading(report: Report, cell: dict[str, Any]) -> str:
    """Return where a published cell stands, on which data, and of which target, where it is not their first one."""
    label, dataset = artifact_label(report.plan, f"{cell['paper']}/{cell['artifact']}"), cell["dataset"]
    if dataset not in report.datasets:
        return label
    others = [*report.plan.catalog.datasets[dataset].tasks][1:]
    target = f", {target_name(cell['task'])}" if cell["task"] in others else ""
    return f"{label}: {report.data_title(dataset)}{target}"


def _measured(report: Report, cell: dict[str, Any]) -> list[Value]:
    """Return a published cell as a row of the table of those that were measured."""
    is_setting = cell["metric"].startswith("hp_")
    is_count = cell["metric"] in readings.TITLES
    decimals = readings.decimals(cell["metric"]) if is_count else usual_decimals([cell["published"]])
    printed = _setting(cell["published"]) if is_setting else None
    return [
        _row_title(report, cell, is_setting),
        _measure(cell["metric"]),
        printed or _number(cell["published"], decimals),
        _number(cell["ours"], decimals),
        _number(cell["p_value"], 3),
        cell["verdict"],
    ]


def _row_title(report: Report, cell: dict[str, Any], is_setting: bool) -> str | None:
    """Return what the artifact calls a row, of a setting the method that has it, None where there is no row."""
    method, methods = cell["method"], report.plan.catalog.methods
    if is_setting:
        return methods[method].title if method in methods else method
    key, artifact = row_key(method, cell["variant"]), report.plan.artifacts.get(f"{cell['paper']}/{cell['artifact']}")
    if key == "none":
        return None
    return artifact.rows[key].title if artifact and key in artifact.rows else key


def _number(value: float | None, decimals: int) -> str | None:
    return None if value is None else format_number(value, decimals)


def _setting(value: float) -> str:
    """Return a setting as a person writes it: 512, 0.2, 0.00001."""
    return f"{value:.10f}".rstrip("0").rstrip(".")


def _measure(metric: str) -> str:
    if metric.removesuffix(GAIN) in METRICS:
        return METRICS[metric.removesuffix(GAIN)].title + (" gain (%)" if metric.endswith(GAIN) else "")
    return readings.TITLES.get(metric) or metric.removeprefix("hp_").removeprefix("n_").replace("_", " ")
