"""What can be concluded of a finding, in two or three sentences that follow from its effects."""

from __future__ import annotations

from collections.abc import Sequence

from watchtime.evaluation.metrics import METRICS
from watchtime.reporting.elements.alignment import format_number, round_number, usual_decimals
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.findings.effects import Group, Size, finer_decimals, largest
from watchtime.reporting.findings.finding import Finding
from watchtime.reporting.report import Report


def conclusion(report: Report, finding: Finding) -> Markdown:
    """Say how many effects are no chance, which is the largest, and whether another row becomes the best."""
    if not finding.sizes:
        return Markdown("Nothing was measured, so nothing can be concluded.")
    said = [_counted(report, finding.sizes), _largest(report, finding), _winners(finding.groups)]
    return Markdown(f"*{escape(report.data_title(finding.dataset))}*: {' '.join(filter(None, said))}")


def _counted(report: Report, found: Sequence[Size]) -> str:
    if report.plan.config.repetitions < 2:
        return "One repetition, so that no effect can be told from chance."
    tested = [one for one in found if one.is_tested]
    nothing = sum(not one.difference.comparison.difference for one in found)
    ending = f"; {nothing} of {len(found)} are exactly 0" if nothing else ""
    if not tested:
        return f"No effect has a test, since nothing that differs has randomness{ending}."
    number = sum(one.difference.is_significant for one in tested)
    verb = "is" if number < 2 else "are"
    return f"Of {len(tested)} effects with a test, {number or 'none'} {verb} significant{ending}."


def _largest(report: Report, finding: Finding) -> str:
    """Say which significant effect is the largest, and whether a larger one may be chance."""
    one, most = largest(finding.sizes), _most(finding.sizes)
    if one is None or most is None or one.percent is None or most.percent is None or not most.percent:
        return ""
    effect, comparison = one.effect, one.difference.comparison
    metric = METRICS[effect.measure.metric]
    unit = report.unit(finding.dataset, finding.artifact.task) if metric.unit == "target" else None
    decimals = finer_decimals([comparison.difference], usual_decimals([effect.usual_mean]))
    said = f"{format_number(comparison.difference, decimals)}{f' {unit}' if unit else ''}"
    if comparison.low is not None and comparison.high is not None:
        said += (
            f" (95 % interval {round_number(comparison.low, decimals)} to {round_number(comparison.high, decimals)})"
        )
    which, ending = "The largest of these", ""
    if not one.difference.is_significant:
        which, ending = "The largest", ", which may be chance" if one.is_tested else ""
    elif most != one:
        larger = f"{_share(most.percent)} of the {METRICS[most.effect.measure.metric].title} of {most.effect.title}"
        word = "may be chance" if most.is_tested else "has no test"
        ending = f"; a larger one, {larger} with {most.effect.change}, {word}"
    return escape(
        f"{which} in per cent moves the {metric.title} of {effect.title} by {said}, {_share(one.percent)}, with "
        f"{effect.change}{ending}."
    )


def _most(found: Sequence[Size]) -> Size | None:
    """Return the largest effect in per cent, significant or not."""
    known = [one for one in found if one.percent is not None]
    return max(known, key=lambda one: abs(one.percent or 0.0), default=None)


def _share(percent: float) -> str:
    return f"{format_number(percent, 1 if abs(percent) >= 1 else 2)}\u00a0%"


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
