"""What a method is: one file with a codec, a head on the shared encoder, a loss and its readouts.

A network method is written for one model; the engine alone knows of repetitions that run side by side.
"""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from watchtime.core import settings as core
from watchtime.core.config import validate
from watchtime.core.errors import WatchtimeError
from watchtime.datasets.encoded import EncodedLog
from watchtime.labels.base import Codec

Floats = npt.NDArray[np.float64]
Readouts = dict[str, Floats]
# Trains the named method on the rows of the repetition, and returns what its encoder makes of the training rows.
Representations = Callable[[str], Floats]


class Method(ABC):  # noqa: B024
    """Common to all methods: validated settings, the fitted codec, the task."""

    Settings: ClassVar[type[core.Settings]] = core.Settings
    needs_duration: bool = False

    def __init__(self, settings: core.Settings, codec: Codec | None, task: str) -> None:
        self.settings: Any = settings
        self.codec: Any = codec
        self.task = task


@dataclass(frozen=True)
class Moment:
    """Where a training stands: ``step`` of all ``steps`` that it may take, both counted over all epochs."""

    step: int
    steps: int
    epochs: int

    @property
    def share(self) -> float:
        """Share of the training that is over, in [0, 1)."""
        return self.step / self.steps

    @property
    def epoch(self) -> int:
        """Number of epochs that are over."""
        return self.step * self.epochs // self.steps


class Guide(NamedTuple):
    """What a training step may look at beside the network's outputs.

    ``labels`` of the batch · ``draws`` uniform numbers in [0, 1), [batch, ``method.draws``], from the repetition's
    own stream · ``moment`` where the training stands.
    """

    labels: dict[str, Tensor]
    draws: Tensor
    moment: Moment


class GuidedHead(nn.Module):
    """A head that is shown the labels while it trains, as generation of sequences needs it.

    ``forward(hidden, guide)`` with ``guide=None`` is inference, whose outputs validation, ``loss`` and ``readouts``
    take; with a guide it returns what ``training_loss`` takes. Constants are made in ``forward`` on the device of
    ``hidden``: a head has parameters, but no buffers.
    """

    def forward(self, hidden: Tensor, guide: Guide | None = None) -> Tensor:
        raise NotImplementedError


class NetworkMethod(Method):
    """A method that trains a network: shared encoder, own head, own loss.

    ``towers`` independent encoder–head pairs give outputs side by side, [batch, towers × outputs]. ``draws`` is how
    many random numbers a row needs in a training step.
    """

    towers: int = 1
    outputs: int = 1
    draws: int = 0

    def head(self, width: int) -> nn.Module:
        """Return the module from the encoder's [batch, width] to [batch, outputs]."""
        return nn.Linear(width, self.outputs)

    def prepare(self, head: nn.Module, seed: int, representations: Representations) -> None:
        """Fill the parameters of ``head`` that training keeps, those without gradient; by default there are none.

        Once per repetition, before its first step, with the repetition's own ``seed``. ``representations("vr")`` is
        h(x) of the training rows, [rows, width], as value regression of the same encoder and training learns it.
        """

    def labels(self, target: Floats, duration: Floats) -> Mapping[str, npt.NDArray[Any]]:
        """Return what the loss needs per row, each array with rows first; by default what the codec says."""
        labels: Mapping[str, npt.NDArray[Any]] = self.codec.encode(target, duration)
        return labels

    @abstractmethod
    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        """Return the mean loss of a batch's rows, a scalar, from outputs [batch, outputs] and labels [batch, …].

        Validation chooses the epoch by it, so it judges what inference puts out.
        """

    def measures(self, outputs: Tensor, labels: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return further means over a batch's rows, scalars, that validation notes in the learning curve."""
        return {}

    def training_loss(self, outputs: Tensor, guide: Guide) -> Tensor:
        """Return what a training step minimises, a scalar; by default the loss.

        It may have terms that look at the batch as a whole, and sees what a ``GuidedHead`` puts out in training.
        """
        return self.loss(outputs, guide.labels)

    @abstractmethod
    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        """Return predictions in the target's unit, one [rows] array per readout, from outputs [rows, outputs].

        The readouts that the YAML declares come first, the default one before the others; what else a distribution
        tells, such as ``variance``, follows and is stored beside the predictions, but not scored.
        """

    def distribution(self, outputs: Floats) -> Floats | None:
        """Return probabilities [rows, L] over the codec's ``intervals``, or None where nothing is known of them."""
        return None


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
    if importlib.util.find_spec(path) is None:
        raise WatchtimeError(f"config/methods/{name}.yaml names a method whose file methods/{name}.py does not exist.")
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
