"""The watch ratio by the duration of the video: its distribution function in every duration bucket."""

# mypy: allow-untyped-calls

from __future__ import annotations

import numpy as np

from watchtime.reporting.data.duration_groups import DurationGroup, Floats, duration_groups
from watchtime.reporting.elements.figures import figure, show
from watchtime.reporting.elements.words import percent
from watchtime.reporting.report import Report

LARGEST = 2.0
STEPS = 400


def draw(report: Report, dataset: str) -> None:
    """Draw, for every duration bucket, the share of rows with at most a watch ratio."""
    if not report.has_ratio(dataset):
        return
    ratios = np.linspace(0, LARGEST, STEPS + 1)
    drawing = figure("full", 62)
    panel = drawing.subplots()
    groups = buckets(report, dataset)
    for group in groups:
        panel.plot(ratios, 100 * at_most(group.ratio, ratios), label=f"{group.span} s")
    panel.set(xlabel="Watch ratio", ylabel="Rows with at most this ratio (%)", xlim=(0, LARGEST), ylim=(0, 100))
    drawing.legend(*panel.get_legend_handles_labels(), loc="outside right upper", title="Duration")
    show(drawing, _caption(report, dataset, groups))


def buckets(report: Report, dataset: str) -> list[DurationGroup]:
    """Return the rows in the duration buckets of the data set, which are numbered from 1."""
    names = [str(place + 1) for place in range(report.card(dataset).duration_buckets)]
    return duration_groups(report.interactions(dataset, ["duration", "watch_time"]), names)


def at_most(values: Floats, limits: Floats) -> Floats:
    """Return the share of values that are at most each limit."""
    return np.searchsorted(np.sort(values), limits, side="right") / len(values)


def _caption(report: Report, dataset: str, groups: list[DurationGroup]) -> str:
    beyond = max(float(np.mean(group.ratio > LARGEST)) for group in groups)
    return (
        f"Watch ratio on {report.data_title(dataset)} in {len(groups)} duration buckets of equal size. Each line "
        "begins at the share of rows that were not watched at all; a step is a ratio that many rows have. At most "
        f"{percent(beyond)} of a bucket lie above {LARGEST:g}."
    )
