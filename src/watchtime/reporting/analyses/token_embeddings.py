"""What token embeddings and predicted probabilities know of the tokens' values: drawn, and in numbers."""

# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from watchtime.evaluation.statistics import summarise
from watchtime.reporting.analyses.embeddings import RANDOM, RANDOM_TITLE, colour_bar, scatter, target_label
from watchtime.reporting.elements.figures import PALETTE, figure, show
from watchtime.reporting.elements.tables import Column, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.elements.words import percent
from watchtime.reporting.measured.repetitions import Values, by_repetition, mean
from watchtime.reporting.report import Report

NAMED = 10
"""First tokens that are written beside their points, those of the most."""
MEASURES = ("correlation", "same_first", "token_correlation")
READINGS = {"tokens": ("any token", "blue", "o"), "predicted": ("the predicted token", "vermilion", "s")}


def draw(report: Report, dataset: str) -> None:
    """Draw the targets' embeddings in two dimensions and, beside, the probability differences by distance."""
    points, facts = report.analysis(dataset, "points"), _facts(report, dataset)
    drawing = figure("full", 70)
    left, right = drawing.subplots(1, 2, width_ratios=(1.15, 1))
    scatter(left, points)
    _name_first_tokens(left, points)
    colour_bar(drawing, [left], points["value"], target_label(report, dataset))
    left.set_title("Embeddings of target values")
    _draw_differences(right, report, dataset)
    caption = (
        f"Left: the embeddings of {facts['values']:,} targets of the training rows of {report.data_title(dataset)} in "
        "the two dimensions of t-SNE, first repetition. Colours are even steps of the targets' order. A number stands "
        f"above the median of the points whose first token it is, for the {_named(points)} most frequent ones. Right: "
        "mean difference of predicted probability between tokens by their distance in the vocabulary, relative to "
        "that of a pair at any distance (dashed), with the 95 % interval over repetitions."
    )
    show(drawing, caption)


def structure(report: Report, dataset: str) -> Table:
    """How the values order the distances, for the learned embeddings and for random ones."""
    frame, facts = report.analysis(dataset, "structure"), _facts(report, dataset)
    rows: list[Sequence[Value]] = []
    for row in frame["row"].unique(maintain_order=True):
        one = frame.filter(row=row).with_columns(pl.col("same_first") * 100)
        rows.append([_title(report, row), *(mean(by_repetition(one, name)) for name in MEASURES)])
    rows.append(["By chance", 0.0, 100 * facts["same_first_by_chance"], 0.0])
    columns = [Column("Embeddings"), Column("Values", decimals=3), Column("Same first token", "%", 1)]
    caption = (
        f"Embeddings of {facts['values']:,} targets and of the {facts['tokens']:,} tokens on "
        f"{report.data_title(dataset)}, mean over repetitions with its 95 % interval. Values, Tokens: Spearman's "
        "correlation between the distances of a value to all others and those of its embedding, the mean over the "
        "values. Same first token: targets whose nearest neighbour by embedding begins with the same token. Random "
        "embeddings show what comes of sharing tokens alone."
    )
    return Table([*columns, Column("Tokens", decimals=3)], rows, caption=caption)


def differences(report: Report, dataset: str) -> Table | Markdown:
    """The probability differences by distance, relative to those of a pair at any distance."""
    frame, facts = report.analysis(dataset, "differences"), _facts(report, dataset)
    if not len(frame):
        return Markdown("No token was generated, so that there are no probabilities to compare.")
    rows: list[Sequence[Value]] = [
        [int(distance), *(mean(_relative(frame, distance, reading)) for reading in READINGS)]
        for distance in frame["distance"].unique().sort()
    ]
    first = frame.filter(distance=1)
    sizes = (f"{summarise(first[f'any_{reading}']).mean:.2g} around {READINGS[reading][0]}" for reading in READINGS)
    caption = (
        "Mean difference of predicted probability by distance in the vocabulary, relative to that of a pair at any "
        f"distance ({', '.join(sizes)}); below 1, tokens are more alike than any two. Over the generated steps of "
        f"{facts['test_rows']:,} test rows of {report.data_title(dataset)}; mean over repetitions with its 95 % "
        "interval."
    )
    columns = [Column(f"Around {title}", decimals=3) for title, _, _ in READINGS.values()]
    return Table([Column("Distance"), *columns], rows, caption=caption)


def conclusion(report: Report, dataset: str) -> Markdown:
    """Set what was found beside the paper's three claims: clusters, continuity, and alike probabilities."""
    frame, facts = report.analysis(dataset, "structure"), _facts(report, dataset)
    learned, random = ({name: _average(frame, row, name) for name in MEASURES} for row in (frame["row"][0], RANDOM))
    lines = [
        f"Clusters by first token: {percent(learned['same_first'])} of the targets have a nearest neighbour with the "
        f"same first token, {percent(random['same_first'])} under random embeddings, "
        f"{percent(facts['same_first_by_chance'])} by chance. The paper finds distinct clusters.",
        f"Continuity: distances of targets and of their embeddings correlate by {learned['correlation']:.3f}, by "
        f"{random['correlation']:.3f} under random embeddings; those of tokens by "
        f"{learned['token_correlation']:.3f} and {random['token_correlation']:.3f}. The paper finds similar values "
        "close to one another.",
    ]
    if len(found := report.analysis(dataset, "differences")):
        near, far = (_described(found, distance) for distance in (1, found["distance"].n_unique()))
        lines.append(
            f"Probabilities: relative to those of a pair at any distance, differences are {near} and {far}. The paper "
            "finds neighbours the most alike. They are also alike in how often they occur, which is not taken off."
        )
    return Markdown(f"{escape(report.data_title(dataset))}.\n\n" + "\n".join(f"- {line}" for line in lines))


def _draw_differences(panel: Any, report: Report, dataset: str) -> None:
    frame = report.analysis(dataset, "differences")
    if frame.is_empty():
        panel.text(0.5, 0.5, "No token was generated.", transform=panel.transAxes, ha="center")
        panel.set_axis_off()
        return
    for reading, (title, colour, marker) in READINGS.items():
        found = {
            distance: summarise(values.values())
            for distance in frame["distance"].unique().sort()
            if (values := _relative(frame, distance, reading))
        }
        means = [one.mean for one in found.values()]
        half = [one.high - one.mean if one.high is not None else 0.0 for one in found.values()]
        panel.errorbar(list(found), means, half, marker=marker, color=PALETTE[colour], label=f"Around {title}")
    panel.axhline(1, color=PALETTE["black"], linestyle="--", linewidth=0.8)
    panel.set(title="Probability differences", xlabel="Distance in the vocabulary", ylim=(0, None))
    panel.set_ylabel("Difference / that of any pair")
    panel.legend(loc="lower right")


def _name_first_tokens(panel: Any, points: pl.DataFrame) -> None:
    """Write each of the most frequent first tokens above the median of its points."""
    groups = points.group_by("first", maintain_order=True).agg(pl.len(), pl.median("x"), pl.median("y"))
    groups = groups.sort(["len", "first"], descending=[True, False]).head(_named(points))
    for value, *place in groups.select("first", "x", "y").iter_rows():
        panel.annotate(f"{value:.3g}", place, (0, 4), textcoords="offset points", ha="center", va="bottom")


def _named(points: pl.DataFrame) -> int:
    return min(NAMED, points["first"].n_unique())


def _relative(frame: pl.DataFrame, distance: int, reading: str) -> Values:
    """Return the difference at ``distance`` of each repetition, relative to that of a pair at any distance."""
    known = frame.filter(pl.col(f"any_{reading}") > 0, distance=distance)
    return by_repetition(known.with_columns(pl.col(reading) / pl.col(f"any_{reading}")), reading)


def _described(frame: pl.DataFrame, distance: int) -> str:
    relative = {reading: _relative(frame, distance, reading) for reading in READINGS}
    said = [f"{summarise(one.values()).mean:.2f} around {READINGS[name][0]}" for name, one in relative.items() if one]
    return f"{', '.join(said)} at distance {distance}"


def _average(frame: pl.DataFrame, row: str, name: str) -> float:
    return summarise(frame.filter(row=row)[name]).mean


def _title(report: Report, row: str) -> str:
    return RANDOM_TITLE if row == RANDOM else report.artifact.rows[row].title


def _facts(report: Report, dataset: str) -> dict[str, Any]:
    return report.analysis(dataset, "facts").row(0, named=True)
