"""Weighted logistic regression (Covington et al., RecSys 2016) for feeds without a click."""

from __future__ import annotations

import numpy as np
from torch import Tensor
from torch.nn.functional import logsigmoid

from watchtime.core import settings as core
from watchtime.labels.base import Codec
from watchtime.methods.base import Floats, NetworkMethod, Readouts


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
        odds = outputs[..., 0]
        weighted = labels["positive_weight"] * logsigmoid(odds) + labels["negative_weight"] * logsigmoid(-odds)
        loss = -weighted.mean()
        if self.long_play:
            rate, clicked = outputs[..., 1], labels["positive"]
            loss = loss - (clicked * logsigmoid(rate) + (1 - clicked) * logsigmoid(-rate)).mean()
        return loss

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        odds = np.exp(outputs[:, 0])
        if not self.long_play:
            return {"mean": np.maximum(odds, self.settings.floor) * self.codec.unit}
        unclicked = 1 / (1 + np.exp(outputs[:, 1]))
        share = odds / (1 + odds)
        return {"mean": np.clip(share / (1 - share + 1e-6) * unclicked, 0, duration)}
