"""The methods of a run in words: what they do, whose they are, what becomes of other targets and other data."""

from __future__ import annotations

from watchtime.reporting.elements.tables import Column, Table, Value
from watchtime.reporting.report import Report


def table(report: Report) -> Table:
    """One row per method, from its card."""
    cards = [report.plan.catalog.methods[name] for name in report.plan.methods]
    rows: list[list[Value]] = [
        [card.title, card.summary, card.reference, card.watch_ratio or None, card.without_duration or None]
        for card in cards
    ]
    columns = [Column(title) for title in ("Method", "What it does", "Source", "On watch ratio", "Without duration")]
    caption = "The methods of this run, and what becomes of them on watch ratio and on data without duration."
    return Table(columns, rows, caption=caption)
