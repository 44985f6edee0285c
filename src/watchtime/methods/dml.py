"""DML (Zhang et al., CIKM 2023): labels of several meanings from the quantiles of watch time per duration."""

from __future__ import annotations

import torch
from pydantic import Field
from scipy.special import expit
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from watchtime.core import settings as core
from watchtime.methods.base import Floats, Readouts
from watchtime.methods.network import NetworkMethod


class MultipleSemanticsLabeling(NetworkMethod):
    """min E[(σ(f_0(x)) − r)²] + w · Σ_k CE(σ(f_k(x)), v_k) / 3, one linear head per label on the shared encoder.

    r is the watch percentage rank, v_1 to v_3 say whether the view is effective, long and complete (the codec's
    labels). The prediction is the watch time at the predicted rank within the duration's group, as D2Q's.

    **Built from descriptions**, as the codec says: that the labels are learned together, their losses and the weight
    w are ours, and so is the way back to a watch time, without which no error could be computed. The predicted views
    are not used for it: the rank alone tells where in the distribution a watch time lies.
    """

    class Settings(core.Settings):
        views_weight: float = Field(1.0, ge=0)

    needs_duration = True
    outputs = 4

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        rank = torch.mean((outputs[..., 0].sigmoid() - labels["rank"]) ** 2)
        views = binary_cross_entropy_with_logits(outputs[..., 1:], labels["views"].to(outputs.dtype))
        return rank + self.settings.views_weight * views

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        return {"quantile": self.codec.decode(expit(outputs[:, 0]), duration)}
