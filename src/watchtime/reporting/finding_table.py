"""The effects of a finding in numbers: what each change comes to, every effect, and what can be concluded."""

from __future__ import annotations

from collections.abc import Sequence

from watchtime.evaluation.metrics import METRICS
from watchtime.evaluation.ranking import RANKING_CONVENTIONS
from watchtime.evaluation.xauc import CONVENTIONS, SAME_AS
from watchtime.evaluation.xgauc import XGAUC_CONVENTIONS
from watchtime.reporting.alignment import Interval, format_number, round_number, usual_decimals
from watchtime.reporting.effects import Group, Ranking, Size, largest
from watchtime.reporting.finding import Finding
from watchtime.reporting.measure_columns import ARROWS
from watchtime.reporting.repetitions import mean
from watchtime.reporting.report import Report
from watchtime.reporting.results import ALPHA, Measure
from watchtime.reporting.tables import Cell, Column, Section, Table, Value
from watchtime.reporting.text import Markdown, escape

_DEFINITIONS = {"xauc": CONVENTIONS, "xgauc": XGAUC_CONVENTIONS, "nwtg": RANKING_CONVENTIONS}


def changes(report: Report, finding: Finding) -> Table | Markdown:
    """What each change comes to: the span of its effects, and the best row with and without it."""
    if not finding.sizes:
        return Markdown(f"None of the rows that are compared was run on {escape(report.data_title(finding.dataset))}.")
    ranked = any(group.ranking for group in finding.groups)
    rows: list[Section | list[Cell | Value]] = []
    for change in dict.fromkeys(group.change for group in finding.groups):
        rows.append(Section(change))
        for group in (one for one in finding.groups if one.change == change):
            spans = [one.percent for one in group.sizes if one.percent is not None]
            span = [min(spans, default=None), max(spans, default=None)]
            rows.append(
                [
                    _name(group.measure),
                    *span,
                    f"{group.significant} of {len(group.sizes)}",
                    *(_ranking(group.ranking) if ranked else []),
                ]
            )
    heads = [Column("Measure"), Column("Smallest", "%", 2), Column("Largest", "%", 2)]
    heads += [Column("Significant", align="right")]
    if ranked:
        heads += [Column("Best as usual"), Column("Best with it"), Column("p", decimals=3)]
        heads += [Column("Pairs turned", align="right")]
    order = (
        " Best: by the mean; p is of the difference between the two with the change, after Holm's correction over "
        "the winners that change. Pairs turned: of two rows, how often the other one is ahead with the change."
        if ranked
        else ""
    )
    caption = (
        f"What each change comes to on {report.data_title(finding.dataset)}: the least and the largest of its effects "
        f"in per cent of the usual mean, and how many are significant (p ≤ {ALPHA} after Holm's correction over all "
        f"{len(finding.sizes)} effects).{order}"
    )
    return Table(heads, rows, caption=caption)


def effects(report: Report, finding: Finding, measure: Measure) -> Table:
    """Every effect on one measure, by change."""
    unit = report.unit(finding.dataset, finding.artifact.task) if METRICS[measure.metric].unit == "target" else None
    found = [one for one in finding.sizes if one.effect.measure == measure]
    tied = finding.options.contrast == "conventions" and measure.metric == "xauc"
    rows: list[Section | list[Cell | Value]] = []
    for change in dict.fromkeys(one.effect.change for one in found):
        own = [one for one in found if one.effect.change == change]
        rows.append(Section(change))
        rows += [[*_cells(one), *([_tied(finding, one)] if tied else [])] for one in own]
    decimals = usual_decimals([one.effect.usual_mean for one in found])
    heads = [Column("Row"), Column("As usual", unit, decimals), Column("With the change", unit, decimals)]
    heads += [Column("Difference", unit, decimals), Column("Difference", "%", 2), Column("p", decimals=3)]
    heads += [Column("Tied predictions", "%", 2)] if tied else []
    test = "paired over repetitions" if all(one.effect.paired for one in found) else "by Welch's test"
    caption = (
        f"{_name(measure)}{ARROWS[measure.direction]} on {report.data_title(finding.dataset)}: means ± half of the "
        f"95 % interval over {report.plan.config.repetitions} repetitions, differences {test}. **Bold**: significant. "
        "A row without randomness has no test."
    )
    return Table(heads, rows, caption=Markdown(_bold_safe(caption)))


def definitions(finding: Finding) -> Markdown:
    """Say what every convention of the page's metrics is; nothing where the page is about something else."""
    if finding.options.contrast != "conventions":
        return Markdown("")
    named = {metric.split("@")[0]: METRICS[metric].title.split("@")[0] for metric in finding.artifact.metrics}
    said = [
        f"- {escape(title)}, *{escape(rule)}*: {escape(text)}"
        for name, title in named.items()
        for rule, text in _DEFINITIONS.get(name, {}).items()
        if rule not in SAME_AS
    ]
    return Markdown("\n".join(said))


def conclusion(report: Report, finding: Finding) -> Markdown:
    """Say how many effects are no chance, which is the largest, and whether another row becomes the best."""
    if not finding.sizes:
        return Markdown("Nothing was measured, so nothing can be concluded.")
    said = [_counted(report, finding.sizes), _largest(report, finding), _winners(finding.groups)]
    return Markdown(f"*{escape(report.data_title(finding.dataset))}*: {' '.join(filter(None, said))}")


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


def _bold_safe(caption: str) -> str:
    """Return the caption escaped but for its one word in bold."""
    return escape(caption).replace(r"\*\*Bold\*\*", "**Bold**")


def _counted(report: Report, found: Sequence[Size]) -> str:
    if report.plan.config.repetitions < 2:
        return "One repetition, so that no effect can be told from chance."
    tested = [one for one in found if one.is_tested]
    number = sum(one.difference.is_significant for one in tested)
    if not tested:
        return "No effect has a test, since nothing that differs has randomness."
    return f"Of {len(tested)} effects with a test, {number or 'none'} {'is' if number < 2 else 'are'} significant."


def _largest(report: Report, finding: Finding) -> str:
    one = largest(finding.sizes)
    if one is None or one.percent is None:
        return ""
    effect, comparison = one.effect, one.difference.comparison
    metric = METRICS[effect.measure.metric]
    unit = report.unit(finding.dataset, finding.artifact.task) if metric.unit == "target" else None
    decimals = usual_decimals([effect.usual_mean])
    said = f"{format_number(comparison.difference, decimals)}{f' {unit}' if unit else ''}"
    if comparison.low is not None and comparison.high is not None:
        said += (
            f" (95 % interval {round_number(comparison.low, decimals)} to {round_number(comparison.high, decimals)})"
        )
    ending = "" if one.difference.is_significant or not one.is_tested else ", which may be chance"
    return escape(
        f"The largest in per cent moves the {metric.title} of {effect.title} by {said}, "
        f"{format_number(one.percent, 1)} %, with {effect.change}{ending}."
    )


def _winners(found: Sequence[Group]) -> str:
    rankings = [one.ranking for one in found if one.ranking]
    if not rankings:
        return ""
    changed = [one for one in rankings if one.changes]
    if not changed:
        return f"The best row stays the best in all {len(rankings)} rankings."
    beyond = sum(one.changes_beyond_noise for one in changed)
    return (
        f"Another row becomes the best in {len(changed)} of {len(rankings)} rankings, in {beyond or 'none'} of them by "
        "a significant difference."
    )
