"""How well the predicted distributions of a leaderboard are calibrated: CRPS, and the transform of the targets."""

# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from watchtime.evaluation.statistics import compare, holm, summarise
from watchtime.reporting.comparisons import leaderboard
from watchtime.reporting.comparisons.leaderboard import Board
from watchtime.reporting.elements.alignment import Interval
from watchtime.reporting.elements.figures import PALETTE, figure, show
from watchtime.reporting.elements.tables import Cell, Column, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.measured.results import ALPHA
from watchtime.reporting.report import Report

_PANELS_IN_A_ROW = 4
_PANEL_HEIGHT = 40.0

# A variant of a method, and repetition → value for each.
Name = tuple[str, str]
Values = dict[Name, dict[int, float]]


def boards(report: Report) -> list[Board]:
    """Return the leaderboards on which any method predicts a distribution."""
    return [board for board in leaderboard.boards(report) if _rows(report, board).height]


def table(report: Report, board: Board) -> Table:
    """CRPS and distance of the PIT to the uniform distribution, best CRPS first."""
    columns = [_values(report, board, name) for name in ("crps", "pit_distance")]
    best, means = _best(columns), _means(columns[0])
    rows: list[list[Cell | Value]] = [
        [
            report.method_title(*name),
            *(Cell(_interval(values[name]), best=name in tied) for values, tied in zip(columns, best, strict=True)),
        ]
        for name in sorted(means, key=lambda name: means[name])
    ]
    unit = report.unit(board.dataset, board.task)
    heads = [Column("Method"), Column("CRPS ↓", unit), Column("Distance of the PIT ↓", decimals=3)]
    return Table(heads, rows, caption=_caption(report, board))


def draw(report: Report, board: Board) -> None:
    """Draw the histogram of the PIT of every method in its first variant that ran."""
    transforms = {
        str(method): np.mean(of_method.filter(variant=of_method["variant"][0])["pit"].to_list(), 0)
        for (method,), of_method in _rows(report, board).group_by("method", maintain_order=True)
    }
    rows = -(-len(transforms) // _PANELS_IN_A_ROW)
    drawing = figure("full", _PANEL_HEIGHT * rows)
    columns = min(len(transforms), _PANELS_IN_A_ROW)
    panels = drawing.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for panel in panels.flatten()[len(transforms) :]:
        panel.set_visible(False)
    for panel, (method, transform) in zip(panels.flatten(), transforms.items(), strict=False):
        panel.stairs(transform * len(transform), np.linspace(0, 1, len(transform) + 1), fill=True, color=PALETTE["sky"])
        panel.axhline(1, color=PALETTE["vermilion"], linestyle="--", linewidth=0.8)
        panel.set(title=report.plan.catalog.methods[method].title, xlim=(0, 1))
        panel.xaxis.set_tick_params(labelbottom=True)
    for panel in panels[:, 0]:
        panel.set_ylabel("Density")
    drawing.supxlabel("PIT", fontsize="medium")
    show(
        drawing,
        Markdown(
            f"{_title(report, board)}: how the PIT of the test rows is distributed, mean over repetitions, for the "
            "first variant of every method. The dashed line is a calibrated prediction; a hump in the middle says "
            "that predictions are too wide, a valley that they are too narrow, a slope that they lie too high or too "
            "low."
        ),
    )


def _rows(report: Report, board: Board) -> pl.DataFrame:
    """Return one row per repetition of every shown variant with a distribution, in the order of the cards."""
    return leaderboard.shown(report, board, "calibration")


def _values(report: Report, board: Board, column: str) -> Values:
    found: Values = {}
    rows = _rows(report, board).select("method", "variant", "repetition", column)
    for method, variant, repetition, value in rows.iter_rows():
        found.setdefault((method, variant), {})[repetition] = value
    return found


def _means(values: Values) -> dict[Name, float]:
    return {name: summarise(of_name.values()).mean for name, of_name in values.items()}


def _interval(values: dict[int, float]) -> Interval:
    summary = summarise(values.values())
    return Interval(summary.mean, summary.low, summary.high)


def _best(columns: Sequence[Values]) -> list[set[Name]]:
    """Return for each column the name with the lowest mean and all that are tied with it, as a leaderboard does."""
    compared = []
    for place, values in enumerate(columns):
        means = _means(values)
        leader = min(means, key=lambda name: means[name])
        compared += [(place, name, compare(values[name], values[leader], "lower")) for name in values]
    adjusted = holm([one.p_value for _, _, one in compared])
    tied: list[set[Name]] = [set() for _ in columns]
    for (place, name, one), p_value in zip(compared, adjusted, strict=True):
        if one.difference == 0 if p_value is None else p_value > ALPHA:
            tied[place].add(name)
    return tied


def _title(report: Report, board: Board) -> Markdown:
    return escape(leaderboard.title(report, board))


def _caption(report: Report, board: Board) -> Markdown:
    return Markdown(
        f"{_title(report, board)}: calibration of the predicted distributions. With $F$ a row's distribution function "
        "and $y$ its target, the CRPS is $\\int (F(z) - \\mathbb{1}[z \\ge y])^2 dz$, in the mean over the test rows, "
        "and the PIT is $F(y)$, uniform where predictions are calibrated; its distance is the largest gap between its "
        "distribution function and the uniform one. Mean ± half of the 95 % interval over "
        f"{report.plan.config.repetitions} repetitions. **Bold**: the best of its column and what is not significantly "
        f"different from it (paired t-test, Holm over the table, α = {ALPHA}). What predicts no distribution is "
        "absent: the trivial rows, LightGBM, and methods that estimate one number; the oracle's is not judged."
    )
