"""Duration-deconfounded quantile regression, D2Q (Zhan et al., KDD 2022)."""

from __future__ import annotations

import torch
from torch import Tensor

from watchtime.methods.base import Floats, Readouts
from watchtime.methods.network import NetworkMethod


class DurationDeconfoundedQuantile(NetworkMethod):
    """min E[(σ(f(x)) − F_g(y))²] with F_g the training distribution of the row's duration group g.

    The prediction is F_g⁻¹(σ(f(x))): the group's quantile at the expected level, neither mean nor median of y.
    """

    needs_duration = True

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        return torch.mean((outputs[..., 0].sigmoid() - labels["level"]) ** 2)

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        level = torch.from_numpy(outputs[:, 0]).sigmoid().numpy()
        return {"quantile": self.codec.decode(level, duration)}
