"""Fitting a network: its rows and labels on the device, then the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from watchtime.core.errors import WatchtimeError
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.encoding import Encoding
from watchtime.methods.network import NetworkMethod
from watchtime.methods.ranking import BilevelMethod, RankingMethod
from watchtime.training import engine
from watchtime.training.model import Model, durations
from watchtime.training.processes import ALONE, Processes
from watchtime.training.resident import Part, ResidentRows, on_device

History = list[dict[str, float | int]]


def fit_network(
    model: Model,
    train_rows: EncodedLog,
    validation_rows: EncodedLog,
    checkpoint: Path | None,
    fingerprint: str,
    processes: Processes | None = None,
) -> History:
    """Train every repetition of ``model``, fill ``model.states`` and return the learning curves.

    The rows are those that this one of the ``processes`` holds.
    """
    spec, method = model.spec, model.method
    device, hold_out = engine.deterministic(spec.device), None

    def placed(rows: EncodedLog) -> Part:
        return part(method, rows, spec.task, model.encoding, device, spec.encoder.events)

    if isinstance(method, BilevelMethod):
        train_rows, held_out = _without_hold_out(method, train_rows, validation_rows)
        hold_out = placed(held_out)
    trained = engine.train(
        method,
        placed(train_rows),
        placed(validation_rows),
        spec.encoder,
        spec.training,
        spec.seed,
        range(spec.repetitions),
        stacked=spec.stacked,
        checkpoint=checkpoint,
        fingerprint=fingerprint,
        hold_out=hold_out,
        processes=processes or ALONE,
    )
    for one in trained:
        model.states.append({name: value.cpu().numpy() for name, value in one.parameters.items()})
    return [row for one in trained for row in one.history]


def part(
    method: NetworkMethod, rows: EncodedLog, task: str, encoding: Encoding, device: torch.device, events: int = 0
) -> Part:
    """Put the rows of one part of the split on the device with the method's labels."""
    resident = ResidentRows(rows, encoding.cardinalities, device, events)
    return Part(resident, on_device(labels_of(method, rows, task), device))


def labels_of(method: NetworkMethod, rows: EncodedLog, task: str) -> dict[str, npt.NDArray[Any]]:
    """Return the method's labels of the rows, and beside them what lists are judged by."""
    target, lasting = rows.target(task), durations(rows)
    labels = dict(method.labels(target, lasting))
    if isinstance(method, RankingMethod):
        feedback = positive_feedback(rows).astype(np.float64)
        labels |= {"watch_time": target, "duration": lasting, "positive_feedback": feedback, "user": rows.user}
    return labels


def positive_feedback(rows: EncodedLog) -> npt.NDArray[np.int8]:
    """Return 1 where a user gave positive feedback and 0 elsewhere. Raises where the log does not tell."""
    if rows.positive_feedback is None:
        raise WatchtimeError("the log has no columns of positive feedback, which lists are judged by.")
    return np.asarray(rows.positive_feedback)


def _without_hold_out(
    method: BilevelMethod, train_rows: EncodedLog, validation_rows: EncodedLog
) -> tuple[EncodedLog, EncodedLog]:
    """Return the rows that train the recommender, and those that judge its labels."""
    if method.settings.hold_out == "validation":
        return train_rows, validation_rows
    if train_rows.day is None:
        raise WatchtimeError("hold_out: last_training_day needs a log with days.")
    last = np.asarray(train_rows.day) == np.max(train_rows.day)
    if last.all():
        raise WatchtimeError("hold_out: last_training_day needs at least two days of training rows, found one.")
    return train_rows.rows(np.flatnonzero(~last)), train_rows.rows(np.flatnonzero(last))
