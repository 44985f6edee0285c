"""Tree-based progressive regression, TPM (Lin et al., KDD 2023)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from watchtime.core import settings as core
from watchtime.labels.base import Codec
from watchtime.labels.tree_paths import leaf_probabilities, path_labels, path_losses
from watchtime.methods.base import Floats, Readouts
from watchtime.methods.network import NetworkMethod


class TreeProgressiveModel(NetworkMethod):
    """L = L_ce + a · L_reg + b · L_var over a tree of quantiles; p(leaf | x) is the product along its path.

    L_ce is the logistic loss of the classifiers that the target passes, L_reg the squared error of Σ p v, L_var the
    variance of the predicted distribution (PTPM, eqs. 1–4). ``paper``: targets in units of the training standard
    deviation, because the unweighted sum of eq. 4 needs a unit and seconds would drown the likelihood. ``released``:
    the target's own unit, L_ce averaged over all nodes instead of summed, and the released code's variance term,
    which evaluates m² (Σp − 1) ≈ 0 under the root. That code sums over the batch; the mean here has the same Adam
    steps, which do not depend on the loss's scale, and learning curves that do not depend on the batch size.
    """

    class Settings(core.Settings):
        regression_weight: float = 1.0
        variance_weight: float = 1.0
        variance: Literal["variance", "standard_deviation", "released"] = "variance"
        unit: Literal["standard_deviation", "target"] = "standard_deviation"
        likelihood: Literal["sum", "mean"] = "sum"

    def __init__(self, settings: core.Settings, codec: Codec | None, task: str) -> None:
        super().__init__(settings, codec, task)
        self.outputs = len(self.codec.leaf_values) - 1
        # A constant target has no standard deviation to divide by.
        self.unit = (self.codec.standard_deviation if self.settings.unit == "standard_deviation" else 0.0) or 1.0
        self.values = torch.tensor(self.codec.leaf_values / self.unit, dtype=torch.float32)

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        probabilities = leaf_probabilities(outputs)
        self.values = self.values.to(outputs.device)
        mean = (probabilities * self.values).sum(-1)
        error = (mean - labels["target"] / self.unit) ** 2
        spread = self._spread(probabilities, mean)
        rows = self._cross_entropy(outputs, labels)
        return (rows + self.settings.regression_weight * error + self.settings.variance_weight * spread).mean()

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        readouts: Readouts = self.codec.intervals.readouts(self.distribution(outputs))
        return readouts

    def distribution(self, outputs: Floats) -> Floats:
        probabilities: Floats = leaf_probabilities(torch.from_numpy(outputs)).numpy()
        return probabilities

    def _cross_entropy(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        nodes = path_losses(outputs, *path_labels(labels["leaf"], self.outputs + 1))
        return nodes.sum(-1) if self.settings.likelihood == "sum" else nodes.mean(-1)

    def _spread(self, probabilities: Tensor, mean: Tensor) -> Tensor:
        if self.settings.variance == "released":
            wrong = mean**2 * (probabilities.sum(-1) - 1)
            return wrong.clamp(min=1e-12).sqrt()
        variance = (probabilities * self.values**2).sum(-1) - mean**2
        if self.settings.variance == "variance":
            return variance
        return variance.clamp(min=1e-12).sqrt()
