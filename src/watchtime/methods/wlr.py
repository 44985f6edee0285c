"""Weighted logistic regression (Covington et al., RecSys 2016) for feeds without a click."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from watchtime.core import settings as core
from watchtime.labels.base import Codec
from watchtime.methods.base import Floats, Readouts
from watchtime.methods.network import NetworkMethod


class WeightedLogisticRegression(NetworkMethod):
    """min −E[w⁺ log p + w⁻ log(1 − p)]; the odds p / (1 − p) estimate E[w⁺ | x] / E[w⁻ | x].

    ``every_impression``: w⁺ = y / s, w⁻ = 1, prediction s · odds. ``long_play``: w⁺ = y on long plays, w⁻ = 1 on
    the others, prediction odds · (1 − click-through rate) clipped to [0, duration], where a second tower with its
    own logistic loss predicts the rate of long plays (methods of the DADF and CWM repositories).
    """

    class Settings(core.Settings):
        floor: float = 0.0

    def __init__(self, settings: core.Settings, codec: Codec | None, task: str) -> None:
        super().__init__(settings, codec, task)
        self.long_play = self.codec.settings.positives == "long_play"
        self.towers = 2 if self.long_play else 1
        self.needs_duration = self.long_play

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        loss = _logistic(outputs[..., 0], labels["positive_weight"], labels["negative_weight"])
        if self.long_play:
            loss = loss + _logistic(outputs[..., 1], labels["positive"], 1 - labels["positive"])
        return loss

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        if not self.long_play:
            return {"mean": np.maximum(np.exp(outputs[:, 0]), self.settings.floor) * self.codec.unit}
        share, clicked = torch.from_numpy(outputs).sigmoid().numpy().T
        return {"mean": np.clip(share / (1 - share + 1e-6) * (1 - clicked), 0, duration)}


def _logistic(logit: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    return -(positive * logsigmoid(logit) + negative * logsigmoid(-logit)).mean()
