"""How a target differs between users and between kinds of items: means of users, distribution functions of kinds."""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from watchtime.reporting.elements.figures import PALETTE, figure, show
from watchtime.reporting.elements.tables import Column, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.elements.words import percent, target_name
from watchtime.reporting.report import Report

BINS = 40
LAST = 0.995
"""The histogram ends at this quantile of the users' means."""


def draw(report: Report, dataset: str) -> None:
    """Draw the users' mean targets as a histogram, and the distribution functions of the largest categories."""
    users, functions = report.analysis(dataset, "users")["mean"], report.analysis(dataset, "functions")
    target = _target(report, dataset)
    drawing = figure("full", 66)
    panels = drawing.subplots(1, 2 if len(functions) else 1, squeeze=False)[0]
    if len(users):
        last = float(np.quantile(users, LAST))
        counts, edges = np.histogram(users, BINS, (0, last or 1.0))
        panels[0].stairs(100 * counts / len(users), edges, fill=True, color=PALETTE["sky"])
        panels[0].axvline(users.median(), color=PALETTE["vermilion"], linestyle="--", linewidth=0.8)
    panels[0].set(title="Users", xlabel=f"Mean {target}", ylabel="Users per bin (%)", xlim=(0, None))
    for (category,), one in functions.group_by("category", maintain_order=True):
        panels[-1].plot(one["limit"], 100 * one["share"], label=str(category).replace("$", r"\$"))
    if len(functions):
        limits = (0, functions["limit"].max())
        panels[-1].set(title="Categories", xlabel=target[:1].upper() + target[1:], xlim=limits, ylim=(0, 100))
        panels[-1].set_ylabel("Rows with at most this (%)")
        panels[-1].legend(title=_category(report, dataset), loc="lower right")
    show(drawing, _caption(report, dataset))


def table(report: Report, dataset: str) -> Table | Markdown:
    """The drawn categories in numbers."""
    categories, facts = report.analysis(dataset, "categories"), _facts(report, dataset)
    drawn = report.analysis(dataset, "functions")["category"].unique(maintain_order=True)
    if not len(drawn):
        return Markdown(f"{escape(report.data_title(dataset))} has neither a category nor a duration.")
    rows: list[list[Value]] = [
        [one["category"], one["rows"], 100 * one["rows"] / facts["rows"], one["mean"], one["median"]]
        for one in categories.head(len(drawn)).iter_rows(named=True)
    ]
    unit = report.unit(dataset, report.artifact.task)
    columns = [Column(_category(report, dataset)), Column("Rows"), Column("Share", "%", 1)]
    columns += [Column("Mean", unit, 2), Column("Median", unit, 2)]
    caption = f"The {len(rows)} largest of {len(categories):,} categories on {report.data_title(dataset)}."
    return Table(columns, rows, caption=caption)


def conclusion(report: Report, dataset: str) -> Markdown:
    """Say how far users and categories lie apart, and which part of the variance lies between them."""
    facts, users = _facts(report, dataset), report.analysis(dataset, "users")
    lines = []
    if len(users):
        low, high = (float(np.quantile(users["mean"], level)) for level in (0.05, 0.95))
        unit = report.unit(dataset, report.artifact.task) or ""
        lines.append(
            f"Users: nine of ten have a mean {target_name(report.artifact.task)} of {low:.2f} to {high:.2f} "
            f"{unit}. {_between(facts['between_users'], 'users')}"
        )
    if gap := _gap(report.analysis(dataset, "functions")):
        name = str(facts["category"]).replace("_", " ")
        lines.append(
            f"Categories: the drawn distribution functions lie up to {100 * gap[2]:.1f} percentage points apart "
            f"({escape(name)} {escape(gap[0])} above {escape(gap[1])}). "
            f"{_between(facts['between_categories'], 'categories')}"
        )
    said = "\n".join(f"- {line}" for line in lines) or "Too few rows to say anything."
    return Markdown(f"{escape(report.data_title(dataset))}.\n\n{said}")


def _gap(functions: pl.DataFrame) -> tuple[str, str, float] | None:
    """Return the two categories whose distribution functions are farthest apart at any drawn limit, and how far."""
    names = functions["category"].unique(maintain_order=True).to_list()
    shares = {name: functions.filter(category=name)["share"].to_numpy() for name in names}
    gaps = [(one, other, float(np.max(shares[one] - shares[other]))) for one in names for other in names]
    return max(gaps, key=lambda gap: gap[2]) if len(names) > 1 else None


def _between(share: float | None, groups: str) -> str:
    if share is None:
        return ""
    return f"Of the variance {percent(share)} lies between {groups} (intraclass correlation: chance is taken off)."


def _caption(report: Report, dataset: str) -> str:
    facts, users = _facts(report, dataset), report.analysis(dataset, "users")
    functions = report.analysis(dataset, "functions")
    parts = [
        f"{_target(report, dataset)[:1].upper()}{_target(report, dataset)[1:]} on {report.data_title(dataset)}. "
        f"Users: the means of the {len(users):,} of {facts['users']:,} users with at least "
        f"{facts['least_rows']} rows, up to their {percent(LAST, None)} quantile; dashed: their median."
    ]
    if len(functions):
        number = functions["category"].n_unique()
        without = percent(facts["rows_without_category"] / facts["rows"])
        last = percent(facts["last"], None)
        parts.append(f"Categories: the {number} with the most rows, up to the {last} quantile of all rows.")
        if facts["category"] == "duration":
            parts.append("The data set names no category: groups of equal size by duration stand for it.")
        else:
            parts.append(f"A row with several counts to each; {without} of the rows have none.")
    return " ".join(parts)


def _facts(report: Report, dataset: str) -> dict[str, Any]:
    return report.analysis(dataset, "facts").row(0, named=True)


def _category(report: Report, dataset: str) -> str:
    name = str(_facts(report, dataset)["category"]).replace("_", " ")
    return name[:1].upper() + name[1:]


def _target(report: Report, dataset: str) -> str:
    unit = report.unit(dataset, report.artifact.task)
    name = target_name(report.artifact.task)
    return f"{name} ({unit})" if unit else name
