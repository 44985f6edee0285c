"""What papers print of the same quantity, side by side, and what this run measures for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from watchtime.evaluation.metrics import METRICS
from watchtime.reporting.elements.alignment import format_number, usual_decimals
from watchtime.reporting.elements.tables import Cell, Column, Section, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.elements.words import percent, target_name
from watchtime.reporting.measured.measure_columns import ARROWS
from watchtime.reporting.measured.results import Line, Measure, Results
from watchtime.reporting.published.printed_numbers import Printing, contradictions, flips, printings
from watchtime.reporting.rendering.page import artifact_label
from watchtime.reporting.report import Report


def opening(report: Report) -> Markdown:
    """Say what stands side by side, and how our numbers are to be read."""
    plan = report.plan
    origins = "; ".join(f"{escape(report.card(one).title)}, {report.origin(one)}" for one in report.datasets)
    paragraphs = [
        "**Question.** Do papers print the same number for the same method on the same data, and where not, what could "
        "be the reason?",
        "**Published.** Every number that a table prints for a method on a data set that others can have. Rows are the "
        "same where one job of this project stands for them; ablations that one table alone has are left to its page. "
        f"Numbers contradict each other where they differ by more than {percent(plan.config.tolerance, None)}, the "
        "tolerance of this run.",
        f"**Ours.** {plan.config.repetitions} repetitions, size {plan.config.size}, regime "
        f"{escape(plan.config.regime.replace('_', ' '))}; rank metrics are strict. Data: {origins}.",
    ]
    return Markdown("\n\n".join(paragraphs))


def conflicts(report: Report) -> Table | Markdown:
    """The contradictions alone, the largest first."""
    found = contradictions(printings(report.plan), report.plan.config.tolerance)
    if not found:
        return Markdown("No two tables contradict each other.")
    rows: list[list[Value]] = []
    for one in found:
        decimals = usual_decimals(list(one.values.values()))
        ends = [(format_number(value, decimals), _place(report, place)) for place, value in (one.lowest, one.highest)]
        (low, low_place), (high, high_place) = ends
        rows.append(
            [
                _data_set(report, one),
                one.title,
                METRICS[one.quantity.metric].title,
                *(low, low_place, high, high_place),
                100 * one.apart,
            ]
        )
    columns = [Column("Data set"), Column("Method"), Column("Measure"), Column("Lowest", align="right")]
    columns += [Column("printed in"), Column("Highest", align="right"), Column("printed in"), Column("Apart", "%", 1)]
    caption = (
        "Numbers that contradict each other, by how far they are apart: (highest − lowest) / lowest. Where several "
        "tables print the same number, the first one is named."
    )
    return Table(columns, rows, caption=caption)


def orders(report: Report) -> Table | Markdown:
    """The pairs of methods that papers order differently."""
    found = flips(printings(report.plan))
    if not found:
        return Markdown("No two papers order two methods differently.")
    rows: list[list[Value]] = [
        [
            report.card(one.dataset).title,
            METRICS[one.metric].title,
            one.first,
            ", ".join(_place(report, place) for place in one.first_better),
            one.second,
            ", ".join(_place(report, place) for place in one.second_better),
        ]
        for one in found
    ]
    columns = [
        Column(title) for title in ("Data set", "Measure", "One method", "is better in", "The other", "is better in")
    ]
    return Table(columns, rows, caption="Two methods whose order depends on which paper is read.")


def side_by_side(report: Report, dataset: str) -> list[Table]:
    """Return a table per target: all that papers print, one column per table of theirs, and our numbers."""
    found = [one for one in printings(report.plan) if one.quantity.dataset == dataset]
    tasks = dict.fromkeys(one.quantity.task for one in found)
    return [_table(report, dataset, task, [one for one in found if one.quantity.task == task]) for task in tasks]


def _table(report: Report, dataset: str, task: str, found: Sequence[Printing]) -> Table:
    plan = report.plan
    printed = {place for one in found for place in one.values}
    places = [name for name in plan.catalog.ledger if name in printed]
    in_run = dataset in plan.config.datasets and task in plan.tasks(dataset)
    protocols = plan.protocols(dataset) if in_run else []
    results = {one: _results(report, dataset, task, one) for one in protocols}
    rows: list[Section | list[Cell | Value]] = []
    for metric in dict.fromkeys(one.quantity.metric for one in found):
        own = [one for one in found if one.quantity.metric == metric]
        rows.append(Section(METRICS[metric].title + ARROWS[METRICS[metric].direction]))
        decimals = usual_decimals([value for one in own for value in one.values.values()])
        for one in own:
            apart = 100 * one.apart if len(one.values) > 1 else None
            line = _line(report, one, results.values())
            rows.append(
                [
                    one.title,
                    *(format_number(one.values[place], decimals) if place in one.values else None for place in places),
                    Cell(apart, best=one.apart > plan.config.tolerance),
                    *([_readout(one, line)] if protocols else []),
                    *(_ours(results[protocol], line, metric, decimals) for protocol in protocols),
                ]
            )
    columns = [Column("Method"), *(Column(_place(report, place), align="right") for place in places)]
    columns += [Column("Apart", "%", 1), *([Column("Readout")] if protocols else [])]
    columns += [Column(f"Ours: {plan.catalog.protocols[one].title}", align="right") for one in protocols]
    title = report.data_title(dataset) if in_run else report.plan.catalog.datasets[dataset].title
    caption = (
        f"{title}, {target_name(task)}: what papers print, a column for each of their tables. **Bold**: apart by more "
        f"than {percent(plan.config.tolerance, None)}. "
        + ("Ours: mean ± half of the 95 % interval." if protocols else "This run has no numbers for it.")
    )
    return Table(columns, rows, caption=Markdown(caption))


def _results(report: Report, dataset: str, task: str, protocol: str) -> Results:
    frame = report.table("metrics").filter(dataset=dataset, task=task, protocol=protocol)
    return Results(frame, report.plan.config.repetitions)


def _line(report: Report, one: Printing, results: Iterable[Results]) -> Line:
    """Return the line of ours that stands for a printed row: the first of its papers' jobs that has values here."""
    card = report.plan.catalog.methods[one.quantity.method]
    lines = [
        Line(one.quantity.method, variant, readout or (card.variants[variant].readouts or card.readouts)[0])
        for variant, readout in one.jobs
    ]
    known = {line for board in results for line in board.lines()}
    return next((line for line in lines if line in known), lines[0])


def _readout(one: Printing, line: Line) -> str:
    """Return a line's readout, with its variant where that is not the one that the method is known by."""
    other = line.variant != one.quantity.variant
    return f"{line.readout} ({line.variant.replace('_', ' ')})" if other else line.readout


def _ours(results: Results, line: Line, metric: str, decimals: int) -> str | None:
    summary = results.summary(line, Measure.of(metric))
    if summary is None:
        return None
    mean = format_number(summary.mean, decimals)
    if summary.low is None or summary.high is None or results.is_deterministic(line):
        return mean
    return f"{mean} ± {format_number((summary.high - summary.low) / 2, decimals)}"


def _data_set(report: Report, one: Printing) -> str:
    title = report.plan.catalog.datasets[one.quantity.dataset].title
    first = next(iter(report.plan.catalog.datasets[one.quantity.dataset].tasks))
    return title if one.quantity.task == first else f"{title}, {target_name(one.quantity.task)}"


def _place(report: Report, place: str) -> str:
    return artifact_label(report.plan, place)
