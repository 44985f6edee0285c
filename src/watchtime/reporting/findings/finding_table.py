"""The effects of a finding in numbers: what each change comes to, and every effect."""

from __future__ import annotations

from watchtime.evaluation.metrics import METRICS
from watchtime.evaluation.ranking import RANKING_CONVENTIONS
from watchtime.evaluation.xauc import CONVENTIONS, SAME_AS
from watchtime.evaluation.xgauc import XGAUC_CONVENTIONS
from watchtime.reporting.elements.alignment import Interval, usual_decimals
from watchtime.reporting.elements.tables import Cell, Column, Section, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.findings.effects import Ranking, Size, finer_decimals
from watchtime.reporting.findings.finding import Finding
from watchtime.reporting.measured.measure_columns import ARROWS
from watchtime.reporting.measured.repetitions import mean
from watchtime.reporting.measured.results import ALPHA, Measure
from watchtime.reporting.report import Report

_DEFINITIONS = {"xauc": CONVENTIONS, "xgauc": XGAUC_CONVENTIONS}
_DEFINITIONS |= dict.fromkeys(("nwtg", "neg", "ds"), RANKING_CONVENTIONS)


def changes(report: Report, finding: Finding) -> Table | Markdown:
    """What each change comes to: the span of its effects, and the best row with and without it."""
    if not finding.sizes:
        return Markdown(f"None of the rows that are compared was run on {escape(report.data_title(finding.dataset))}.")
    if all(len(group.sizes) == 1 for group in finding.groups):
        return Markdown("Each change is of one row; the tables below have it.")
    ranked = any(group.ranking for group in finding.groups)
    rows: list[list[Cell | Value]] = []
    for group in finding.groups:
        spans = [one.percent for one in group.sizes if one.percent is not None]
        span = [min(spans, default=None), max(spans, default=None)]
        counted = f"{group.significant} of {len(group.sizes)}"
        rows.append([group.change, _name(group.measure), *span, counted, *(_ranking(group.ranking) if ranked else [])])
    heads = [Column("Change"), Column("Measure"), Column("Smallest", "%", 2), Column("Largest", "%", 2)]
    heads += [Column("Significant", align="right")]
    if ranked:
        heads += [Column("Best as usual"), Column("Best with it"), Column("p", decimals=3, align="right")]
        heads += [Column("Pairs turned", align="right")]
    order = (
        " Best: by the mean, **bold** where another row becomes it by a significant difference; p is of that "
        "difference, after Holm's correction over the winners that change. Pairs turned: of two rows, how often the "
        "other one is ahead with the change."
        if ranked
        else ""
    )
    caption = (
        f"What each change comes to on {escape(report.data_title(finding.dataset))}: the least and the largest of its "
        f"effects in per cent of the usual mean, and how many are significant (p ≤ {ALPHA} after Holm's correction "
        f"over all {len(finding.sizes)} effects).{order}"
    )
    return Table(heads, rows, caption=Markdown(caption))


def effects(report: Report, finding: Finding, measure: Measure) -> Table | Markdown:
    """Every effect on one measure, by change."""
    unit = report.unit(finding.dataset, finding.artifact.task) if METRICS[measure.metric].unit == "target" else None
    found = [one for one in finding.sizes if one.effect.measure == measure]
    if not found:
        return Markdown(f"No effect on {escape(_name(measure))} was measured.")
    tied = finding.options.contrast == "conventions" and measure.metric == "xauc"
    rows: list[Section | list[Cell | Value]] = []
    for change in dict.fromkeys(one.effect.change for one in found):
        own = [one for one in found if one.effect.change == change]
        rows.append(Section(change))
        rows += [[*_cells(one), *([_tied(finding, one)] if tied else [])] for one in own]
    decimals = usual_decimals([one.effect.usual_mean for one in found])
    finer = finer_decimals([one.difference.comparison.difference for one in found], decimals)
    shares = finer_decimals([one.percent for one in found if one.percent is not None], 2)
    heads = [Column("Row"), Column("As usual", unit, decimals), Column("With the change", unit, decimals)]
    heads += [Column("Difference", unit, finer), Column("Difference", "%", shares)]
    heads += [Column("p", decimals=3, align="right"), *([Column("Tied predictions", "%", 2)] if tied else [])]
    test = "paired over repetitions" if all(one.effect.paired for one in found) else "by Welch's test"
    caption = (
        f"{escape(_name(measure))}{ARROWS[measure.direction]} on {escape(report.data_title(finding.dataset))}: means ± "
        f"half of the 95 % interval over {report.plan.config.repetitions} repetitions, differences {test}. **Bold**: "
        "significant. What has no randomness has no test."
    )
    return Table(heads, rows, caption=Markdown(caption))


def definitions(finding: Finding) -> Markdown:
    """Say what every convention of the page's metrics is; nothing where the page is about something else."""
    if finding.options.contrast != "conventions":
        return Markdown("")
    sharing: dict[int, list[str]] = {}
    for metric in finding.artifact.metrics:
        name = metric.split("@")[0]
        if name in _DEFINITIONS:
            sharing.setdefault(id(_DEFINITIONS[name]), []).append(METRICS[metric].title.split("@")[0])
    tables = {id(table): table for table in _DEFINITIONS.values()}
    said = [
        f"- {escape(' and '.join(titles))}, rule *{escape(rule)}*: {escape(text)}"
        for key, titles in sharing.items()
        for rule, text in tables[key].items()
        if rule not in SAME_AS
    ]
    return Markdown("\n".join(said))


def _cells(size: Size) -> list[Cell | Value]:
    effect, difference = size.effect, size.difference
    percent, ends = size.percent, size.percent_ends
    share = Interval(percent, *ends) if percent is not None and ends else percent
    return [effect.title, mean(effect.usual), mean(effect.changed), difference.cell(), share, difference.p_value]


def _ranking(ranking: Ranking | None) -> list[Cell | Value]:
    if ranking is None:
        return [None] * 4
    after = Cell(ranking.after, best=ranking.changes_beyond_noise)
    return [ranking.before, after, ranking.p_value, f"{ranking.turned} of {ranking.pairs}"]


def _tied(finding: Finding, size: Size) -> float | None:
    share = finding.results.mean(size.effect.line, Measure.of("prediction_tie_mass"))
    return None if share is None else 100 * share


def _name(measure: Measure) -> str:
    return METRICS[measure.metric].title
