"""Scores within buckets of the duration, each beside what the paper prints, with the verdict on it."""

# mypy: allow-untyped-calls

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from watchtime.core.catalog import PublishedRow
from watchtime.evaluation.statistics import summarise
from watchtime.reporting.comparisons.opening import value_obstacles
from watchtime.reporting.elements.alignment import format_number
from watchtime.reporting.elements.notes import Notes
from watchtime.reporting.elements.tables import Cell, Column, Section, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.elements.words import sentence
from watchtime.reporting.measured.measure_columns import measure_column
from watchtime.reporting.measured.repetitions import Values, by_repetition, differences, mean
from watchtime.reporting.measured.results import Measure
from watchtime.reporting.published import rules
from watchtime.reporting.published.cells import read_published
from watchtime.reporting.published.rules import Estimate, Ordering, Verdict
from watchtime.reporting.report import Report

REFERENCE = 0
"""The bucket to which the others are compared: the shortest durations."""


class Place(NamedTuple):
    """Where a number stands: the row of the artifact, the metric, and the bucket, None for all rows."""

    row: str
    metric: str
    bucket: int | None


def table(report: Report, dataset: str) -> Table | Markdown:
    """Our scores by bucket with their intervals, each beside the published number, whose note is its verdict."""
    measured, printed, notes = scores(report, dataset), published(report, dataset), Notes()
    if not measured:
        return Markdown(f"{escape(report.data_title(dataset))}: none of the methods was run.")
    judged = verdicts(report, dataset)
    rows: list[Section | list[Cell | Value]] = []
    for row, one in _rows(report, measured).items():
        rows.append(Section(one.title))
        for bucket in report.analysis(dataset, "buckets").iter_rows(named=True):
            cells: list[Cell | Value] = [_title(bucket), bucket["training"], bucket["test"]]
            for metric in report.artifact.metrics:
                place = Place(row, metric, bucket["bucket"])
                verdict = judged.get(place)
                reason = sentence(f"{verdict.word}: {verdict.reason}") if verdict else ""
                cells += [mean(measured[place]), Cell(_shown(metric, printed.get(place)), note=notes.letter(reason))]
            rows.append(cells)
    unit = report.unit(dataset, report.artifact.task)
    columns = [Column("Duration", "s"), Column("Training rows"), Column("Test rows")]
    for measure in _measures(report):
        columns += [measure_column(measure, unit), Column("Paper", align="right")]
    return Table(columns, rows, caption=_caption(report, dataset), notes=notes.texts)


def conclusion(report: Report, dataset: str) -> Markdown:
    """Say how every metric goes from short to long videos, here and in the paper, and how the verdicts fall."""
    measured, printed, judged = scores(report, dataset), published(report, dataset), verdicts(report, dataset)
    lines = []
    if judged:
        found = Counter(verdict.word for verdict in judged.values())
        said = ", ".join(f"{found[word]} *{word}*" for word in rules.WORDS if found[word])
        lines.append(f"Of the {len(judged)} published numbers: {said}.")
    last = max(report.analysis(dataset, "buckets")["bucket"].drop_nulls())
    for row in _rows(report, measured):
        for measure in _measures(report):
            ends = [Place(row, measure.metric, bucket) for bucket in (REFERENCE, last)]
            ours = [_mean(measure.metric, measured[place]) for place in ends]
            theirs = [_shown(measure.metric, printed.get(place)) or "–" for place in ends]
            paper = f"; the paper prints {theirs[0]} and {theirs[1]}" if any(place in printed for place in ends) else ""
            whole = _mean(measure.metric, measured[Place(row, measure.metric, None)])
            lines.append(
                f"{measure.title}: {ours[0]} in the bucket of the shortest videos, {ours[1]} in that of the longest, "
                f"{whole} over all rows{paper}."
            )
    said = "\n".join(f"- {line}" for line in lines) or "Nothing was measured."
    return Markdown(f"{escape(report.data_title(dataset))}.\n\n{said}")


def scores(report: Report, dataset: str) -> dict[Place, Values]:
    """Return what was measured by repetition; nothing by any where a bucket does not define a metric."""
    frame = report.analysis(dataset, "scores")
    return {
        Place(str(row), str(metric), bucket): by_repetition(one, "value")
        for (row, metric, bucket), one in frame.group_by("row", "metric", "bucket", maintain_order=True)
    }


def published(report: Report, dataset: str) -> dict[Place, float]:
    """Return what the paper prints; its buckets are numbered from 0."""
    return {
        Place(cell.method, cell.metric, int(cell.variant.removeprefix("bucket"))): cell.value
        for cell in read_published(report.plan.published_files)
        if (cell.name, cell.dataset) == (report.name, dataset)
    }


def verdicts(report: Report, dataset: str) -> dict[Place, Verdict]:
    """Judge every published number that was measured.

    What is ordered is a bucket against that of the shortest videos, paired over repetitions, after Holm over the table.
    """
    measured, printed = scores(report, dataset), published(report, dataset)
    places = [place for place in printed if measured.get(place)]
    reference = {place: Place(place.row, place.metric, REFERENCE) for place in places}
    others = [place for place in places if place.bucket != REFERENCE and measured.get(reference[place])]
    compared = differences([(measured[one], measured[reference[one]]) for one in others], "lower")
    orderings: dict[Place, Ordering | str] = dict.fromkeys(places, "the reference bucket")
    for place, one in zip(others, compared, strict=True):
        if one:
            gap = printed[place] - printed[reference[place]]
            orderings[place] = Ordering(gap, one.comparison.difference, one.p_value)
    against, tolerance = value_obstacles(report, dataset), report.plan.config.tolerance
    estimates = {place: summarise(measured[place].values()) for place in places}
    return {
        place: rules.judge(
            printed[place], Estimate(one.mean, one.low, one.high, one.n), orderings[place], against, tolerance
        )
        for place, one in estimates.items()
    }


def _rows(report: Report, measured: dict[Place, Values]) -> dict[str, PublishedRow]:
    return {row: one for row, one in report.artifact.rows.items() if any(place.row == row for place in measured)}


def _measures(report: Report) -> list[Measure]:
    return [Measure.of(metric, report.artifact.conventions) for metric in report.artifact.metrics]


def _title(bucket: dict[str, Any]) -> str:
    return "All rows" if bucket["bucket"] is None else f"{bucket['low']:.1f} to {bucket['high']:.1f}"


def _decimals(metric: str) -> int:
    return 4 if Measure.of(metric).direction == "higher" else 2


def _shown(metric: str, value: float | None) -> str | None:
    """Return a number as the paper prints it."""
    return None if value is None else format_number(value, _decimals(metric))


def _mean(metric: str, values: Values) -> str:
    return format_number(summarise(values.values()).mean, _decimals(metric)) if values else "–"


def _caption(report: Report, dataset: str) -> str:
    repetitions = report.plan.config.repetitions
    spread = f"Mean ± half of the 95 % interval over {repetitions} repetitions" if repetitions > 1 else "One repetition"
    return (
        f"{report.artifact.title} on {report.data_title(dataset)}, each beside what the paper prints. {spread}. The "
        "letter at a published number is its verdict: a bucket's order is that to the bucket of the shortest videos, "
        "the reference, paired over repetitions, after Holm over the table. –: the bucket has no test rows, or none "
        "that define the metric. Over all rows, ranks also compare rows of different durations."
    )
