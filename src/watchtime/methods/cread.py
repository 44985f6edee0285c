"""CREAD (Sun et al., AAAI 2024): classifiers at error-adaptive thresholds, trained with the value they restore."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from scipy.special import expit
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, huber_loss

from watchtime.core import settings as core
from watchtime.labels.base import Codec
from watchtime.methods.base import Floats, Readouts
from watchtime.methods.network import NetworkMethod


class ClassificationRestoration(NetworkMethod):
    """L = w_c · Σ_m CE(φ_m, 1{y > t_m}) + w_r · Huber_δ(ŷ / u, y / u) + w_o · Σ_m max(φ_{m+1} − φ_m, 0).

    ŷ = Σ_m φ_m (t_m − t_{m−1}) is the restored value, u the ``unit``: Huber's δ and the weight of a restoration among
    probabilities need one. ``standard_deviation`` (ours, as for TPM) and ``maximum`` (EGMN's labels) are those of the
    training targets. ``likelihood: sum`` is the log-likelihood of a row's M labels; EGMN's code takes their ``mean``,
    under which the two other terms outweigh the classifiers and the distribution over intervals is of little use.
    Each term is a mean over rows; EGMN's order weight 2e-5 on the sum over a batch of 2,048 rows is 0.04096 of it.
    All weights and δ are 1 where nothing is published.
    """

    class Settings(core.Settings):
        classification_weight: float = Field(1.0, ge=0)
        restoration_weight: float = Field(1.0, ge=0)
        order_weight: float = Field(1.0, ge=0)
        delta: float = Field(1.0, gt=0)
        unit: Literal["standard_deviation", "maximum", "target"] = "standard_deviation"
        likelihood: Literal["sum", "mean"] = "sum"

    def __init__(self, settings: core.Settings, codec: Codec | None, task: str) -> None:
        super().__init__(settings, codec, task)
        self.outputs = len(self.codec.thresholds)
        units = {"standard_deviation": self.codec.standard_deviation, "maximum": self.codec.thresholds[-1]}
        # Constant targets have no standard deviation to divide by, and zeros no maximum.
        self.unit = float(units.get(self.settings.unit, 1.0)) or 1.0
        self.widths = torch.tensor(self.codec.widths / self.unit, dtype=torch.float32)

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        exceedance = outputs.sigmoid()
        self.widths = self.widths.to(outputs.device)
        restored = (exceedance * self.widths).sum(-1)
        rises = (exceedance[..., 1:] - exceedance[..., :-1]).clamp(min=0).sum(-1)
        classification = binary_cross_entropy_with_logits(outputs, labels["above"].to(outputs.dtype))
        if self.settings.likelihood == "sum":
            classification = classification * self.outputs
        restoration = huber_loss(restored, labels["target"] / self.unit, delta=self.settings.delta)
        return (
            self.settings.classification_weight * classification
            + self.settings.restoration_weight * restoration
            + self.settings.order_weight * rises.mean()
        )

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        readouts: Readouts = self.codec.read_out(expit(outputs))
        return readouts

    def distribution(self, outputs: Floats) -> Floats:
        probabilities: Floats = self.codec.probabilities(expit(outputs))
        return probabilities
