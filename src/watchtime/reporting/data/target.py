"""The distribution of a target: its zeros told apart, its positive values on a logarithmic scale, its ties."""

# mypy: allow-untyped-calls

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from watchtime.datasets.protocols import TEST
from watchtime.evaluation.pairs import Pairs
from watchtime.reporting.elements.figures import PALETTE, figure, show
from watchtime.reporting.elements.tables import Column, Section, Table, Value
from watchtime.reporting.elements.words import percent, target_name
from watchtime.reporting.report import Report

Floats = npt.NDArray[np.float64]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
BINS_PER_DECADE = 40
FREQUENT = 5
NOTABLE = 0.001
"""The least share of the rows above 0 that makes a frequent value worth telling."""


def draw(report: Report, dataset: str, task: str) -> None:
    """Draw the share of zeros as a bar, where there are any, and the others as a histogram on a logarithmic scale."""
    values = _values(report, dataset, task)
    positive, zeros = values[values > 0], float(np.mean(values == 0))
    drawing = figure("full", 58)
    panels = drawing.subplots(1, 2 if zeros else 1, squeeze=False, width_ratios=[1, 12] if zeros else None)[0]
    if zeros:
        panels[0].bar(["0"], [100 * zeros], color=PALETTE["orange"], width=0.6)
        panels[0].set(ylabel="Share of rows (%)", xlim=(-0.7, 0.7))
    if len(positive):
        edges, counts = histogram(positive)
        panels[-1].stairs(100 * counts / len(values), edges, fill=True, color=PALETTE["sky"])
        panels[-1].set(xscale="log", xlim=(edges[0], edges[-1]))
    panels[-1].set(xlabel=_with_unit(report, dataset, task), ylabel="Share of rows per bin (%)")
    show(drawing, _caption(report, dataset, task, values))


def histogram(positive: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return edges and counts of bins of equal width in log₁₀, ``BINS_PER_DECADE`` to a power of ten."""
    low, high = np.log10(positive.min()), np.log10(positive.max())
    first, last = np.floor(low * BINS_PER_DECADE), np.floor(high * BINS_PER_DECADE) + 1
    edges = 10 ** (np.arange(first, last + 1) / BINS_PER_DECADE)
    # The power of ten may round to the wrong side of the outermost values.
    edges[0], edges[-1] = min(edges[0], positive.min()), max(edges[-1], positive.max())
    return edges, np.histogram(positive, edges)[0].astype(np.int64)


def table(report: Report, dataset: str) -> Table:
    """Mean and quantiles of every target, over all rows and over those above 0."""
    rows: list[Section | list[Value]] = []
    for task in report.card(dataset).targets:
        rows.append(Section(_with_unit(report, dataset, task)))
        values = _values(report, dataset, task)
        for name, part in (("all rows", values), ("rows above 0", values[values > 0])):
            if len(part):
                quantiles = np.quantile(part, QUANTILES)
                rows.append([name, len(part), float(np.mean(part)), float(np.std(part)), *map(float, quantiles)])
    columns = [Column("Rows"), Column("Number"), Column("Mean", decimals=2), Column("Deviation", decimals=2)]
    columns += [Column(f"{100 * level:g} %", decimals=2) for level in QUANTILES[:-1]]
    caption = f"The targets of {report.data_title(dataset)}: mean, standard deviation and quantiles."
    return Table([*columns, Column("Largest", decimals=2)], rows, caption=caption)


def ties(report: Report, dataset: str) -> Table:
    """How many pairs of test rows no prediction can order, because their targets are equal."""
    rows: list[list[Value]] = []
    for protocol in report.plan.protocols(dataset):
        encoded = report.encoded(dataset, protocol)
        test = np.asarray(encoded.part) == TEST
        for task in report.plan.tasks(dataset):
            values = encoded.target(task)[test]
            rows.append(
                [
                    report.plan.catalog.protocols[protocol].title,
                    _title(task),
                    len(values),
                    len(np.unique(values)),
                    100 * float(np.mean(values == 0)),
                    100 * tie_mass(values),
                ]
            )
    columns = [Column("Protocol"), Column("Target"), Column("Test rows"), Column("Different values")]
    columns += [Column("Equal to 0", "%", 2), Column("Pairs tied", "%", 2)]
    caption = (
        f"Ties in the target on the test rows of {report.data_title(dataset)}: of all pairs of test rows, the share "
        "whose targets are equal. Strict XAUC leaves these pairs out; the papers' rules count them in different ways."
    )
    return Table(columns, rows, caption=caption)


def tie_mass(values: npt.ArrayLike) -> float:
    """Return the share of the n (n − 1) / 2 pairs whose values are equal, exactly; NaN for a single value."""
    pairs = Pairs(values, values)
    return float(pairs.tied_target[0] / pairs.total[0]) if pairs.total[0] else float("nan")


def most_frequent(positive: Floats) -> list[tuple[float, float]]:
    """Return the most frequent values, each with its share; of equally frequent ones the smaller first."""
    found, counts = np.unique(positive, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:FREQUENT]
    return [(float(found[place]), float(counts[place] / len(positive))) for place in order]


def _values(report: Report, dataset: str, task: str) -> Floats:
    return report.interactions(dataset, [task])[task].to_numpy()


def _title(task: str) -> str:
    name = target_name(task)
    return name[:1].upper() + name[1:]


def _with_unit(report: Report, dataset: str, task: str) -> str:
    unit = report.unit(dataset, task)
    return f"{_title(task)} ({unit})" if unit else _title(task)


def _caption(report: Report, dataset: str, task: str, values: Floats) -> str:
    positive, zeros = values[values > 0], float(np.mean(values == 0))
    scale = f"on a logarithmic scale, {BINS_PER_DECADE} bins to a power of ten"
    parts = [f"{_title(task)} on {report.data_title(dataset)}, {len(values):,} rows."]
    if zeros:
        parts.append(f"Left: the rows with the value 0, {percent(zeros)}. Right: the others, {scale}.")
    else:
        parts.append(f"No row has the value 0; all are drawn {scale}.")
    frequent = [(value, share) for value, share in most_frequent(positive) if share >= NOTABLE]
    if frequent:
        shown = ", ".join(f"{value:g} ({percent(share, 2)})" for value, share in frequent)
        parts.append(f"Most frequent above 0: {shown} of them.")
    return " ".join(parts)
