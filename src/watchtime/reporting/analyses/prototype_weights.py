"""How a batch's rows are spread over the prototypes: heat maps, numbers, and whether the plan is followed."""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm

from watchtime.reporting.elements.figures import figure, show
from watchtime.reporting.elements.tables import Cell, Column, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.elements.words import percent
from watchtime.reporting.measured.repetitions import Values, by_repetition, differences, mean
from watchtime.reporting.report import Report

KINDS = {"plan": "plan", "similarities": "α"}
_COLOURS = LogNorm(1e-3, 1)
_WORDS = {"better": "significantly fewer than", "worse": "significantly more than", "not told apart": "not told from"}


def draw(report: Report, dataset: str) -> None:
    """Draw the weights of a batch's rows on all prototypes, one panel for each plan and each α."""
    weights, facts = report.analysis(dataset, "weights"), _facts(report, dataset)
    shown = weights.select("row", "kind").unique(maintain_order=True).rows()
    drawing = figure("full", 76)
    panels = drawing.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for panel, (row, kind) in zip(panels, shown, strict=True):
        matrix = np.stack(weights.filter(row=row, kind=kind)["weights"].to_list())
        panel.imshow(np.clip(matrix, _COLOURS.vmin, 1), norm=_COLOURS, aspect="auto", interpolation="nearest")
        edges = [one * facts["size"] for one in range(facts["clusters"] + 1)]
        panel.set(title=_title(report, row, kind), xlabel="Prototype", xticks=[edge - 0.5 for edge in edges])
        panel.set_xticklabels([str(edge) for edge in edges])
    panels[0].set_ylabel("Row of the batch")
    bar = drawing.colorbar(ScalarMappable(_COLOURS), ax=list(panels), fraction=0.04, pad=0.01, extend="min")
    bar.set_label("Weight")
    number = facts["clusters"] * facts["size"]
    caption = (
        f"Weights of {facts['rows']:,} training rows of {report.data_title(dataset)}, drawn at random, on {number} "
        f"prototypes in {facts['clusters']} clusters, which ticks part; first repetition. Plan: a row's share of its "
        "mass; α: its softmax of similarities. Rows are sorted by the prototype of the largest weight, those of the "
        "plan and of the α beside it alike. Weights of 0.001 and less have one colour; if all were alike, they would "
        f"be {1 / number:.4f}."
    )
    show(drawing, caption)


def table(report: Report, dataset: str) -> Table:
    """How many prototypes the rows use under each alignment, and how far α follows the plan."""
    facts, rows = _facts(report, dataset), list[list[Cell | Value]]()
    for (row, kind), own in _spread(report, dataset).items():
        values = {name: mean(one) for name, one in own.items()}
        names = ("effective", "above", "leading", "agreement")
        rows.append([report.artifact.rows[row].title, KINDS[kind], *(values[name] for name in names)])
    columns = [Column("Alignment"), Column("Weights"), Column("Effective prototypes", decimals=1)]
    columns += [
        Column("Above 1 / CK", "%", 1),
        Column("Prototypes in use", decimals=1),
        Column("Agreement", decimals=3),
    ]
    number = facts["clusters"] * facts["size"]
    caption = (
        f"Weights of {facts['rows']:,} training rows of {report.data_title(dataset)} on {number} prototypes, means "
        "over repetitions with 95 % intervals. Effective: exp of the entropy of a row's weights, the mean over rows; "
        "1 if one prototype has all. Above: weights larger than if all were alike. In use: prototypes that are the "
        "largest weight of any row. Agreement: Σ min(α, plan) of a row, the mean over rows; 1 if they are equal."
    )
    return Table(columns, rows, caption=caption)


def conclusion(report: Report, dataset: str) -> Markdown:
    """Set how sparse α is, with a plan and without, beside what the paper sees."""
    spread, lines = _spread(report, dataset), list[str]()
    for with_plan in (row for row, kind in spread if kind == "plan"):
        plan, ours = spread[with_plan, "plan"], spread[with_plan, "similarities"]
        title, used, above = escape(report.artifact.rows[with_plan].title), "effective", "above"
        lines.append(
            f"{title}: a row's plan uses {_average(plan[used]):.1f} prototypes and its α {_average(ours[used]):.1f}; "
            f"they agree by {_average(plan['agreement']):.3f}. Above 1 / CK are "
            f"{percent(_average(plan[above]) / 100)} of the plan's weights and {percent(_average(ours[above]) / 100)} "
            "of α's. The paper finds α as sparse as the plan."
        )
        others = [row for row, kind in spread if kind == "similarities" and row != with_plan]
        pairs = [(spread[row, "similarities"][used], ours[used]) for row in others]
        for row, one in zip(others, differences(pairs, "lower"), strict=True):
            if one:
                theirs, other = _average(spread[row, "similarities"][used]), escape(report.artifact.rows[row].title)
                lines.append(f"{other}: a row's α uses {theirs:.1f} prototypes, {_WORDS[one.word]} that of {title}.")
        lines.append("The paper finds α dense without a plan.")
    return Markdown(f"{escape(report.data_title(dataset))}.\n\n" + "\n".join(f"- {line}" for line in lines))


def _spread(report: Report, dataset: str) -> dict[tuple[str, str], dict[str, Values]]:
    """Return every measure of each row and kind, shares in per cent."""
    frame = report.analysis(dataset, "spread").with_columns(pl.col("above") * 100)
    pairs = frame.select("row", "kind").unique(maintain_order=True).rows()
    names = ("effective", "above", "leading", "agreement")
    return {
        (row, kind): {name: by_repetition(frame.filter(row=row, kind=kind), name) for name in names}
        for row, kind in pairs
    }


def _title(report: Report, row: str, kind: str) -> str:
    return f"{report.artifact.rows[row].title}, {KINDS[kind]}"


def _average(values: Values) -> float:
    return sum(values.values()) / len(values)


def _facts(report: Report, dataset: str) -> dict[str, Any]:
    return report.analysis(dataset, "facts").row(0, named=True)
