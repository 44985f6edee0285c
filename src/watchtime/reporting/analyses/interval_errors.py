"""Errors and predictions by intervals of the true watch time: drawn, in numbers, and compared between methods."""

# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from watchtime.evaluation.statistics import summarise
from watchtime.reporting.elements.figures import PALETTE, figure, show
from watchtime.reporting.elements.tables import Cell, Column, Section, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.elements.words import percent
from watchtime.reporting.measured.repetitions import Difference, Values, by_repetition, mean
from watchtime.reporting.measured.repetitions import differences as paired_differences
from watchtime.reporting.published.cells import read_published
from watchtime.reporting.report import Report

CONSTANT, OURS = "training_median", "gr"
SHORT = "frac_gt_le_10s_pct"
MARKS = {"blue": "o", "vermilion": "s", "green": "D", "black": "_", "purple": "^", "orange": "v"}


@dataclass(frozen=True)
class Line:
    """One method under one readout, or the constant."""

    row: str
    readout: str
    title: str


def draw(report: Report, dataset: str) -> None:
    """Draw the MAE by interval of all methods, and below it each method's predictions over the targets."""
    truth, lines = report.analysis(dataset, "truth"), _first(report, dataset)
    methods = [line for line in lines if line.row != CONSTANT]
    drawing = figure("full", 108)
    panels = drawing.subplot_mosaic([["errors"] * len(methods), [line.row for line in methods]])
    _draw_errors(panels["errors"], report, dataset, lines)
    for line, colour in zip(methods, MARKS, strict=False):
        _draw_predictions(panels[line.row], report, dataset, line, colour)
    highest = max(panels[line.row].get_ylim()[1] for line in methods)
    for line in methods:
        panels[line.row].set_ylim(0, highest)
    panels[methods[0].row].set_ylabel("Share of test rows (%)")
    of_truth = _whole(report, dataset, Line("truth", "", ""))
    caption = (
        f"Above: MAE by interval of the true watch time on {report.data_title(dataset)}, mean over repetitions with "
        f"its 95 % interval; an interval's share of the {int(truth['rows'].sum()):,} test rows stands below it. Below: "
        "predictions over all test rows (line) and the targets themselves (filled, mean "
        f"{of_truth['mean'][0]:.2f} s, variance {of_truth['variance'][0]:.1f} s²), by the same intervals. Each method "
        f"by its first readout: {', '.join(f'{line.title} {line.readout}' for line in methods)}."
    )
    show(drawing, caption)


def errors(report: Report, dataset: str) -> Table:
    """The MAE by interval of every method under every readout in the target's unit."""
    truth = report.analysis(dataset, "truth")
    rows: list[Section | Sequence[Cell | Value]] = [
        ["Share of test rows (%)", None, *(f"{100 * share:.1f}" for share in truth["share"]), "100.0"]
    ]
    for line in _lines(report, dataset):
        cells = [mean(values) for values in _by_interval(report, dataset, line)]
        rows.append([line.title, line.readout, *cells, mean(by_repetition(_whole(report, dataset, line), "mae"))])
    heads = [Column(title, decimals=3) for title in _titles(truth)]
    caption = (
        f"MAE in seconds by interval of the true watch time on {report.data_title(dataset)}, mean over repetitions "
        "with its 95 % interval. A rank has no unit and no MAE. The training median is one number for every row."
    )
    return Table([Column("Method"), Column("Readout"), *heads, Column("All", decimals=3)], rows, caption=caption)


def moments(report: Report, dataset: str) -> Table:
    """Mean and variance of the targets and of every method's predictions."""
    rows: list[Sequence[Cell | Value]] = []
    for line in [Line("truth", "", "Truth"), *_lines(report, dataset)]:
        whole = _whole(report, dataset, line)
        numbers = (mean(by_repetition(whole, name)) for name in ("mean", "variance"))
        rows.append([line.title, line.readout or None, *numbers])
    columns = [Column("Method"), Column("Readout"), Column("Mean", "s", 2), Column("Variance", "s²", 1)]
    caption = (
        f"Mean and variance of the targets and the predictions on the test rows of {report.data_title(dataset)}. "
        "Predictions that are conditional means have the targets' mean and less than their variance."
    )
    return Table(columns, rows, caption=caption)


def differences(report: Report, dataset: str) -> Table | Markdown:
    """GR minus every other method by interval, first readouts, with what chance leaves of it."""
    found = _compared(report, dataset)
    if not found:
        return Markdown("GR and another method are needed for a comparison.")
    titles = _titles(report.analysis(dataset, "truth"))
    rows: list[Sequence[Cell | Value]] = [
        [f"GR − {line.title}", *(one.cell() if one else Cell(None) for one in compared)] for line, compared in found
    ]
    caption = (
        f"Difference of the MAE in seconds by interval on {report.data_title(dataset)}, paired over repetitions; below "
        "0 GR is better. Bold: significant after Holm's correction over the table."
    )
    return Table([Column("Difference"), *(Column(title, decimals=3) for title in titles)], rows, caption=caption)


def conclusion(report: Report, dataset: str) -> Markdown:
    """Set what was found beside the paper's three claims: short rows, long rows, and their shares."""
    truth = report.analysis(dataset, "truth")
    short = percent(float(truth["share"][:-1].sum()))
    printed = [
        f"; the paper says about {percent(cell.value / 100, None)}"
        for cell in read_published(report.plan.published_files)
        if (cell.name, cell.dataset, cell.metric) == (report.name, dataset, SHORT)
    ]
    lines = [f"Test rows watched for at most 10 s: {short}{''.join(printed)}."]
    for line, compared in _compared(report, dataset):
        better, worse = (_won(truth, compared, is_better) for is_better in (True, False))
        lines.append(
            f"GR against {escape(line.title)}: significantly better in {escape(better)}; worse in {escape(worse)}."
        )
    lines.append("The paper finds GR better than CREAD and TPM up to 10 s, and TPM better above.")
    return Markdown(f"{escape(report.data_title(dataset))}.\n\n" + "\n".join(f"- {line}" for line in lines))


def _draw_errors(panel: Any, report: Report, dataset: str, lines: Sequence[Line]) -> None:
    truth = report.analysis(dataset, "truth")
    width, places = 0.6 / len(lines), np.arange(len(truth))
    for number, (line, (colour, marker)) in enumerate(zip(lines, MARKS.items(), strict=False)):
        measured = _by_interval(report, dataset, line)
        summaries = [summarise(values.values()) if values else None for values in measured]
        means = [one.mean if one else np.nan for one in summaries]
        half = [one.high - one.mean if one and one.high is not None else 0.0 for one in summaries]
        left = places + (number - (len(lines) - 1) / 2) * width
        panel.errorbar(left, means, half, fmt=marker, color=PALETTE[colour], label=line.title, linewidth=0.8)
    names = [f"{title}\n{percent(share)}" for title, share in zip(_titles(truth), truth["share"], strict=True)]
    panel.set_xticks(places, names)
    panel.set(ylabel="MAE (s)", yscale="log")
    panel.yaxis.set_major_formatter("{x:g}")
    panel.legend(ncols=len(lines), loc="upper left")


def _draw_predictions(panel: Any, report: Report, dataset: str, line: Line, colour: str) -> None:
    truth = report.analysis(dataset, "truth")
    frame = report.analysis(dataset, "intervals").filter(row=line.row, readout=line.readout)
    shares = np.array([summarise(frame.filter(interval=place)["share"]).mean for place in truth["interval"]])
    edges = np.arange(len(truth) + 1) - 0.5
    panel.stairs(100 * truth["share"], edges, fill=True, color=PALETTE["sky"], alpha=0.6)
    panel.stairs(100 * shares, edges, color=PALETTE[colour], linewidth=1.4)
    centre, variance = (summarise(_whole(report, dataset, line)[name]).mean for name in ("mean", "variance"))
    panel.set_title(f"{line.title}: mean {centre:.2f} s, variance {variance:.1f} s²")
    panel.set_xticks(range(len(truth)), _titles(truth), rotation=45)


def _lines(report: Report, dataset: str) -> list[Line]:
    """Return every method and readout in the order of the artifact, the constant last."""
    names = report.analysis(dataset, "intervals").select("row", "readout").unique(maintain_order=True)
    titles = {row: one.title for row, one in report.artifact.rows.items()} | {CONSTANT: "Training median"}
    return [Line(row, readout, titles[row]) for row, readout in names.iter_rows()]


def _first(report: Report, dataset: str) -> list[Line]:
    """Return every method under its first readout."""
    first: dict[str, Line] = {}
    for line in _lines(report, dataset):
        first.setdefault(line.row, line)
    return list(first.values())


def _whole(report: Report, dataset: str, line: Line) -> pl.DataFrame:
    return report.analysis(dataset, "whole").filter(row=line.row, readout=line.readout)


def _by_interval(report: Report, dataset: str, line: Line) -> list[Values]:
    """Return the MAE of every repetition for each interval; none where the interval has no test rows."""
    frame = report.analysis(dataset, "intervals").filter(row=line.row, readout=line.readout)
    number = report.analysis(dataset, "truth").height
    return [by_repetition(frame.filter(interval=interval), "mae") for interval in range(number)]


def _compared(report: Report, dataset: str) -> list[tuple[Line, list[Difference | None]]]:
    """Return GR minus each other method by interval, tested together; None for an interval without rows."""
    lines = {line.row: line for line in _first(report, dataset)}
    if OURS not in lines:
        return []
    others = [line for line in lines.values() if line.row != OURS]
    ours = _by_interval(report, dataset, lines[OURS])
    pairs = [
        (mine, _repeated(theirs, mine))
        for line in others
        for mine, theirs in zip(ours, _by_interval(report, dataset, line), strict=True)
    ]
    found = paired_differences(pairs, "lower")
    return [(line, found[place * len(ours) : (place + 1) * len(ours)]) for place, line in enumerate(others)]


def _repeated(values: Values, like: Values) -> Values:
    """Return values for the repetitions of ``like``: what is fitted once stands for all of them."""
    return dict.fromkeys(like, next(iter(values.values()))) if len(values) == 1 else values


def _won(truth: pl.DataFrame, compared: Sequence[Difference | None], is_better: bool) -> str:
    titles = [
        title
        for title, one in zip(_titles(truth), compared, strict=True)
        if one and one.is_significant and one.comparison.better == is_better
    ]
    return ", ".join(titles) or "none"


def _titles(truth: pl.DataFrame) -> list[str]:
    """Return what the intervals are called: 0–2 s, …, > 10 s."""
    bounds = truth.select("low", "high").iter_rows()
    return [f"{low:g}–{high:g} s" if np.isfinite(high) else f"> {low:g} s" for low, high in bounds]
