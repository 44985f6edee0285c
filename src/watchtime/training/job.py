"""One training job: fit, predict and evaluate every repetition of one method and variant."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from watchtime.core.errors import WatchtimeError, unknown
from watchtime.core.files import settings_hash, write_json, write_parquet
from watchtime.core.job import JobSpec
from watchtime.core.plan import NOT_SEPARABLE, Plan
from watchtime.core.seal import file_hash
from watchtime.core.seeds import derive_seed
from watchtime.core.sources import source_files
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.encoding import Encoding
from watchtime.datasets.protocols import TEST, TRAINING
from watchtime.evaluation.calibration import calibration
from watchtime.evaluation.deciles import deciles
from watchtime.evaluation.metrics import MetricValue, evaluate, metrics_about
from watchtime.evaluation.user_bootstrap import UserDraws
from watchtime.labels import storage
from watchtime.methods.base import OracleMethod, Readouts
from watchtime.training.device import reserved, torchrun_processes
from watchtime.training.fitting import Fitted, fit
from watchtime.training.model import Model, chosen
from watchtime.training.resources import peak_memory_mb

if TYPE_CHECKING:
    from watchtime.training.processes import Processes

ORDER_READOUTS = {"rank", "score"}


def train(
    plan: Plan, key: str, processes: int | None = None, memory: int | None = None, run: Path | None = None
) -> None:
    """Run the job ``key`` of the plan and write its five files.

    ``processes`` train it together, as many as the plan says unless it is given, and read the plan in the folder
    ``run``; those that torchrun has started share the job among them. GPUs are held with ``memory`` MiB on all of them
    together, or alone.

    What needs torch is loaded where it is needed: it takes longer to load than statistics take to fit.
    """
    if key not in plan.jobs:
        raise WatchtimeError(unknown("job", key, plan.jobs, "--job"))
    spec = plan.jobs[key]
    count = torchrun_processes() or processes or spec.processes
    if spec.family != "network":
        if count > 1:
            raise WatchtimeError(f"processes: found {count}, but method '{spec.method}' trains no network.")
        _run(plan, spec)
        return
    if count > 1 and not plan.catalog.methods[spec.method].is_separable(spec.settings):
        raise WatchtimeError(
            f"processes: found {count}, but {spec.method}/{spec.variant} trains in one: {NOT_SEPARABLE}."
        )
    with reserved(spec.device, count, memory):
        if count > 1 and not torchrun_processes():
            from watchtime.training.launch import launch

            launch(["train", "--run", str(run or plan.folder), "--job", key], count)
            return
        from watchtime.training.processes import together

        with together(spec.device) as shared:
            _run(plan, spec.model_copy(update={"processes": count}), shared)


def _run(plan: Plan, spec: JobSpec, processes: Processes | None = None) -> None:
    """Fit and predict; the first of several processes writes, and alone predicts."""
    folder, encoded = plan.job_folder(spec), plan.encoded_folder(spec.dataset, spec.protocol)
    log = EncodedLog.load(encoded)
    encoding = chosen(Encoding.load(encoded / "encoding.json"), spec.features)
    codec_file = plan.codec_file(spec)
    codec = storage.load(codec_file) if codec_file else None
    if spec.like:
        from watchtime.training.widening import widened

        spec = widened(spec, log, Encoding.load(encoded / "encoding.json"))
    model = Model(spec, encoding, codec, [])
    test = log.rows(np.flatnonzero(log.part == TEST))
    trials = None

    if spec.family == "oracle":
        fitted = Fitted(model, [], 0.0, 0)
        started = time.perf_counter()
        readouts = [_oracle(plan, spec, model.method, log, test)]
    else:
        fingerprint = _fingerprint(plan, spec)
        if spec.search_trials:
            from watchtime.training.search import search

            found, trials = search(model, log, folder / "checkpoint", fingerprint, processes)
            model = replace(model, spec=found)
        fitted = fit(model, log, folder / "checkpoint", fingerprint, processes)
        if processes and processes.rank:
            return
        started = time.perf_counter()
        readouts = model.predict(test, spec.device, test.target(spec.task))
    predicting = time.perf_counter() - started

    predictions = _predictions(test, spec, readouts)
    write_parquet(folder / "predictions.parquet", predictions)
    write_parquet(folder / "history.parquet", _history(fitted.history))
    searched = {"search": trials} if trials else {}
    write_json(folder / "metrics.json", _metrics(plan, spec, model, test, predictions) | searched)
    write_json(folder / "resources.json", _resources(fitted, predicting, len(test) * len(readouts), spec.device))
    model.save(folder / "model.safetensors", encoded / "encoding.json", codec_file)
    for leftover in folder.glob("*checkpoint*"):
        leftover.unlink()


def _fingerprint(plan: Plan, spec: JobSpec) -> str:
    """Return what an unfinished training depends on: data, split, encoding, settings and code."""
    encoded = plan.encoded_folder(spec.dataset, spec.protocol)
    files = [
        *plan.data_files(spec.dataset),
        encoded / "part.npy",
        encoded / "encoding.json",
        *source_files("training.job", *spec.method_modules),
    ]
    return settings_hash([spec.hash, *map(file_hash, files)])


def _oracle(plan: Plan, spec: JobSpec, method: OracleMethod, log: EncodedLog, test: EncodedLog) -> Readouts:
    truth = plan.truth(spec.dataset)
    assert truth is not None
    target = log.target(spec.task)[np.flatnonzero(log.part == TRAINING)]
    return method.predict(truth, np.asarray(test.raw_row), target)


def _predictions(test: EncodedLog, spec: JobSpec, readouts: list[Readouts]) -> pl.DataFrame:
    """Return one row per test row: its raw row, user and target, and a column ``<readout>.<repetition>`` each."""
    columns: dict[str, npt.NDArray[Any]] = {
        "raw_row": np.asarray(test.raw_row),
        "user": np.asarray(test.user),
        "target": test.target(spec.task),
    }
    for repetition, one in enumerate(readouts):
        columns |= {f"{name}.{repetition}": np.asarray(values, dtype=np.float32) for name, values in one.items()}
    return pl.DataFrame(columns)


def _metrics(plan: Plan, spec: JobSpec, model: Model, test: EncodedLog, predictions: pl.DataFrame) -> dict[str, Any]:
    values, beside = [], _beside(spec, test)
    draws = UserDraws(predictions["user"].n_unique(), derive_seed(spec.seed, axis="users"))
    for repetition in range(spec.repetitions):
        for readout in spec.readouts:
            column = f"{readout}.{repetition}"
            if column not in predictions.columns:
                raise WatchtimeError(f"method '{spec.method}' declares the readout '{readout}' and did not return it.")
            measured = _evaluated(spec, predictions, column, beside, draws if repetition == 0 else None)
            values += [{"repetition": repetition, "readout": readout, **one} for one in measured]
    return {
        "job": spec.model_dump(mode="json"),
        "settings": spec.hash,
        "data": settings_hash([file_hash(path) for path in plan.data_files(spec.dataset)]),
        "parameters": model.parameters(),
        "codec": model.codec.facts() if model.codec else {},
        "test_rows": len(test),
        "values": values,
        "calibration": _calibrations(spec, predictions),
        "deciles": _deciles(spec, predictions),
    }


def _calibrations(spec: JobSpec, predictions: pl.DataFrame) -> list[dict[str, Any]]:
    """Return how well the predicted distributions of every repetition are calibrated, where there are any."""
    return [
        {"repetition": one, **calibration(*(predictions[f"{name}.{one}"] for name in ("crps", "pit_low", "pit_high")))}
        for one in range(spec.repetitions)
        if f"crps.{one}" in predictions.columns
    ]


def _deciles(spec: JobSpec, predictions: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the mean target and prediction by tenths of the prediction, of every lifetime value in its unit."""
    if spec.task != "ltv":
        return []
    return [
        {"repetition": repetition, "readout": readout, "target": true.tolist(), "prediction": predicted.tolist()}
        for repetition in range(spec.repetitions)
        for readout in spec.readouts
        if readout not in ORDER_READOUTS
        for true, predicted in [deciles(predictions["target"], predictions[f"{readout}.{repetition}"])]
    ]


def _beside(spec: JobSpec, test: EncodedLog) -> dict[str, npt.NDArray[Any] | None]:
    """Return what metrics of the task need beside targets and predictions."""
    if spec.task == "label":
        return {"duration": test.duration, "positive": test.positive_feedback}
    return {"full_watch": test.full_watch(spec.task)}


def _evaluated(
    spec: JobSpec,
    predictions: pl.DataFrame,
    column: str,
    beside: dict[str, npt.NDArray[Any] | None],
    draws: UserDraws | None,
) -> list[dict[str, Any]]:
    """Return all metrics of one column; a rank has no unit, so errors in the target's unit mean nothing for it."""
    about, order_only = metrics_about(spec.task), column.split(".")[0] in ORDER_READOUTS
    names = [name for name, metric in about.items() if not (order_only and metric.unit == "target")]
    target, prediction, user = (predictions[one] for one in ("target", column, "user"))
    measured = evaluate(target, prediction, user, draws=draws, metrics=names, **beside)
    return [
        {"metric": one.metric, "convention": one.convention, "value": one.value, **_over_users(one)}
        for one in measured
        if one.value is not None
    ]


def _over_users(measured: MetricValue) -> dict[str, float]:
    """Return the interval over users that a value has, if it has one."""
    return dict(zip(("users_low", "users_high"), measured.users, strict=True)) if measured.users else {}


def _history(history: list[dict[str, float | int]]) -> pl.DataFrame:
    if not history:
        names = ("training", "validation")
        return pl.DataFrame(schema={"repetition": pl.Int64, "epoch": pl.Int64, **dict.fromkeys(names, pl.Float64)})
    return pl.DataFrame(history)


def _resources(fitted: Fitted, predicting: float, predicted: int, device: str) -> dict[str, Any]:
    return {
        "device": device,
        "training_seconds": fitted.seconds,
        "training_samples_per_second": fitted.samples / fitted.seconds if fitted.seconds else None,
        "prediction_seconds": predicting,
        "prediction_samples_per_second": predicted / predicting,
        "peak_memory_mb": peak_memory_mb(device),
    }
