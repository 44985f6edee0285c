"""D2Co (Zhao et al., CIKM 2023): watch time between the noisy and the interested mean of its duration."""

from __future__ import annotations

from typing import Literal

import torch
from scipy.special import expit
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from watchtime.core import settings as core
from watchtime.core.errors import WatchtimeError
from watchtime.labels.base import Codec
from watchtime.methods.base import Floats, Readouts
from watchtime.methods.network import NetworkMethod


class DebiasedDenoisedCorrection(NetworkMethod):
    """min −E[r log σ(f(x)) + (1 − r) log(1 − σ(f(x)))] with the codec's label r in [0, 1], so that σ(f) = E[r | x].

    ``squared_error`` estimates the same by E[(σ(f(x)) − r)²], or, for the linear label, which has no bounds, by
    E[(f(x) − r)²]. What the label's expectation decodes to is an ``exponential_mean`` between the two means of the
    duration, which no prediction leaves; for the linear label it is the ``mean``, without bounds. ``clip`` cuts
    predictions to [0, duration], as CWM's repository does.
    """

    class Settings(core.Settings):
        loss: Literal["cross_entropy", "squared_error"] = "cross_entropy"
        clip: bool = False

    needs_duration = True

    def __init__(self, settings: core.Settings, codec: Codec | None, task: str) -> None:
        super().__init__(settings, codec, task)
        self.linear = self.codec.settings.label == "linear"
        if self.linear and self.settings.loss != "squared_error":
            raise WatchtimeError(
                f"method 'd2co': loss: found '{self.settings.loss}', allowed with the codec's linear label, which is "
                "no probability: squared_error."
            )

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        output, level = outputs[..., 0], labels["level"]
        if self.settings.loss == "cross_entropy":
            return binary_cross_entropy_with_logits(output, level)
        return torch.mean(((output if self.linear else output.sigmoid()) - level) ** 2)

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        level = outputs[:, 0] if self.linear else expit(outputs[:, 0])
        prediction: Floats = self.codec.decode(level, duration)
        if self.settings.clip:
            prediction = prediction.clip(0, duration)
        return {"mean" if self.linear else "exponential_mean": prediction}
