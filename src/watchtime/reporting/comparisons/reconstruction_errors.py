"""Reconstruction errors of codecs on training and test rows, beside those that the paper prints."""

from __future__ import annotations

from typing import Any

from watchtime.reporting.elements.tables import Column, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.published.cells import read_published
from watchtime.reporting.report import Report

METRIC = "recon_mae"
_PARTS = ("training", "test")


def table(report: Report, dataset: str) -> Table:
    """One row per codec: its size, its errors and their places in the order, and what the paper prints."""
    codecs, printed = _codecs(report, dataset), published(report, dataset)
    ours, theirs = _places({one["row"]: one["training"] for one in codecs}), _places(printed)
    rows: list[list[Value]] = [
        [
            report.artifact.rows[one["row"]].title,
            one["tokens"],
            one["steps"],
            *(f"{one[part]:.2e}" for part in _PARTS),
            ours[one["row"]],
            f"{printed[one['row']]:.2e}" if one["row"] in printed else None,
            theirs.get(one["row"]),
        ]
        for one in codecs
    ]
    unit = report.unit(dataset, report.artifact.task)
    columns = [Column("Codec"), Column("Tokens"), Column("Steps")]
    columns += [Column(title, unit, align="right") for title in ("Training", "Test")]
    columns += [Column("Place"), Column("Paper", align="right"), Column("Place in the paper")]
    caption = (
        f"Mean |y − decode(encode(y))| on {report.data_title(dataset)}, codecs fitted on the training rows, nothing "
        "trained. Tokens: different values that a label is put together from. Steps: labels per target, an end among "
        "them where sequences have their own lengths. Place: in the order of the training error, the smallest first."
    )
    return Table(columns, rows, caption=caption)


def conclusion(report: Report, dataset: str) -> Markdown:
    """Say whether the order of the errors is the published one."""
    codecs, printed = _codecs(report, dataset), published(report, dataset)
    orders = {part: _ordered({one["row"]: one[part] for one in codecs if one["row"] in printed}) for part in _PARTS}
    theirs = _ordered({one["row"]: printed[one["row"]] for one in codecs if one["row"] in printed})
    if not theirs:
        return Markdown(f"{escape(report.data_title(dataset))}: the paper prints no error for it.")
    said = [
        f"on {part} rows " + ("the published one" if order == theirs else _named(report, order))
        for part, order in orders.items()
    ]
    return Markdown(
        f"{escape(report.data_title(dataset))}. Published order: {_named(report, theirs)}. The order of the errors "
        f"here is {' and '.join(said)}."
    )


def published(report: Report, dataset: str) -> dict[str, float]:
    """Return what the paper prints for each row."""
    cells = read_published(report.plan.published_files)
    return {
        cell.row: cell.value
        for cell in cells
        if (cell.name, cell.dataset, cell.metric) == (report.name, dataset, METRIC)
    }


def _codecs(report: Report, dataset: str) -> list[dict[str, Any]]:
    return report.analysis(dataset, "codecs").to_dicts()


def _ordered(errors: dict[str, float]) -> list[str]:
    return sorted(errors, key=lambda row: errors[row])


def _places(errors: dict[str, float]) -> dict[str, int]:
    return {row: place for place, row in enumerate(_ordered(errors), 1)}


def _named(report: Report, order: list[str]) -> str:
    return escape(" < ".join(report.artifact.rows[row].title for row in order))
