"""Errors beside the distance from the ideal centre: five panels for each method, numbers, and what they say."""

# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from watchtime.reporting.elements.figures import PALETTE, figure, show
from watchtime.reporting.elements.tables import Cell, Column, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.elements.words import percent
from watchtime.reporting.measured.repetitions import Values, by_repetition, differences, mean
from watchtime.reporting.report import Report

GROUPS = ("[0, 0.1)", "[1, 1.1)", "[2, 2.1)")
_LOOKS = (("blue", "o"), ("orange", "s"), ("green", "^"))
_PANELS = ("error", "near", "far 0", "far 1", "far 2")
_LARGE = (0.3, 1.0)
"""Errors from which to which colours get darker."""
_MEASURES = {"spearman": "Spearman", "pearson": "Pearson", "silhouette": "Silhouette", "inactive": "Not above 0"}


def draw(report: Report, dataset: str) -> None:
    """Draw the five panels of the published figure, one line of them for each method."""
    points = report.analysis(dataset, "points")
    rows = list(report.jobs(dataset))
    drawing = figure("full", 8 + 40 * len(rows))
    grid = drawing.subplots(len(rows), len(_PANELS), squeeze=False, width_ratios=[1.5, 1, 1, 1, 1])
    for line, row in zip(grid, rows, strict=True):
        own = points.filter(row=row)
        _draw_errors(line[0], own.filter(panel="error"))
        line[0].set_title(report.artifact.rows[row].title, loc="left")
        _draw_groups(line[1], own.filter(panel="near"))
        for number, panel in enumerate(line[2:]):
            _draw_large(panel, own.filter(panel="far", group=number), GROUPS[number])
    bar = drawing.colorbar(ScalarMappable(Normalize(*_LARGE), "cividis_r"), ax=grid[:, -1].tolist(), extend="max")
    bar.set_label("Error (c, d, e)")
    bar.outline.set_visible(False)
    handles = grid[0, 0].get_legend_handles_labels()[0]
    drawing.legend(handles=handles, title="Watch ratio", loc="outside upper center", ncols=len(handles) + 1)
    show(drawing, _caption(report, dataset))


def table(report: Report, dataset: str) -> Table:
    """How error and distance go together, how groups part, and how many rows the output cuts off."""
    measured = _measured(report, dataset)
    rows: list[Sequence[Cell | Value]] = [
        [report.artifact.rows[row].title, *(mean(one) for one in own.values())] for row, own in measured.items()
    ]
    columns = [Column("Method"), *(Column(title, decimals=3) for title in list(_MEASURES.values())[:-1])]
    caption = (
        f"Means over repetitions with 95 % intervals on the test rows of {report.data_title(dataset)}. Correlations "
        "of the error of the watch ratio with the distance ‖f(x) − centre‖, over all three groups. Silhouette: how "
        "well the groups part among rows with an error below 0.3, in the space of f(x), by a sample; 1 where they lie "
        "apart, 0 or less where they are mixed. Not above 0: test rows, of any watch ratio, that the paper's ReLU "
        "would cut off; it finds 1 to 2 % of its training rows."
    )
    return Table([*columns, Column(_MEASURES["inactive"], "%", 2)], rows, caption=caption)


def groups(report: Report, dataset: str) -> Table:
    """The rows of each group, those that make its centre, and those with a large error."""
    frame, rows = report.analysis(dataset, "groups"), list[list[Value]]()
    shares = frame.with_columns(pl.col("large") / pl.when(pl.col("rows") > 0).then("rows") * 100)
    for row in report.jobs(dataset):
        for number, title in enumerate(GROUPS):
            own = shares.filter(row=row, group=number)
            values: list[Value] = [mean(by_repetition(own, name)) for name in ("large", "distance", "spearman")]
            central = mean(by_repetition(own, "central"))
            rows.append([report.artifact.rows[row].title, title, own["rows"][0], central, *values])
    columns = [Column("Method"), Column("Watch ratio"), Column("Rows"), Column("Of the centre", decimals=1)]
    columns += [Column("Error > 0.3", "%", 1), Column("Distance", decimals=3), Column("Spearman", decimals=3)]
    caption = (
        f"The three groups of test rows of {report.data_title(dataset)}, means over repetitions with 95 % intervals. "
        "Of the centre: rows with an error below 0.01, whose mean f(x) is the centre; where there is none, the group "
        "has no centre. Distances have each method's own scale. Spearman: of error and distance inside the group."
    )
    return Table(columns, rows, caption=caption)


def conclusion(report: Report, dataset: str) -> Markdown:
    """Set signs and sizes of what was measured beside what the paper reads off its figures."""
    measured, lines = _measured(report, dataset), list[str]()
    for row, own in measured.items():
        title = escape(report.artifact.rows[row].title)
        if own["spearman"]:
            positive = sum(value > 0 for value in own["spearman"].values())
            lines.append(
                f"{title}: error and distance correlate by {_average(own['spearman']):.3f} (Spearman) and "
                f"{_average(own['pearson']):.3f} (Pearson), positively in {positive} of {len(own['spearman'])} "
                "repetitions; the paper says positively."
            )
        inactive = percent(_average(own["inactive"]) / 100, 2)
        lines.append(
            f"{title}: the prediction of {inactive} of the test rows is not above 0; the paper: 1 to 2\u00a0%."
        )
    lines += _without_centre(report, dataset)
    lines += _compared(report, measured)
    return Markdown(f"{escape(report.data_title(dataset))}.\n\n" + "\n".join(f"- {line}" for line in lines))


def _compared(report: Report, measured: dict[str, dict[str, Values]]) -> list[str]:
    """Say of which of two methods groups part better."""
    if len(measured) != 2:
        return []
    (first, one), (second, other) = measured.items()
    (found,) = differences([(other["silhouette"], one["silhouette"])], "higher")
    if found is None:
        return []
    titles = [escape(report.artifact.rows[row].title) for row in (second, first)]
    return [
        f"Silhouette of {titles[0]} − {titles[1]}: {found.said(3)}, {found.word}. The paper sees clear clusters of "
        f"rows with small errors for {titles[0]}, and mixed ones for {titles[1]}."
    ]


def _without_centre(report: Report, dataset: str) -> list[str]:
    empty = report.analysis(dataset, "groups").filter(central=0)
    titles = {row: escape(one.title) for row, one in report.artifact.rows.items()}
    return [
        f"{titles[row]}: no row of the watch ratio {escape(GROUPS[number])} has an error below 0.01 in {many} "
        f"{'repetition' if many == 1 else 'repetitions'}, so that the group has no centre there."
        for row, number, many in empty.group_by("row", "group", maintain_order=True).len().rows()
    ]


def _measured(report: Report, dataset: str) -> dict[str, dict[str, Values]]:
    frame = report.analysis(dataset, "methods").with_columns(pl.col("inactive") * 100)
    rows = {row: frame.filter(row=row) for row in report.jobs(dataset)}
    return {row: {name: by_repetition(own, name) for name in _MEASURES} for row, own in rows.items()}


def _average(values: Values) -> float:
    return sum(values.values()) / len(values)


def _draw_errors(panel: Any, points: pl.DataFrame) -> None:
    for number, (colour, marker) in enumerate(_LOOKS):
        own = points.filter(group=number)
        look = {"s": 5, "linewidths": 0, "alpha": 0.6, "marker": marker, "label": GROUPS[number]}
        panel.scatter(own["x"], own["y"], color=PALETTE[colour], **look)
    panel.set(xlabel="Distance (a)", ylabel="Error", xlim=(0, None), ylim=(0, None))
    if not len(points):
        _say_empty(panel)


def _draw_groups(panel: Any, points: pl.DataFrame) -> None:
    for number, (colour, marker) in enumerate(_LOOKS):
        own = points.filter(group=number)
        panel.scatter(own["x"], own["y"], s=5, linewidths=0, alpha=0.6, color=PALETTE[colour], marker=marker)
    _bare(panel, "Error < 0.3 (b)")
    if not len(points):
        _say_empty(panel)


def _draw_large(panel: Any, points: pl.DataFrame, title: str) -> None:
    rows, centre = points.filter(pl.col("error").is_not_null()), points.filter(pl.col("error").is_null())
    place = "cde"[GROUPS.index(title)]
    shades = {"cmap": "cividis_r", "vmin": _LARGE[0], "vmax": _LARGE[1]}
    panel.scatter(rows["x"], rows["y"], c=rows["error"], s=5, linewidths=0, **shades)
    panel.scatter(centre["x"], centre["y"], s=30, marker="*", color=PALETTE["vermilion"], linewidths=0)
    _bare(panel, f"{title} ({place})")
    if not len(centre):
        _say_empty(panel)


def _bare(panel: Any, title: str) -> None:
    panel.set(xticks=[], yticks=[], xlabel=title)
    for side in ("left", "bottom"):
        panel.spines[side].set_visible(False)


def _say_empty(panel: Any) -> None:
    panel.text(0.5, 0.5, "no centre", ha="center", va="center", transform=panel.transAxes)


def _caption(report: Report, dataset: str) -> str:
    points = report.analysis(dataset, "points")
    return (
        f"Test rows of {report.data_title(dataset)} with a watch ratio in one of three ranges, first repetition, a "
        f"random sample of {len(points):,} points in all. (a) Error of the watch ratio over the distance of f(x) from "
        "the centre of its group. (b) t-SNE of f(x), rows with an error below 0.3. (c, d, e) t-SNE of the rows of "
        "each group with an error above 0.3, and the centre (star). Each panel of t-SNE is its own projection: "
        "positions cannot be compared between them, and far distances mean little."
    )
