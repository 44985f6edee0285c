"""OptDist (Weng et al., CIKM 2024): several zero-inflated lognormal laws, and a module that selects one for a row."""

from __future__ import annotations

import math

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from watchtime.core import settings as core
from watchtime.encoders.towers import Towers
from watchtime.labels.base import Codec
from watchtime.losses.zero_inflated_lognormal import ZeroInflatedLognormal
from watchtime.methods.base import Floats, Readouts
from watchtime.methods.network import Guide, NetworkMethod


class OptimalDistribution(NetworkMethod):
    """min E[−log Σ_i π_i f_i(y) − (1 − π_h)^γ log π_h + λ KL(q ‖ π)] over L laws f_i and a selection α.

    Each of L towers tells a zero-inflated lognormal law of its own in units of the mean positive training target (see
    ``ziln``), one more tower the selection's logits α. While training, π = softmax((α + g) / τ) with Gumbel noise g.
    The laws label the selection, and no gradient passes that way: with ℓ_i = −log f_i(y), h = argmin_i ℓ_i is the hard
    label of a focal cross entropy, q = softmax(−ℓ) the soft one. Validation judges −log Σ_i softmax(α)_i f_i(y).

    Readouts: ``selected_mean``, the paper's, is the mean of the law with the largest α: those of a law's own rows,
    which were chosen by their targets, and no estimate of E[y | x] · ``mean``, ``rank`` and ``variance`` of the
    mixture Σ_i softmax(α)_i f_i. No law's E[y | y > 0, x] is above the largest training target, as for ZILN.

    Built from a summary of the paper, without code. L is 4, as there; ours: ``focal_gamma`` 2, the usual one of focal
    losses; ``soft_weight`` λ 1 and ``temperature`` τ 1, which prefer neither label and leave the noise as it is; the
    direction of the divergence, that of a cross entropy with soft labels; the logarithm outside the sum, with which
    the first term is a likelihood; ``tower_width`` as for MDME.
    """

    class Settings(core.Settings):
        laws: int = Field(4, ge=2)
        tower_width: int = Field(32, ge=1)
        focal_gamma: float = Field(2.0, ge=0)
        soft_weight: float = Field(1.0, ge=0)
        temperature: float = Field(1.0, gt=0)
        scale_floor: float = Field(math.sqrt(1e-7), gt=0)

    def __init__(self, settings: core.Settings, codec: Codec | None, task: str) -> None:
        super().__init__(settings, codec, task)
        self.laws = self.settings.laws
        self.outputs = 4 * self.laws
        self.draws = self.laws

    def head(self, width: int) -> Towers:
        return Towers(width, self.settings.tower_width, [3] * self.laws + [self.laws])

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        laws, selection = self._parts(outputs)
        losses = laws.negative_log_likelihood(labels["value"][..., None])
        return -torch.logsumexp(selection.log_softmax(-1) - losses, -1).mean()

    def measures(self, outputs: Tensor, labels: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the mean entropy of softmax(α), 0 where every row is certain of its law, for the learning curve."""
        selection = self._parts(outputs)[1].log_softmax(-1)
        return {"selection_entropy": -(selection.exp() * selection).sum(-1).mean()}

    def training_loss(self, outputs: Tensor, guide: Guide) -> Tensor:
        laws, selection = self._parts(outputs)
        losses = laws.negative_log_likelihood(guide.labels["value"][..., None])
        noise = -torch.log(-torch.log(guide.draws.clamp(min=1e-10)))
        chosen = ((selection + noise) / self.settings.temperature).log_softmax(-1)
        likelihood = torch.logsumexp(chosen - losses, -1)
        given = losses.detach()
        hard = chosen.gather(-1, given.argmin(-1, keepdim=True))[..., 0]
        focal = (1 - hard.exp()) ** self.settings.focal_gamma * hard
        soft = (-given).log_softmax(-1)
        divergence = (soft.exp() * (soft - chosen)).sum(-1)
        return (self.settings.soft_weight * divergence - likelihood - focal).mean()

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        laws, selection = self._parts(torch.from_numpy(outputs))
        means, intervals = laws.mean(self.codec.largest_log), self.codec.intervals
        selected = means.gather(-1, selection.argmax(-1, keepdim=True))[..., 0]
        probabilities = self.distribution(outputs)
        return {
            "selected_mean": self.codec.decode(selected.numpy()),
            "mean": self.codec.decode((selection.softmax(-1) * means).sum(-1).numpy()),
            "rank": intervals.rank(probabilities),
            "variance": intervals.variance(probabilities),
        }

    def distribution(self, outputs: Floats) -> Floats:
        """Return the mixture's probability of every interval, the last with what is beyond, [rows, L + 1]."""
        laws, selection = self._parts(torch.from_numpy(outputs))
        inner = torch.from_numpy(self.codec.edges[1:-1] / self.codec.unit)
        each = laws.distribution_function(inner.expand(*laws.logit.shape, -1))
        reached = (selection.softmax(-1)[..., None] * each).sum(-2).numpy()
        return np.diff(reached, prepend=0.0, append=1.0, axis=1)

    def _parts(self, outputs: Tensor) -> tuple[ZeroInflatedLognormal, Tensor]:
        """Return the laws, their parameters [..., L], and α [..., L]."""
        laws, selection = torch.split(outputs, [3 * self.laws, self.laws], -1)
        laws = laws.reshape(*laws.shape[:-1], self.laws, 3)
        return ZeroInflatedLognormal.of(laws, self.settings.scale_floor), selection
