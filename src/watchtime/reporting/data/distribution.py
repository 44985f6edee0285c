"""The distribution of the watch ratio by the length of the video: histograms, their modes, and numbers."""

# mypy: allow-untyped-calls

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.signal import find_peaks

from watchtime.reporting.data.duration_groups import DurationGroup, Floats, duration_groups
from watchtime.reporting.elements.figures import PALETTE, figure, show
from watchtime.reporting.elements.tables import Column, Table, Value
from watchtime.reporting.elements.text import Markdown
from watchtime.reporting.elements.words import percent
from watchtime.reporting.report import Report

LENGTHS = ("Short", "Middle", "Long")
BIN = 0.05
LARGEST = 2.5
STANDARD_ERRORS = 4.0


def modes(counts: npt.NDArray[np.int64]) -> list[int]:
    """Return the bins of a histogram that are modes.

    A mode is a highest bin whose count c exceeds the lowest count s on the way to every higher bin by more than
    4 √(c + s), four standard errors of the difference of two counts, as many bins are compared. Beyond the ends of
    the histogram s is 0.
    """
    padded = np.concatenate([[0], counts, [0]])
    peaks, found = find_peaks(padded, prominence=1)
    saddles = padded[peaks] - found["prominences"]
    is_mode = found["prominences"] > STANDARD_ERRORS * np.sqrt(padded[peaks] + saddles)
    return [int(peak) - 1 for peak in peaks[is_mode]]


def draw(report: Report, dataset: str) -> None:
    """Draw a histogram of the watch ratio for short, middle and long videos."""
    groups = _groups(report, dataset)
    drawing = figure("full", 58)
    panels = drawing.subplots(1, len(groups), sharey=True, squeeze=False)[0]
    for panel, group in zip(panels, groups, strict=True):
        edges, counts = _histogram(group)
        density = counts / len(group.ratio) / BIN
        panel.stairs(density, edges, fill=True, color=PALETTE["sky"])
        for place in modes(counts):
            centre = edges[place] + BIN / 2
            above = (centre, density[place] * 1.3)
            panel.plot(*above, "v", color=PALETTE["vermilion"], clip_on=False)
            panel.annotate(f"{centre:.2f}", above, (3, 1), textcoords="offset points")
        panel.set(title=f"{group.name}: {group.span} s", xlabel="Watch ratio", yscale="log", xlim=(0, LARGEST))
    low, high = panels[0].get_ylim()
    panels[0].set(ylabel="Density", ylim=(low, high * 3))
    show(drawing, _caption(report, dataset, groups))


def table(report: Report, dataset: str) -> Table:
    """The same distributions in numbers."""
    rows: list[list[Value]] = [
        [
            group.name,
            group.span,
            len(group.ratio),
            100 * float(np.mean(group.ratio == 0)),
            100 * float(np.mean(group.ratio >= 1)),
            float(np.median(group.ratio)),
            ", ".join(f"{mode:.2f}" for mode in _modes(group)) or "none",
        ]
        for group in _groups(report, dataset)
    ]
    columns = [
        *(Column(report.card(dataset).item_title), Column("Duration", "s", align="right")),
        *(Column("Rows"), Column("Not watched", "%", 1)),
        *(Column("Ratio ≥ 1", "%", 1), Column("Median ratio", decimals=3), Column("Modes of the ratio")),
    ]
    caption = f"Watch ratio on {report.data_title(dataset)} by the length of the video, three groups of equal size."
    return Table(columns, rows, caption=caption)


def conclusion(report: Report, dataset: str) -> Markdown:
    """Say how many modes every group has, and how the share of whole views depends on the duration."""
    groups = _groups(report, dataset)
    found = [f"{group.name.lower()} videos {len(_modes(group))}" for group in groups]
    several = sum(len(_modes(group)) > 1 for group in groups)
    shares = [float(np.mean(group.ratio >= 1)) for group in groups]
    falling = all(first > second for first, second in pairwise(shares))
    trend = "falls from short to long videos" if falling else "does not fall steadily from short to long videos"
    return Markdown(
        f"{report.data_title(dataset)}, number of modes of the watch ratio: {', '.join(found)}; {several} of "
        f"{len(groups)} groups have more than one. The share of rows with a watch ratio of 1 or more {trend}: "
        f"{', '.join(map(percent, shares))}."
    )


def _groups(report: Report, dataset: str) -> list[DurationGroup]:
    return duration_groups(report.interactions(dataset, ["duration", "watch_time"]), LENGTHS)


def _histogram(group: DurationGroup) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return bin edges and counts of the rows that were watched at all, up to the largest ratio shown."""
    edges = np.linspace(0, LARGEST, round(LARGEST / BIN) + 1)
    return edges, np.histogram(group.ratio[group.ratio > 0], edges)[0].astype(np.int64)


def _modes(group: DurationGroup) -> list[float]:
    edges, counts = _histogram(group)
    return [float(edges[place]) + BIN / 2 for place in modes(counts)]


def _caption(report: Report, dataset: str, groups: list[DurationGroup]) -> str:
    zero = ", ".join(f"{group.name.lower()} {percent(float(np.mean(group.ratio == 0)))}" for group in groups)
    beyond = max(float(np.mean(group.ratio > LARGEST)) for group in groups)
    return (
        f"Watch ratio on {report.data_title(dataset)}, three groups of equal size by duration, bins of {BIN:g}, on a "
        f"logarithmic scale. A triangle marks a mode: a bin that exceeds the lowest count on the way to every higher "
        f"bin by more than {STANDARD_ERRORS:g} standard errors of the difference. Rows that were not watched at all "
        f"are not drawn ({zero}), nor are ratios above {LARGEST:g} (at most {percent(beyond)} of a group)."
    )
