"""Two stages, after Drachen et al. 2018: a classifier of who pays, and a regression of what payers pay."""

from __future__ import annotations

import torch
from torch import Tensor

from watchtime.losses.hurdle import hurdle_loss, hurdle_mean
from watchtime.methods.base import Floats, Readouts
from watchtime.methods.network import NetworkMethod


class TwoStage(NetworkMethod):
    """min E[CE(sigmoid(z(x)), 1{y > 0})] + E[1{y > 0} (r(x) − y / s)²]; z and r are networks of their own.

    sigmoid(z) r s estimates P(y > 0 | x) E[y | y > 0, x] = E[y | x]. Nothing is shared, so that neither loss has a
    weight to choose: Adam's steps do not depend on a tower's scale of loss. Early stopping looks at the sum.

    Drachen et al. have boosted trees in both stages; OptDist, whose table has this row, tells no more of it.
    """

    towers = 2

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        return hurdle_loss(outputs, labels["value"], weight=1.0, positives_only=True).mean()

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        return {"mean": self.codec.decode(hurdle_mean(torch.from_numpy(outputs)).numpy())}
