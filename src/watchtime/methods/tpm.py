"""Tree-based progressive regression, TPM (Lin et al., KDD 2023)."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from watchtime.core import settings as core
from watchtime.labels.base import Codec
from watchtime.labels.tree_paths import leaf_probabilities
from watchtime.methods.base import Floats, NetworkMethod, Readouts


class TreeProgressiveModel(NetworkMethod):
    """L = L_ce + a · L_reg + b · L_var over a tree of quantiles; p(leaf | x) is the product along its path.

    L_ce is the logistic loss of the classifiers that the target passes, L_reg the squared error of Σ p v, L_var the
    variance of the predicted distribution (PTPM, eqs. 1–4). ``paper``: means over the batch, targets in units of the
    training standard deviation, because the unweighted sum of eq. 4 needs a unit and seconds would drown the
    likelihood. ``released``: sums over the batch in the target's own unit, the likelihood divided by the number of
    nodes, and the released code's variance term, which evaluates m² (Σp − 1) ≈ 0 under the root.
    """

    class Settings(core.Settings):
        regression_weight: float = 1.0
        variance_weight: float = 1.0
        variance: Literal["variance", "standard_deviation", "released"] = "variance"
        reduction: Literal["mean", "sum"] = "mean"

    def __init__(self, settings: core.Settings, codec: Codec | None, task: str) -> None:
        super().__init__(settings, codec, task)
        self.outputs = len(self.codec.leaf_values) - 1
        self.unit = 1.0 if self.settings.reduction == "sum" else self.codec.standard_deviation
        self.values = torch.tensor(self.codec.leaf_values / self.unit, dtype=torch.float32)

    def head(self, width: int) -> nn.Module:
        return nn.Linear(width, self.outputs)

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        probabilities = leaf_probabilities(outputs)
        values = self.values.to(outputs.device)
        mean = (probabilities * values).sum(-1)
        likelihood = self._likelihood(outputs, labels)
        error = (mean - labels["target"] / self.unit) ** 2
        spread = self._spread(probabilities, mean, values)
        rows = likelihood + self.settings.regression_weight * error + self.settings.variance_weight * spread
        return rows.sum() if self.settings.reduction == "sum" else rows.mean()

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        probabilities = leaf_probabilities(torch.from_numpy(outputs)).numpy()
        values = self.codec.leaf_values
        mean = probabilities @ values
        return {
            "mean": mean,
            "median": self._median(probabilities),
            "rank": probabilities @ self.codec.training_rank,
            "variance": np.maximum(probabilities @ values**2 - mean**2, 0),
        }

    def _likelihood(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        right = labels["right"].to(outputs.dtype)
        nodes = softplus(outputs) - right * outputs
        total = (nodes * labels["on_path"]).sum(-1)
        return total / self.outputs if self.settings.reduction == "sum" else total

    def _spread(self, probabilities: Tensor, mean: Tensor, values: Tensor) -> Tensor:
        if self.settings.variance == "released":
            wrong = mean**2 * (probabilities.sum(-1) - 1)
            return wrong.clamp(min=1e-12).sqrt()
        variance = (probabilities * values**2).sum(-1) - mean**2
        if self.settings.variance == "variance":
            return variance
        return variance.clamp(min=1e-12).sqrt()

    def _median(self, probabilities: Floats) -> Floats:
        """Return where the predicted distribution, uniform within each leaf, reaches one half."""
        cumulative = np.cumsum(probabilities, axis=1)
        leaf = np.argmax(cumulative >= 0.5 * cumulative[:, -1:], axis=1)[:, None]
        inside = np.take_along_axis(probabilities, leaf, 1)[:, 0]
        before = np.take_along_axis(cumulative, leaf, 1)[:, 0] - inside
        share = np.clip((0.5 - before) / np.maximum(inside, 1e-300), 0, 1)
        low, high = self.codec.edges[leaf[:, 0]], self.codec.edges[leaf[:, 0] + 1]
        return low + share * (high - low)
