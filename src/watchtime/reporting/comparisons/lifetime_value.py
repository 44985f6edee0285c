"""What pages of lifetime values show beside the comparison: rows above 0, and predictions by tenths of the rows."""

# mypy: allow-untyped-calls

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from watchtime.evaluation.deciles import DECILES, decile_mape
from watchtime.evaluation.statistics import summarise
from watchtime.reporting.comparisons.comparison import entries
from watchtime.reporting.elements.alignment import Interval
from watchtime.reporting.elements.figures import PALETTE, figure, show
from watchtime.reporting.elements.tables import Column, Section, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.elements.words import percent
from watchtime.reporting.measured.results import Line, Measure
from watchtime.reporting.report import Report

_PANELS_IN_A_ROW = 4
_PANEL_HEIGHT = 40.0


@dataclass(frozen=True)
class Tenths:
    """The mean target and the mean prediction of each tenth of the test rows, [repetitions, 10] each."""

    target: np.ndarray[tuple[int, int], np.dtype[np.float64]]
    prediction: np.ndarray[tuple[int, int], np.dtype[np.float64]]

    def mape(self) -> Interval | None:
        """The mean relative error of the tenths in per cent, None where one of them has no target above 0."""
        return _interval([100 * decile_mape(*means) for means in zip(self.target, self.prediction, strict=True)])

    def total(self) -> Interval | None:
        """The sum of all predictions in per cent of that of the targets, None where that is 0."""
        sums = zip(self.prediction.sum(1), self.target.sum(1), strict=True)
        return _interval([100 * predicted / true if true > 0 else math.nan for predicted, true in sums])


def positive_rows(report: Report, dataset: str) -> Markdown:
    """Say how many test rows have a target above 0, and how many pairs are tied in it."""
    results = report.results(dataset)
    positive, tied = (
        results.mean(results.lines()[0], Measure.of(name)) for name in ("positive_rows", "target_tie_mass")
    )
    assert positive is not None
    assert tied is not None
    rows = report.test_rows(dataset)
    return Markdown(
        f"{escape(report.data_title(dataset))}: of {rows:,} test rows {positive:,.0f} have a target above 0 "
        f"({percent(positive / rows)}); of all pairs of test rows {percent(tied)} are tied in the target."
    )


def decile_table(report: Report, dataset: str) -> Table:
    """How far predictions are from the targets in each tenth of the rows, in the highest tenth, and in all."""
    found = _tenths(report, dataset)
    rows: list[Section | list[Value]] = []
    for title, section in entries(report, dataset).items():
        rows.append(Section(title))
        for entry in section:
            if entry.line and entry.line in found:
                one = found[entry.line]
                highest = [float(means[:, -1].mean()) for means in (one.target, one.prediction)]
                rows.append([entry.title, entry.line.readout, one.mape(), one.total(), *highest])
    unit = report.unit(dataset, report.artifact.task)
    columns = [Column("Method"), Column("Readout"), Column("Decile MAPE ↓", "%", 1), Column("Predicted in all", "%", 1)]
    columns += [Column("Highest tenth: target", unit, 2), Column("prediction", unit, 2)]
    caption = Markdown(
        f"Calibration by tenths on {report.data_title(dataset)}: test rows sorted by their prediction and cut into ten "
        "equal parts; rows of equal prediction share alike in the tenths that they reach. Decile MAPE: mean over the "
        "tenths of |mean prediction − mean target| / mean target, none where a tenth has no target above 0. Predicted "
        "in all: the sum of the predictions over that of the targets, 100 where a mean is calibrated; a median is "
        "meant to predict less. A rank is in no unit. Mean ± half of the 95 % interval over "
        f"{report.plan.config.repetitions} repetitions, of the highest tenth the mean."
    )
    return Table(columns, rows, caption=caption)


def draw_deciles(report: Report, dataset: str) -> None:
    """Draw a panel for every line that predicts a mean: what is predicted and what is true in each tenth."""
    found = _tenths(report, dataset)
    shown = [entry for section in entries(report, dataset).values() for entry in section]
    lines = {entry.title: entry.line for entry in shown if entry.line and entry.line.readout == "mean"}
    drawn = {title: found[line] for title, line in lines.items()}
    rows = -(-len(drawn) // _PANELS_IN_A_ROW)
    drawing = figure("full", _PANEL_HEIGHT * rows)
    panels = drawing.subplots(rows, min(len(drawn), _PANELS_IN_A_ROW), squeeze=False, sharex=True, sharey=True)
    for panel in panels.flatten()[len(drawn) :]:
        panel.set_visible(False)
    for panel, (title, one) in zip(panels.flatten(), drawn.items(), strict=False):
        places = np.arange(1, DECILES + 1)
        panel.bar(places, one.target.mean(0), color=PALETTE["sky"], label="target")
        panel.plot(places, one.prediction.mean(0), "o-", color=PALETTE["vermilion"], label="prediction")
        panel.set(title=title, xticks=places[[0, 4, 9]])
        panel.xaxis.set_tick_params(labelbottom=True)
    unit = report.unit(dataset, report.artifact.task)
    for panel in panels[:, 0]:
        panel.set_ylabel(f"Mean ({unit})")
    drawing.supxlabel("Tenth of the test rows by prediction", fontsize="medium")
    drawing.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    caption = (
        f"Mean target and mean prediction by tenths of the prediction on {report.data_title(dataset)}, mean over "
        "repetitions, for every row that predicts a mean. A method separates rows well where the bars rise steeply, "
        "and is calibrated where the points stand on their tops."
    )
    show(drawing, caption)


def _tenths(report: Report, dataset: str) -> dict[Line, Tenths]:
    found: dict[Line, Tenths] = {}
    for names, one in report.deciles(dataset).group_by("method", "variant", "readout", maintain_order=True):
        shape = (-1, DECILES)
        target, prediction = (one[name].to_numpy().reshape(shape) for name in ("target", "prediction"))
        found[Line(*map(str, names))] = Tenths(target, prediction)
    return found


def _interval(values: Sequence[float]) -> Interval | None:
    if not all(map(math.isfinite, values)):
        return None
    summary = summarise(values)
    return Interval(summary.mean, summary.low, summary.high)
