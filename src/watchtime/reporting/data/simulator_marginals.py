"""The simulated KuaiRand-Pure beside the marginals of the real one that the simulator knows."""

# mypy: allow-untyped-calls

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from watchtime.core.plan import SIMULATOR_FITTED_TO
from watchtime.datasets.simulator import tables
from watchtime.reporting.data import real_marginals
from watchtime.reporting.data.marginals import (
    DURATION_EDGES,
    Floats,
    Stored,
    bucket_titles,
    in_buckets,
    relative_counts,
)
from watchtime.reporting.elements.figures import PALETTE, figure, show
from watchtime.reporting.elements.tables import Column, Table, Value
from watchtime.reporting.elements.text import Markdown
from watchtime.reporting.report import Report

LARGEST_RATIO = 2.0
CRITICAL = 1.358
"""A sample of n draws from its own distribution is further from it than this / √n in 5 of 100 cases."""


@dataclass(frozen=True)
class Marginal:
    """One number of the log: its stored real distribution and the values of the simulated log."""

    title: str
    unit: str
    real: Stored
    simulated: Floats
    scale: Literal["linear", "log"] = "log"


def opening(report: Report) -> Markdown:
    """Return the paragraphs with which the page begins."""
    simulator = report.plan.config.datasets[SIMULATOR_FITTED_TO].simulator
    return Markdown(
        "**Question.** How close is the simulated log to a real one?\n\n"
        "**Data.** Real: quantiles and shares of KuaiRand-Pure's standard-policy log of 2022-04-25 to 2022-05-04 (Gao "
        "et al., CC BY-SA 4.0), stored with the project; no row of it is. Simulated: the standard-policy log of this "
        f"run, seed {simulator.seed}, {simulator.rows:,} rows, {simulator.users:,} users, {simulator.items:,} videos, "
        f"{simulator.days} days, after the row rules. A simulated log is smaller, so its users and videos have other "
        "numbers of rows; both are shown over their mean."
    )


def draw(report: Report) -> None:
    """Draw the distribution functions of both logs, and the share of rows that were not watched at all."""
    frame = _frame(report)
    shown, (_, simulated) = marginals(frame), zero_shares(frame)
    drawing = figure("full", 95)
    panels = drawing.subplots(2, 4).flatten()
    order = [*panels[:3], *panels[4:]]
    for panel, marginal in zip(order, shown, strict=True):
        _curves(panel, marginal)
    _zero_panel(panels[3], simulated)
    panels[0].set_ylabel("Share at most (%)")
    panels[4].set_ylabel("Share at most (%)")
    drawing.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    show(
        drawing,
        "Real and simulated KuaiRand-Pure. Above: the duration of the videos, every video once; rows per user and per "
        "video over their mean; the share of rows that were not watched at all, by the duration of the video. Below: "
        "the watch ratio of the rows that were watched, in four duration buckets.",
    )


def marginals(frame: pl.DataFrame) -> list[Marginal]:
    """Return the marginals of rows with user, item, duration and watch time beside the real ones."""
    levels = np.asarray(tables.TAIL_LEVELS)
    watched = frame.filter(pl.col("watch_time") > 0)
    durations = frame.unique("item", keep="first", maintain_order=True)["duration"].to_numpy()
    ratios = in_buckets(watched["duration"].to_numpy(), (watched["watch_time"] / watched["duration"]).to_numpy())
    numbers = [
        Marginal("Duration", "s", Stored(levels, np.asarray(tables.DURATION_MS) / 1000), durations),
        Marginal("Rows per user", "mean", _stored(tables.USER_ACTIVITY), relative_counts(frame["user"])),
        Marginal("Rows per video", "mean", _stored(tables.ITEM_POPULARITY), relative_counts(frame["item"])),
    ]
    return numbers + [
        Marginal(f"Watch ratio, {title}", "", _stored(real), simulated, "linear")
        for title, real, simulated in zip(bucket_titles(), real_marginals.RATIOS, ratios, strict=True)
    ]


def zero_shares(frame: pl.DataFrame) -> tuple[list[float], list[float]]:
    """Return, per duration bucket, the share of all rows that are in it, and of its rows those not watched at all."""
    buckets = in_buckets(frame["duration"].to_numpy(), frame["watch_time"].to_numpy())
    inside = [len(one) / frame.height for one in buckets]
    return inside, [float(np.mean(one == 0)) if len(one) else float("nan") for one in buckets]


def distances(report: Report) -> Table:
    """How far the simulated marginals are from the real ones."""
    rows: list[list[Value]] = [
        [
            marginal.title,
            len(marginal.simulated),
            float(np.interp(0.5, marginal.real.levels, marginal.real.knots)),
            float(np.median(marginal.simulated)),
            marginal.real.distance(marginal.simulated),
            CRITICAL / np.sqrt(len(marginal.simulated)),
        ]
        for marginal in marginals(_frame(report))
        if len(marginal.simulated)
    ]
    columns = [Column("Marginal"), Column("Simulated values"), Column("Real median", decimals=3)]
    columns += [Column("Simulated median", decimals=3), Column("Distance", decimals=3), Column("By chance", decimals=3)]
    caption = (
        "Kolmogorov–Smirnov distance, the largest difference of the two distribution functions. By chance: what as "
        "many independent draws from the real distribution exceed in 5 of 100 cases. The real distributions are stored "
        "at 37 levels, so where many rows have one value, distances below 0.03 say nothing."
    )
    return Table(columns, rows, caption=caption)


def zeros(report: Report) -> Table:
    """The shares of the duration buckets and of their rows that were not watched."""
    inside, unwatched = zero_shares(_frame(report))
    total = sum(real_marginals.ROWS)
    rows: list[list[Value]] = [
        [title, 100 * real / total, 100 * ours, 100 * real_zero, 100 * our_zero, 100 * (our_zero - real_zero)]
        for title, real, ours, real_zero, our_zero in zip(
            bucket_titles(), real_marginals.ROWS, inside, real_marginals.ZERO_SHARES, unwatched, strict=True
        )
    ]
    columns = [Column("Duration"), Column("Rows, real", "%", 1), Column("Rows, simulated", "%", 1)]
    columns += [Column("Not watched, real", "%", 1), Column("Not watched, simulated", "%", 1)]
    caption = "The duration buckets: their share of all rows, and which of their rows were not watched at all."
    return Table([*columns, Column("Difference", "%", 1)], rows, caption=caption)


def _frame(report: Report) -> pl.DataFrame:
    rows = report.interactions(SIMULATOR_FITTED_TO, ["user", "item", "duration", "watch_time"])
    return rows.filter(pl.col("duration") > 0)


def _stored(knots: Any) -> Stored:
    return Stored(np.asarray(tables.TAIL_LEVELS), np.asarray(knots, dtype=np.float64))


def _curves(panel: Any, marginal: Marginal) -> None:
    knots = marginal.real.knots
    if marginal.scale == "log":
        places = np.geomspace(knots[0] / 1.2, knots[-1] * 1.2, 400)
    else:
        places = np.linspace(0, LARGEST_RATIO, 400)
    ordered = np.sort(marginal.simulated)
    ours = np.searchsorted(ordered, places, side="right") / max(len(ordered), 1)
    panel.plot(places, 100 * marginal.real.share(places), color=PALETTE["blue"], linestyle="-", label="real")
    panel.plot(places, 100 * ours, color=PALETTE["vermilion"], linestyle="--", label="simulated")
    unit = {"s": " (s)", "mean": " / mean"}.get(marginal.unit, "")
    panel.set(xscale=marginal.scale, xlim=(places[0], places[-1]), ylim=(0, 100))
    if marginal.unit:
        panel.set(xlabel=f"{marginal.title}{unit}")
    else:
        panel.set(xlabel="Watch ratio", title=marginal.title.removeprefix("Watch ratio, "))


def _zero_panel(panel: Any, simulated: list[float]) -> None:
    places = np.arange(len(simulated))
    for shares, colour, marker in ((real_marginals.ZERO_SHARES, "blue", "o"), (simulated, "vermilion", "s")):
        panel.plot(places, 100 * np.asarray(shares), color=PALETTE[colour], marker=marker, linestyle="")
    panel.set(xlabel="Duration up to (s)", ylabel="Not watched (%)", ylim=(0, None))
    panel.set_xticks(places, [f"{edge:g}" for edge in DURATION_EDGES[1:-1]] + ["∞"])
