"""The first page of a paper: what it is, what this run shows of it and finds, and what it leaves open."""

from __future__ import annotations

import polars as pl

from watchtime.core.artifact_state import reason_without, state
from watchtime.core.catalog import Ambiguity, Paper
from watchtime.reporting.elements.tables import Column, Section, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.elements.words import percent
from watchtime.reporting.measured.results import ALPHA
from watchtime.reporting.published import rules
from watchtime.reporting.published.cells import GAIN
from watchtime.reporting.rendering.page import artifact_label
from watchtime.reporting.report import Report

JUDGED: tuple[rules.Word, ...] = ("reproduced", "ordering holds", "differs", "used")


def opening(report: Report) -> Markdown:
    """Say which paper it is, what of it this run shows, on which data, and how that was measured."""
    plan, paper = report.plan, _paper(report)
    entries = [entry for entry in plan.catalog.ledger.values() if entry.paper == report.name]
    drawings = sum(entry.kind == "schematic" for entry in entries)
    shown = sum(entry.name in plan.artifacts for entry in entries)
    beside = [name for name in plan.papers[report.name] if name not in plan.catalog.ledger]
    origins = "; ".join(f"{escape(report.card(one).title)}, {report.origin(one)}" for one in report.datasets)
    question = f"What of {paper.title} can be made again, what holds, and what does the paper leave open?"
    paragraphs = [
        f"**Question.** {escape(question)}",
        f"**Paper.** {escape(paper.reference)}.",
        f"**Shown.** Of its {len(entries)} tables and figures {drawings} are drawings without data; of the others "
        f"{shown} of {len(entries) - drawings} follow, in the order of the paper"
        + (f", then {_pages(len(beside))} that it does not have." if beside else "."),
        f"**Data.** {origins}.",
        f"**Measured.** {plan.config.repetitions} repetitions, regime {escape(plan.config.regime.replace('_', ' '))}, "
        f"size {plan.config.size}. The protocol of every number stands on its page.",
    ]
    return Markdown("\n\n".join(paragraphs))


def artifacts(report: Report) -> Table:
    """Every table and figure of the paper with the verdicts on its numbers, then what stands in the text alone."""
    plan, frame = report.plan, report.verdicts
    names = [name for name in plan.catalog.in_order() if name.split("/")[0] == report.name]
    rows: list[Section | list[Value]] = [_row(report, name, _cells_of(report, name)) for name in names]
    shown = pl.concat([_cells_of(report, name) for name in names])
    text = frame.filter(~pl.col("artifact").is_in(shown["artifact"].unique().to_list()))
    rows += [
        ["in the text", "settings and statements", None, *_counted(text)],
        ["all", None, None, *_counted(frame)],
    ]
    columns = [Column("Place"), Column("Title"), Column("In this run"), *(Column(word) for word in rules.WORDS)]
    caption = f"The verdicts on the {frame.height} numbers that the paper prints. Drawings have no data and no number."
    return Table([*columns, Column("cells")], rows, caption=caption)


def ambiguities(report: Report) -> Table | Markdown:
    """What the paper leaves open or prints wrong, what is done here, and what stands for other readings."""
    found = _paper(report).ambiguities
    if not found:
        return Markdown("Nothing is noted as open.")
    rows: list[list[Value]] = [[one.question, one.choice, _others(one) or None] for one in found]
    columns = [Column("What is open"), Column("What is done here"), Column("Other readings: variants and settings")]
    return Table(columns, rows, caption="What the paper leaves open or prints wrong, and the defaults chosen here.")


def conclusion(report: Report) -> Markdown:
    """Say how many of the paper's numbers could be judged, and which way they fall."""
    frame = report.verdicts
    number = {word: frame.filter(verdict=word).height for word in rules.WORDS}
    judged = sum(number[word] for word in JUDGED)
    # A gain says what the difference beside it says.
    tested = frame.filter(pl.col("p_value") <= ALPHA, ~pl.col("metric").str.ends_with(GAIN))
    agreeing = tested.filter(pl.col("difference").sign() == pl.col("published_difference").sign()).height
    parts = [
        f"Of the {frame.height} numbers of the paper {judged} ({percent(judged / frame.height, 0)}) could be judged: "
        f"{', '.join(f'{number[word]} *{word}*' for word in JUDGED)}. Significant differences to a reference row: "
        f"{tested.height}, of which {agreeing} point as published and {tested.height - agreeing} the other way round."
    ]
    simulated = [report.card(one).title for one in report.datasets if report.plan.is_simulated(one)]
    if simulated:
        parts.append(f"The logs of {escape(', '.join(simulated))} are simulated: no value there can be reproduced.")
    return Markdown(" ".join(parts))


def _pages(number: int) -> str:
    return "1 page" if number == 1 else f"{number} pages"


def _paper(report: Report) -> Paper:
    return report.plan.catalog.papers[report.name]


def _row(report: Report, name: str, cells: pl.DataFrame) -> list[Value]:
    plan = report.plan
    artifact, entry = plan.catalog.artifacts().get(name), plan.catalog.ledger.get(name)
    title = artifact.title if artifact else entry.title if entry else None
    place = artifact_label(plan, name).split(", ")[1]
    is_drawing = entry is not None and entry.kind == "schematic"
    reason = None if is_drawing else reason_without(plan, name)
    said = f"not shown: {reason}" if reason else state(plan, name)
    return [place, title, said, *(_counted(cells) if cells.height else [None] * (len(rules.WORDS) + 1))]


def _cells_of(report: Report, name: str) -> pl.DataFrame:
    """Return the verdicts that stand on an artifact's page: of its own target, where one table is two of ours."""
    paper, own = report.plan.catalog.printed_name(name).split("/")
    frame = report.verdicts.filter(paper=paper, artifact=own)
    sharing = [
        one for one in report.plan.catalog.in_order() if report.plan.catalog.printed_name(one) == f"{paper}/{own}"
    ]
    tasks = {report.plan.catalog.artifacts()[one].task for one in sharing if one in report.plan.catalog.artifacts()}
    artifact = report.plan.catalog.artifacts().get(name)
    return frame.filter(task=artifact.task) if artifact and len(tasks) > 1 else frame


def _counted(cells: pl.DataFrame) -> list[Value]:
    return [*(cells.filter(verdict=word).height for word in rules.WORDS), cells.height]


def _others(one: Ambiguity) -> str:
    return ", ".join([*one.variants, *one.settings])
