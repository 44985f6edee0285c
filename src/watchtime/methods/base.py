"""What a method is: one file that says how a target is learned and read out.

What networks add stands in ``network.py``, so that statistics, trees and the oracle do not load torch.
"""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from watchtime.core import settings as core
from watchtime.core.config import validate
from watchtime.core.errors import WatchtimeError, plain
from watchtime.datasets.encoded import EncodedLog
from watchtime.labels.base import Codec

Floats = npt.NDArray[np.float64]
Readouts = dict[str, Floats]


class Method(ABC):  # noqa: B024
    """Common to all methods: validated settings, the fitted codec, the task."""

    Settings: ClassVar[type[core.Settings]] = core.Settings
    needs_duration: bool = False

    def __init__(self, settings: core.Settings, codec: Codec | None, task: str) -> None:
        self.settings: Any = settings
        self.codec: Any = codec
        self.task = task


class TableMethod(Method):
    """A method that fits encoded rows directly: statistics and trees."""

    @abstractmethod
    def fit(self, train: EncodedLog, validation: EncodedLog, seed: int) -> None:
        """Fit ``self.task`` on the training rows; validation rows may only choose when to stop."""

    @abstractmethod
    def predict(self, rows: EncodedLog) -> Readouts:
        """Return predictions in the target's unit, one [rows] array per readout."""

    @abstractmethod
    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Return all that was fitted, as arrays."""

    @abstractmethod
    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take back what ``state`` returned."""

    def parameters(self) -> int:
        """Return how many numbers were fitted; by default all that ``state`` holds."""
        return sum(array.size for array in self.state().values())


class OracleMethod(Method):
    """A method that reads the known distribution of a simulated log instead of learning."""

    @abstractmethod
    def predict(self, truth: Path, raw_rows: npt.NDArray[np.uint32], training_target: Floats) -> Readouts:
        """Return the exact readouts of the given raw rows."""


def method_class(name: str) -> type[Method]:
    """Return the one method class that the file ``methods/<name>.py`` defines."""
    path = f"watchtime.methods.{name}"
    if not name.isidentifier() or importlib.util.find_spec(path) is None:
        said = f"config/methods/{name}.yaml names a method whose file methods/{name}.py does not exist."
        raise WatchtimeError(plain(said))
    module = importlib.import_module(path)
    own = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Method) and value.__module__ == module.__name__
    ]
    if len(own) != 1:
        raise WatchtimeError(f"methods/{name}.py: exactly one method class was expected, found {len(own)}.")
    return own[0]


def build(name: str, settings: Mapping[str, Any], codec: Codec | None, task: str) -> Any:
    """Return the method ``name`` with validated settings."""
    cls = method_class(name)
    where = f"settings of method '{name}' (config/methods/{name}.yaml and the run's settings)"
    return cls(validate(cls.Settings, settings, where), codec, task)
