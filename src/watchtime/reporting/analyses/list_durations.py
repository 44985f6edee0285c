"""Durations of the videos on users' lists, method by method: histograms, spread, conclusions."""

# mypy: allow-untyped-calls

from __future__ import annotations

import polars as pl

from watchtime.analyses.list_durations import CANDIDATES
from watchtime.reporting.elements.figures import PALETTE, figure, show
from watchtime.reporting.elements.tables import Cell, Column, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.measured.repetitions import Values, by_repetition, differences, mean
from watchtime.reporting.report import Report


def draw(report: Report, dataset: str) -> None:
    """Draw each method's share of list places over the duration, beside all rows that lists are chosen from."""
    histograms, rows = report.analysis(dataset, "histograms"), _rows(report, dataset)
    drawing = figure("full", 48)
    panels = drawing.subplots(1, len(rows), sharey=True, squeeze=False)[0]
    for panel, (row, title) in zip(panels, rows.items(), strict=True):
        for name, look in ((CANDIDATES, {"fill": True, "color": PALETTE["sky"]}), (row, {"color": PALETTE["black"]})):
            own = histograms.filter(row=name).group_by("low", "high", maintain_order=True).agg(pl.col("share").mean())
            panel.stairs(own["share"], [*own["low"], own["high"][-1]], label=_label(name), **look)
        panel.set(title=title, xlabel="Duration (s)")
    panels[0].set_ylabel("Share of places")
    drawing.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    caption = (
        f"Share of list places by the video's duration on {report.data_title(dataset)}, means over repetitions, beside "
        "the shares of all test rows of the users that have a list. Bins hold equally many of these rows, as far as "
        "equal durations allow it. Where the line lies below the filled steps, lists avoid videos of this length."
    )
    show(drawing, caption)


def table(report: Report, dataset: str) -> Table:
    """Moments of the durations on lists, and how far those of one list lie apart."""
    rows: list[list[Cell | Value]] = [
        [title, *(mean(_values(report, dataset, row, name)) for name in ("mean", "deviation", "within"))]
        for row, title in _rows(report, dataset).items()
    ]
    columns = [Column("Method"), *(Column(one, "s", 2) for one in ("Mean", "Deviation", "Within a list"))]
    users = int(report.analysis(dataset, "spread")["users"][0])
    caption = (
        f"Durations of the videos on {users:,} lists on {report.data_title(dataset)}, mean over repetitions ± half of "
        "the 95 % interval. Within a list: the deviation of one user's list, on average over users, which is DS@k."
    )
    return Table(columns, rows, caption=caption)


def conclusion(report: Report, dataset: str) -> Markdown:
    """Say which methods' lists have the wider range of durations, and which are shorter."""
    rows, lines = _rows(report, dataset), list[str]()
    *others, reference = rows
    for name, said in (("within", "Deviation within a list"), ("mean", "Mean duration")):
        own = _values(report, dataset, reference, name)
        found = differences([(own, _values(report, dataset, row, name)) for row in others], "higher")
        parts = [
            f"{one.said(2)} s to {rows[row]}{'' if one.is_significant else ' (not told apart)'}"
            for row, one in zip(others, found, strict=True)
            if one
        ]
        lines.append(f"{said}, {rows[reference]}'s difference: {', '.join(parts)}.")
    return Markdown(f"{escape(report.data_title(dataset))}.\n\n" + "\n".join(f"- {line}" for line in lines))


def _rows(report: Report, dataset: str) -> dict[str, str]:
    """Return the titles of the artifact's rows that were run."""
    there = report.analysis(dataset, "spread")["row"].unique().to_list()
    return {row: one.title for row, one in report.artifact.rows.items() if row in there}


def _values(report: Report, dataset: str, row: str, name: str) -> Values:
    return by_repetition(report.analysis(dataset, "spread").filter(row=row), name)


def _label(name: str) -> str:
    return "All test rows" if name == CANDIDATES else "On lists"
