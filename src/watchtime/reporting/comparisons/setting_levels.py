"""Every metric over the levels of one setting: drawn, in numbers, and against the paper's level."""

# mypy: allow-untyped-calls

from __future__ import annotations

from watchtime.core.config import validate
from watchtime.core.job import JobSpec
from watchtime.core.settings import Settings
from watchtime.evaluation.metrics import METRICS
from watchtime.evaluation.statistics import summarise
from watchtime.reporting.elements.figures import PALETTE, figure, show
from watchtime.reporting.elements.tables import Cell, Column, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.measured.measure_columns import measure_column
from watchtime.reporting.measured.repetitions import Difference, Values, differences, draw_means, levels_where, mean
from watchtime.reporting.measured.results import Line, Measure
from watchtime.reporting.report import Report

Level = int | float
Levels = dict[Level, Values]
"""Level of the setting → what was measured in every repetition."""


class Options(Settings):
    """Which ``setting`` of the reference row's method varies, its ``symbol``, its name on the axis, what is printed."""

    setting: str
    symbol: str
    axis: str
    finding: str


def draw(report: Report, dataset: str) -> None:
    """Draw every metric over the levels, and the best of the other methods as a line."""
    measures, baselines = _measures(report), _baselines(report, dataset)
    drawing = figure("full", 46)
    panels = drawing.subplots(1, len(measures), squeeze=False)[0]
    for panel, measure in zip(panels, measures, strict=True):
        found = _levels(report, dataset, measure)
        draw_means(panel, found, color=PALETTE["vermilion"], marker="o")
        panel.axvline(_reference(report, dataset), color=PALETTE["black"], linestyle=":", linewidth=0.8)
        if baselines:
            panel.axhline(_best(report, dataset, measure)[1], color=PALETTE["blue"], linestyle="--", linewidth=0.8)
        unit = report.unit(dataset, report.artifact.task) if METRICS[measure.metric].unit else None
        title = METRICS[measure.metric].title
        panel.set(xlabel=_options(report).axis, title=f"{title} ({unit})" if unit else title, xticks=list(found))
    lower, higher = (
        " and ".join(METRICS[one.metric].title for one in measures if one.direction == direction)
        for direction in ("lower", "higher")
    )
    better = "; ".join(
        f"{names} {'are' if ' and ' in names else 'is'} better {where}"
        for names, where in ((lower, "where lower"), (higher, "where higher"))
        if names
    )
    line = " Dashed: the best mean of the other methods." if baselines else ""
    caption = (
        f"Means over repetitions with 95 % intervals on {report.data_title(dataset)}, over "
        f"{_options(report).axis.lower()}. {better}; dotted: the number that the paper uses elsewhere.{line} Axes are "
        "cut to the range of the values."
    )
    show(drawing, caption)


def table(report: Report, dataset: str) -> Table:
    """Every level, each metric beside its difference to the paper's level."""
    unit, reference, symbol = report.unit(dataset, report.artifact.task), _reference(report, dataset), _symbol(report)
    rows: dict[Level, list[Cell | Value]] = {level: [level] for level in sorted(_jobs(report, dataset))}
    columns = [Column(symbol)]
    for measure in _measures(report):
        found, against = _levels(report, dataset, measure), _against(report, dataset, measure)
        for level, cells in rows.items():
            cells += [mean(found[level]), against[level].cell() if level in against else None]
        column, decimals = measure_column(measure, unit), 3 if METRICS[measure.metric].unit else 4
        columns += [Column(column.title, column.unit, decimals), Column(f"− {symbol} = {reference}", decimals=decimals)]
    strict = " XAUC and XGAUC are strict." if {"xauc", "xgauc"} & set(report.artifact.metrics) else ""
    caption = (
        f"Mean over repetitions ± half of the 95 % interval on {report.data_title(dataset)} by {symbol}, "
        f"{_options(report).axis.lower()}, and the difference to {symbol} = {reference}, paired over repetitions. "
        f"Bold: significant after Holm's correction over the column.{strict}"
    )
    return Table(columns, list(rows.values()), caption=caption)


def conclusion(report: Report, dataset: str) -> Markdown:
    """Set which levels are better or worse than the paper's beside what the paper says."""
    reference, symbol, lines = _reference(report, dataset), _symbol(report), list[str]()
    for measure in _measures(report):
        gains, found = _against(report, dataset, measure), _levels(report, dataset, measure)
        means = {level: summarise(values.values()).mean for level, values in found.items()}
        sign = 1 if measure.direction == "lower" else -1
        best = min(means, key=lambda level: sign * means[level])
        said = (
            f"{METRICS[measure.metric].title}: best mean at {symbol} = {best}. Significantly worse than {symbol} = "
            f"{reference}: {levels_where(gains, 'worse')}; better: {levels_where(gains, 'better')}; not told apart: "
            f"{levels_where(gains, 'not told apart')}."
        )
        if _baselines(report, dataset):
            name, value = _best(report, dataset, measure)
            ahead = [level for level, one in means.items() if sign * one < sign * value]
            said += f" The best other method is {name}; {len(ahead)} of {len(means)} levels have a better mean."
        lines.append(said)
    lines.append(_options(report).finding)
    return Markdown(f"{escape(report.data_title(dataset))}.\n\n" + "\n".join(f"- {line}" for line in lines))


def _options(report: Report) -> Options:
    return validate(Options, report.artifact.options, f"options of {report.name}")


def _symbol(report: Report) -> str:
    return _options(report).symbol


def _measures(report: Report) -> list[Measure]:
    return [Measure.of(name) for name in report.artifact.metrics]


def _jobs(report: Report, dataset: str) -> dict[Level, JobSpec]:
    """Return the jobs of the reference row's method by their level."""
    jobs, setting = report.jobs(dataset), _options(report).setting
    method = jobs[str(report.artifact.reference_row)].method
    return {one.settings[setting]: one for one in jobs.values() if one.method == method}


def _reference(report: Report, dataset: str) -> Level:
    level: Level = report.jobs(dataset)[str(report.artifact.reference_row)].settings[_options(report).setting]
    return level


def _levels(report: Report, dataset: str, measure: Measure) -> Levels:
    """Return the values of the first readout by level, ascending."""
    results, jobs = report.results(dataset), _jobs(report, dataset)
    return {
        level: results.values(Line(one.method, one.variant, one.readouts[0]), measure)
        for level, one in sorted(jobs.items())
    }


def _baselines(report: Report, dataset: str) -> dict[str, JobSpec]:
    """Return the jobs of other methods by their row."""
    levels = [one.key for one in _jobs(report, dataset).values()]
    return {row: one for row, one in report.jobs(dataset).items() if one.key not in levels}


def _best(report: Report, dataset: str, measure: Measure) -> tuple[str, float]:
    """Return the title and the mean of the best of the other methods."""
    results, sign = report.results(dataset), 1 if measure.direction == "lower" else -1
    means = {
        report.artifact.rows[row].title: summarise(
            results.values(Line(one.method, one.variant, one.readouts[0]), measure).values()
        ).mean
        for row, one in _baselines(report, dataset).items()
    }
    name = min(means, key=lambda title: sign * means[title])
    return name, means[name]


def _against(report: Report, dataset: str, measure: Measure) -> dict[Level, Difference]:
    """Return each other level minus the paper's, tested together."""
    found, reference = _levels(report, dataset, measure), _reference(report, dataset)
    others = [level for level in found if level != reference]
    tested = differences([(found[level], found[reference]) for level in others], measure.direction)
    return {level: one for level, one in zip(others, tested, strict=True) if one}
