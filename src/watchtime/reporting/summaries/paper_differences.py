"""Why papers may print different numbers: other counts of the data, other splits, other definitions of a metric."""

from __future__ import annotations

import polars as pl

from watchtime.core.plan import Plan
from watchtime.evaluation.metrics import METRICS
from watchtime.evaluation.ranking import RANKING_CONVENTIONS
from watchtime.evaluation.xauc import CONVENTIONS
from watchtime.evaluation.xgauc import XGAUC_CONVENTIONS
from watchtime.reporting.comparisons.leaderboard import Board, boards
from watchtime.reporting.comparisons.leaderboard import title as board_title
from watchtime.reporting.elements.alignment import format_number, usual_decimals
from watchtime.reporting.elements.tables import Column, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.elements.words import percent
from watchtime.reporting.published import readings
from watchtime.reporting.published.printed_numbers import contradictions, counts, flips, printings
from watchtime.reporting.rendering.page import paper_title
from watchtime.reporting.report import Report

DEFINED = {"xauc": CONVENTIONS, "xgauc": XGAUC_CONVENTIONS, "nwtg@10": RANKING_CONVENTIONS}
"""The metrics of which there are several definitions, which NEG shares with NWTG, with the text of each."""


def statistics(report: Report) -> Table | Markdown:
    """The counts of data sets that papers print differently, however little: a count has no noise."""
    plan, found = report.plan, counts(report.plan)
    if not found:
        return Markdown("No two papers count a data set differently.")
    papers = [paper for paper in plan.catalog.papers if any(paper in values for values in found.values())]
    rows: list[list[Value]] = []
    for (dataset, metric), values in found.items():
        shown = [_count(plan, dataset, metric, paper, values.get(paper)) for paper in papers]
        apart = 100 * (max(values.values()) / min(values.values()) - 1)
        rows.append(
            [
                plan.catalog.datasets[dataset].title,
                readings.TITLES[metric],
                *shown,
                format_number(apart, usual_decimals([apart])),
            ]
        )
    columns = [Column("Data set"), Column("Count")]
    columns += [Column(paper_title(plan, paper), align="right") for paper in papers]
    caption = (
        "Counts of one data set that differ between papers. Where a paper counts a k-core alone, k stands beside it."
    )
    return Table([*columns, Column("Apart", "%", align="right")], rows, caption=caption)


def protocols(report: Report) -> Table:
    """How each paper splits the data sets that several papers show."""
    catalog, found = report.plan.catalog, dict[str, dict[tuple[str, bool], list[str]]]()
    for name, artifact in catalog.artifacts().items():
        if not artifact.protocol or artifact.analysis or artifact.task == "stats" or artifact.study:
            continue
        for dataset in artifact.datasets:
            split = (str(artifact.protocol_on(dataset)), artifact.protocol_stated)
            papers = found.setdefault(dataset, {}).setdefault(split, [])
            paper = paper_title(report.plan, name.split("/")[0])
            papers += [] if paper in papers else [paper]
    rows: list[list[Value]] = [
        [catalog.datasets[dataset].title, ", ".join(papers), catalog.protocols[protocol].title, stated]
        for dataset, splits in found.items()
        if len({paper for papers in splits.values() for paper in papers}) > 1
        for (protocol, stated), papers in splits.items()
    ]
    columns = [Column(title) for title in ("Data set", "Papers", "Split that is taken as theirs", "Named by the paper")]
    return Table(
        columns, rows, caption="Splits of the data sets that several papers show, as far as papers or code say."
    )


def definitions(report: Report) -> Table:
    """Every definition of a metric that has several, and whose tables are read by it."""
    rows: list[list[Value]] = []
    for metric, texts in DEFINED.items():
        for convention, definition in texts.items():
            users = _papers_using(report.plan, metric, convention)
            rows.append([METRICS[metric].title, convention, ", ".join(users) or None, definition])
    columns = [Column("Measure"), Column("Rule"), Column("Tables of"), Column("What it counts")]
    return Table(columns, rows, caption="Definitions of one metric. NEG is defined as NWTG is.")


def effect_of_rules(report: Report) -> Table:
    """How far rules for ties alone move XAUC on the predictions of this run."""
    rows = [_effect(report, board) for board in boards(report) if board.task != "label"]
    columns = [Column("Leaderboard"), Column("Median over methods", decimals=4), Column("Largest", decimals=4)]
    caption = (
        "XAUC of the same predictions under every rule for ties: the highest minus the lowest of its means over "
        "repetitions, over all readouts of networks."
    )
    return Table([*columns, Column("Pairs tied in the target", "%", 2)], rows, caption=caption)


def conclusion(report: Report) -> Markdown:
    """Say how often papers contradict each other, and whether this run can decide."""
    plan, found = report.plan, printings(report.plan)
    several = [one for one in found if len(one.papers) > 1]
    against = contradictions(several, plan.config.tolerance)
    tolerance = percent(plan.config.tolerance, None)
    said = (
        f"Of the {len(several)} numbers that more than one paper prints, {len(against)} differ by more than {tolerance}"
    )
    if against:
        first = against[0]
        data = plan.catalog.datasets[first.quantity.dataset].title
        measure = METRICS[first.quantity.metric].title
        said += f", the {measure} of {escape(first.title)} on {escape(data)} by {percent(first.apart, 0)}"
    flipped = len(flips(found))
    parts = [f"{said}. {flipped} pairs of methods change places with the paper that is read."]
    if all(plan.is_simulated(dataset) for dataset in plan.config.datasets):
        parts.append("All logs of this run are simulated, so none of its numbers says which of them is right.")
    else:
        parts.append(
            "A number of ours stands under its own protocol; it speaks for one of theirs only where split, size and "
            "definition are the same, which the verdicts on each table's page say."
        )
    return Markdown(" ".join(parts))


def _count(plan: Plan, dataset: str, metric: str, paper: str, value: float | None) -> str | None:
    if value is None:
        return None
    cards = plan.catalog.papers[paper].artifacts.values()
    protocols = [card.protocol_on(dataset) for card in cards if card.task == "stats" and dataset in card.datasets]
    cores = [core for name in protocols if name and (core := plan.catalog.protocols[name].core)]
    shown = format_number(value, readings.decimals(metric))
    return f"{shown} ({cores[0]}-core)" if cores else shown


def _papers_using(plan: Plan, metric: str, convention: str) -> list[str]:
    """Return the papers whose tables are read by a rule: the one named for it, or the first where none is."""
    found = []
    for name, artifact in plan.catalog.artifacts().items():
        own = artifact.conventions.get(metric, METRICS[metric].conventions[0])
        title = paper_title(plan, name.split("/")[0])
        if metric in artifact.metrics and not artifact.study and own == convention and title not in found:
            found.append(title)
    return found


def _effect(report: Report, board: Board) -> list[Value]:
    frame = report.table("metrics").filter(dataset=board.dataset, task=board.task, protocol=board.protocol)
    networks = [name for name, card in report.plan.catalog.methods.items() if card.family == "network"]
    lines = ["method", "variant", "readout"]
    means = (
        frame.filter(pl.col("method").is_in(networks), metric="xauc")
        .group_by(*lines, "convention", maintain_order=True)
        .agg(pl.col("value").mean())
    )
    spread = means.group_by(*lines, maintain_order=True).agg(spread=pl.col("value").max() - pl.col("value").min())
    ties = frame.filter(metric="target_tie_mass")["value"]
    largest, median = spread["spread"].max(), spread["spread"].median()
    return [
        board_title(report, board),
        median if isinstance(median, float) else None,
        largest if isinstance(largest, float) else None,
        100 * ties[0] if len(ties) else None,
    ]
