"""Errors and order over the number of prototypes per cluster: drawn, in numbers, and against the paper's number."""

# mypy: allow-untyped-calls

from __future__ import annotations

from watchtime.evaluation.metrics import METRICS
from watchtime.evaluation.statistics import summarise
from watchtime.reporting.figures import PALETTE, figure, show
from watchtime.reporting.measure_columns import measure_column
from watchtime.reporting.repetitions import Difference, Values, differences, draw_means, levels_where, mean
from watchtime.reporting.report import Report
from watchtime.reporting.results import Line, Measure
from watchtime.reporting.tables import Cell, Column, Table, Value
from watchtime.reporting.text import Markdown, escape

Levels = dict[int, Values]
"""Prototypes per cluster → what was measured in every repetition."""


def draw(report: Report, dataset: str) -> None:
    """Draw every metric over the number of prototypes per cluster."""
    measures = _measures(report)
    drawing = figure("full", 46)
    panels = drawing.subplots(1, len(measures), squeeze=False)[0]
    for panel, measure in zip(panels, measures, strict=True):
        found = _levels(report, dataset, measure)
        draw_means(panel, found, color=PALETTE["vermilion"], marker="o")
        panel.axvline(_reference(report, dataset), color=PALETTE["black"], linestyle=":", linewidth=0.8)
        unit = report.unit(dataset, report.artifact.task) if METRICS[measure.metric].unit else None
        title = METRICS[measure.metric].title
        panel.set(xlabel="Prototypes per cluster", title=f"{title} ({unit})" if unit else title, xticks=list(found))
    caption = (
        f"Means over repetitions with 95 % intervals on {report.data_title(dataset)}, over the number of prototypes "
        "per cluster. RMSE and MAE are better where they are lower, XAUC and XGAUC where they are higher; dotted: the "
        "number that the paper uses elsewhere. Axes are cut to the range of the values."
    )
    show(drawing, caption)


def table(report: Report, dataset: str) -> Table:
    """Every number of prototypes, each metric beside its difference to the paper's number."""
    unit, reference = report.unit(dataset, report.artifact.task), _reference(report, dataset)
    sizes = sorted(spec.settings["size"] for spec in report.jobs(dataset).values())
    rows: dict[int, list[Cell | Value]] = {size: [size] for size in sizes}
    columns = [Column("K")]
    for measure in _measures(report):
        found, against = _levels(report, dataset, measure), _against(report, dataset, measure)
        for size, cells in rows.items():
            cells += [mean(found[size]), against[size].cell() if size in against else None]
        column, decimals = measure_column(measure, unit), 3 if METRICS[measure.metric].unit else 4
        columns += [Column(column.title, column.unit, decimals), Column(f"− K = {reference}", decimals=decimals)]
    caption = (
        f"Mean over repetitions ± half of the 95 % interval on {report.data_title(dataset)} by the number K of "
        f"prototypes per cluster, and the difference to K = {reference}, paired over repetitions. Bold: significant "
        "after Holm's correction over the column. XAUC and XGAUC are strict."
    )
    return Table(columns, list(rows.values()), caption=caption)


def conclusion(report: Report, dataset: str) -> Markdown:
    """Set which numbers are better or worse than the paper's beside what the paper says."""
    reference, lines = _reference(report, dataset), list[str]()
    for measure in _measures(report):
        gains, found = _against(report, dataset, measure), _levels(report, dataset, measure)
        means = {size: summarise(values.values()).mean for size, values in found.items()}
        sign = 1 if measure.direction == "lower" else -1
        best = min(means, key=lambda size: sign * means[size])
        lines.append(
            f"{METRICS[measure.metric].title}: best mean at K = {best}. Significantly worse than K = {reference}: "
            f"{levels_where(gains, 'worse')}; better: {levels_where(gains, 'better')}; not told apart: "
            f"{levels_where(gains, 'not told apart')}."
        )
    lines.append("The paper finds that more prototypes help, and that too many make results fluctuate slightly.")
    return Markdown(f"{escape(report.data_title(dataset))}.\n\n" + "\n".join(f"- {line}" for line in lines))


def _measures(report: Report) -> list[Measure]:
    return [Measure.of(name) for name in report.artifact.metrics]


def _reference(report: Report, dataset: str) -> int:
    return int(report.jobs(dataset)[str(report.artifact.reference_row)].settings["size"])


def _levels(report: Report, dataset: str, measure: Measure) -> Levels:
    """Return the values of the first readout by the number of prototypes, ascending."""
    results = report.results(dataset)
    found = {
        spec.settings["size"]: results.values(Line(spec.method, spec.variant, spec.readouts[0]), measure)
        for spec in report.jobs(dataset).values()
    }
    return dict(sorted(found.items()))


def _against(report: Report, dataset: str, measure: Measure) -> dict[int, Difference]:
    """Return each other number of prototypes minus the paper's, tested together."""
    found, reference = _levels(report, dataset, measure), _reference(report, dataset)
    others = [size for size in found if size != reference]
    tested = differences([(found[size], found[reference]) for size in others], measure.direction)
    return {size: one for size, one in zip(others, tested, strict=True) if one}
