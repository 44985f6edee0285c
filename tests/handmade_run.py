"""A run that nobody trained: every file that pages and verdicts read, with numbers made by a rule."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from watchtime.core.catalog import Catalog, find_root
from watchtime.core.config import RunConfig, to_yaml
from watchtime.core.files import write_json, write_text
from watchtime.core.job import JobSpec
from watchtime.core.plan import Plan
from watchtime.datasets.encoded import EncodedLog
from watchtime.evaluation.metrics import METRICS, metrics_about
from watchtime.reporting.measured.collect import collect
from watchtime.reporting.published.verdicts import write_verdicts

Scores = Callable[[JobSpec, str, str, str, int], float]
# Methods with a measure of their own in the learning curve.
MEASURED = {"ptpm"}
TYPICAL = {"mae_pos": 30.0, "norm_gini": 0.5, "norm_gini_pos": 0.4, "spearman": 0.3, "spearman_pos": 0.2}
TYPICAL |= {"positive_rows": 40.0}
TYPICAL |= {"mae": 20.0, "rmse": 40.0, "mae_truncated": 18.0, "rmse_truncated": 35.0}
TYPICAL |= {"xauc": 0.6, "xgauc": 0.55, "users": 100.0, "xgauc_users": 80.0}


def by_order(spec: JobSpec, readout: str, metric: str, convention: str, repetition: int) -> float:
    """Return a typical value, worse by 2 % with each letter of the method's name, with 0.1 % of noise."""
    noise = np.sin(1 + repetition + len(spec.method + spec.variant) + len(readout + metric)) / 1000
    worse = 0.02 * len(spec.method) * {"lower": 1, "higher": -1, "none": 0}[METRICS[metric].direction]
    return TYPICAL.get(metric, 0.01) * (1 + worse + (0.0 if METRICS[metric].direction == "none" else noise))


def write_run(
    place: Path,
    *,
    scores: Scores = by_order,
    rows: int = 40_000,
    counts: dict[str, Any] | None = None,
    real: bool = False,
    tables: bool = True,
    **config: Any,
) -> Plan:
    """Write ``results/demo`` below ``place``, which has to be the working folder, and return its plan.

    ``rows`` is the number of rows as read, ``counts`` is laid over the counts of every data set; a real log has raw
    files that are empty. ``tables`` also collects the tables of the whole run.
    """
    source: dict[str, Any] = {"folder": str(_raw_folder(place))} if real else {}
    settings = {"name": "demo", "repetitions": 3, "datasets": {"kuairand_pure": source}, **config}
    write_text(place / "results" / "demo" / "config.yaml", to_yaml(RunConfig.model_validate(settings)))
    plan = Plan.load(Path("results/demo/config.yaml"), find_root())
    for dataset in plan.config.datasets:
        _write_data(plan, dataset, rows, counts or {})
    for spec in plan.jobs.values():
        _write_job(plan, spec, scores)
    if tables:
        collect(plan)
        write_verdicts(plan)
    return plan


def own_log(place: Path, **columns: str) -> dict[str, Any]:
    """Return the source of a log of one's own, whose file is empty."""
    write_text(place / "own.csv", "")
    return {"log": {"file": str(place / "own.csv"), **columns}}


def _raw_folder(place: Path) -> Path:
    folder = place / "raw"
    card = Catalog.load(find_root()).datasets["kuairand_pure"]
    for name in [*card.logs, *card.tables.values()]:
        write_text(folder / name, "")
    return folder


def _write_data(plan: Plan, dataset: str, rows: int, changed: dict[str, Any]) -> None:
    folder, card = plan.data_folder(dataset), plan.catalog.datasets[dataset]
    left = [{"rule": "as read", "rows": rows, "users": 300, "items": 50, "positives": rows // 2}]
    left += [{"rule": "zero_duration: drop", "rows": rows - 40, "users": 299, "items": 49, "positives": rows // 2}]
    empty: dict[str, Any] = {"before": [], "candidates": [], "logs": {}, "without_features": _bare()}
    write_json(folder / "counts.json", {"rules": left, **empty, **changed})
    for protocol in plan.protocols(dataset):
        write_json(folder / protocol / "counts.json", _parts(plan.core(dataset, protocol)))
        _write_encoded(plan.encoded_folder(dataset, protocol), card.targets, "duration" in card.provides)
    columns = _columns(card.targets)
    pl.DataFrame(columns).write_parquet(folder / "interactions.parquet")


def _parts(core: int | None) -> dict[str, Any]:
    unseen = ("share_of_users_unseen", "share_of_rows_with_unseen_user", "share_of_items_unseen")
    parts = {
        part: {"rows": number, "users": 200, "items": 40, **dict.fromkeys(unseen, 0.125)}
        | {"share_of_rows_with_unseen_item": 0.0625}
        for part, number in (("training", 600), ("validation", 200), ("test", 200))
    }
    if core is None:
        return {**parts, "left_out": {}}
    left = {f"outside the {core}-core": 123}
    return {**parts, "left_out": left, "core": {"k": core, "rows": 1000, "users": 25, "items": 20}}


def _columns(targets: list[str]) -> dict[str, Any]:
    """Return 3,000 rows: 10, 30 and 100 s long, a third each not watched, watched to a tenth, watched to the end."""
    generator = np.random.default_rng(1)
    duration = np.repeat([10.0, 30.0, 100.0], 1000)
    ratio = np.tile([0.0, 0.1, 1.0], 1000) * (1 + generator.uniform(0, 0.01, 3000))
    users, items = np.arange(3000) % 30, np.arange(3000) % 7
    return {"user": users, "item": items, "duration": duration, **dict.fromkeys(targets, ratio * duration)}


def _write_encoded(folder: Path, targets: list[str], durations: bool) -> None:
    """Write ten rows: six of training, one of validation, and three of test, of which two have the same target."""
    EncodedLog(
        fields=("user", "tag"),
        columns=(),
        categorical=np.zeros((10, 2), np.int32),
        numeric=np.zeros((10, 0), np.float32),
        multi_valued={},
        user=np.zeros(10, np.int32),
        raw_row=np.arange(10, dtype=np.uint32),
        targets={name: np.array([9.0, 9, 9, 9, 9, 9, 9, 0, 5, 0]) for name in targets},
        duration=np.full(10, 10.0) if durations else None,
        part=np.array([0, 0, 0, 0, 0, 0, 1, 2, 2, 2], np.int8),
    ).save(folder)
    shares = {"validation": {"user": 0.5, "tag": 0.0, "hour": 0.0}, "test": {"user": 0.25, "tag": 0.75, "hour": 0.0}}
    counted = {"cardinalities": {"user": 9, "tag": 4, "hour": 25}, "unknown_shares": shares}
    write_json(folder / "counts.json", {**counted, "rows": {"training": 6, "validation": 1, "test": 3}})


def _bare() -> dict[str, dict[str, int]]:
    return {"users": {"users": 0, "rows": 0}, "items": {"items": 2, "rows": 7}}


def _calibrations(spec: JobSpec) -> list[dict[str, Any]]:
    """Return a CRPS of as many seconds as the variant's name has letters, 0.1 s more in every repetition.

    Networks that answer a rank have a distribution; its transform falls into the first of twenty bins for a tenth of
    the rows more than it should.
    """
    if spec.family != "network" or "rank" not in spec.readouts:
        return []
    pit = [0.15, *[0.85 / 19] * 19]
    return [
        {"repetition": one, "crps": len(spec.variant) + one / 10, "pit": pit, "pit_distance": 0.1}
        for one in range(spec.repetitions)
    ]


def _deciles(spec: JobSpec) -> list[dict[str, Any]]:
    """Return targets of 1 to 10 in the tenths, of which all but a rank predict a half, or all in the last repetition.

    Of the training median nothing is above 0.
    """
    if spec.task != "ltv":
        return []
    target = [0.0 if spec.variant == "median" else float(one) for one in range(1, 11)]
    return [
        {"repetition": one, "readout": readout, "target": target, "prediction": [part * value for value in target]}
        for one in range(spec.repetitions)
        for part in [1.0 if one == spec.repetitions - 1 else 0.5]
        for readout in spec.readouts
        if readout != "rank"
    ]


def _write_job(plan: Plan, spec: JobSpec, scores: Scores) -> None:
    watching = spec.task in ("watch_time", "watch_ratio")
    is_watched = watching and "duration" in plan.catalog.datasets[spec.dataset].provides
    values = [
        {
            "repetition": repetition,
            "readout": readout,
            "metric": name,
            "convention": convention,
            "value": scores(spec, readout, name, convention, repetition),
        }
        for repetition in range(spec.repetitions)
        for readout in spec.readouts
        for name, metric in metrics_about(spec.task).items()
        if not (readout == "rank" and metric.unit == "target")
        if "full_watch" not in metric.needs or is_watched
        for convention in metric.conventions
    ]
    facts = {"settings": spec.hash, "data": "0" * 64, "parameters": 1000, "codec": {}, "test_rows": 200}
    folder = plan.job_folder(spec)
    shown = {"values": values, "calibration": _calibrations(spec), "deciles": _deciles(spec)}
    job = {"job": spec.model_dump(mode="json"), **facts, **shown}
    if spec.search_trials:
        trials = [{"values": {"training.learning_rate": rate}, "score": 1.0 + rate} for rate in (0.1, 0.2)]
        job["search"] = {"readout": "mean", "metric": "rmse", "chosen": trials[0]["values"], "trials": trials}
    write_json(folder / "metrics.json", job)
    epochs = range(4) if spec.family == "network" else range(0)
    history = [
        {"repetition": repetition, "epoch": epoch, "training": 1.0 - epoch / 10, "validation": 1 + (epoch - 2) ** 2 / 9}
        for repetition in range(spec.repetitions)
        for epoch in epochs
    ]
    schema = {"repetition": pl.Int64, "epoch": pl.Int64, "training": pl.Float64, "validation": pl.Float64}
    curve = pl.DataFrame(history, schema=schema, orient="row")
    if spec.method in MEASURED:
        curve = curve.with_columns(absolute_error=20 - pl.col("epoch").cast(pl.Float64))
    curve.write_parquet(folder / "history.parquet")
    seconds = {"training_seconds": 1.5, "prediction_seconds": 0.5, "peak_memory_mb": 123.0}
    speeds = {"training_samples_per_second": 1000.0, "prediction_samples_per_second": 5000.0}
    write_json(folder / "resources.json", {"device": "cpu", **seconds, **speeds})
