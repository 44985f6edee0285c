"""Fitting one model: statistics and trees at once, networks by the engine."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from watchtime.core.errors import WatchtimeError
from watchtime.core.seeds import derive_seed
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.encoding import Encoding
from watchtime.datasets.protocols import TEST, TRAINING, VALIDATION
from watchtime.methods.base import NetworkMethod, TableMethod
from watchtime.methods.ranking import BilevelMethod, RankingMethod
from watchtime.training import engine
from watchtime.training.model import Model, durations, selected
from watchtime.training.resident import Part, ResidentRows, on_device


@dataclass(frozen=True)
class Fitted:
    """A fitted model with its learning curves and how long it took."""

    model: Model
    history: list[dict[str, float | int]]
    seconds: float
    samples: int


def fit(model: Model, log: EncodedLog, device: torch.device, checkpoint: Path | None, fingerprint: str) -> Fitted:
    """Fit every repetition of ``model`` on the training rows of ``log``; fills ``model.states``.

    Validation rows choose the epoch; in a job that leaks so on purpose, the test rows do in their place.
    """
    spec, method = model.spec, model.method
    log = selected(log, spec.features)
    started = time.perf_counter()
    judging = TEST if spec.chooses_epoch_on_test else VALIDATION
    train_rows, validation_rows = (log.rows(np.flatnonzero(log.part == part)) for part in (TRAINING, judging))
    model.check_durations(train_rows)
    model.check_durations(validation_rows)
    if isinstance(method, TableMethod):
        for repetition in range(spec.repetitions):
            seed = derive_seed(spec.seed, axis="initialisation", repetition=repetition)
            method.fit(train_rows, validation_rows, seed)
            model.states.append(method.state())
        return Fitted(model, [], time.perf_counter() - started, len(train_rows) * spec.repetitions)
    assert isinstance(method, NetworkMethod)
    hold_out = None

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
    )
    for one in trained:
        model.states.append({name: value.cpu().numpy() for name, value in one.parameters.items()})
    history = [row for one in trained for row in one.history]
    return Fitted(model, history, time.perf_counter() - started, len(train_rows) * len(history))


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
