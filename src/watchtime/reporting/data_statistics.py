"""What is in a data set: its counts beside the published ones, the row rules, the split, the duration buckets."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from watchtime.datasets.protocols import PARTS
from watchtime.reporting.duration_groups import duration_groups
from watchtime.reporting.notes import Notes
from watchtime.reporting.report import Report
from watchtime.reporting.tables import Cell, Column, Section, Table, Value
from watchtime.reporting.text import Markdown
from watchtime.reporting.words import sentence

_TITLES = {
    "n_users": "Users",
    "n_items": "Videos",
    "n_interactions": "Interactions",
    "n_duration_buckets": "Duration buckets",
}
_COUNTS = {"n_users": "users", "n_items": "items", "n_interactions": "rows"}


def published(report: Report) -> Table:
    """Every published count beside the log as read and after the row rules, with its verdict."""
    notes = Notes()
    rows: list[Section | list[Cell | Value]] = []
    for dataset in report.verdicts["dataset"].unique(maintain_order=True):
        known = dataset in report.datasets
        rows.append(Section(report.data_title(dataset) if known else dataset))
        for one in report.verdicts.filter(dataset=dataset).iter_rows(named=True):
            verdict = Cell(one["verdict"], note=notes.letter(sentence(one["reason"])))
            ours = None if one["ours"] is None else int(one["ours"])
            left = _left(report, dataset, one["metric"]) if known else None
            rows.append([_TITLES[one["metric"]], int(one["published"]), ours, left, verdict])
    columns = [
        *(Column("Count"), Column("Paper", decimals=0), Column("As read", decimals=0)),
        *(Column("After the row rules", decimals=0), Column("Verdict")),
    ]
    caption = (
        "The published counts, the raw logs as read, and what the row rules leave. The verdict compares the paper "
        "with the log as read; the number of duration buckets is a choice, not a count."
    )
    return Table(columns, rows, caption=caption, notes=notes.texts)


def row_rules(report: Report, dataset: str) -> Table:
    """The numbers of rows, users and videos before and after every row rule."""
    counts = report.counts(dataset)["rules"]
    dropped = [None, *(before["rows"] - after["rows"] for before, after in pairwise(counts))]
    rows = [
        [one["rule"], one["rows"], drop, None if drop is None else 100 * drop / counts[0]["rows"], *_sides(one)]
        for one, drop in zip(counts, dropped, strict=True)
    ]
    columns = [
        *(Column("Rule"), Column("Rows"), Column("Dropped"), Column("of all rows", "%", 2)),
        *(Column("Users"), Column("Videos")),
    ]
    bare = report.counts(dataset)["without_features"]
    caption = (
        f"The row rules of {report.data_title(dataset)}, in the order in which they apply. Of the rows that are left, "
        f"{bare['users']['rows']:,} have a user and {bare['items']['rows']:,} a video that the feature tables lack."
    )
    return Table(columns, rows, caption=caption)


def split(report: Report, dataset: str, protocol: str) -> Table:
    """The parts of the split, and what of them training has not seen."""
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
        *(Column("Videos"), Column("unseen", "%", 2), Column("their rows", "%", 2)),
    ]
    caption = (
        f"The split {report.plan.catalog.protocols[protocol].title} of {report.data_title(dataset)}. Unseen: users or "
        "videos without a training row; beside it, how many rows of the part they have."
    )
    return Table(columns, rows, caption=caption)


def duration_buckets(report: Report, dataset: str) -> Table:
    """The duration buckets, each with the same number of rows as far as equal durations allow."""
    number = report.plan.catalog.datasets[dataset].duration_buckets
    groups = duration_groups(
        report.interactions(dataset, ["duration", "watch_time"]), [str(place + 1) for place in range(number)]
    )
    rows: list[list[Value]] = [
        [
            group.name,
            group.span,
            len(group.ratio),
            float(np.mean(group.watch_time)),
            float(np.median(group.watch_time)),
            float(np.median(group.ratio)),
        ]
        for group in groups
    ]
    columns = [
        *(Column("Bucket"), Column("Duration", "s", align="right"), Column("Rows")),
        *(Column("Mean watch time", "s", 1), Column("Median watch time", "s", 1), Column("Median ratio", decimals=3)),
    ]
    caption = f"The {number} duration buckets of {report.data_title(dataset)}, cut at quantiles of the duration."
    return Table(columns, rows, caption=caption)


def conclusion(report: Report) -> Markdown:
    """Say how many of the published counts are reproduced."""
    frame = report.verdicts
    words = [f"{frame.filter(verdict=word).height} *{word}*" for word in frame["verdict"].unique(maintain_order=True)]
    return Markdown(f"Of the {frame.height} published counts: {', '.join(words)}.")


def _left(report: Report, dataset: str, metric: str) -> int | None:
    return report.counts(dataset)["rules"][-1][_COUNTS[metric]] if metric in _COUNTS else None


def _sides(counts: dict[str, int]) -> list[int]:
    return [counts["users"], counts["items"]]
