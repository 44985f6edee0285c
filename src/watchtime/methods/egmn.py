"""Exponential-Gaussian mixture network, EGMN (Zhao et al., RecSys 2025): the density of the target as a mixture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import softplus
from torch.special import ndtr

from watchtime.core import settings as core
from watchtime.labels.base import Codec
from watchtime.methods.base import Floats, Readouts
from watchtime.methods.network import NetworkMethod

# The median is bracketed to this many binary places of the bracket.
_HALVINGS = 40


@dataclass(frozen=True)
class ExponentialGaussianMixture:
    """f(y) = π_0 λ e^{−λy} + Σ_k π_k φ((y − μ_k) / σ_k) / (σ_k Φ(μ_k / σ_k)) on y ≥ 0, k = 1 … K.

    Leading axes are rows. μ_k ≥ 1 / λ > 0, so that truncation at 0 takes at most half of a Gaussian, and no median of
    a component is beyond max_k (μ_k + σ_k).
    """

    log_weights: Tensor
    """log π, the exponential's first, [..., K + 1]."""
    rate: Tensor
    """λ, [..., 1]."""
    location: Tensor
    """μ, [..., K]."""
    scale: Tensor
    """σ, [..., K]."""

    def log_density(self, value: Tensor) -> Tensor:
        """Return log f(y) of y [...], which is finite wherever λy is."""
        value = value[..., None]
        exponential = self.rate.log() - self.rate * value
        distance = (value - self.location) / self.scale
        constant = self.scale.log() + math.log(2 * math.pi) / 2 + _log_above_zero(self.location / self.scale)
        gaussian = -(distance**2) / 2 - constant
        return torch.logsumexp(self.log_weights + torch.cat([exponential, gaussian], -1), -1)

    def distribution_function(self, value: Tensor) -> Tensor:
        """Return F(y) of y [..., points] for each row, [..., points]."""
        value = value[..., None]
        rate, location, scale = (one[..., None, :] for one in (self.rate, self.location, self.scale))
        exponential = -torch.expm1(-rate * value)
        below = ndtr(-location / scale)
        gaussian = (ndtr((value - location) / scale) - below) / (1 - below)
        return (self.log_weights.exp()[..., None, :] * torch.cat([exponential, gaussian], -1)).sum(-1)

    def mean(self, truncated: bool) -> Tensor:
        """Return Σ_k π_k m_k, [...]: m_0 = 1 / λ, m_k = μ_k + σ_k φ(μ_k / σ_k) / Φ(μ_k / σ_k), or μ_k untruncated."""
        means = self.location
        if truncated:
            ratio = means / self.scale
            hazard = torch.exp(-(ratio**2) / 2 - math.log(2 * math.pi) / 2 - _log_above_zero(ratio))
            means = means + self.scale * hazard
        return (self.log_weights.exp() * torch.cat([1 / self.rate, means], -1)).sum(-1)

    def median(self) -> Tensor:
        """Return where F reaches one half, [...], by bisection between 0 and the largest μ_k + σ_k."""
        high = (self.location + self.scale).amax(-1)
        low = torch.zeros_like(high)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            above = self.distribution_function(middle[..., None])[..., 0] < 0.5
            low, high = torch.where(above, middle, low), torch.where(above, high, middle)
        return (low + high) / 2


def _log_above_zero(ratio: Tensor) -> Tensor:
    """Return log Φ(μ / σ), the logarithm of the part of a Gaussian above 0; μ / σ is positive, so that nothing cancels.

    ``log_ndtr`` is the same, but torch.vmap would take its rows one repetition after the other.
    """
    return torch.log1p(-torch.erfc(ratio / math.sqrt(2)) / 2)


class ExponentialGaussianMixtureNetwork(NetworkMethod):
    """min E[−log f(y | x) + a Σ_k π_k log π_k + b |m(x) − y|] with y in the codec's unit; f is the mixture above.

    The exponential is for views that are soon left, the Gaussians are for the rest. λ = softplus_{½}(·) + 1e-6, μ =
    softplus(·) + 1 / λ, σ = softplus(·) + ``scale_floor``. The ``entropy_weight`` a keeps components alive. m is the
    mean that is predicted: ``component_mean: untruncated`` takes μ_k for that of a Gaussian as the code does, and is
    below the mixture's own mean, which is that of ``truncated``; trained by |m − y| it comes near the median of y.

    The terms need a unit: the code's is the maximum of the targets, under which λ and 1 / σ have to grow to hundreds
    from outputs near 1, by an Adagrad of rate 0.1; ours is the standard deviation. The density is unbounded where
    targets repeat, as at 0, and only the floor of σ, the outputs' own growth and the early stop bound it.

    Readouts: ``mean`` m (released) · ``median`` of f · ``rank`` and ``variance`` of f over the codec's intervals.

    Source: EGMN's code, as far as a public copy shows it; the text was not at hand.
    """

    class Settings(core.Settings):
        components: int = Field(10, ge=1)
        entropy_weight: float = Field(0.1, ge=0)
        regression_weight: float = Field(1.0, ge=0)
        component_mean: Literal["untruncated", "truncated"] = "untruncated"
        scale_floor: float = Field(1e-6, gt=0)

    def __init__(self, settings: core.Settings, codec: Codec | None, task: str) -> None:
        super().__init__(settings, codec, task)
        self.outputs = 3 * self.settings.components + 2

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        mixture = self.mixture(outputs)
        likelihood = -mixture.log_density(labels["value"])
        certainty = (mixture.log_weights.exp() * mixture.log_weights).sum(-1)
        error = (self._mean(mixture) - labels["value"]).abs()
        return (likelihood + self.settings.entropy_weight * certainty + self.settings.regression_weight * error).mean()

    def measures(self, outputs: Tensor, labels: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the means of the smallest σ and the largest π of a row, and of π_0, which tell of a collapse."""
        mixture = self.mixture(outputs)
        weights = mixture.log_weights.exp()
        return {
            "smallest_scale": mixture.scale.amin(-1).mean(),
            "largest_weight": weights.amax(-1).mean(),
            "exponential_weight": weights[..., 0].mean(),
        }

    def mixture(self, outputs: Tensor) -> ExponentialGaussianMixture:
        """Return the mixture in the codec's unit, from outputs [..., 3K + 2]: log π, λ, μ and σ before their maps."""
        components = self.settings.components
        logits, rate, location, scale = torch.split(outputs, [components + 1, 1, components, components], -1)
        rate = softplus(rate, beta=0.5) + 1e-6
        return ExponentialGaussianMixture(
            log_weights=logits.log_softmax(-1),
            rate=rate,
            location=softplus(location) + 1 / rate,
            scale=softplus(scale) + self.settings.scale_floor,
        )

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        mixture, intervals = self.mixture(torch.from_numpy(outputs)), self.codec.intervals
        probabilities = self.distribution(outputs)
        return {
            "mean": self._mean(mixture).numpy() * self.codec.unit,
            "median": mixture.median().numpy() * self.codec.unit,
            "rank": intervals.rank(probabilities),
            "variance": intervals.variance(probabilities),
        }

    def distribution(self, outputs: Floats) -> Floats:
        """Return F at the upper edge of each interval less F at its lower one; the last takes what is beyond."""
        inner = torch.from_numpy(self.codec.edges[1:-1] / self.codec.unit)
        reached = self.mixture(torch.from_numpy(outputs)).distribution_function(inner.expand(len(outputs), -1)).numpy()
        return np.diff(reached, prepend=0.0, append=1.0, axis=1)

    def _mean(self, mixture: ExponentialGaussianMixture) -> Tensor:
        return mixture.mean(truncated=self.settings.component_mean == "truncated")
