"""The tidy tables of a run, gathered from the files of its jobs."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import polars as pl

from watchtime.core.files import read_json, write_json, write_parquet, write_text
from watchtime.core.plan import Plan
from watchtime.evaluation.deciles import DECILES

_NAMES = ("dataset", "task", "protocol", "regime", "size", "method", "variant")
_SCORES = ("mae", "rmse", "xauc", "xgauc")
_PACKAGES = ("torch", "numpy", "polars", "lightgbm", "scipy", "snakemake", "typst", "pypandoc_binary")


def collect(plan: Plan) -> None:
    """Write metrics, calibration, history, resources (.parquet), scores (.json, .csv) and environment.json of the run.

    Measured time, memory, host and code version are in resources and environment only, so that the others are
    byte-identical between equal runs.
    """
    measured = metrics(plan, list(plan.jobs))
    write_parquet(plan.folder / "metrics.parquet", measured)
    write_json(plan.folder / "scores.json", scores(measured))
    write_text(plan.folder / "scores.csv", plotted_scores(plan, measured).write_csv())
    write_parquet(plan.folder / "calibration.parquet", _calibrations(plan))
    write_parquet(plan.folder / "history.parquet", _histories(plan))
    write_parquet(plan.folder / "resources.parquet", _resources(plan))
    write_json(plan.folder / "environment.json", _environment(plan))


def metrics(plan: Plan, keys: list[str]) -> pl.DataFrame:
    """Return one row per job, repetition, readout, metric and convention.

    Columns beside the job's names: ``simulated``, ``settings`` and ``data`` (sha256), ``deterministic`` (one fit
    stands for all repetitions), ``parameters``, ``test_rows``, ``repetition``, ``readout``, ``metric``,
    ``convention``, ``value``, ``users_low`` and ``users_high`` (the value's 95 % interval over users, null where it has
    none).
    """
    frames = [_job_metrics(plan, key) for key in keys]
    return pl.concat(frames)


def scores(measured: pl.DataFrame) -> dict[str, Any]:
    """Return the means over repetitions as nested mappings, for ``dvc metrics show`` and ``dvc metrics diff``."""
    nested: dict[str, Any] = {}
    for table, method, variant, readout, metric, value in _means(measured).rows():
        nested.setdefault(table, {}).setdefault(f"{method}/{variant}/{readout}", {})[metric] = value
    return nested


def plotted_scores(plan: Plan, measured: pl.DataFrame) -> pl.DataFrame:
    """Return one row per job of a leaderboard, the scores of its own readout, for ``dvc plots show`` and ``diff``."""
    names = [
        (spec.dataset, spec.task, spec.protocol, spec.method, spec.variant, spec.readouts[0])
        for spec in plan.jobs.values()
        if (spec.method, spec.variant) in plan.shown_variants(spec.dataset)
    ]
    firsts = pl.DataFrame(names, [*_NAMES[:3], "method", "variant", "readout"], orient="row")
    own = _means(measured.join(firsts, on=firsts.columns, how="semi", maintain_order="left"))
    line = pl.concat_str("table", "method", "variant", separator="/").alias("line")
    found = own.select(line, "metric", "value").pivot("metric", index="line", values="value")
    return found.select("line", *(name for name in _SCORES if name in found.columns)).sort("line")


def _means(measured: pl.DataFrame) -> pl.DataFrame:
    """Return the mean over repetitions of the scores of every table, method, variant and readout."""
    chosen = measured.filter(pl.col("convention").is_in(["", "strict"]), pl.col("metric").is_in(_SCORES))
    keys = [pl.concat_str(_NAMES[:3], separator="/").alias("table"), "method", "variant", "readout", "metric"]
    return chosen.group_by(keys).agg(pl.col("value").mean()).sort("table", "method", "variant", "readout", "metric")


def _job_metrics(plan: Plan, key: str) -> pl.DataFrame:
    spec = plan.jobs[key]
    measured = read_json(plan.job_folder(spec) / "metrics.json")
    schema = {
        "repetition": pl.Int64,
        "readout": pl.String,
        "metric": pl.String,
        "convention": pl.String,
        "value": pl.Float64,
        "users_low": pl.Float64,
        "users_high": pl.Float64,
    }
    columns: dict[str, Any] = {
        **{name: getattr(spec, name) for name in _NAMES},
        "simulated": plan.is_simulated(spec.dataset),
        "settings": measured["settings"],
        "data": measured["data"],
        "deterministic": spec.deterministic,
        "parameters": measured["parameters"],
        "test_rows": measured["test_rows"],
    }
    values = pl.DataFrame(measured["values"], schema=schema)
    return values.select(*(pl.lit(value).alias(name) for name, value in columns.items()), pl.all())


def _calibrations(plan: Plan) -> pl.DataFrame:
    """Return one row per repetition of every job with a distribution: its mean CRPS, its PIT and the PIT's distance."""
    numbers = {"repetition": pl.Int64, "crps": pl.Float64, "pit_distance": pl.Float64}
    schema: dict[str, Any] = {**numbers, "pit": pl.List(pl.Float64)}
    frames = []
    for spec in plan.jobs.values():
        names = (pl.lit(getattr(spec, name)).alias(name) for name in _NAMES)
        rows = read_json(plan.job_folder(spec) / "metrics.json")["calibration"]
        frames.append(pl.DataFrame(rows, schema=schema).select(*names, pl.all()))
    return pl.concat(frames)


def deciles(plan: Plan, keys: list[str]) -> pl.DataFrame:
    """Return one row per job, repetition, readout and tenth of the rows by prediction, the lowest being 1.

    ``target`` and ``prediction`` are the tenth's means; there are such rows of lifetime values alone.
    """
    tenths = pl.List(pl.Float64)
    schema: dict[str, Any] = {"repetition": pl.Int64, "readout": pl.String, "target": tenths, "prediction": tenths}
    frames = []
    for spec in (plan.jobs[key] for key in keys):
        names = (pl.lit(getattr(spec, name)).alias(name) for name in _NAMES)
        rows = read_json(plan.job_folder(spec) / "metrics.json")["deciles"]
        frames.append(pl.DataFrame(rows, schema=schema).select(*names, pl.all()))
    numbered = pl.concat(frames).with_columns(decile=pl.lit(list(range(1, DECILES + 1))))
    return numbered.explode("decile", "target", "prediction")


def _histories(plan: Plan) -> pl.DataFrame:
    frames = []
    for spec in plan.jobs.values():
        names = (pl.lit(getattr(spec, name)).alias(name) for name in _NAMES)
        frames.append(pl.read_parquet(plan.job_folder(spec) / "history.parquet").select(*names, pl.all()))
    return pl.concat(frames, how="diagonal")


def _resources(plan: Plan) -> pl.DataFrame:
    rows = [
        {**{name: getattr(spec, name) for name in _NAMES}, **read_json(plan.job_folder(spec) / "resources.json")}
        for spec in plan.jobs.values()
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _environment(plan: Plan) -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "processors": os.cpu_count(),
        "packages": {name: importlib.metadata.version(name) for name in _PACKAGES},
        "code": _commit(plan.catalog.root),
    }


def _commit(root: Path) -> str | None:
    """Return the commit of the code, with a plus sign where the working tree differs from it."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12"], cwd=root, capture_output=True, text=True
        )
    except FileNotFoundError:
        return None
    return described.stdout.strip() or None
