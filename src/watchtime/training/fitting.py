"""Fitting one model: statistics and trees at once, networks by the engine."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from watchtime.core.seeds import derive_seed
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.encoding import Encoding
from watchtime.datasets.protocols import TRAINING, VALIDATION
from watchtime.methods.base import NetworkMethod, TableMethod
from watchtime.training import engine
from watchtime.training.model import Model, durations, selected
from watchtime.training.resident import ResidentRows, on_device


@dataclass(frozen=True)
class Fitted:
    """A fitted model with its learning curves and how long it took."""

    model: Model
    history: list[dict[str, float | int]]
    seconds: float
    samples: int


def fit(model: Model, log: EncodedLog, device: torch.device, checkpoint: Path | None, fingerprint: str) -> Fitted:
    """Fit every repetition of ``model`` on the training rows of ``log``; fills ``model.states``."""
    spec, method = model.spec, model.method
    log = selected(log, spec.features)
    started = time.perf_counter()
    train_rows, validation_rows = (log.rows(np.flatnonzero(log.part == part)) for part in (TRAINING, VALIDATION))
    model.check_durations(train_rows)
    model.check_durations(validation_rows)
    if isinstance(method, TableMethod):
        for repetition in range(spec.repetitions):
            seed = derive_seed(spec.seed, axis="initialisation", repetition=repetition)
            method.fit(train_rows, validation_rows, seed)
            model.states.append(method.state())
        return Fitted(model, [], time.perf_counter() - started, len(train_rows) * spec.repetitions)
    assert isinstance(method, NetworkMethod)
    trained = engine.train(
        method,
        part(method, train_rows, spec.task, model.encoding, device),
        part(method, validation_rows, spec.task, model.encoding, device),
        spec.encoder,
        spec.training,
        spec.seed,
        range(spec.repetitions),
        stacked=spec.stacked,
        checkpoint=checkpoint,
        fingerprint=fingerprint,
    )
    for one in trained:
        model.states.append({name: value.cpu().numpy() for name, value in one.parameters.items()})
    history = [row for one in trained for row in one.history]
    return Fitted(model, history, time.perf_counter() - started, len(train_rows) * len(history))


def part(method: NetworkMethod, rows: EncodedLog, task: str, encoding: Encoding, device: torch.device) -> engine.Part:
    """Put the rows of one part of the split on the device with the method's labels."""
    labels = on_device(method.labels(rows.target(task), durations(rows)), device)
    return engine.Part(ResidentRows(rows, encoding.cardinalities, device), labels)
