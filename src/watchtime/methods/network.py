"""What a method with a network adds: a head on the shared encoder, a loss, and what its outputs read out as.

It is written for one model; the engine alone knows of repetitions that run side by side.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy.typing as npt
from torch import Tensor, nn

from watchtime.methods.base import Floats, Method, Readouts

# Trains the named method on the rows of the repetition, and returns what its encoder makes of the training rows.
Representations = Callable[[str], Floats]


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
