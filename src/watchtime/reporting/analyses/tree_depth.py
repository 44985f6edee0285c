"""Errors, order and learned depth over the depth of the global tree: drawn, in numbers, and with and without TSL."""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import polars as pl

from watchtime.reporting.elements.figures import PALETTE, figure, show
from watchtime.reporting.elements.tables import Cell, Column, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.measured.repetitions import (
    Difference,
    by_repetition,
    differences,
    draw_means,
    levels_where,
    mean,
)
from watchtime.reporting.published.cells import read_published
from watchtime.reporting.report import Report

SCORES = {"mae": ("MAE", "lower"), "xauc": ("XAUC", "higher")}
LEARNED = {"depth_reached": "Depth reached", "depth_tree": "Depth of trees"}
WAYS = {True: ("PTPM", "vermilion", "o"), False: ("PTPM w/o TSL", "blue", "s")}
PUBLISHED_FROM = 6
"""The paper prints one learned depth for all global trees that are at least so deep."""


def draw(report: Report, dataset: str) -> None:
    """Draw MAE, XAUC and the learned depth over the depth of the global tree."""
    depths = report.analysis(dataset, "depths")
    drawing = figure("full", 62)
    panels = drawing.subplots(1, 3)
    for panel, (name, (title, _)) in zip(panels, SCORES.items(), strict=False):
        for learned, (way, colour, marker) in WAYS.items():
            _draw_means(panel, depths.filter(learned=learned), name, label=way, color=PALETTE[colour], marker=marker)
        unit = report.unit(dataset, report.artifact.task) if name == "mae" else None
        panel.set_ylabel(f"{title} ({unit})" if unit else title)
    for (name, title), marker in zip(LEARNED.items(), "o^", strict=True):
        colour = PALETTE["vermilion" if marker == "o" else "purple"]
        _draw_means(panels[2], depths.filter(learned=True), name, label=title, color=colour, marker=marker)
    whole = depths["depth"].unique().sort()
    panels[2].plot(whole, whole, color=PALETTE["black"], linestyle=":", linewidth=0.8, label="Global tree")
    if (printed := published(report, dataset)) and len(beyond := whole.filter(whole >= PUBLISHED_FROM)):
        panels[2].plot(beyond, [printed] * len(beyond), color=PALETTE["black"], linestyle="--", label="Paper")
    panels[2].set_ylabel("Mean learned depth")
    for panel in panels:
        panel.set_xlabel("Depth of the global tree")
        panel.set_xticks(whole)
    named = [handle for panel in (panels[0], panels[2]) for handle in panel.get_legend_handles_labels()[0]]
    drawing.legend(handles=named, loc="outside upper center", ncols=len(named))
    caption = (
        f"Means over repetitions with 95 % intervals on {report.data_title(dataset)}. Left and middle: MAE and strict "
        "XAUC of the first readout. Right: the mean depth on the test rows of the learned trees, whose leaves are "
        "weighed by the probability to reach them, or all alike; dotted: nothing pruned."
    )
    show(drawing, caption)


def table(report: Report, dataset: str) -> Table:
    """Every depth with and without TSL, the difference, and the learned depths."""
    depths = report.analysis(dataset, "depths")
    gains = {name: _gains(depths, name) for name in SCORES}
    rows: list[list[Cell | Value]] = []
    for depth in depths["depth"].unique().sort():
        here = depths.filter(depth=depth)
        cells: list[Cell | Value] = [depth]
        for name in SCORES:
            cells += [mean(by_repetition(here.filter(learned=learned), name)) for learned in WAYS]
            gain = gains[name].get(depth)
            cells.append(gain.cell() if gain else None)
        learned = here.filter(learned=True)
        rows.append([*cells, *(mean(by_repetition(learned, name)) for name in LEARNED)])
    unit = report.unit(dataset, report.artifact.task)
    columns = [Column("Depth"), Column("MAE", unit, 3), Column("w/o TSL", unit, 3), Column("Difference", unit, 3)]
    columns += [Column("XAUC", decimals=4), Column("w/o TSL", decimals=4), Column("Difference", decimals=4)]
    columns += [Column(title, decimals=2) for title in LEARNED.values()]
    caption = (
        f"PTPM by the depth of the global tree on {report.data_title(dataset)}, means over repetitions with 95 % "
        "intervals; differences, PTPM − w/o TSL, are paired over repetitions. Bold: significant after Holm's "
        "correction over the column. Depth reached: E[depth of a row's leaf]; depth of trees: all leaves alike."
    )
    return Table(columns, rows, caption=caption)


def conclusion(report: Report, dataset: str) -> Markdown:
    """Set what was found beside the paper's claims: better at every depth, better with depth, trees of one depth."""
    depths = report.analysis(dataset, "depths")
    lines = []
    for name, (title, _) in SCORES.items():
        gains = _gains(depths, name)
        if gains:
            lines.append(
                f"{title} at {len(gains)} depths: with TSL significantly better than without at "
                f"{levels_where(gains, 'better')}; worse at {levels_where(gains, 'worse')}."
            )
    deep = depths.filter(pl.col("learned") & (pl.col("depth") >= PUBLISHED_FROM))
    if len(deep):
        found = ", ".join(
            f"{one['depth_reached']:.2f} reached and {one['depth_tree']:.2f} in trees at depth {one['depth']}"
            for one in deep.group_by("depth").agg(pl.mean(*LEARNED)).sort("depth").to_dicts()
        )
        printed = published(report, dataset)
        lines.append(f"Mean learned depth: {found}" + (f"; the paper says about {printed:g}." if printed else "."))
    lines.append("The paper finds PTPM better at every depth, and its gain from a deeper global tree ever smaller.")
    return Markdown(f"{escape(report.data_title(dataset))}.\n\n" + "\n".join(f"- {line}" for line in lines))


def published(report: Report, dataset: str) -> float | None:
    """Return the learned depth that the paper prints."""
    cells = read_published(report.plan.published_files)
    printed = (cell.value for cell in cells if (cell.name, cell.dataset) == (report.name, dataset))
    return next(printed, None)


def _draw_means(panel: Any, depths: pl.DataFrame, name: str, **look: Any) -> None:
    levels = depths["depth"].unique().sort()
    draw_means(panel, {depth: by_repetition(depths.filter(depth=depth), name) for depth in levels}, **look)


def _gains(depths: pl.DataFrame, name: str) -> dict[int, Difference]:
    """Return PTPM minus PTPM without TSL by depth, where both ran."""
    levels = depths["depth"].unique().sort().to_list()
    both = [[depths.filter(depth=depth, learned=learned) for learned in WAYS] for depth in levels]
    pairs = [(by_repetition(ours, name), by_repetition(other, name)) for ours, other in both]
    found = zip(levels, differences(pairs, SCORES[name][1]), strict=True)
    return {depth: one for depth, one in found if one}
