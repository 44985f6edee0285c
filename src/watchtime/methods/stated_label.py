"""Labels that are stated by a rule, one or two of them, on the recommender of LabelCraft (its baselines)."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from watchtime.core import settings as core
from watchtime.encoders.experts import MixtureOfExperts
from watchtime.labels.base import Array, Codec
from watchtime.methods.base import Floats
from watchtime.methods.ranking import RankingMethod, RankingSettings

Label = Literal["watch_time", "completion", "completion_rate", "level", "gain"]
_WHETHER = ("completion", "positive_feedback")


class StatedLabel(RankingMethod):
    """min E[l(f(x), label)], a squared error, or the logistic loss of what is 0 or 1; rows are ordered by f.

    ``label``: watch time y in its deviations (WT) · completion [y ≥ d] (PC) · completion rate y / d (PCR) · the
    ``level`` in the distribution of the duration's group (D2Q) · the ``gain`` over videos of similar duration (DVR;
    without its adversary) · none, where ``feedback`` is the only one (EF).

    With ``feedback`` beside a label, both are outputs of a mixture of experts (``encoders/experts.py``), and losses
    count by the weights of ``ratio``, label to feedback. Rows are then ordered by these weights of both outputs, each
    divided by its deviation over the rows that are ordered: the paper does not say how two outputs make one list, and
    undivided the one with the wider spread would decide alone.
    """

    class Settings(RankingSettings):
        label: Label | None = "watch_time"
        feedback: bool = False
        ratio: tuple[float, float] = (1.0, 1.0)
        experts: int = Field(3, ge=1)
        expert_hidden: tuple[int, ...] = (48, 48)

        @model_validator(mode="after")
        def _something_is_fitted(self) -> Self:
            if self.label is None and not self.feedback:
                raise ValueError("label: null needs feedback: true, else nothing is fitted")
            return self

    def __init__(self, settings: core.Settings, codec: Codec | None, task: str) -> None:
        super().__init__(settings, codec, task)
        self.outputs = len(self.names)

    @property
    def names(self) -> list[str]:
        """The labels that are fitted, in the order of the outputs."""
        return [name for name in (self.settings.label, "positive_feedback" if self.settings.feedback else None) if name]

    def head(self, width: int) -> nn.Module:
        if len(self.names) == 1:
            return nn.Linear(width, 1)
        return MixtureOfExperts(width, self.settings.expert_hidden, self.settings.experts, len(self.names))

    def labels(self, target: Floats, duration: Floats) -> dict[str, Array]:
        match self.settings.label:
            case "completion":
                return {"completion": (target >= duration).astype(np.float64)}
            case "completion_rate":
                return {"completion_rate": target / np.where(duration > 0, duration, 1.0)}
            case "watch_time":
                return {"watch_time_in_deviations": self.codec.encode(target, duration)["value"]}
            case None:
                return {}
            case name:
                return {name: self.codec.encode(target, duration)[name]}

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        losses = [
            _loss(name, outputs[..., place], labels["watch_time_in_deviations" if name == "watch_time" else name])
            for place, name in enumerate(self.names)
        ]
        return torch.stack([weight * one for weight, one in zip(self._weights, losses, strict=True)]).sum()

    def score(self, outputs: Floats) -> Floats:
        if len(self.names) == 1:
            return np.ascontiguousarray(outputs[:, 0])
        deviations = outputs.std(axis=0)
        return outputs / np.where(deviations > 0, deviations, 1.0) @ np.array(self._weights)

    @property
    def _weights(self) -> tuple[float, ...]:
        return self.settings.ratio if len(self.names) == 2 else (1.0,)


def _loss(name: str, output: Tensor, label: Tensor) -> Tensor:
    if name in _WHETHER:
        return binary_cross_entropy_with_logits(output, label)
    return torch.mean((output - label) ** 2)
