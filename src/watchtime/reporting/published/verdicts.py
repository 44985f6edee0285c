"""The verdicts of a run: every published cell beside what this run measured for it, judged by the rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from watchtime.core.catalog import Artifact
from watchtime.core.files import write_parquet
from watchtime.core.job import JobSpec
from watchtime.core.plan import Plan
from watchtime.evaluation.metrics import METRICS
from watchtime.evaluation.statistics import holm
from watchtime.reporting.measured import collect
from watchtime.reporting.measured.results import Line, Measure, Results
from watchtime.reporting.published import obstacles, readings, rules
from watchtime.reporting.published.cells import LIVE, PRIVATE, PublishedCell, row_counts, shown_in
from watchtime.reporting.published.check import published_cells
from watchtime.reporting.published.rules import Estimate, Ordering, Verdict

SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    **dict.fromkeys(("paper", "artifact", "dataset", "task", "method", "variant", "metric"), pl.String),
    **dict.fromkeys(("published", "ours", "low", "high"), pl.Float64),
    "repetitions": pl.Int64,
    **dict.fromkeys(("published_difference", "difference", "p_value"), pl.Float64),
    "verdict": pl.Enum(rules.WORDS),
    "reason": pl.String,
}


def verdicts(plan: Plan, artifact: str) -> pl.DataFrame:
    """Return the verdicts of one artifact from the files of its own jobs, one row per published cell.

    ``ours`` with ``low`` and ``high`` is the mean over ``repetitions`` with its 95 % interval; of a count it is the
    closest reading. The differences are those to the table's reference row, ``p_value`` after Holm over the table.
    What is not known is null.
    """
    cells = published_cells(plan)
    keys = plan.artifact_keys(artifact) if "results" in plan.reads(artifact) else []
    frame = collect.metrics(plan, keys) if keys else pl.DataFrame()
    return _frame(_judged(plan, artifact, frame, cells))


def count_verdicts(plan: Plan, dataset: str) -> pl.DataFrame:
    """Return the verdicts on all counts that any paper prints of one data set."""
    cells = published_cells(plan)
    counted = [cell for cell in cells if cell.dataset == dataset and _is_count(cell)]
    rows = [_settled(plan, cell, row_counts(cells, cell.paper)) for cell in counted]
    return _frame(row for row in rows if row)


def paper_verdicts(plan: Plan, paper: str) -> pl.DataFrame:
    """Return the verdicts of all published cells of one paper from the files of its own jobs."""
    keys = list(dict.fromkeys(key for name in plan.papers.get(paper, []) for key in plan.artifact_keys(name)))
    return _verdicts_of(plan, collect.metrics(plan, keys) if keys else pl.DataFrame(), paper)


def all_verdicts(plan: Plan) -> pl.DataFrame:
    """Return the verdicts of all published cells from the collected metrics of the run."""
    return _verdicts_of(plan, pl.read_parquet(plan.folder / "metrics.parquet"))


def _verdicts_of(plan: Plan, frame: pl.DataFrame, paper: str | None = None) -> pl.DataFrame:
    cells = published_cells(plan)
    names = dict.fromkeys(shown_in(plan.catalog, cell) for cell in cells if paper in (None, cell.paper))
    return _frame(row for name in names for row in _judged(plan, name, frame, cells))


def write_verdicts(plan: Plan) -> None:
    """Write ``verdicts.parquet``: one row for each published cell of every paper."""
    write_parquet(plan.folder / "verdicts.parquet", all_verdicts(plan))


@dataclass(frozen=True)
class _Row:
    """A published cell, what was measured for it, and the verdict."""

    cell: PublishedCell
    verdict: Verdict
    ours: Estimate | None = None
    ordering: Ordering | None = None


def _frame(rows: Iterable[_Row]) -> pl.DataFrame:
    return pl.DataFrame(map(_values, rows), schema=SCHEMA, orient="row")


def _values(row: _Row) -> tuple[Any, ...]:
    cell, ours, ordering = row.cell, row.ours, row.ordering
    return (
        *(cell.paper, cell.artifact, cell.dataset, cell.task, cell.method, cell.variant, cell.metric, cell.value),
        *((ours.mean, ours.low, ours.high, ours.repetitions) if ours else (None,) * 4),
        *((ordering.published, ordering.ours, ordering.p_value) if ordering else (None,) * 3),
        *(row.verdict.word, row.verdict.reason),
    )


def _judged(plan: Plan, name: str, frame: pl.DataFrame, cells: Sequence[PublishedCell]) -> list[_Row]:
    """Return the rows of one artifact in the published order."""
    own = [cell for cell in cells if shown_in(plan.catalog, cell) == name]
    published_rows = row_counts(cells, name.split("/")[0])
    rows = {cell: row for cell in own if (row := _settled(plan, cell, published_rows))}
    rows |= _measured(plan, name, frame, [cell for cell in own if cell not in rows], published_rows)
    return [rows[cell] for cell in own]


def _settled(plan: Plan, cell: PublishedCell, published_rows: dict[str, float]) -> _Row | None:
    """Return the row of a cell that no job measures, None for one that this run has a number for."""
    if cell.metric.startswith("hp_") and cell.dataset not in PRIVATE:
        return _Row(cell, _setting(plan, cell))
    reason = _reason_not_run(plan, cell)
    if reason and cell.dataset in PRIVATE:
        private = "live traffic" if cell.dataset == LIVE else "private data"
        return _Row(cell, Verdict("not comparable", private))
    if reason:
        return _Row(cell, Verdict("not run", reason))
    return _count(plan, cell, published_rows) if _is_count(cell) else None


def _is_count(cell: PublishedCell) -> bool:
    return cell.task == "stats" and cell.metric in readings.TITLES


def _reason_not_run(plan: Plan, cell: PublishedCell) -> str | None:
    if _is_count(cell):
        return None if cell.dataset in plan.config.datasets else f"data set not in this run: {cell.dataset}"
    name = shown_in(plan.catalog, cell)
    artifact = plan.catalog.artifacts().get(name)
    if artifact is None:
        return "artifact not built yet"
    if cell.dataset == "none":
        return "no verdict on a statement about no one data set: its page repeats it"
    if cell.dataset not in plan.config.datasets:
        return f"data set not in this run: {cell.dataset}"
    if name not in plan.catalog.chosen_artifacts(plan.config):
        return "artifact not in this run"
    if artifact.analysis:
        return "no verdict on what an analysis measures: its page shows it"
    if cell.task == "cost":
        return "no verdict on measured time: its page shows it beside the printed one"
    if cell.task == "stats":
        return "not counted in this project yet"
    if cell.task not in plan.tasks(cell.dataset):
        return f"task not in this run: {cell.task}"
    if cell.dataset not in plan.artifact_datasets(name):
        return f"protocol not in this run on {cell.dataset}: {artifact.protocol_on(cell.dataset)}"
    return _reason_without_job(plan, cell, artifact)


def _reason_without_job(plan: Plan, cell: PublishedCell, artifact: Artifact) -> str | None:
    row = artifact.rows.get(cell.row)
    if row is None or row.method is None or row.variant is None:
        return "method not in this project yet"
    if cell.measured not in METRICS:
        return "metric not in this project yet"
    return plan.reason_against(row.method, cell.dataset, cell.task, row.variant)


def _setting(plan: Plan, cell: PublishedCell) -> Verdict:
    """Return whether the jobs that stand for the paper's rows use the printed setting."""
    paper = plan.catalog.papers.get(cell.paper)
    path = paper.settings.get(f"{cell.artifact}/{cell.metric}") if paper else None
    if path is None:
        return Verdict("not run", "setting not in this project yet")
    specs = _specs_of(plan, cell)
    if not specs:
        return Verdict("not run", "no job of the paper's tables in this run")
    found = ((spec, _value(plan, spec, path)) for spec in specs)
    spec, value = next((pair for pair in found if pair[1] is not None), (specs[0], None))
    if value is None:
        return Verdict("not run", "no job of the paper's tables has such a setting")
    if isinstance(value, list):
        value = len(value)
    return rules.judge_setting(cell.value, [float(one) for one in spec.search.get(path, [value])])


def _value(plan: Plan, spec: JobSpec, path: str) -> Any:
    """Return what a job's setting is, None where it has none of that name."""
    shares = dict(zip(("training", "validation", "test"), plan.catalog.protocols[spec.protocol].shares, strict=True))
    value: Any = {**spec.model_dump(mode="json"), "split": shares}
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _specs_of(plan: Plan, cell: PublishedCell) -> list[JobSpec]:
    """Return the jobs that a printed setting may be about: those of the method's own row, then the paper's others."""
    names = [name for name in plan.artifacts if name.split("/")[0] == cell.paper]
    own = {
        (row.method, row.variant)
        for name in names
        for key, row in plan.artifacts[name].rows.items()
        if key == cell.method
    }
    specs = [plan.jobs[key] for name in names for key in plan.artifact_keys(name)]
    networks = [spec for spec in specs if spec.family == "network" and cell.dataset in ("none", spec.dataset)]
    exact = [spec for spec in networks if (spec.method, spec.variant) in own]
    return [*exact, *(spec for spec in networks if spec not in exact)]


def _count(plan: Plan, cell: PublishedCell, published_rows: dict[str, float]) -> _Row:
    protocols = plan.protocols(cell.dataset)
    ours = readings.closest(readings.readings(plan, cell.dataset, protocols), cell.metric, cell.value)
    if ours is None:
        return _Row(cell, Verdict("not run", "not counted on this data set"))
    estimate = Estimate(ours.value, ours.value, ours.value, 1)
    if plan.config.datasets[cell.dataset].log:
        return _Row(cell, Verdict("not comparable", obstacles.own_log(cell.dataset)), estimate)
    found = rules.count_obstacles(
        plan.is_simulated(cell.dataset),
        obstacles.rows(plan, cell.dataset, protocols),
        published_rows.get(cell.dataset),
    )
    return _Row(cell, rules.judge_count(cell.value, ours.value, ours.reading, found, plan.config.tolerance), estimate)


def _measured(
    plan: Plan, name: str, frame: pl.DataFrame, cells: Sequence[PublishedCell], published_rows: dict[str, float]
) -> dict[PublishedCell, _Row]:
    """Return the rows of the cells that jobs of this run stand for."""
    if not cells:
        return {}
    artifact = plan.artifacts[name]
    results = {
        dataset: Results(
            frame.filter(dataset=dataset, task=artifact.task, protocol=plan.artifact_protocol(artifact, dataset)),
            plan.config.repetitions,
        )
        for dataset in plan.artifact_datasets(name)
    }
    against = {
        dataset: obstacles.value_obstacles(plan, name, dataset, published_rows.get(dataset)) for dataset in results
    }
    orderings = _orderings(plan, artifact, cells, results)
    rows = {}
    for cell in cells:
        estimate = _estimate(plan, artifact, cell, results[cell.dataset])
        if estimate is None:
            reason = "the method's readout has no such metric, or leaves it undefined"
            rows[cell] = _Row(cell, Verdict("not run", reason))
            continue
        ordering = orderings[cell]
        verdict = rules.judge(cell.value, estimate, ordering, against[cell.dataset], plan.config.tolerance)
        if plan.config.datasets[cell.dataset].log:
            verdict = Verdict("not comparable", obstacles.own_log(cell.dataset))
        rows[cell] = _Row(cell, verdict, estimate, ordering if isinstance(ordering, Ordering) else None)
    return rows


def _orderings(
    plan: Plan, artifact: Artifact, cells: Sequence[PublishedCell], results: dict[str, Results]
) -> dict[PublishedCell, Ordering | str]:
    """Return each cell's difference to its reference row, p-values adjusted over all cells of the table.

    A gain is such a difference itself, that of the value beside it, and so no further test.
    """
    references = {(cell.dataset, cell.task, cell.metric): cell for cell in cells if cell.row == artifact.reference_row}
    orderings: dict[PublishedCell, Ordering | str] = {}
    for cell in cells:
        if cell.is_gain:
            continue
        reference = references.get((cell.dataset, cell.task, cell.metric))
        if reference is None or reference is cell:
            orderings[cell] = "the reference row of its table" if reference else "the reference row was not run"
            continue
        one = results[cell.dataset].compare(
            _line(plan, artifact, cell.row), _line(plan, artifact, reference.row), _measure(artifact, cell)
        )
        published = cell.value - reference.value
        orderings[cell] = Ordering(published, one.difference, one.p_value) if one else "the reference row was not run"
    tested = {cell: ordering for cell, ordering in orderings.items() if isinstance(ordering, Ordering)}
    adjusted = holm([ordering.p_value for ordering in tested.values()])
    for (cell, ordering), p_value in zip(tested.items(), adjusted, strict=True):
        orderings[cell] = replace(ordering, p_value=p_value)
    values = {(cell.dataset, cell.row, cell.metric): ordering for cell, ordering in orderings.items()}
    for cell in cells:
        if cell.is_gain:
            beside = values.get((cell.dataset, cell.row, cell.measured), "no value is printed beside the gain")
            gain = _estimate(plan, artifact, cell, results[cell.dataset])
            if isinstance(beside, Ordering) and gain:
                beside = Ordering(cell.value, gain.mean, beside.p_value)
            orderings[cell] = beside
    return orderings


def _line(plan: Plan, artifact: Artifact, key: str) -> Line:
    row = artifact.rows[key]
    assert row.method is not None
    assert row.variant is not None
    card = plan.catalog.methods[row.method]
    readout = row.readout or (card.variants[row.variant].readouts or card.readouts)[0]
    return Line(row.method, row.variant, readout)


def _measure(artifact: Artifact, cell: PublishedCell) -> Measure:
    return Measure.of(cell.measured, artifact.conventions)


def _estimate(plan: Plan, artifact: Artifact, cell: PublishedCell, results: Results) -> Estimate | None:
    line, measure = _line(plan, artifact, cell.row), _measure(artifact, cell)
    if not cell.is_gain:
        summary = results.summary(line, measure)
    elif artifact.reference_row:
        summary = results.gain(line, _line(plan, artifact, artifact.reference_row), measure)
    else:
        summary = None
    return Estimate(summary.mean, summary.low, summary.high, summary.n) if summary else None
