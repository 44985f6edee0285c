"""DVR (Zheng et al., ACM MM 2022): watch time gain from a representation that hides the duration."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from watchtime.core import settings as core
from watchtime.methods.base import Floats, Readouts
from watchtime.methods.network import Guide, NetworkMethod


class AdversarialHead(nn.Module):
    """[gain, duration] from h, [batch, width] to [batch, 2]; the gradient of ``duration`` reaches h times −weight.

    (1 + λ) · h − λ · h, the first h without gradient, has the value of h and the derivative −λ.
    """

    def __init__(self, width: int, weight: float) -> None:
        super().__init__()
        self.weight = weight
        self.gain, self.duration = nn.Linear(width, 1), nn.Linear(width, 1)

    def forward(self, hidden: Tensor) -> Tensor:
        opposed = (1 + self.weight) * hidden.detach() - self.weight * hidden
        return torch.cat([self.gain(hidden), self.duration(opposed)], -1)


class DebiasedVideoRecommendation(NetworkMethod):
    """min over encoder h and u of E[(u(h(x)) − gain)²] − λ · E[(a(h(x)) − z)²], while a minimises E[(a(h(x)) − z)²].

    ``gain`` and the standardised duration z come from the codec, u and a are linear. ``adversarial_weight`` is λ, 0
    lets a tell what the representation knows of the duration without disturbing it; the encoder's part of the
    adversary's error has no bound, so that a large λ drowns the gain. The prediction decodes the gain
    with the mean and deviation of the duration's group (the released code's ``post_transform``).

    The paper takes the duration from the inputs (``without: [duration]`` of its variants); item ids still know it.
    Validation judges the gain alone, as the released code does by its error: a small error of the adversary is no
    merit. It notes that error as ``duration_error``, 1 where the representation says nothing.
    """

    class Settings(core.Settings):
        adversarial_weight: float = Field(0.1, ge=0)

    needs_duration = True
    outputs = 2

    def head(self, width: int) -> nn.Module:
        return AdversarialHead(width, self.settings.adversarial_weight)

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        return torch.mean((outputs[..., 0] - labels["gain"]) ** 2)

    def measures(self, outputs: Tensor, labels: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"duration_error": torch.mean((outputs[..., 1] - labels["duration"]) ** 2)}

    def training_loss(self, outputs: Tensor, guide: Guide) -> Tensor:
        return self.loss(outputs, guide.labels) + self.measures(outputs, guide.labels)["duration_error"]

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        return {"mean": self.codec.decode(outputs[:, 0], duration)}
