"""The leaderboard of one data set, task and protocol: every method, variant and readout of the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from watchtime.reporting.comparisons import certainty
from watchtime.reporting.elements.tables import Cell, Column, Table, Value
from watchtime.reporting.elements.text import Markdown
from watchtime.reporting.elements.words import target_name
from watchtime.reporting.measured.measure_columns import measure_column
from watchtime.reporting.measured.results import ALPHA, Line, Measure, Results
from watchtime.reporting.report import Report

MEASURES = tuple(map(Measure.of, ("xauc", "rmse", "mae")))
MEASURES_OF_TASKS = {
    "ltv": MEASURES + tuple(map(Measure.of, ("norm_gini", "spearman"))),
    # Labels have scales of their own, and what counts is each user's list.
    "label": tuple(map(Measure.of, ("nwtg@10", "neg@10", "ds@10", "nwtg@3"))),
}


@dataclass(frozen=True)
class Board:
    """What may stand in one leaderboard."""

    dataset: str
    task: str
    protocol: str


def boards(report: Report) -> list[Board]:
    """Return the leaderboards of the run that any job can stand in."""
    plan = report.plan
    return [
        Board(dataset, task, protocol)
        for dataset in plan.config.datasets
        for task in plan.tasks(dataset)
        for protocol in plan.protocols(dataset)
        if plan.job_keys(dataset, task, protocol)
    ]


def measures(board: Board) -> tuple[Measure, ...]:
    """Return the columns of a leaderboard; the first one ranks its lines."""
    return MEASURES_OF_TASKS.get(board.task, MEASURES)


def title(report: Report, board: Board) -> str:
    """Return the heading of a leaderboard."""
    protocol = report.plan.catalog.protocols[board.protocol].title
    return f"{report.data_title(board.dataset)}, {target_name(board.task)}, {protocol}"


def table(report: Report, board: Board) -> Table:
    """Every method with every readout, ranked by the first measure of its target."""
    results, columns = _results(report, board), measures(board)
    competing = _competing(report, results)
    best = results.best(competing, columns)
    ranks = {line: rank for rank, line in enumerate(results.ranked(competing, columns[0]), 1)}
    rows: list[list[Cell | Value]] = [
        [
            ranks.get(line),
            report.method_title(line.method, line.variant),
            line.readout,
            report.parameters(results, line),
            *(Cell(results.interval(line, measure), best=line in best.get(measure, [])) for measure in columns),
        ]
        for line in results.ranked(results.lines(), columns[0])
    ]
    unit = report.unit(board.dataset, board.task)
    heads = [Column("Rank", decimals=0), Column("Method"), Column("Readout"), Column("Parameters")]
    heads += [measure_column(measure, unit) for measure in columns]
    return Table(heads, rows, caption=_caption(report, board))


def detectable(report: Report, board: Board) -> Markdown:
    """Say which differences the repetitions can find."""
    results = _results(report, board)
    return certainty.detectable(
        results, _competing(report, results), measures(board), report.unit(board.dataset, board.task)
    )


def excluded(report: Report) -> Table | Markdown:
    """List what could not run, with the reason that several may share, and what the run leaves out."""
    sharing: dict[tuple[str, str], list[str]] = {}
    for place, reason in report.plan.excluded().items():
        name, where = place.rsplit(" on ", 1)
        sharing.setdefault((where, reason), []).append(report.method_title(*name.split("/")))
    rows = [[", ".join(names), _place(report, where), reason] for (where, reason), names in sharing.items()]
    rows += [[methods, where, "left out by the list of methods"] for methods, where in _left_out(report).items()]
    if not rows:
        return Markdown("Every method and variant ran on every data set.")
    return Table([Column("Method"), Column("Where"), Column("Reason")], rows, caption="What did not run, and why.")


def _place(report: Report, where: str) -> str:
    dataset, task = where.split(", ")
    return f"{report.data_title(dataset)}, {target_name(task)}"


def _left_out(report: Report) -> dict[str, str]:
    """Return what this run leaves out, with the data sets on which it does."""
    plan, places = report.plan, dict[str, list[str]]()
    for dataset in plan.config.datasets:
        chosen = {
            one
            for task in plan.tasks(dataset)
            for protocol in plan.protocols(dataset)
            for one in plan.variants(dataset, task, protocol)
        }
        places.setdefault(_missing(report, chosen), []).append(report.data_title(dataset))
    names = {left: ", ".join(found) for left, found in places.items() if left}
    return {left: "all" if len(places) == 1 else found for left, found in names.items()}


def _missing(report: Report, chosen: set[tuple[str, str]]) -> str:
    """Return the methods of which nothing is chosen, and of how many variants of the others.

    No list has the variants that leak.
    """
    methods, variants = [], 0
    for method, card in report.plan.catalog.methods.items():
        honest = [variant for variant, options in card.variants.items() if not options.leak]
        absent = sum((method, variant) not in chosen for variant in honest)
        if absent == len(honest):
            methods.append(card.title)
        else:
            variants += absent
    others = f"{variants} {'variant' if variants == 1 else 'variants'} of {'others' if methods else 'methods that ran'}"
    return "; ".join(filter(None, [", ".join(methods), others if variants else ""]))


def shown(report: Report, board: Board, table: Literal["metrics", "calibration"]) -> pl.DataFrame:
    """Return the rows of a table of the run that a board shows: no ablations, which have pages of their own."""
    rows = report.table(table).filter(dataset=board.dataset, task=board.task, protocol=board.protocol)
    chosen = pl.DataFrame(sorted(report.plan.shown_variants(board.dataset)), ["method", "variant"], orient="row")
    return rows.join(chosen, on=["method", "variant"], how="semi", maintain_order="left")


def _results(report: Report, board: Board) -> Results:
    return Results(shown(report, board, "metrics"), report.plan.config.repetitions)


def _competing(report: Report, results: Results) -> list[Line]:
    return [line for line in results.lines() if report.plan.catalog.methods[line.method].family != "oracle"]


def _caption(report: Report, board: Board) -> Markdown:
    frame = report.table("metrics").filter(dataset=board.dataset, task=board.task, protocol=board.protocol)
    return Markdown(
        f"{frame['test_rows'][0]:,} test rows, ranked by {measures(board)[0].title}. Mean ± half of the 95 % interval "
        f"over {report.plan.config.repetitions} repetitions; a method without randomness is fitted once. **Bold**: the "
        "best of its column and what is not significantly different from it (paired t-test, Holm over the table, α = "
        f"{ALPHA}). The oracle knows the distribution and has no rank; a rank readout has no error. Ablations stand on "
        "the pages of the artifacts that show them."
    )
