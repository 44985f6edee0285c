"""The findings of a run in one table: the largest effect of each."""

from __future__ import annotations

from watchtime.evaluation.metrics import METRICS
from watchtime.reporting.elements.alignment import Interval
from watchtime.reporting.elements.tables import Cell, Column, Table, Value
from watchtime.reporting.elements.text import Markdown
from watchtime.reporting.findings.effects import largest
from watchtime.reporting.findings.finding import Finding
from watchtime.reporting.measured.results import ALPHA
from watchtime.reporting.report import Report

TEMPLATE = "finding"


def table(report: Report) -> Table | Markdown:
    """One row per finding and data set, from the collected metrics of the run."""
    names = [name for name, artifact in report.plan.artifacts.items() if artifact.template == TEMPLATE]
    metrics = report.table("metrics")
    found = [Finding(report.plan, name, one, metrics) for name in names for one in report.plan.artifact_datasets(name)]
    rows = [_row(report, finding) for finding in found if finding.sizes]
    if not rows:
        return Markdown("None of the effects that no paper reports was measured in this run.")
    heads = [Column("Finding"), Column("Data set"), Column("Largest effect"), Column("Size", "%", 2)]
    heads += [Column("p", decimals=3), Column("Significant", align="right"), Column("Best row changes", align="right")]
    caption = (
        "Effects that no paper reports, each on the page of its name: the largest in per cent of the value as usual, "
        f"with the 95 % interval over repetitions; bold: significant (p ≤ {ALPHA} after Holm's correction over the "
        "page). Significant: of all effects of the page. Best row changes: in how many rankings by one measure."
    )
    return Table([*heads, Column("Page")], rows, caption=caption)


def _row(report: Report, finding: Finding) -> list[Cell | Value]:
    one = largest(finding.sizes)
    number = sum(size.difference.is_significant for size in finding.sizes)
    rankings = [group.ranking for group in finding.groups if group.ranking]
    changed = f"{sum(ranking.changes for ranking in rankings)} of {len(rankings)}" if rankings else None
    said: list[Cell | Value] = [None, None, None]
    if one is not None and one.percent is not None:
        effect, ends = one.effect, one.percent_ends
        size = Interval(one.percent, *ends) if ends else one.percent
        title = f"{METRICS[effect.measure.metric].title} of {effect.title}: {effect.change}"
        said = [title, Cell(size, best=one.difference.is_significant), one.difference.p_value]
    counted = f"{number} of {len(finding.sizes)}"
    return [finding.artifact.title, report.data_title(finding.dataset), *said, counted, changed, finding.name]
