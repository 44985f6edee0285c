"""What methods are that score rows, so that lists of a user's best rows serve the platform."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from pydantic import Field
from torch import Tensor, nn

from watchtime.core import settings as core
from watchtime.losses.platform_objectives import Candidates
from watchtime.methods.base import Floats, Readouts
from watchtime.methods.network import NetworkMethod


class RankingSettings(core.Settings):
    """``list_length`` is k, how many rows a user's list has."""

    list_length: int = Field(10, ge=1)


class RankingMethod(NetworkMethod):
    """A method of the task ``label``: its readout ``score`` orders the rows of a user.

    Beside its own labels every row has ``watch_time``, ``duration``, ``positive_feedback`` and ``user``. Training ends
    by the lists of the validation rows, not by the loss: labels of different methods have different scales, and labels
    that learn have none.
    """

    Settings: ClassVar[type[core.Settings]] = RankingSettings
    needs_duration = True

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        return {"score": self.score(outputs)}

    def score(self, outputs: Floats) -> Floats:
        """Return by what rows are ordered, [rows]; by default the first output."""
        return np.ascontiguousarray(outputs[:, 0])


class BilevelMethod(RankingMethod):
    """A method whose labels learn: of the recommender that they train, they maximise what the platform wants.

    φ are the parameters of ``head.labeller``, θ all others. The engine takes θ' = θ − η ∇_θ L(θ, φ), ascends φ by the
    gradient of the merit of θ' on hold-out rows, and descends θ on the loss with the new labels. ``settings`` has
    ``tentative_rate`` η, ``label_rate``, ``hold_out``, ``hold_out_users`` and ``hold_out_rows``.
    """

    @abstractmethod
    def crafted(self, labeller: nn.Module, parameters: dict[str, Tensor], outputs: Tensor, labels: Any) -> Tensor:
        """Return the labels [rows] that the labeller with ``parameters`` φ gives; no gradient flows to ``outputs``."""

    @abstractmethod
    def fit(self, outputs: Tensor, crafted: Tensor) -> Tensor:
        """Return L, the mean loss of a training step's outputs against crafted labels [rows]."""

    @abstractmethod
    def candidates(self, labels: dict[str, Tensor]) -> Candidates:
        """Return what lists are judged by, of all hold-out rows, [rows] each."""

    @abstractmethod
    def objectives(self, scores: Tensor, rows: Candidates) -> Tensor:
        """Return the objectives [objectives] of the lists that scores [users, rows] make."""

    @abstractmethod
    def merit(self, found: Tensor) -> Tensor:
        """Return the scalar that labels maximise."""
