"""Scores of predictions within buckets of the duration (ProWTP, table 7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import Field

from watchtime.analyses.study import Study
from watchtime.core.catalog import Artifact
from watchtime.core.job import JobSpec
from watchtime.core.settings import Settings
from watchtime.datasets.protocols import TEST, TRAINING
from watchtime.evaluation.metrics import METRICS, evaluate
from watchtime.labels.base import Floats, Integers
from watchtime.labels.duration_groups import equal_frequency_starts, group_by_start

_SCORES = {"row": pl.String, "repetition": pl.Int64, "bucket": pl.Int64, "metric": pl.String, "value": pl.Float64}
Mask = npt.NDArray[np.bool_]


class Options(Settings):
    """D duration buckets, of equally many training rows."""

    buckets: int = Field(ge=1)


def tables(study: Study) -> dict[str, pl.DataFrame]:
    """Return ``buckets``, from the shortest durations on, and ``scores`` of the artifact's metrics within each.

    ``buckets``: training rows have durations from ``low`` to ``high`` in seconds; ``training`` and ``test`` rows. Test
    rows that are shorter or longer than all training rows belong to the first or the last bucket. The last line, whose
    bucket is null, is that of all rows, those without a duration among them. ``scores``: per row of the artifact,
    repetition and bucket the value by the readout and convention of the artifact, null where it is not defined.
    """
    durations = {part: study.duration(part) for part in (TRAINING, TEST)}
    training = durations[TRAINING][durations[TRAINING] > 0]
    starts = equal_frequency_starts(training, study.options(Options).buckets)
    bucket = {part: _bucket(starts, duration) for part, duration in durations.items()}
    numbers: list[int | None] = [*range(len(starts)), None]
    buckets = []
    for number in numbers:
        own = training[_mask(group_by_start(starts, training), number)]
        buckets.append({"bucket": number, "low": own.min(), "high": own.max()} | _rows(bucket, number))
    masks = {number: _mask(bucket[TEST], number) for number in numbers}
    card = study.plan.artifacts[study.artifact]
    scores = [one for row, spec in study.jobs.items() for one in _scores(study, card, row, spec, masks)]
    return {"buckets": pl.DataFrame(buckets), "scores": pl.DataFrame(scores, schema=_SCORES)}


def _bucket(starts: Floats, duration: Floats) -> Integers:
    """Return the bucket of each duration, [rows]; −1 where there is no duration."""
    return np.where(duration > 0, group_by_start(starts, duration), -1)


def _mask(bucket: Integers, number: int | None) -> Mask:
    return np.full(len(bucket), True) if number is None else bucket == number


def _rows(bucket: dict[int, Integers], number: int | None) -> dict[str, int]:
    parts = {"training": TRAINING, "test": TEST}
    return {name: int(_mask(bucket[part], number).sum()) for name, part in parts.items()}


def _scores(
    study: Study, card: Artifact, row: str, spec: JobSpec, masks: dict[int | None, Mask]
) -> Iterator[dict[str, Any]]:
    frame, readout = study.predictions(spec), card.rows[row].readout or spec.readouts[0]
    target, user = frame["target"].to_numpy(), frame["user"].to_numpy()
    for repetition in range(spec.repetitions):
        prediction = frame[f"{readout}.{repetition}"].cast(pl.Float64).to_numpy()
        for bucket, mask in masks.items():
            measured = _measured(card, target[mask], prediction[mask], user[mask]) if mask.any() else {}
            names = {"row": row, "repetition": repetition, "bucket": bucket}
            yield from ({**names, "metric": metric, "value": measured.get(metric)} for metric in card.metrics)


def _measured(card: Artifact, target: Floats, prediction: Floats, user: Integers) -> dict[str, float | None]:
    """Return each metric of the artifact by its convention."""
    rules = {metric: card.conventions.get(metric, METRICS[metric].conventions[0]) for metric in card.metrics}
    found = evaluate(target, prediction, user, metrics=card.metrics)
    return {one.metric: one.value for one in found if one.convention == rules[one.metric]}
