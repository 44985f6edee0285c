"""Ordinal regression (OR) as PTPM and ProWTP compare with it: one classifier per threshold of the watch time."""

from __future__ import annotations

from scipy.special import expit
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from watchtime.core import settings as core
from watchtime.labels.base import Codec
from watchtime.methods.base import Floats, Readouts
from watchtime.methods.network import NetworkMethod


class OrdinalRegression(NetworkMethod):
    """min E[1/M Σ_m CE(φ_m, 1{y > t_m})], so φ_m(x) estimates P(y > t_m | x); E[y | x] ≈ Σ_m φ_m (t_m − t_{m−1}).

    The papers name neither the number of thresholds nor their spacing: CREAD's 50, and equal frequencies, which give
    every classifier as many rows to learn from.
    """

    def __init__(self, settings: core.Settings, codec: Codec | None, task: str) -> None:
        super().__init__(settings, codec, task)
        self.outputs = len(self.codec.thresholds)

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        return binary_cross_entropy_with_logits(outputs, labels["above"].to(outputs.dtype))

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        readouts: Readouts = self.codec.read_out(expit(outputs))
        return readouts

    def distribution(self, outputs: Floats) -> Floats:
        probabilities: Floats = self.codec.probabilities(expit(outputs))
        return probabilities
