"""The zero-inflated lognormal law: nothing at all, or an amount whose logarithm is normal (ZILN, Wang et al. 2019)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus
from torch.special import ndtr, ndtri

# The largest conditional mean of an unbounded law, as a logarithm: e^80 is finite in single precision.
LARGEST_LOG_MEAN = 80.0


@dataclass(frozen=True)
class ZeroInflatedLognormal:
    """P(V = 0) = 1 − p, and V | V > 0 has log V ~ N(μ, σ²); p = sigmoid(z).

    V is the value in any unit: in another one, y = u v, every positive row's log density is lower by log u, a constant
    that moves no gradient. Fields have the same shape [...].
    """

    logit: Tensor
    """z."""
    location: Tensor
    """μ."""
    scale: Tensor
    """σ > 0."""

    @classmethod
    def of(cls, outputs: Tensor, scale_floor: float) -> ZeroInflatedLognormal:
        """Return the laws of outputs [..., 3]: z, μ, and σ = max(softplus(·), ``scale_floor``)."""
        logit, location, raw = outputs.unbind(-1)
        return cls(logit, location, softplus(raw).clamp(min=scale_floor))

    def negative_log_likelihood(self, value: Tensor) -> Tensor:
        """Return −log P(V = 0) where v = 0, else −log p − log f(v), f the lognormal density, [...].

        It is the logistic loss of 1{v > 0} and, of positive values alone, the lognormal's (v = 1 elsewhere, unused).
        """
        positive = value > 0
        logarithm = torch.where(positive, value, 1.0).log()
        distance = (logarithm - self.location) / self.scale
        density = -(distance**2) / 2 - self.scale.log() - logarithm - math.log(2 * math.pi) / 2
        return -logsigmoid(torch.where(positive, self.logit, -self.logit)) - positive * density

    def mean(self, largest_log: float = LARGEST_LOG_MEAN) -> Tensor:
        """Return E[V] = p exp(μ + σ² / 2), [...], the exponent cut at ``largest_log``."""
        return self.logit.sigmoid() * (self.location + self.scale**2 / 2).clamp(max=largest_log).exp()

    def distribution_function(self, value: Tensor) -> Tensor:
        """Return P(V ≤ v) of v [..., points] ≥ 0, [..., points]."""
        logit, location, scale = (one[..., None] for one in (self.logit, self.location, self.scale))
        return (-logit).sigmoid() + logit.sigmoid() * ndtr((value.log() - location) / scale)

    def median(self) -> Tensor:
        """Return where the distribution function reaches one half, [...]: 0 where p ≤ ½, else the (1 − ½ / p)-quantile.

        Its logarithm, too, is cut at ``LARGEST_LOG_MEAN``.
        """
        probability = self.logit.sigmoid()
        level = (1 - 0.5 / probability).clamp(min=0)
        logarithm = self.location + self.scale * ndtri(level)
        return torch.where(probability > 0.5, logarithm.clamp(max=LARGEST_LOG_MEAN).exp(), 0.0)
