"""What is in a data set: its counts beside the published ones, from the raw files to the rows, and the split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from watchtime.datasets.protocols import PARTS
from watchtime.reporting.data.ratio import buckets
from watchtime.reporting.elements.alignment import format_number
from watchtime.reporting.elements.notes import Notes
from watchtime.reporting.elements.tables import Cell, Column, Section, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.elements.words import sentence
from watchtime.reporting.published import readings
from watchtime.reporting.rendering.page import artifact_label
from watchtime.reporting.report import Report

_SHOWN = ("rule", "rows", "users", "items", "positives")


def published(report: Report) -> Table | Markdown:
    """Every published count beside the log as read and the reading that comes closest, with its verdict."""
    if not report.verdicts.height:
        return Markdown("No paper prints a count of this data set.")
    notes, sections = Notes(), dict[str, list[list[Cell | Value]]]()
    for one in report.verdicts.iter_rows(named=True):
        sections.setdefault(_section(report, one), []).append(_count(report, one, notes))
    rows: list[Section | list[Cell | Value]] = []
    for title, found in sections.items():
        rows += [Section(title), *found]
    columns = [Column("Count"), *(Column(title, align="right") for title in ("Paper", "As read", "Closest"))]
    columns += [Column("Off", "%", align="right"), Column("Reading that comes closest"), Column("Verdict")]
    caption = (
        "The published counts, the log as read, and of all readings of the data the one that comes closest. Off: "
        "(closest − paper) / paper. The number of duration buckets is a choice, not a count."
    )
    return Table(columns, rows, caption=caption, notes=notes.texts)


def conclusion(report: Report) -> Markdown:
    """Say how many of the published counts got which verdict."""
    frame = report.verdicts
    words = [f"{frame.filter(verdict=word).height} *{word}*" for word in frame["verdict"].unique(maintain_order=True)]
    return Markdown(f"Of the {frame.height} published counts: {', '.join(words)}." if words else "")


def steps(report: Report, dataset: str) -> Table:
    """The numbers of rows, users and items before the rows stood, after every row rule, and under other readings."""
    counts = report.counts(dataset)
    rules = counts["rules"]
    after = [{**one, "drop": before["rows"] - one["rows"]} for before, one in pairwise(rules)]
    logs = [{"rule": log, **one} for log, one in counts["logs"].items()]
    groups = {
        "Before the rows stand": counts["before"],
        "As read, and after each row rule": [rules[0], *after],
        "The logs, after the row rules": logs if len(logs) > 1 else [],
        "Other readings, for comparison with published counts": counts["candidates"],
    }
    every = [one for group in groups.values() for one in group]
    further = list(dict.fromkeys(key for one in every for key in one if key not in (*_SHOWN, "drop")))
    signed = any("positives" in one for one in every)
    dropped = len(rules) > 1
    rows: list[Section | list[Value]] = []
    for title, group in groups.items():
        rows += [Section(title)] if group else []
        rows += [_step(one, rules[0]["rows"] if dropped else None, signed, further) for one in group]
    columns = [Column("Rule"), Column("Rows"), *([Column("Dropped"), Column("of all", "%", 2)] if dropped else [])]
    columns += [Column("Users"), Column(report.card(dataset).item_title)]
    columns += [Column("Above 0", "%", 2)] if signed else []
    columns += [Column(key.replace("_", " ").capitalize()) for key in further]
    bare = counts["without_features"]
    caption = (
        f"From the raw files of {report.data_title(dataset)} to the rows that count"
        f"{', those of its main log' if len(logs) > 1 else ''}. Above 0: rows with a target above 0. Of the rows "
        f"that are left, {bare['users']['rows']:,} have a user without features, {bare['items']['rows']:,} an item "
        "without."
    )
    return Table(columns, rows, caption=caption)


def split(report: Report, dataset: str, protocol: str) -> Table:
    """The parts of the split, what of them training has not seen, and which rows are in none."""
    counts = report.split_counts(dataset, protocol)
    total = sum(counts[part]["rows"] for part in PARTS)
    shares = ("share_of_users_unseen", "share_of_rows_with_unseen_user")
    items = ("share_of_items_unseen", "share_of_rows_with_unseen_item")
    rows = [
        [
            part,
            counts[part]["rows"],
            100 * counts[part]["rows"] / total,
            counts[part]["users"],
            *(100 * counts[part][name] for name in shares),
            counts[part]["items"],
            *(100 * counts[part][name] for name in items),
        ]
        for part in PARTS
    ]
    columns = [
        *(Column("Part"), Column("Rows"), Column("Share", "%", 1)),
        *(Column("Users"), Column("unseen", "%", 2), Column("their rows", "%", 2)),
        *(Column(report.card(dataset).item_title), Column("unseen", "%", 2), Column("their rows", "%", 2)),
    ]
    caption = (
        f"The split {report.plan.catalog.protocols[protocol].title} of {report.data_title(dataset)}. Unseen: users or "
        f"{report.items(dataset)} without a training row; beside it, how many rows of the part they have."
        f"{_left_out(report, dataset, counts)}"
    )
    return Table(columns, rows, caption=caption)


def duration_buckets(report: Report, dataset: str) -> Table | Markdown:
    """The duration buckets, each with the same number of rows as far as equal durations allow."""
    if not report.has_ratio(dataset):
        return Markdown(f"{escape(report.data_title(dataset))} has no durations.")
    rows: list[list[Value]] = [
        [
            group.name,
            group.span,
            len(group.ratio),
            float(np.mean(group.watch_time)),
            float(np.median(group.watch_time)),
            float(np.median(group.ratio)),
            100 * float(np.mean(group.ratio == 0)),
            100 * float(np.mean(group.ratio >= 1)),
        ]
        for group in buckets(report, dataset)
    ]
    columns = [
        *(Column("Bucket"), Column("Duration", "s", align="right"), Column("Rows")),
        *(Column("Mean watch time", "s", 1), Column("Median watch time", "s", 1), Column("Median ratio", decimals=3)),
        *(Column("Not watched", "%", 1), Column("Ratio ≥ 1", "%", 1)),
    ]
    caption = f"The {len(rows)} duration buckets of {report.data_title(dataset)}, cut at quantiles of the duration."
    return Table(columns, rows, caption=caption)


def _section(report: Report, one: Mapping[str, Any]) -> str:
    """Return under which heading a published count stands: its data set, or on the page of one, where it is printed."""
    if report.name in report.plan.artifacts:
        return report.data_title(one["dataset"]) if one["dataset"] in report.datasets else one["dataset"]
    return artifact_label(report.plan, f"{one['paper']}/{one['artifact']}")


def _count(report: Report, one: Mapping[str, Any], notes: Notes) -> list[Cell | Value]:
    metric, dataset, known = one["metric"], one["dataset"], one["dataset"] in report.datasets
    title = report.items(dataset) if known and metric == "n_items" else readings.TITLES[metric]
    found = readings.readings(report.plan, dataset, report.plan.protocols(dataset)) if known else []
    as_read = found[0].values.get(metric) if found else None
    closest = readings.closest(found, metric, one["published"])
    places = readings.decimals(metric)

    def shown(value: float | None, decimals: int = places) -> str | None:
        return None if value is None else format_number(value, decimals)

    is_open = one["verdict"] in ("not comparable", "not run")
    return [
        title[:1].upper() + title[1:],
        *(shown(one["published"]), shown(as_read), shown(closest.value if closest else None)),
        shown(100 * closest.off, 1) if closest else None,
        closest.reading if closest else None,
        Cell(one["verdict"], note=notes.letter(sentence(one["reason"])) if is_open else ""),
    ]


def _step(one: Mapping[str, Any], all_rows: int | None, signed: bool, further: Sequence[str]) -> list[Value]:
    """Return a row of the steps; without ``all_rows`` no rule can have dropped any."""
    drop = one.get("drop")
    dropped = [drop, 100 * drop / all_rows if drop is not None else None] if all_rows else []
    positives = [100 * one["positives"] / one["rows"] if one.get("positives") is not None else None] if signed else []
    shown = (one.get(key) for key in further)
    return [one["rule"], one["rows"], *dropped, one.get("users"), one.get("items"), *positives, *shown]


def _left_out(report: Report, dataset: str, counts: Mapping[str, Any]) -> str:
    """Say which rows are in no part, and what a k-core holds."""
    said = [f"{number:,} rows {reason}" for reason, number in counts["left_out"].items()]
    sentences = [f"In no part: {', '.join(said)}."] if said else []
    if "core" in counts:
        core = counts["core"]
        sentences.append(
            f"The {core['k']}-core holds {core['rows']:,} rows of {core['users']:,} users and {core['items']:,} "
            f"{report.items(dataset)}."
        )
    return "".join(f" {one}" for one in sentences)
