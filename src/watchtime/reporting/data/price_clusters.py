"""The distribution of a value at several zooms, and how few distinct amounts hold most of it."""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import numpy as np

from watchtime.reporting.elements.figures import PALETTE, figure, show
from watchtime.reporting.elements.tables import Column, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.elements.words import percent, target_name
from watchtime.reporting.report import Report

_PANEL_HEIGHT = 30.0


def draw(report: Report, dataset: str) -> None:
    """Draw a histogram for each range, one below the other."""
    bins, ranges = report.analysis(dataset, "bins"), report.analysis(dataset, "ranges")
    width = _facts(report, dataset)["bin"]
    drawing = figure("full", _PANEL_HEIGHT * len(ranges))
    panels = drawing.subplots(len(ranges), 1, squeeze=False)[:, 0]
    for panel, (low, high) in zip(panels, ranges.select("low", "high").iter_rows(), strict=True):
        one = bins.filter(low=low, high=high)
        edges = np.append(one["start"], one["start"][-1] + width)
        panel.stairs(one["rows"], edges, fill=True, color=PALETTE["blue"])
        panel.set(xlim=(low, high), ylabel="Rows")
        panel.yaxis.get_major_locator().set_params(integer=True)
    task = report.artifact.task
    panels[-1].set_xlabel(f"{target_name(task)} ({report.unit(dataset, task)})")
    caption = (
        f"{target_name(task)} on {report.data_title(dataset)} in {len(ranges)} ranges: rows in bins of {width:g} that "
        "begin half a cent below, so that no price stands between two bins. All rows that the row rules leave."
    )
    show(drawing, caption)


def ranges(report: Report, dataset: str) -> Table:
    """Every range in numbers: its rows, its distinct values, and what the most frequent of them hold."""
    most = _facts(report, dataset)["frequent"]
    rows: list[list[Value]] = [
        [
            f"{one['low']:g} to {one['high']:g}",
            one["rows"],
            one["distinct"],
            _share(one["frequent"], one["rows"]),
            _share(min(most, one["distinct"]), one["distinct"]),
            one["most_frequent"] if one["rows"] else None,
            one["most"],
        ]
        for one in report.analysis(dataset, "ranges").iter_rows(named=True)
    ]
    unit = report.unit(dataset, report.artifact.task)
    columns = [Column("Range", unit, align="right"), Column("Rows"), Column("Distinct values")]
    columns += [Column(f"Rows of the {most} most frequent", "%", 1), Column("if even", "%", 1)]
    columns += [Column("Most frequent", unit, 2), Column("its rows")]
    caption = (
        f"The ranges on {report.data_title(dataset)}, the upper end of each left out. If even: what as many values "
        "hold where all distinct values are equally frequent."
    )
    return Table(columns, rows, caption=caption)


def concentration(report: Report, dataset: str) -> Table:
    """How few distinct values hold which share of the rows above 0."""
    facts = _facts(report, dataset)
    rows: list[list[Value]] = [
        [percent(share, 0), values, _share(values, facts["distinct"]), round(share * facts["distinct"])]
        for share, values in report.analysis(dataset, "concentration").iter_rows()
    ]
    columns = [Column("Share of the rows above 0", align="right"), Column("Values that hold it")]
    columns += [Column("of all distinct values", "%", 2), Column("If even")]
    caption = (
        f"The fewest distinct values that hold each share of the {facts['positive']:,} rows above 0 on "
        f"{report.data_title(dataset)}, of {facts['distinct']:,} distinct ones. If even: how many would be needed "
        "where all are equally frequent."
    )
    return Table(columns, rows, caption=caption)


def conclusion(report: Report, dataset: str) -> Markdown:
    """Say how few values hold half of the rows above 0."""
    facts = _facts(report, dataset)
    where = escape(report.data_title(dataset))
    if not facts["positive"]:
        return Markdown(f"{where}: no row is above 0.")
    half = report.analysis(dataset, "concentration").filter(share=0.5)["values"].item()
    return Markdown(
        f"{where}: {percent(facts['positive'] / facts['rows'])} of {facts['rows']:,} rows are above 0, with "
        f"{facts['distinct']:,} distinct values. Half of them have one of {half:,} values, "
        f"{percent(half / facts['distinct'])} of the distinct ones; 50\u00a0% would be even."
    )


def _facts(report: Report, dataset: str) -> dict[str, Any]:
    return report.analysis(dataset, "facts").row(0, named=True)


def _share(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
