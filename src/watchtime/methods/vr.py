"""Value regression (VR; ProWTP calls it TR): least squares on the watch time."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from watchtime.core import settings as core
from watchtime.methods.base import Floats, Readouts
from watchtime.methods.network import NetworkMethod


class ValueRegression(NetworkMethod):
    """min E[(f(x) − y / s)²], so f(x) · s estimates E[y | x]; s comes from the codec.

    ``output: sigmoid`` is the released code's bounded output, which cannot predict above s.
    """

    class Settings(core.Settings):
        output: Literal["linear", "sigmoid"] = "linear"

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        value = outputs[..., 0].sigmoid() if self.settings.output == "sigmoid" else outputs[..., 0]
        return torch.mean((value - labels["value"]) ** 2)

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        value = torch.from_numpy(outputs[:, 0])
        if self.settings.output == "sigmoid":
            value = value.sigmoid()
        return {"mean": self.codec.decode(value.numpy())}
