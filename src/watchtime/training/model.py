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
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from watchtime.core.config import validate
from watchtime.core.errors import WatchtimeError, plain
from watchtime.core.files import canonical_json, replacing
from watchtime.core.job import JobSpec
from watchtime.core.seal import intact
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.encoding import Encoding
from watchtime.labels import storage
from watchtime.labels.base import Codec
from watchtime.methods.base import OracleMethod, Readouts, TableMethod, build

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
        if isinstance(self.method, TableMethod | OracleMethod):
            return None
        from watchtime.training import inference

        return inference.flops_of_row(self, selected(log, self.spec.features).rows(np.arange(1)))

    def predict(
        self, log: EncodedLog, device: str = "cpu", target: npt.NDArray[np.float64] | None = None
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
        if isinstance(method, OracleMethod):
            raise WatchtimeError(f"method '{self.spec.method}' knows simulated logs only and predicts no other log.")
        # Torch takes longer to load than statistics take to predict.
        from watchtime.training import inference

        return inference.network_readouts(self, log, device, target)

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
            with safe_open(intact(path), framework="numpy") as file:
                note = json.loads(file.metadata()["watchtime"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            job, encoding_name, codec_name = note["job"], note["encoding"], note["codec"]
        except FileNotFoundError:
            raise WatchtimeError(f"{path}: the file does not exist; --model takes a job's folder.") from None
        except (SafetensorError, LookupError, OSError, RecursionError, TypeError, ValueError):
            raise WatchtimeError(f"{path}: not a model file of this project.") from None
        spec = validate(JobSpec, job, str(path))
        states = _states(path, tensors, spec.repetitions)
        encoding = Encoding.load(_beside(path, encoding_name, "encoding.json"))
        codec = storage.load(_beside(path, codec_name, ".npz")) if codec_name else None
        return cls(spec, chosen(encoding, spec.features), codec, states)

    @staticmethod
    def _table_readouts(method: TableMethod, state: Mapping[str, npt.NDArray[Any]], log: EncodedLog) -> Readouts:
        try:
            method.load_state(state)
        except (LookupError, TypeError, ValueError):
            raise WatchtimeError(
                f"the model lacks what method '{type(method).__module__.split('.')[-1]}' learns."
            ) from None
        return method.predict(log)


def _states(path: Path, tensors: Mapping[str, npt.NDArray[Any]], repetitions: int) -> list[State]:
    """Return the tensors of every repetition, named without its number."""
    states: dict[str, State] = {}
    for name, tensor in tensors.items():
        place, _, own = name.partition("/")
        states.setdefault(place, {})[own] = tensor
    places = [str(one) for one in range(len(states))]
    if states and (len(states) != repetitions or set(states) != set(places)):
        raise WatchtimeError(f"{path}: found the weights of {len(states)} repetitions, {repetitions} are expected.")
    return [states[place] for place in places]


def _beside(path: Path, name: Any, ending: str) -> Path:
    """Return the file that a model says it needs: one of a run, by its place relative to the model."""
    if not isinstance(name, str) or Path(name).is_absolute() or not name.endswith(ending):
        raise WatchtimeError(f"{path}: found {name!r}, the place of a file {ending} beside it is expected.")
    found = path.parent / name
    if not found.is_file():
        raise WatchtimeError(f"{path}: its file {plain(name)} does not exist.")
    return found


def selected(log: EncodedLog, features: Sequence[str] | None) -> EncodedLog:
    return log if features is None else log.select(features)


def chosen(encoding: Encoding, features: Sequence[str] | None) -> Encoding:
    return encoding if features is None else encoding.select(features)


def durations(log: EncodedLog) -> npt.NDArray[np.float64]:
    """Return the durations in seconds, NaN where there is none."""
    return np.full(len(log), np.nan) if log.duration is None else np.asarray(log.duration)
