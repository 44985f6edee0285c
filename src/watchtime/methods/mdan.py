"""In the manner of MDAN (Liu et al., PAKDD 2024): channels that learn different distributions, and who mixes them."""

from __future__ import annotations

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import softplus

from watchtime.core import settings as core
from watchtime.encoders.towers import Towers
from watchtime.labels.base import Codec
from watchtime.losses.distance_similarity import distance_similarity
from watchtime.methods.base import Floats, Readouts
from watchtime.methods.network import Guide, GuidedHead, NetworkMethod


class ChannelHead(GuidedHead):
    """The towers' outputs; in training the representation h itself follows, [batch, outputs + width]."""

    def __init__(self, width: int, hidden: int, outputs: list[int]) -> None:
        super().__init__()
        self.towers = Towers(width, hidden, outputs)

    def forward(self, hidden: Tensor, guide: Guide | None = None) -> Tensor:
        outputs: Tensor = self.towers(hidden)
        return outputs if guide is None else torch.cat([outputs, hidden], -1)


class MultiDistributionAdaptiveNetworks(NetworkMethod):
    """min E[CE(p, 1{y > 0}) + 1{y > 0} (r − y / s)² + c/K Σ_k CE_{w_k}(z_k, 1{y > 0})] + a · distance similarity of h.

    **Built in the manner of its abstract**, since no text and no code was at hand. It tells of multi-channel networks
    that learn disparate distributions at once, against the bias of the classification; of a channel learning
    controller; and of a distance similarity loss that tells representations of different values apart, against that
    of the regression. The simplest reading:

    *Channels*, K of them, each a tower with outputs z_k and r_k. Channel k classifies a log in which positives weigh
    w_k = ((1 − q) / q)^{k / (K − 1)}, q their share: from the log as it is, k = 0, to one with as many of both, k =
    K − 1; CE_w is divided by the mean weight. sigmoid(z_k − log w_k) is what that says of the log as it is.
    *Controller*: a softmax tower g(x) with p = Σ g_k sigmoid(z_k − log w_k) and r = Σ g_k r_k, which the losses of p
    and r teach. *Distance similarity*: ``losses.distance_similarity`` of the encoder's rows of payers in a batch.
    Validation judges p and r, which are what inference puts out.

    The prediction is p r s. All settings are ours: ``channels`` 3, for one between the two ends; ``channel_weight`` c
    and ``similarity_weight`` a are 1, as no weight is known; ``tower_width`` as for MDME.
    """

    class Settings(core.Settings):
        channels: int = Field(3, ge=2)
        tower_width: int = Field(32, ge=1)
        channel_weight: float = Field(1.0, ge=0)
        similarity_weight: float = Field(1.0, ge=0)

    def __init__(self, settings: core.Settings, codec: Codec | None, task: str) -> None:
        super().__init__(settings, codec, task)
        self.channels = self.settings.channels
        self.outputs = 3 * self.channels
        share = self.codec.positive_share
        # A log of one kind has nothing to balance.
        odds = (1 - share) / share if 0 < share < 1 else 1.0
        steps = np.arange(self.channels) / (self.channels - 1)
        self.log_weights = torch.tensor(steps * np.log(odds), dtype=torch.float32)
        self.mean_weights = torch.tensor(share * odds**steps + 1 - share, dtype=torch.float32)

    def head(self, width: int) -> ChannelHead:
        return ChannelHead(width, self.settings.tower_width, [2] * self.channels + [self.channels])

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        value = labels["value"]
        probability, regressed = self._mixed(outputs)
        # In single precision the next number below 1 is 1 − 6e-8.
        likelihood = torch.where(value > 0, probability, 1 - probability).clamp(min=1e-7)
        return ((value > 0) * (regressed - value) ** 2 - likelihood.log()).mean()

    def training_loss(self, outputs: Tensor, guide: Guide) -> Tensor:
        value = guide.labels["value"]
        outputs, hidden = outputs[:, : self.outputs], outputs[:, self.outputs :]
        channels = self.settings.channel_weight * self._channels(outputs, value)
        similarity = self.settings.similarity_weight * distance_similarity(hidden, value)
        return self.loss(outputs, guide.labels) + channels + similarity

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        probability, regressed = self._mixed(torch.from_numpy(outputs))
        return {"mean": self.codec.decode((probability * regressed).numpy())}

    def _channels(self, outputs: Tensor, value: Tensor) -> Tensor:
        """Return the mean over rows and channels of CE_{w_k}(z_k, 1{y > 0}), a scalar."""
        self.mean_weights = self.mean_weights.to(outputs.device)
        logits, positive = outputs[..., : 2 * self.channels : 2], (value > 0)[..., None]
        weights = self._on(outputs).exp()
        losses = torch.where(positive, weights * softplus(-logits), softplus(logits))
        return (losses / self.mean_weights).mean()

    def _on(self, outputs: Tensor) -> Tensor:
        """Return log w on the device of the outputs."""
        self.log_weights = self.log_weights.to(outputs.device)
        return self.log_weights

    def _mixed(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return p and r of every row, [...] each."""
        pairs, controls = outputs[..., : 2 * self.channels], outputs[..., 2 * self.channels :]
        logits, regressed = pairs[..., 0::2], pairs[..., 1::2]
        share = controls.softmax(-1)
        return (share * (logits - self._on(outputs)).sigmoid()).sum(-1), (share * regressed).sum(-1)
