"""How often each token of a vocabulary is used: the most used ones drawn, and every vocabulary in numbers."""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import polars as pl

from watchtime.reporting.elements.figures import PALETTE, figure, show
from watchtime.reporting.elements.tables import Column, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.elements.words import percent
from watchtime.reporting.report import Report

DRAWN = 15


def draw(report: Report, dataset: str) -> None:
    """Draw the shares of each vocabulary's most used tokens."""
    tokens, numbers = report.analysis(dataset, "tokens"), _vocabularies(report, dataset)
    drawing = figure("full", 62)
    panels = drawing.subplots(1, len(numbers), sharey=True, squeeze=False)[0]
    for panel, one in zip(panels, numbers, strict=True):
        drawn = tokens.filter(row=one["row"]).head(DRAWN)
        panel.bar(range(len(drawn)), 100 * drawn["share"], color=PALETTE["sky"])
        panel.axhline(100 / one["tokens"], color=PALETTE["vermilion"], linestyle="--", linewidth=0.8)
        names = [f"{value:g}" for value in drawn["value"]]
        panel.set_xticks(range(len(drawn)), names, rotation=90)
        panel.set(title=f"{_title(report, one)}: {one['tokens']:,} tokens", xlabel=_token(report, dataset))
    panels[0].set_ylabel("Share of all tokens (%)")
    shown = ", ".join(f"{_title(report, one)} {percent(_covered(tokens, one))}" for one in numbers)
    caption = (
        f"The {DRAWN} most used tokens of each vocabulary on the training rows of {report.data_title(dataset)}, the "
        f"most used first. Dashed: an even share, 1/V. The tokens drawn are this part of all uses: {shown}."
    )
    show(drawing, caption)


def table(report: Report, dataset: str) -> Table:
    """Every vocabulary in numbers: its size, how evenly it is used, how long its sequences are and what they miss."""
    rows: list[list[Value]] = [
        [
            _title(report, one),
            one["tokens"],
            100 * one["hardly_used"],
            one["evenness"],
            one["mean_length"],
            one["longest"],
            one["sample_length"],
            one["shortest_length"],
            100 * one["cut_share"],
            one["reconstruction_error"],
        ]
        for one in _vocabularies(report, dataset)
    ]
    columns = [Column("Vocabulary"), Column("Tokens V"), Column("Hardly used", "%", 1), Column("Evenness", decimals=3)]
    columns += [Column("Mean length", decimals=2), Column("Longest"), Column("Greedy", decimals=2)]
    columns += [Column("Shortest", decimals=2), Column("Cut", "%", 2)]
    columns.append(Column("Error", report.unit(dataset, report.artifact.task)))
    one = _vocabularies(report, dataset)[0]
    caption = (
        f"Vocabularies on {one['rows']:,} training rows of {report.data_title(dataset)}. Hardly used: tokens with less "
        "than a tenth of an even share. Evenness: entropy of the shares / ln V, 1 where all tokens are used alike. "
        f"Length: tokens of a sequence without its end. Greedy and Shortest: the mean length over {one['sample']:,} "
        "rows at even steps of the ordered targets, as written and by searching all sums within the same error bound. "
        "Cut: rows whose sequence the longest allowed one ends. Error: mean |y − sum of its tokens|."
    )
    return Table(columns, rows, caption=caption)


def conclusion(report: Report, dataset: str) -> Markdown:
    """Say which vocabulary is used most evenly, and what greedy encoding costs."""
    numbers = _vocabularies(report, dataset)
    used = ", ".join(f"{_title(report, one)} {percent(one['hardly_used'])}" for one in numbers)
    evenest = sorted(numbers, key=lambda one: -one["evenness"])
    order = " > ".join(f"{_title(report, one)} ({one['evenness']:.3f})" for one in evenest)
    longer = ", ".join(
        f"{_title(report, one)} {one['sample_length'] - one['shortest_length']:.2f} of {one['sample_length']:.2f}"
        for one in numbers
    )
    lines = [
        f"Tokens hardly used: {escape(used)}. The paper finds nearly half of the binary ones scarcely used.",
        f"Evenness: {escape(order)}. The paper finds the dynamic quantile one the most balanced and the manual one "
        "highly imbalanced.",
        f"Tokens that a greedy sequence has beyond the shortest one, on average: {escape(longer)}.",
    ]
    return Markdown(f"{escape(report.data_title(dataset))}.\n\n" + "\n".join(f"- {line}" for line in lines))


def _vocabularies(report: Report, dataset: str) -> list[dict[str, Any]]:
    return report.analysis(dataset, "vocabularies").to_dicts()


def _title(report: Report, one: dict[str, Any]) -> str:
    return report.artifact.rows[one["row"]].title


def _token(report: Report, dataset: str) -> str:
    unit = report.unit(dataset, report.artifact.task)
    return f"Token ({unit})" if unit else "Token"


def _covered(tokens: pl.DataFrame, one: dict[str, Any]) -> float:
    return float(tokens.filter(row=one["row"]).head(DRAWN)["share"].sum())
