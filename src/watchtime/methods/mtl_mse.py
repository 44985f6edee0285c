"""MTL-MSE: who pays and what they pay as two tasks of one network (shared bottom, after Ma et al. 2018)."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from watchtime.core import settings as core
from watchtime.losses.hurdle import hurdle_loss, hurdle_mean
from watchtime.methods.base import Floats, Readouts
from watchtime.methods.network import NetworkMethod


class MultiTaskRegression(NetworkMethod):
    """min E[CE(sigmoid(z(x)), 1{y > 0})] + w E[1{y > 0} (r(x) − y / s)²]; z and r are linear heads of one encoder.

    The prediction is sigmoid(z) r s. ``regression_on: positives``: r has to estimate E[y | y > 0, x] for the product
    to be E[y | x]; with ``all`` rows r is E[y | x] by itself, and the product counts the zeros twice.
    ``regression_weight`` w: 1, as s (the mean positive target) brings both losses near 1.

    Nothing was at hand of how OptDist, whose table has this row, built it: both settings are ours.
    """

    class Settings(core.Settings):
        regression_on: Literal["positives", "all"] = "positives"
        regression_weight: float = Field(1.0, ge=0)

    outputs = 2

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        positives_only = self.settings.regression_on == "positives"
        return hurdle_loss(outputs, labels["value"], self.settings.regression_weight, positives_only).mean()

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        return {"mean": self.codec.decode(hurdle_mean(torch.from_numpy(outputs)).numpy())}
