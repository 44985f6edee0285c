"""How sure the order of a table is: what other seeds and other users would change, and what its design can find."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from watchtime.core.seeds import derive_seed
from watchtime.evaluation.metrics import METRICS
from watchtime.evaluation.rank_stability import MOST_COUNTED, rank_stability
from watchtime.evaluation.statistics import minimum_detectable_difference
from watchtime.evaluation.user_bootstrap import DRAWS
from watchtime.reporting.comparisons.comparison import competitors, line_names, measures
from watchtime.reporting.elements.alignment import format_number, usual_decimals
from watchtime.reporting.elements.tables import Cell, Column, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.elements.words import percent
from watchtime.reporting.measured.results import ALPHA, Line, Measure, Results
from watchtime.reporting.report import Report

POWER = 0.8
MAIN_MEASURES = 2


class Stability(NamedTuple):
    """A row's share of the draws in which it is best, and in which no other is better; its lowest and highest rank."""

    best: float
    unbeaten: float
    lowest: float
    highest: float


def main_measures(report: Report, results: Results) -> list[Measure]:
    """Return the first error and the first measure of order of the table; of one kind alone, its first two."""
    shown = measures(report, results)
    firsts = {METRICS[one.metric].unit: one for one in reversed(shown)}
    return list(reversed(firsts.values())) if len(firsts) == MAIN_MEASURES else shown[:MAIN_MEASURES]


def table(report: Report, dataset: str) -> Table | Markdown:
    """Every row that competes, by its rank in the first main measure, with what seeds and users leave open."""
    results = report.results(dataset)
    columns, lines = main_measures(report, results), competitors(report, dataset)
    if results.repetitions < 2:
        return Markdown("One repetition says nothing about other seeds.")
    names, unit = line_names(report, dataset), report.unit(dataset, report.artifact.task)
    found = {measure: _stability(report, results, lines, measure) for measure in columns}
    drawn = _with_users(results, lines, columns)
    rows: list[list[Cell | Value]] = [
        [
            names[line],
            *(
                value
                for measure in columns
                for value in _cells(results, line, measure, found[measure].get(line), measure in drawn)
            ),
        ]
        for line in results.ranked(lines, columns[0])
        if any(results.values(line, measure) for measure in columns)
    ]
    heads = [Column("Method")]
    for measure in columns:
        metric = METRICS[measure.metric]
        own = unit if metric.unit == "target" else None
        decimals = _decimals(results, lines, measure)
        heads.append(Column(f"{metric.title} ±\u00a0seeds", own, decimals))
        heads += [Column("±\u00a0users", own, decimals)] if measure in drawn else []
        heads += [Column("Best", "%", 0), Column("Ranks", align="center")]
    return Table(heads, rows, caption=_caption(report, dataset, results, columns))


def conclusions(report: Report, dataset: str) -> Markdown:
    """Say how often another winner would come out with other seeds, and which differences the design can find."""
    results, lines = report.results(dataset), competitors(report, dataset)
    columns, names = main_measures(report, results), line_names(report, dataset)
    unit = report.unit(dataset, report.artifact.task)
    said = [detectable(results, lines, columns, unit)]
    if results.repetitions > 1:
        said = [*_winners(report, results, lines, columns, names), *_users(results, lines, columns), *said]
    return Markdown("\n".join(f"- {line}" for line in said))


def detectable(results: Results, lines: Sequence[Line], columns: Sequence[Measure], unit: str | None) -> Markdown:
    """Say which differences between ``lines`` the repetitions can find."""
    repetitions = results.repetitions
    if repetitions < 2:
        return Markdown("One repetition finds no difference, however large: it says nothing about chance.")
    parts = []
    for measure in columns:
        spread, metric = results.paired_spread(lines, measure), METRICS[measure.metric]
        if spread is not None:
            found = minimum_detectable_difference(spread, repetitions, 1 - ALPHA, POWER)
            ending = f" {unit}" if unit and metric.unit == "target" else ""
            parts.append(f"{format_number(found, usual_decimals([100 * found]))}{ending} in {metric.title}")
    if not parts:
        return Markdown("Fewer than two methods have randomness, so there is no spread of a difference.")
    return Markdown(
        f"The smallest true difference that {repetitions} repetitions find with a chance of {percent(POWER, 0)}, in "
        f"one paired test at the level of {percent(ALPHA, 0)} before Holm's correction: {', '.join(parts)}. It follows "
        "from the spread of the paired difference between neighbours in the ranking, its median over the methods with "
        "randomness."
    )


def _stability(report: Report, results: Results, lines: Sequence[Line], measure: Measure) -> dict[Line, Stability]:
    """Return of every line with values how stable its rank is."""
    measured = [line for line in lines if results.values(line, measure)]
    values = [[results.values(line, measure)[one] for one in range(results.repetitions)] for line in measured]
    seed = derive_seed(report.plan.config.seed, axis="repetitions")
    found = rank_stability(values, measure.direction, seed)
    rows = zip(found.best, found.unbeaten, found.lowest, found.highest, strict=True)
    return {line: Stability(*row) for line, row in zip(measured, rows, strict=True)}


def _cells(results: Results, line: Line, measure: Measure, one: Stability | None, users: bool) -> list[Value]:
    """Return the cells of a measure; ``users`` says whether its table has a column of intervals over users."""
    over = [_over_seeds(results, line, measure), *([results.over_users(line, measure)] if users else [])]
    if one is None:
        return [*over, None, None]
    ranks = f"{one.lowest:g}" if one.lowest == one.highest else f"{one.lowest:g}–{one.highest:g}"
    return [*over, 100 * one.best, ranks]


def _over_seeds(results: Results, line: Line, measure: Measure) -> float | None:
    """Return half of the 95 % interval over the repetitions; None where there is no randomness."""
    summary = results.summary(line, measure)
    return summary.high - summary.mean if summary and summary.high is not None and summary.spread else None


def _decimals(results: Results, lines: Sequence[Line], measure: Measure) -> int:
    """Return the decimals that show two digits of the median half-width over repetitions."""
    halves = [half for line in lines if (half := _over_seeds(results, line, measure))]
    return usual_decimals([100 * half for half in halves]) if halves else 4


def _with_users(results: Results, lines: Sequence[Line], columns: Sequence[Measure]) -> list[Measure]:
    """Return the measures that have intervals over users."""
    return [one for one in columns if any(results.over_users(line, one) is not None for line in lines)]


def _winners(
    report: Report, results: Results, lines: Sequence[Line], columns: Sequence[Measure], names: dict[Line, str]
) -> list[Markdown]:
    parts = []
    for measure in columns:
        leader = results.leader(lines, measure)
        if leader:
            others = 1 - _stability(report, results, lines, measure)[leader].unbeaten
            parts.append(
                f"{percent(others, 0)} of the draws in {METRICS[measure.metric].title} ({escape(names[leader])})"
            )
    return [Markdown(f"With other seeds the winner would change in {' and in '.join(parts)}.")] if parts else []


def _users(results: Results, lines: Sequence[Line], columns: Sequence[Measure]) -> list[Markdown]:
    """Say how much wider intervals over users are than those over seeds."""
    parts: list[str] = []
    for measure in columns:
        both = [(_over_seeds(results, line, measure), results.over_users(line, measure)) for line in lines]
        ratios = [users / seeds for seeds, users in both if seeds and users]
        if ratios:
            words = "" if parts else " as wide as those over seeds"
            parts.append(f"{statistics.median(ratios):.2g} times{words} in {METRICS[measure.metric].title}")
    if not parts:
        return []
    said = f"Intervals over users are {' and '.join(parts)} (median over the rows)"
    return [Markdown(f"{said}; all rows share their users, so that differences between rows vary less.")]


def _caption(report: Report, dataset: str, results: Results, columns: Sequence[Measure]) -> Markdown:
    repetitions = results.repetitions
    all_draws = repetitions**repetitions
    draws = f"all {all_draws:,}" if all_draws <= MOST_COUNTED else f"{MOST_COUNTED:,} random"
    users = _about_users(report, dataset, results, columns)
    return Markdown(
        f"How sure the order on {report.data_title(dataset)} is. ± seeds: half of the 95 % interval over {repetitions} "
        f"repetitions; a method without randomness has none. {users} Best and "
        f"ranks: how often a row's mean is the best, and its ranks in 95 % of {draws} ways to draw the repetitions "
        "anew, the same for all rows; few repetitions make an order look surer than it is."
    )


def _about_users(report: Report, dataset: str, results: Results, columns: Sequence[Measure]) -> str:
    lines = competitors(report, dataset)
    drawn = _with_users(results, lines, columns)
    lacking = [one for one in columns if one not in drawn]
    if len(lacking) == len(columns):
        return "± users: there is none, since the metrics of this run have no intervals over users."
    users, rows = results.mean(lines[0], Measure.of("users")) or 0, report.test_rows(dataset)
    said = (
        f"± users: half of the 95 % interval when the {users:,.0f} users of the test rows are drawn anew {DRAWS} times"
    )
    said += ", each with all rows, in the first repetition"
    if users == rows:
        said += "; every user has one row, so that it is an interval over rows"
    titles = " and ".join(METRICS[one.metric].title for one in lacking)
    return f"{said}{f'; {titles}, made of ranks among all rows, has none' if titles else ''}."
