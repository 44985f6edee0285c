"""Distances of the watch ratio between the periods of a log: drawn, in numbers, and how to read them."""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from watchtime.analyses.watch_ratio_stability import LEAST_ROWS, SPLITS, WEEKS_FROM
from watchtime.reporting.elements.alignment import round_number
from watchtime.reporting.elements.figures import PALETTE, figure, show
from watchtime.reporting.elements.tables import Column, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.elements.words import percent
from watchtime.reporting.report import Report

DISTANCES = {"wasserstein": "Wasserstein distance", "kolmogorov": "KS distance"}
LEVEL = 0.05
"""Of the tests; and the share of splits whose halves are further apart than what no drift looks like."""
HALVES = "Halves"


def reading() -> Markdown:
    """Say what distances, halves and p-values tell."""
    lines = (
        "**Distances come first.** Wasserstein: by how much watch ratios would have to be moved on average, in lengths "
        "of the video. KS, Kolmogorov and Smirnov's statistic: the largest difference between the shares of rows with "
        "at most some ratio. Both say how much has changed, however many rows there are.",
        f"**Halves are what no drift looks like.** The users of the first period are split at random into two halves "
        f"{SPLITS} times, and the same distance is taken between both. By chance alone, samples of n and m rows lie "
        "apart in proportion to √(1/n + 1/m), so the distances of halves are brought to the numbers of rows of the "
        f"periods beside which they stand. What is above the {percent(1 - LEVEL, None)} quantile of its bucket's "
        f"halves is called drift; chance alone would call {percent(LEVEL, None)} so, or fewer, as periods have users "
        "in common. A distance below is no proof that there is none.",
        "**A p-value is no measure of stability.** With enough rows any tiny difference is significant; a large "
        "p-value does not prove that two distributions are equal; and the test takes rows for independent, which those "
        "of one user are not, so that it may reject too often; how often it rejects between halves, where nothing has "
        "drifted, stands below.",
    )
    return Markdown("\n".join(f"- {line}" for line in lines))


def draw(report: Report, dataset: str) -> None:
    """Draw both distances by bucket and period, beside those of halves on the same scale of colours."""
    drift, buckets = drift_beside_halves(report, dataset), report.analysis(dataset, "buckets")
    if not len(drift):
        return
    halves = _limits(scaled_halves(report, dataset))
    drawing = figure("full", 22 + 4.2 * len(buckets))
    panels = drawing.subplots(1, 2, sharey=True)
    for panel, (name, title) in zip(panels, DISTANCES.items(), strict=True):
        mesh = _draw_distances(panel, name, drift, halves, len(buckets))
        drawing.colorbar(mesh, ax=panel, location="bottom", label=title, aspect=30)
        panel.set_xlabel(f"{_unit(report, dataset).capitalize()}, against the first")
        panel.xaxis.set_label_position("top")
        panel.xaxis.tick_top()
    spans = [f"{one['low']:.1f} to {one['high']:.1f}" for one in buckets.iter_rows(named=True)]
    panels[0].set_yticks(range(len(spans)), spans)
    panels[0].set_ylabel("Duration (s)")
    show(drawing, _caption(report, dataset))


def table(report: Report, dataset: str) -> Table | Markdown:
    """Distances by period over all buckets, the halves last."""
    drift, halves = drift_beside_halves(report, dataset), scaled_halves(report, dataset)
    periods, unit = report.analysis(dataset, "periods"), _unit(report, dataset)
    if not len(drift):
        return Markdown(_nothing(report, dataset))
    rows: list[list[Value]] = []
    for period in periods.iter_rows(named=True):
        own = drift.filter(period=period["period"])
        named = [f"{unit.capitalize()} {period['period']}", period["days"], period["rows"], period["users"]]
        rows.append([*named, *_numbers(own), *(_of(own[f"{name}_is_drift"]) for name in DISTANCES), _rejected(own)])
    rows.append([f"{HALVES} of {unit} 1", None, None, None, *_numbers(halves), None, None, _rejected(halves)])
    columns = [Column("Period"), Column("Days"), Column("Rows"), Column("Users")]
    for title in ("Wasserstein", "KS"):
        columns += [Column(title, decimals=3), Column("Largest", decimals=3)]
    columns += [Column("Drift (Wasserstein)", align="right"), Column("Drift (KS)", align="right")]
    columns += [Column(f"p < {LEVEL}", align="right")]
    caption = (
        f"Distance of each {unit}'s watch ratios to those of the first on {report.data_title(dataset)}: the median and "
        f"the largest over duration buckets, of halves over buckets and splits. Drift: buckets that are further away "
        f"than the {percent(1 - LEVEL, None)} quantile of their halves, whose distances are brought to the numbers of "
        "rows of whole periods. p: Kolmogorov-Smirnov tests that reject at "
        f"{LEVEL}, as if rows were independent."
    )
    return Table(columns, rows, caption=caption)


def conclusion(report: Report, dataset: str) -> Markdown:
    """Say how large the distances are beside those of halves, where they are drift, and what the tests would say."""
    drift, halves = drift_beside_halves(report, dataset), scaled_halves(report, dataset)
    if not len(drift):
        return Markdown(_nothing(report, dataset))
    unit, periods = _unit(report, dataset), report.analysis(dataset, "periods")
    lines = []
    for name, title in DISTANCES.items():
        beyond = drift[f"{name}_is_drift"].drop_nulls()
        largest = drift.sort(name, descending=True, maintain_order=True).row(0, named=True)
        last = drift.filter(period=drift["period"].max())
        lines.append(
            f"{title} to {unit} 1: median {_three(drift[name].median())} over all buckets and later {unit}s, "
            f"{_three(last[name].median())} in the last, at most {_three(largest[name])} ({unit} {largest['period']})"
            + (
                f"; of random halves median {_three(halves[name].median())}, at most {_three(halves[name].max())}. "
                f"Above nearly all halves: {_of(beyond)} distances, of which {percent(LEVEL, None)} would be chance."
                if len(beyond)
                else "; no bucket has rows enough for halves, so that nothing says what is drift."
            )
        )
    rejected = f"The test rejects at {LEVEL} in {percent(_share(drift))} of the comparisons with {unit} 1"
    if len(halves):
        rejected += (
            f", and in {percent(_share(halves))} of those between halves, where nothing has drifted and "
            f"{percent(LEVEL, 0)} would be right if rows were independent"
        )
    lines.append(f"{rejected}.")
    lines.append(
        f"The paper reports no significant shift over eleven months; this log covers {periods['days'].sum()} days."
    )
    return Markdown(f"{escape(report.data_title(dataset))}.\n\n" + "\n".join(f"- {line}" for line in lines))


def drift_beside_halves(report: Report, dataset: str) -> pl.DataFrame:
    """Return the drift, and whether it is further than nearly all halves of its bucket would be, had they its rows.

    Where a bucket's halves have too few rows, that is null.
    """
    drift = report.analysis(dataset, "drift").join(
        _limits(scaled_halves(report, dataset)), on="bucket", how="left", maintain_order="left"
    )
    # The limits are those of as many rows on both sides as the first period has.
    rows = _chance("rows", "other_rows") / _chance("rows", "rows")
    beyond = {f"{name}_is_drift": pl.col(name) > rows * pl.col(f"{name}_limit") for name in DISTANCES}
    return drift.with_columns(**beyond)


def scaled_halves(report: Report, dataset: str) -> pl.DataFrame:
    """Return the halves with the distances that chance would give two periods with as many rows as the first."""
    whole = pl.col("rows") + pl.col("other_rows")
    scale = (2 / whole).sqrt() / _chance("rows", "other_rows")
    return report.analysis(dataset, "halves").with_columns(pl.col(name) * scale for name in DISTANCES)


def _limits(halves: pl.DataFrame) -> pl.DataFrame:
    limits = [pl.quantile(name, 1 - LEVEL, "linear").alias(f"{name}_limit") for name in DISTANCES]
    return halves.group_by("bucket").agg(*limits).sort("bucket")


def _chance(one: str, other: str) -> pl.Expr:
    """Return √(1/n + 1/m), to which distances of samples of one law are in proportion."""
    return (1 / pl.col(one) + 1 / pl.col(other)).sqrt()


def _draw_distances(panel: Any, name: str, drift: pl.DataFrame, halves: pl.DataFrame, buckets: int) -> Any:
    """Draw a row per bucket and a column per period, the halves apart, and return what the scale of colours shows."""
    periods = drift["period"].unique().sort()
    column = periods.search_sorted(drift["period"]).to_numpy()
    grid = np.full((buckets, len(periods) + 2), np.nan)
    grid[drift["bucket"], column] = drift[name]
    grid[halves["bucket"], -1] = halves[f"{name}_limit"]
    # An empty half column sets the halves apart.
    edges = [*np.arange(len(periods) + 1) - 0.5, len(periods), len(periods) + 1]
    is_drift = drift[f"{name}_is_drift"].fill_null(False).to_numpy()
    panel.plot(column[is_drift], drift["bucket"].to_numpy()[is_drift], ".", color=PALETTE["vermilion"], markersize=4)
    panel.set_xticks([*range(len(periods)), len(periods) + 0.5], [*map(str, periods), HALVES])
    shown = np.ma.masked_invalid(grid)
    return panel.pcolormesh(edges, np.arange(buckets + 1) - 0.5, shown, vmin=0, edgecolors="white", linewidth=0.2)


def _caption(report: Report, dataset: str) -> str:
    drift, unit = report.analysis(dataset, "drift"), _unit(report, dataset)
    periods, buckets = report.analysis(dataset, "periods"), report.analysis(dataset, "buckets")
    possible = len(buckets) * (len(periods) - 1)
    left_out = f" {possible - len(drift)} of {possible} are left out." if len(drift) < possible else ""
    return (
        f"Distance of the watch ratio to that of the first {unit} on {report.data_title(dataset)}, {len(buckets)} "
        f"buckets with equal numbers of rows by duration. {HALVES}: the {percent(1 - LEVEL, None)} quantile over "
        f"{SPLITS} random splits of the first {unit}'s users, as if halves had all its rows; a dot marks what is "
        f"further away than halves with as many rows would be. A log of {WEEKS_FROM} days or more is cut into weeks, "
        f"of which the last may be shorter, any other into days; a distance needs {LEAST_ROWS} rows on either "
        f"side.{left_out}"
    )


def _nothing(report: Report, dataset: str) -> str:
    periods = len(report.analysis(dataset, "periods"))
    reason = (
        f"no bucket has {LEAST_ROWS} rows in the first of its {periods} periods and in a later one"
        if periods > 1
        else "it covers no two periods"
    )
    return f"{escape(report.data_title(dataset))}: nothing can be compared, as {reason}."


def _unit(report: Report, dataset: str) -> str:
    days = report.analysis(dataset, "periods")["days"].max()
    return "week" if isinstance(days, int) and days > 1 else "day"


def _numbers(frame: pl.DataFrame) -> list[Value]:
    """Return the median and the largest of each distance."""
    return [value for name in DISTANCES for value in (frame[name].median(), frame[name].max())]  # type: ignore[misc]


def _rejected(frame: pl.DataFrame) -> str | None:
    return _of(frame["p_value"] < LEVEL)


def _of(flags: pl.Series) -> str | None:
    """Return how many are true of how many; None where there are none."""
    known = flags.drop_nulls()
    return f"{known.sum()} of {len(known)}" if len(known) else None


def _share(frame: pl.DataFrame) -> float:
    return float(np.mean(frame["p_value"].to_numpy() < LEVEL))


def _three(value: Any) -> str:
    return "–" if value is None else round_number(float(value), 3)
