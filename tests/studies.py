"""A run on hand-made targets and predictions with everything that an analysis reads but trained models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from handmade_run import write_run
from watchtime.analyses.study import Study
from watchtime.core.job import JobSpec
from watchtime.core.plan import Plan
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.protocols import TEST, TRAINING, VALIDATION
from watchtime.labels import storage

DATASET, PROTOCOL = "kuairec", "big_to_small"
Predictions = Callable[[JobSpec, str, int], Sequence[float]]


def write_study(
    place: Path,
    artifact: str,
    training: Sequence[float],
    test: Sequence[float],
    predictions: Predictions | None = None,
    duration: Sequence[float] | None = None,
    **config: Any,
) -> Study:
    """Write ``results/demo`` below ``place``, the working folder, with fitted codecs, and return the artifact's study.

    One validation row has a target that would show in every number. ``duration`` is that of the training and then the
    test rows; test rows are of two users by turns.
    """
    source = {DATASET: {"protocols": [PROTOCOL], "methods": ["training_constant/median"]}}
    settings: dict[str, Any] = {"datasets": source, "artifacts": [artifact], **config}
    plan = write_run(place, tables=False, **settings)
    target = np.array([*training, 12345.678, *test])
    part = np.repeat([TRAINING, VALIDATION, TEST], [len(training), 1, len(test)]).astype(np.int8)
    _write_tables(plan)
    lasting = None if duration is None else np.insert(np.array(duration), len(training), 1.0)
    _log(target, part, lasting).save(plan.encoded_folder(DATASET, PROTOCOL))
    for spec in plan.jobs.values():
        if path := plan.codec_file(spec):
            assert spec.codec is not None
            seen = None if lasting is None else lasting[: len(training)]
            storage.save(storage.fit_codec(spec.codec.name, spec.codec.settings, np.array(training), seen), path)
        if predictions:
            _write_predictions(plan, spec, len(training) + 1, test, predictions)
    return Study(plan, artifact, DATASET, torch.device("cpu"))


def _write_tables(plan: Plan) -> None:
    """Write the thirty users and seven items of the handmade log; every item has one of two tags."""
    _, users, items = plan.data_files(DATASET)
    pl.DataFrame({"user": range(30)}).write_parquet(users)
    pl.DataFrame({"item": range(7), "tag": [[f"tag {item % 2}"] for item in range(7)]}).write_parquet(items)


def _log(target: Any, part: Any, duration: Any) -> EncodedLog:
    return EncodedLog(
        fields=("user",),
        columns=(),
        categorical=np.zeros((len(target), 1), np.int32),
        numeric=np.zeros((len(target), 0), np.float32),
        multi_valued={},
        user=np.zeros(len(target), np.int32),
        raw_row=np.arange(len(target), dtype=np.uint32),
        targets={"watch_time": target},
        duration=duration,
        part=part,
    )


def _write_predictions(plan: Plan, spec: JobSpec, first: int, test: Sequence[float], predictions: Predictions) -> None:
    columns = {
        f"{readout}.{repetition}": np.asarray(predictions(spec, readout, repetition), dtype=np.float32)
        for readout in spec.readouts
        for repetition in range(spec.repetitions)
    }
    users = np.arange(len(test)) % 2
    raw_row = np.arange(first, first + len(test), dtype=np.uint32)
    frame = pl.DataFrame({"raw_row": raw_row, "user": users, "target": np.asarray(test, dtype=np.float64), **columns})
    frame.write_parquet(plan.job_folder(spec) / "predictions.parquet")
