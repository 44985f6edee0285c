"""Fitting one model: statistics and trees at once, networks by the engine."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from watchtime.core.seeds import derive_seed
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.protocols import TEST, TRAINING, VALIDATION
from watchtime.methods.base import TableMethod
from watchtime.training.model import Model, selected

if TYPE_CHECKING:
    from watchtime.training.processes import Processes


@dataclass(frozen=True)
class Fitted:
    """A fitted model with its learning curves and how long it took."""

    model: Model
    history: list[dict[str, float | int]]
    seconds: float
    samples: int


def fit(
    model: Model, log: EncodedLog, checkpoint: Path | None, fingerprint: str, processes: Processes | None = None
) -> Fitted:
    """Fit every repetition of ``model`` on the training rows of ``log``; fills ``model.states``.

    Validation rows choose the epoch; in a job that leaks so on purpose, the test rows do in their place. Of several
    ``processes``, which are networks' alone, each reads the rows that it holds.
    """
    spec = model.spec
    log = selected(log, spec.features)
    started = time.perf_counter()
    judging = TEST if spec.chooses_epoch_on_test else VALIDATION
    parts = [np.flatnonzero(log.part == part) for part in (TRAINING, judging)]
    own = [processes.own(index) for index in parts] if processes else parts
    train_rows, validation_rows = (log.rows(index) for index in own)
    model.check_durations(train_rows)
    model.check_durations(validation_rows)
    if isinstance(model.method, TableMethod):
        _fit_table(model, train_rows, validation_rows)
        return Fitted(model, [], time.perf_counter() - started, len(train_rows) * spec.repetitions)
    # Torch takes longer to load than statistics take to fit.
    from watchtime.training.network_fitting import fit_network

    history = fit_network(model, train_rows, validation_rows, checkpoint, fingerprint, processes)
    return Fitted(model, history, time.perf_counter() - started, len(parts[0]) * len(history))


def _fit_table(model: Model, train_rows: EncodedLog, validation_rows: EncodedLog) -> None:
    method = model.method
    for repetition in range(model.spec.repetitions):
        seed = derive_seed(model.spec.seed, axis="initialisation", repetition=repetition)
        method.fit(train_rows, validation_rows, seed)
        model.states.append(method.state())
