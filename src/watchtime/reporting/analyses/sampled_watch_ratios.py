"""Watch ratios that vectors were drawn with beside those of the training rows: histograms, distances, conclusions."""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import polars as pl

from watchtime.reporting.elements.alignment import round_number
from watchtime.reporting.elements.figures import PALETTE, figure, show
from watchtime.reporting.elements.tables import Column, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.elements.words import percent
from watchtime.reporting.report import Report

COLUMNS = 5
HEIGHT = 36.0
"""Millimetres of one row of panels."""


def draw(report: Report, dataset: str) -> None:
    """Draw per duration bucket both histograms, and where the components of its mixture lie."""
    buckets, histograms, peaks = (report.analysis(dataset, name) for name in ("buckets", "histograms", "peaks"))
    lines = -(-len(buckets) // COLUMNS)
    drawing = figure("full", 10 + HEIGHT * lines)
    panels = drawing.subplots(lines, min(len(buckets), COLUMNS), squeeze=False)
    for panel, bucket in zip(panels.flat, buckets.iter_rows(named=True), strict=False):
        number = bucket["bucket"]
        _draw_bucket(panel, histograms.filter(bucket=number), peaks.filter(bucket=number)["mean"].to_list())
        panel.set_title(f"{_span(bucket)} s")
    for panel in panels.flat[len(buckets) :]:
        panel.set_axis_off()
    for panel in panels[:, 0]:
        panel.set_ylabel("Density")
    for panel in panels[-1]:
        panel.set_xlabel("Watch ratio")
    drawing.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    first = buckets.row(0, named=True)
    caption = (
        f"Watch ratio by duration on {report.data_title(dataset)}, each bucket up to its 99 % quantile, on a "
        f"logarithmic scale: {buckets['rows'].sum():,} training rows and what is drawn around their peaks, at most "
        f"{max(buckets['vectors'])} vectors of {first['length']} ratios per bucket. Where the line leaves the filled "
        "steps, vectors lack ratios that rows have, or have too many."
    )
    show(drawing, caption)


def table(report: Report, dataset: str) -> Table:
    """Moments of both distributions by bucket, and how far they lie apart."""
    peaks = report.analysis(dataset, "peaks").group_by("bucket").len()
    rows: list[list[Value]] = [
        [
            _span(one),
            one["rows"],
            one["len"],
            one["vectors"],
            *(one[f"{kind}_{moment}"] for moment in ("mean", "deviation") for kind in ("original", "sampled")),
            *(one[f"{name}{by}"] for name in ("wasserstein", "kolmogorov") for by in ("", "_by_chance")),
        ]
        for one in report.analysis(dataset, "buckets").join(peaks, on="bucket").sort("bucket").iter_rows(named=True)
    ]
    columns = [Column("Duration", "s", align="right"), Column("Rows"), Column("Peaks"), Column("Vectors")]
    columns += [Column("Mean", decimals=3), Column("Sampled", decimals=3)]
    columns += [Column("Deviation", decimals=3), Column("Sampled", decimals=3)]
    columns += [Column("Wasserstein", decimals=3), Column("By chance", decimals=3)]
    columns += [Column("KS", decimals=3), Column("By chance", decimals=3)]
    caption = (
        f"Original and sampled watch ratios by duration on {report.data_title(dataset)}. Wasserstein: by how much "
        "ratios would have to be moved on average; KS: the largest difference of the distribution functions. By "
        "chance: the same for as many ratios, drawn from all of the bucket, as the vectors hold."
    )
    return Table(columns, rows, caption=caption)


def conclusion(report: Report, dataset: str) -> Markdown:
    """Say how far the sampled distributions lie from the original ones, where most, and what they lack."""
    buckets = report.analysis(dataset, "buckets")
    lines = []
    for name, title in (("kolmogorov", "KS"), ("wasserstein", "Wasserstein")):
        worst = buckets.sort(name, descending=True, maintain_order=True).row(0, named=True)
        above = buckets.filter(pl.col(name) > pl.col(f"{name}_by_chance")).height
        lines.append(
            f"{title} distance: {_range(buckets[name])}, median {round_number(_median(buckets[name]), 3)}, the largest "
            f"at {_span(worst)} s; of as many ratios drawn from all of the bucket, "
            f"{_range(buckets[f'{name}_by_chance'])}. It is above chance in {above} of {len(buckets)} buckets."
        )
    narrower = buckets.filter(pl.col("sampled_deviation") < pl.col("original_deviation")).height
    kept = _median(buckets["sampled_deviation"] / buckets["original_deviation"])
    lines.append(
        f"Spread: the sampled ratios have the smaller deviation in {narrower} of {len(buckets)} buckets; the median "
        f"bucket keeps {percent(kept)} of it. A vector holds only ratios within \\|i\\| deviations of its peak."
    )
    lines.append("The paper judges by eye that the sampled distributions preserve shape and features of the original.")
    return Markdown(f"{escape(report.data_title(dataset))}.\n\n" + "\n".join(f"- {line}" for line in lines))


def _draw_bucket(panel: Any, histogram: pl.DataFrame, means: list[float]) -> None:
    edges = [*histogram["low"], histogram["high"][-1]]
    panel.stairs(histogram["original"], edges, fill=True, color=PALETTE["sky"], label="Training rows")
    panel.stairs(histogram["sampled"], edges, color=PALETTE["vermilion"], linewidth=0.9, label="Sampled vectors")
    for place, mean in enumerate(means):
        label = "Means of the mixture" if not place else None
        panel.axvline(mean, color=PALETTE["black"], linestyle="--", linewidth=0.6, label=label)
    panel.set(xlim=(0, edges[-1]), yscale="log")
    panel.tick_params(which="minor", left=False)


def _span(bucket: dict[str, Any]) -> str:
    return f"{bucket['low']:.1f} to {bucket['high']:.1f}"


def _range(values: pl.Series) -> str:
    low, high = values.min(), values.max()
    assert isinstance(low, float)
    assert isinstance(high, float)
    return f"{round_number(low, 3)} to {round_number(high, 3)}"


def _median(values: pl.Series) -> float:
    median = values.median()
    assert isinstance(median, float)
    return median
