"""A trained model of one job: the fitted state of every repetition, its file, and its predictions of any log."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from watchtime.core.config import validate
from watchtime.core.errors import WatchtimeError
from watchtime.core.files import canonical_json, replacing
from watchtime.core.job import JobSpec
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.encoding import Encoding
from watchtime.labels import storage
from watchtime.labels.base import Codec
from watchtime.methods.base import NetworkMethod, Readouts, TableMethod, build
from watchtime.methods.ranking import RankingMethod
from watchtime.training.engine import outputs
from watchtime.training.flops import flops
from watchtime.training.resident import ResidentRows

State = dict[str, npt.NDArray[Any]]


@dataclass
class Model:
    """What a job learned: one state per repetition, for the method that its spec names."""

    spec: JobSpec
    encoding: Encoding
    codec: Codec | None
    states: list[State]

    @property
    def method(self) -> Any:
        return build(self.spec.method, self.spec.settings, self.codec, self.spec.task)

    def parameters(self) -> int:
        """Return how many numbers one repetition fitted."""
        if not self.states:
            return 0
        method = self.method
        if isinstance(method, TableMethod):
            method.load_state(self.states[0])
            return method.parameters()
        return sum(array.size for array in self.states[0].values())

    def flops(self, log: EncodedLog) -> int | None:
        """Return the operations that the inference of a row of ``log`` takes; None where no network is."""
        method = self.method
        if not isinstance(method, NetworkMethod):
            return None
        one = selected(log, self.spec.features).rows(np.arange(1))
        shape = ResidentRows(one, self.encoding.cardinalities, torch.device("meta"), self.spec.encoder.events).shape
        return flops(method, shape, self.spec.encoder)

    def predict(
        self, log: EncodedLog, device: torch.device, target: npt.NDArray[np.float64] | None = None
    ) -> list[Readouts]:
        """Return the readouts of every repetition for the rows of ``log``, encoded with all features.

        Where the true ``target`` [rows] is given, predicted distributions are judged by it: ``crps`` in the target's
        unit, and ``pit_low``, ``pit_high``, the probabilities below and up to the target.
        """
        log = selected(log, self.spec.features)
        method = self.method
        self.check_durations(log)
        if isinstance(method, TableMethod):
            return [self._table_readouts(method, state, log) for state in self.states]
        if not isinstance(method, NetworkMethod):
            raise WatchtimeError(f"method '{self.spec.method}' knows simulated logs only and predicts no other log.")
        rows = ResidentRows(log, self.encoding.cardinalities, device, self.spec.encoder.events)
        return [self._network_readouts(method, state, rows, durations(log), target) for state in self.states]

    def check_durations(self, log: EncodedLog) -> None:
        """Raise ``WatchtimeError`` where a row lacks the duration that the method needs."""
        missing = np.isnan(durations(log))
        if self.method.needs_duration and missing.any():
            row = int(np.argmax(missing)) + 1
            raise WatchtimeError(f"row {row}: column duration is missing, and method '{self.spec.method}' needs it.")

    def save(self, path: Path, encoding: Path, codec: Path | None) -> None:
        """Write one safetensors file; where the vocabularies and the codec lie is noted relative to it."""
        tensors = {f"{place}/{name}": array for place, state in enumerate(self.states) for name, array in state.items()}
        note = {
            "job": self.spec.model_dump(mode="json"),
            "encoding": os.path.relpath(encoding, path.parent),
            "codec": os.path.relpath(codec, path.parent) if codec else None,
        }
        with replacing(path) as temporary:
            contiguous = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
            save_file(contiguous, temporary, metadata={"watchtime": canonical_json(note)})

    @classmethod
    def load(cls, path: Path) -> Model:
        """Read what ``save`` wrote, with the encoding and the codec that it names."""
        try:
            with safe_open(path, framework="numpy") as file:
                note = json.loads(file.metadata()["watchtime"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except FileNotFoundError:
            raise WatchtimeError(f"{path}: the file does not exist; --model takes a job's folder.") from None
        except (SafetensorError, KeyError, TypeError, json.JSONDecodeError):
            raise WatchtimeError(f"{path}: not a model file of this project.") from None
        spec = validate(JobSpec, note["job"], str(path))
        states: list[State] = [{} for _ in range(spec.repetitions)] if tensors else []
        for name, tensor in tensors.items():
            place, key = name.split("/", 1)
            states[int(place)][key] = tensor
        encoding = Encoding.load(path.parent / note["encoding"])
        codec = storage.load(path.parent / note["codec"]) if note["codec"] else None
        return cls(spec, chosen(encoding, spec.features), codec, states)

    @staticmethod
    def _table_readouts(method: TableMethod, state: Mapping[str, npt.NDArray[Any]], log: EncodedLog) -> Readouts:
        method.load_state(state)
        return method.predict(log)

    def _network_readouts(
        self,
        method: NetworkMethod,
        state: State,
        rows: ResidentRows,
        duration: npt.NDArray[np.float64],
        target: npt.NDArray[np.float64] | None,
    ) -> Readouts:
        parameters = {name: torch.from_numpy(np.array(array)) for name, array in state.items()}
        size, parts = self.spec.training.evaluation_batch, list[Readouts]()
        slabs = outputs(method, rows, self.spec.encoder, size, parameters)
        if isinstance(method, RankingMethod):
            # What orders rows may look at all of them.
            size, slabs = len(rows), iter([np.concatenate(list(slabs))])
        for place, slab in enumerate(slabs):
            here = slice(place * size, place * size + len(slab))
            raw = slab.astype(np.float64)
            parts.append(method.readouts(raw, duration[here]))
            if target is not None:
                parts[-1] |= _calibration(method, raw, target[here])
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _calibration(
    method: NetworkMethod, raw: npt.NDArray[np.float64], target: npt.NDArray[np.float64]
) -> dict[str, npt.NDArray[np.float64]]:
    """Return what the predicted distribution says of the true targets; nothing where no distribution is predicted."""
    probabilities = method.distribution(raw)
    if probabilities is None:
        return {}
    low, high = method.codec.intervals.probability_integral(probabilities, target)
    return {"crps": method.codec.intervals.crps(probabilities, target), "pit_low": low, "pit_high": high}


def selected(log: EncodedLog, features: Sequence[str] | None) -> EncodedLog:
    return log if features is None else log.select(features)


def chosen(encoding: Encoding, features: Sequence[str] | None) -> Encoding:
    return encoding if features is None else encoding.select(features)


def durations(log: EncodedLog) -> npt.NDArray[np.float64]:
    """Return the durations in seconds, NaN where there is none."""
    return np.full(len(log), np.nan) if log.duration is None else np.asarray(log.duration)
