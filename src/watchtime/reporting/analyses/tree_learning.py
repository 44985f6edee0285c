"""What learning trees costs and what it brings: parameters, operations, and learning curves of three ways."""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import polars as pl
from matplotlib.ticker import EngFormatter

from watchtime.reporting.elements.figures import PALETTE, figure, show
from watchtime.reporting.elements.tables import Cell, Column, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.elements.words import percent
from watchtime.reporting.measured.repetitions import Values, by_repetition, differences, mean
from watchtime.reporting.report import Report

LINES = {"learned": "TSL", "search": "Subtree search", "random": "Random pruning"}
COLOURS = {"learned": "vermilion", "search": "blue", "random": "green"}
COSTS = {"parameters": "Parameters", "flops": "Operations per row"}

_SHORT = EngFormatter(places=1, sep="")


def draw(report: Report, dataset: str) -> None:
    """Draw the costs of both networks, and the lowest error so far over the rows that training has visited."""
    drawing = figure("full", 66)
    panels = drawing.subplot_mosaic([[*COSTS, "curves"]], width_ratios=[1, 1, 4])
    costs, curves = report.analysis(dataset, "costs"), report.analysis(dataset, "curves")
    for name, title in COSTS.items():
        bars = panels[name].bar(_titles(report, costs), costs[name], color=[PALETTE["sky"], PALETTE["vermilion"]])
        panels[name].bar_label(bars, [_SHORT(value) for value in costs[name]])
        panels[name].set(title=title, yticks=[])
        panels[name].spines["left"].set_visible(False)
    for line in LINES:
        _draw_line(panels["curves"], curves.filter(line=line), line)
    panels["curves"].set(xlabel="Training rows visited", ylabel=f"Lowest MAE so far{_unit(report, dataset)}")
    panels["curves"].set_xlim(0)
    panels["curves"].xaxis.set_major_formatter(EngFormatter(sep=""))
    panels["curves"].legend()
    caption = (
        f"Left: size and cost of TPM and PTPM with 64 leaves on {report.data_title(dataset)}. Right: the lowest MAE on "
        "validation rows so far over the training rows of all epochs up to there; thin lines are repetitions, thick "
        "ones their mean. A training that has ended keeps its lowest error. Dots: the search has trained another tree."
    )
    show(drawing, caption)


def costs(report: Report, dataset: str) -> Table:
    """The size of both networks and what a prediction takes."""
    frame = report.analysis(dataset, "costs")
    rows: list[list[Value]] = []
    for title, numbers in zip(_titles(report, frame), frame.select(*COSTS).rows(), strict=True):
        first = frame.select(*COSTS).row(0)
        more = [100 * (one / least - 1) if rows else None for one, least in zip(numbers, first, strict=True)]
        rows.append([title, numbers[0], more[0], numbers[1], more[1]])
    columns = [Column("Method"), Column("Parameters"), Column("More than TPM", "%", 2)]
    columns += [Column("Operations per row"), Column("More than TPM", "%", 2)]
    caption = (
        "Trained numbers, embeddings among them, and the floating-point operations of the network's products for one "
        "prediction. PTPM has a pruning logit beside every classifier but the root's."
    )
    return Table(columns, rows, caption=caption)


def ways(report: Report, dataset: str) -> Table:
    """How many rows each way visits, how low its error gets, and when."""
    curves = report.analysis(dataset, "curves")
    facts = {line: _facts(curves, line) for line in _lines(curves)}
    rows: list[list[Cell | Value]] = []
    for line, one in facts.items():
        trees = curves.filter(line=line)["row"].n_unique() if line == "search" else None
        visits = [_mean(one[name]) for name in ("visits", "after", "reached")]
        rows.append([LINES[line], trees, visits[0], mean(one["lowest"]), visits[1], visits[2], len(one["reached"])])
    columns = [Column("Way"), Column("Trees tried"), Column("Visits", "rows", 0)]
    columns += [Column("Lowest MAE", report.unit(dataset, report.artifact.task), 4), Column("After", "rows", 0)]
    columns += [Column("As low as the search after", "rows", 0), Column("In repetitions")]
    caption = (
        f"Three ways to choose a tree on {report.data_title(dataset)}, means over repetitions: the training rows that "
        "all epochs visit, the lowest MAE on validation rows with its 95 % interval and the visits after which it is "
        "reached, and the visits after which the error is as low as the search's lowest one, over the repetitions in "
        "which it gets so low. TSL prunes every row's tree, random pruning while training alone."
    )
    return Table(columns, rows, caption=caption)


def conclusion(report: Report, dataset: str) -> Markdown:
    """Set costs and learning curves beside what the paper says of them."""
    frame, curves = report.analysis(dataset, "costs"), report.analysis(dataset, "curves")
    lines = []
    if len(frame) == 2:
        more = [percent(frame[name][1] / frame[name][0] - 1, 2) for name in COSTS]
        lines.append(
            f"PTPM has {more[0]} more parameters than TPM and takes {more[1]} more operations per row. The paper finds "
            "both almost equal."
        )
    facts = {line: _facts(curves, line) for line in _lines(curves)}
    if "learned" in facts:
        others = [line for line in facts if line != "learned"]
        pairs = [(facts["learned"]["lowest"], facts[line]["lowest"]) for line in others]
        for line, one in zip(others, differences(pairs, "lower"), strict=True):
            if one:
                said = f"{one.said(4)}{_unit(report, dataset, ' {}')}"
                lines.append(f"Lowest MAE of TSL − {LINES[line].lower()}: {said}, {one.word}.")
    if "search" in facts and "learned" in facts:
        reached, whole = facts["learned"]["reached"], facts["search"]["visits"]
        said = f"TSL gets as low as the search in {len(reached)} of {len(whole)} repetitions"
        if reached:
            said += f", there after {percent(sum(reached.values()) / sum(whole[one] for one in reached))} of its visits"
        lines.append(f"{said}.")
    lines.append("The paper finds that TSL converges significantly faster and ends better.")
    return Markdown(f"{escape(report.data_title(dataset))}.\n\n" + "\n".join(f"- {line}" for line in lines))


def _draw_line(panel: Any, curves: pl.DataFrame, line: str) -> None:
    if not len(curves):
        return
    wide = curves.pivot("repetition", index="visits", values="lowest").sort("visits").select(pl.all().forward_fill())
    numbers = wide.drop("visits")
    for name in numbers.columns:
        panel.plot(wide["visits"], numbers[name], color=PALETTE[COLOURS[line]], linestyle="-", linewidth=0.4, alpha=0.5)
    means = numbers.mean_horizontal()
    panel.plot(wide["visits"], means, color=PALETTE[COLOURS[line]], linestyle="-", linewidth=1.6, label=LINES[line])
    if line == "search":
        last = curves.group_by("row", "repetition").agg(pl.max("visits"))["visits"].unique()
        ends = wide["visits"].is_in(last.implode())
        panel.plot(wide["visits"].filter(ends), means.filter(ends), "o", color=PALETTE[COLOURS[line]])


def _facts(curves: pl.DataFrame, line: str) -> dict[str, Values]:
    """Return per repetition: all ``visits``, the ``lowest`` error, and the visits ``after`` which it is reached.

    ``reached``: the visits after which the error is at most the lowest one of the search, if it ever is.
    """
    ends = curves.group_by("line", "repetition").agg(pl.min("lowest")).sort("repetition")
    own = curves.filter(line=line).join(ends.filter(line=line), on="repetition", suffix="_end")
    search = ends.filter(line="search").select("repetition", goal="lowest")
    visits = own.group_by("repetition").agg(pl.max("visits"))
    after = own.filter(pl.col("lowest") <= pl.col("lowest_end")).group_by("repetition").agg(pl.min("visits"))
    reached = own.join(search, on="repetition").filter(pl.col("lowest") <= pl.col("goal"))
    return {
        "visits": by_repetition(visits, "visits"),
        "lowest": by_repetition(ends.filter(line=line), "lowest"),
        "after": by_repetition(after, "visits"),
        "reached": by_repetition(reached.group_by("repetition").agg(pl.min("visits")), "visits"),
    }


def _lines(curves: pl.DataFrame) -> list[str]:
    return [line for line in LINES if line in curves["line"]]


def _mean(values: Values) -> float | None:
    return sum(values.values()) / len(values) if values else None


def _titles(report: Report, frame: pl.DataFrame) -> list[str]:
    return [report.artifact.rows[row].title for row in frame["row"]]


def _unit(report: Report, dataset: str, shape: str = " ({})") -> str:
    unit = report.unit(dataset, report.artifact.task)
    return shape.format(unit) if unit else ""
