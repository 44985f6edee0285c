"""ZILN (Wang et al. 2019): a lifetime value is 0 or lognormal, and a network tells the law of either."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from watchtime.core import settings as core
from watchtime.losses.zero_inflated_lognormal import LARGEST_LOG_MEAN, ZeroInflatedLognormal
from watchtime.methods.base import Floats, Readouts
from watchtime.methods.network import NetworkMethod


class ZeroInflatedLognormalNetwork(NetworkMethod):
    """min E[−log f(y | x)], f zero-inflated lognormal: the logistic loss of y > 0 and, there, the lognormal's.

    The outputs are z, μ and the raw σ of the law, in units of the mean positive training target: μ and σ² / 2 then
    begin near what they have to be, and the loss differs from that in currency by (share of positives) · log unit.

    exp(μ + σ² / 2) has no bound, and one row with a wide σ outweighs a log. With ``largest_mean: training_target``,
    ours, E[y | y > 0, x] is cut at the largest training target; with ``none``, as in the code, at e^80 units.
    ``scale_floor`` is the code's √1e-7; only the floor bounds the likelihood where all values are the same.

    Readouts: ``mean`` p exp(μ + σ² / 2) · ``median`` of f, 0 where p ≤ ½ · ``rank`` and ``variance`` of f over the
    codec's intervals, where 0 is an atom.

    Source: google/lifetime_value; its paper has the same loss.
    """

    class Settings(core.Settings):
        scale_floor: float = Field(math.sqrt(1e-7), gt=0)
        largest_mean: Literal["training_target", "none"] = "training_target"

    outputs = 3

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        return self._law(outputs).negative_log_likelihood(labels["value"]).mean()

    def measures(self, outputs: Tensor, labels: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the mean p, which should be the share of positive targets, for the learning curve."""
        return {"positive_probability": self._law(outputs).logit.sigmoid().mean()}

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        law, intervals = self._law(torch.from_numpy(outputs)), self.codec.intervals
        largest_log = self.codec.largest_log if self.settings.largest_mean == "training_target" else LARGEST_LOG_MEAN
        probabilities = self.distribution(outputs)
        return {
            "mean": self.codec.decode(law.mean(largest_log).numpy()),
            "median": self.codec.decode(law.median().numpy()),
            "rank": intervals.rank(probabilities),
            "variance": intervals.variance(probabilities),
        }

    def distribution(self, outputs: Floats) -> Floats:
        """Return F at the upper edge of each interval less F at its lower one; the last takes what is beyond."""
        inner = torch.from_numpy(self.codec.edges[1:-1] / self.codec.unit)
        reached = self._law(torch.from_numpy(outputs)).distribution_function(inner.expand(len(outputs), -1)).numpy()
        return np.diff(reached, prepend=0.0, append=1.0, axis=1)

    def _law(self, outputs: Tensor) -> ZeroInflatedLognormal:
        return ZeroInflatedLognormal.of(outputs, self.settings.scale_floor)
