"""The verdicts of all papers in a few tables."""

from __future__ import annotations

import polars as pl

from watchtime.evaluation.metrics import METRICS
from watchtime.reporting.elements.alignment import format_number, usual_decimals
from watchtime.reporting.elements.tables import Column, Section, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.elements.words import percent
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
    rows: list[Section | list[Value]] = []
    for (paper, artifact), cells in frame.group_by("paper", "artifact", maintain_order=True):
        rows.append(Section(artifact_label(report.plan, f"{paper}/{artifact}")))
        for one in cells.iter_rows(named=True):
            is_setting = one["metric"].startswith("hp_")
            row = one["method"] if is_setting else row_key(one["method"], one["variant"])
            is_count = one["metric"] in readings.TITLES
            decimals = readings.decimals(one["metric"]) if is_count else usual_decimals([one["published"]])
            printed = _setting(one["published"]) if is_setting else None
            rows.append(
                [
                    report.data_title(one["dataset"]) if one["dataset"] in report.datasets else None,
                    None if row == "none" else row,
                    _measure(one["metric"]),
                    printed or _number(one["published"], decimals),
                    _number(one["ours"], decimals),
                    _number(one["p_value"], 3),
                    one["verdict"],
                ]
            )
    columns = [Column("Data set"), Column("Row"), Column("Measure")]
    columns += [Column(name, align="right") for name in ("Paper", "Ours", "p")]
    caption = "The published numbers for which this run has one, p as corrected for the order to the reference row."
    return Table([*columns, Column("Verdict")], rows, caption=caption)


def _number(value: float | None, decimals: int) -> str | None:
    return None if value is None else format_number(value, decimals)


def _setting(value: float) -> str:
    """Return a setting as a person writes it: 512, 0.2, 0.00001."""
    return f"{value:.10f}".rstrip("0").rstrip(".")


def _measure(metric: str) -> str:
    if metric.removesuffix(GAIN) in METRICS:
        return METRICS[metric.removesuffix(GAIN)].title + (" gain (%)" if metric.endswith(GAIN) else "")
    return readings.TITLES.get(metric) or metric.removeprefix("hp_").removeprefix("n_").replace("_", " ")
