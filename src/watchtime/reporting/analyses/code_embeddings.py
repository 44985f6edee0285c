"""Whether near targets have near code embeddings: drawn, in numbers, and compared between two trainings."""

# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from watchtime.evaluation.statistics import summarise
from watchtime.reporting.analyses.embeddings import RANDOM, RANDOM_TITLE, colour_bar, scatter, target_label
from watchtime.reporting.elements.figures import figure, show
from watchtime.reporting.elements.tables import Cell, Column, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.elements.words import percent
from watchtime.reporting.measured.repetitions import Difference, Values, by_repetition, differences, mean
from watchtime.reporting.report import Report

OURS = "rqreg"
CORRELATION, NEAR = "correlation", "near"
_NAMES = ("Correlation of distances", "Near neighbours")


def draw(report: Report, dataset: str) -> None:
    """Draw the targets' embeddings in two dimensions, one panel for each training."""
    points, facts = report.analysis(dataset, "points"), _facts(report, dataset)
    rows = points["row"].unique(maintain_order=True).to_list()
    drawing = figure("full", 64)
    panels = drawing.subplots(1, len(rows), squeeze=False)[0]
    for panel, row in zip(panels, rows, strict=True):
        scatter(panel, points.filter(row=row))
        panel.set_title(_title(report, row))
    colour_bar(drawing, list(panels), points.filter(row=rows[0])["value"], target_label(report, dataset))
    caption = (
        f"The codes' embeddings, side by side, of {facts['values']:,} targets of the training rows of "
        f"{report.data_title(dataset)} in the two dimensions of t-SNE, first repetition. Colours are even steps of the "
        "targets' order. Each panel is its own projection: positions and scales cannot be compared between them."
    )
    show(drawing, caption)


def table(report: Report, dataset: str) -> Table:
    """How the values order the distances in every training, and what is left with random embeddings."""
    measured, facts = _measured(report, dataset), _facts(report, dataset)
    rows: list[Sequence[Cell | Value]] = [
        [_title(report, row), *(mean(values) for values in pair)] for row, pair in measured.items()
    ]
    rows.append(["By chance", 0.0, 100 * facts["near_by_chance"]])
    for row, pair in _compared(report, dataset).items():
        rows.append([f"{_title(report, OURS)} − {_title(report, row)}", *(one.cell() if one else None for one in pair)])
    caption = (
        f"Embeddings of {facts['values']:,} targets on {report.data_title(dataset)}, mean over repetitions with its "
        "95 % interval. Correlation: Spearman's between the distances of a value to all others and those of its "
        "embedding, the mean over the values. Near neighbour: targets whose nearest neighbour by embedding is at most "
        f"{facts['near']} places away in the order of the values. Random embeddings show what comes of sharing codes "
        "alone. Differences are paired over repetitions; bold: significant after Holm's correction."
    )
    columns = [Column("Embeddings"), Column("Correlation", decimals=3), Column("Near neighbour", "%", 1)]
    return Table(columns, rows, caption=caption)


def conclusion(report: Report, dataset: str) -> Markdown:
    """Say whether Rank-N-Contrast orders the embeddings by value, beside what the paper says."""
    measured, lines = _measured(report, dataset), list[str]()
    for row, pair in _compared(report, dataset).items():
        titles = f"{escape(_title(report, OURS))} against {escape(_title(report, row))}"
        for name, one, ours, theirs in zip(_NAMES, pair, measured[OURS], measured[row], strict=True):
            if one:
                lines.append(f"{name}, {titles}: {_of(name, ours)} against {_of(name, theirs)}, {one.word}.")
    random = (f"{name.lower()} {_of(name, values)}" for name, values in zip(_NAMES, measured[RANDOM], strict=True))
    lines.append(
        f"Random embeddings of the same codes: {', '.join(random)}. The paper finds, by eye, similar targets close to "
        "one another, and scattered without the contrast."
    )
    return Markdown(f"{escape(report.data_title(dataset))}.\n\n" + "\n".join(f"- {line}" for line in lines))


def _measured(report: Report, dataset: str) -> dict[str, tuple[Values, Values]]:
    """Return correlations and percentages of near neighbours of every row."""
    frame = report.analysis(dataset, "structure").with_columns(pl.col(NEAR) * 100)
    rows = frame["row"].unique(maintain_order=True)
    return {row: (by_repetition(one := frame.filter(row=row), CORRELATION), by_repetition(one, NEAR)) for row in rows}


def _compared(report: Report, dataset: str) -> dict[str, Sequence[Difference | None]]:
    """Return RQ-Reg minus each other training in both measures, tested together."""
    measured = _measured(report, dataset)
    others = [row for row in measured if row not in (OURS, RANDOM)] if OURS in measured else []
    pairs = [pair for row in others for pair in zip(measured[OURS], measured[row], strict=True)]
    tested = differences(pairs, "higher")
    return {row: tested[2 * place : 2 * place + 2] for place, row in enumerate(others)}


def _of(name: str, values: Values) -> str:
    average = summarise(values.values()).mean
    return f"{average:.3f}" if name == _NAMES[0] else percent(average / 100)


def _title(report: Report, row: str) -> str:
    return RANDOM_TITLE if row == RANDOM else report.artifact.rows[row].title


def _facts(report: Report, dataset: str) -> dict[str, Any]:
    return report.analysis(dataset, "facts").row(0, named=True)
