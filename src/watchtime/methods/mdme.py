"""MDME (Li et al., CIKM 2022): from sub-distribution to bucket to the place in it, without chained horizons."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from watchtime.core import settings as core
from watchtime.encoders.towers import Towers
from watchtime.labels.base import Codec
from watchtime.losses.ordered_classes import ordered_classification
from watchtime.methods.base import Floats, Readouts
from watchtime.methods.network import NetworkMethod


class Parts(NamedTuple):
    """The outputs of the towers: ``inner`` ones [..., S, ·] are those of the S positive sub-distributions."""

    logits: Tensor
    """Of the sub-distributions, [..., S + 1], 0's own first."""
    ordinal: Tensor
    """Of "the sub-distribution is above m", [..., S]."""
    inner: Tensor
    """Bucket logits, ordinal logits and raw biases side by side, [..., S, 3 B − 1]."""


class MultiDistributionMultiExperts(NetworkMethod):
    """min E[ℓ(c) + 1{y > 0} (ℓ(b | c) + w (sigmoid(v_{c,b}) − bias)²)], c and b the row's sub-distribution and bucket.

    ℓ is a cross entropy with an ordinal regression as its teacher (``losses.ordered_classes``), so each choice has two
    towers, a classification and an ordinal regression, and each positive sub-distribution a third one for biases. With
    p_{c,b} = P(c) P(b | c) by the classification towers alone,

    ``mode`` is left edge + bias · width of the bucket with the largest p, the paper's prediction: 0 wherever no bucket
    is as probable as 0, which is nearly everywhere on a log of few payers · ``mean`` Σ p (left edge + bias · width) ·
    ``median``, ``rank`` and ``variance`` of p over the codec's intervals.

    The paper's network is for four horizons chained by monotonic units; a log with one target has one horizon. Loss
    weights are published nowhere: ``distillation_weight`` and ``bias_weight`` are 1, which leaves every term its
    own size. ``tower_width`` is ours, half of the encoder's last layer at size small.

    Built from descriptions of the paper; there is no code of its authors.
    """

    class Settings(core.Settings):
        tower_width: int = Field(32, ge=1)
        distillation_weight: float = Field(1.0, ge=0)
        bias_weight: float = Field(1.0, ge=0)

    def __init__(self, settings: core.Settings, codec: Codec | None, task: str) -> None:
        super().__init__(settings, codec, task)
        self.positive = self.codec.settings.sub_distributions
        self.buckets = self.codec.settings.buckets
        inner = [self.buckets, self.buckets - 1, self.buckets]
        self.widths = [self.positive + 1, self.positive, *inner * self.positive]
        self.outputs = sum(self.widths)

    def head(self, width: int) -> Towers:
        return Towers(width, self.settings.tower_width, self.widths)

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        parts, teaching = self._parts(outputs), self.settings.distillation_weight
        sub_distribution, bucket = labels["sub_distribution"], labels["bucket"]
        which = (
            (sub_distribution - 1).clamp(min=0)[..., None, None].expand(*outputs.shape[:-1], 1, 3 * self.buckets - 1)
        )
        own = parts.inner.gather(-2, which).squeeze(-2)
        logits, ordinal, biases = torch.split(own, [self.buckets, self.buckets - 1, self.buckets], -1)
        bias = biases.gather(-1, bucket[..., None])[..., 0].sigmoid()
        inside = ordered_classification(logits, ordinal, bucket, teaching)
        inside = inside + self.settings.bias_weight * (bias - labels["bias"]) ** 2
        outside = ordered_classification(parts.logits, parts.ordinal, sub_distribution, teaching)
        return (outside + (sub_distribution > 0) * inside).mean()

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        probabilities, intervals = self.distribution(outputs), self.codec.intervals
        raw = self._parts(torch.from_numpy(outputs)).inner[..., 2 * self.buckets - 1 :]
        biases = np.pad(raw.sigmoid().flatten(-2).numpy(), [(0, 0), (1, 0)])
        values = self.codec.edges[:-1] + biases * self.codec.widths
        likeliest = probabilities.argmax(1)[:, None]
        return {
            "mode": np.take_along_axis(values, likeliest, 1)[:, 0],
            "mean": (probabilities * values).sum(1),
            "median": intervals.median(probabilities),
            "rank": intervals.rank(probabilities),
            "variance": intervals.variance(probabilities),
        }

    def distribution(self, outputs: Floats) -> Floats:
        """Return P(0) and p_{c,b} of all buckets in order, [rows, S B + 1]."""
        parts = self._parts(torch.from_numpy(outputs))
        outer = parts.logits.softmax(-1)
        inner = outer[..., 1:, None] * parts.inner[..., : self.buckets].softmax(-1)
        probabilities: Floats = torch.cat([outer[..., :1], inner.flatten(-2)], -1).numpy()
        return probabilities

    def _parts(self, outputs: Tensor) -> Parts:
        logits, ordinal, inner = torch.split(outputs, [*self.widths[:2], sum(self.widths[2:])], -1)
        return Parts(logits, ordinal, inner.reshape(*inner.shape[:-1], self.positive, -1))
