"""Personalised tree-based progressive regression, PTPM (Chen et al. 2025)."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from watchtime.core import settings as core
from watchtime.core.seeds import derive_seed
from watchtime.labels.base import Codec
from watchtime.labels.tree_paths import (
    PrunedTree,
    node_depths,
    node_probabilities,
    path_labels,
    path_losses,
    pruned,
    spread_probabilities,
)
from watchtime.losses.order_reward import batch_xauc, comparable_pairs, concordance
from watchtime.methods.base import Floats, Readouts
from watchtime.methods.network import Guide, NetworkMethod


class PersonalizedTree(NetworkMethod):
    """L = w · L_tree + L_ce-UCL + a · L_reg + b · L_var: TPM's tree with L leaves, pruned anew for every row (eq. 18).

    The network puts out L − 1 classifier logits s and beside them L − 2 pruning logits h, none for the root. Row x
    prunes node i with probability σ(h_i): it becomes a leaf, its descendants vanish (figures 3, 4), and it predicts
    v_i, the midpoint of its interval. ŷ = Σ p(node) v over the leaves of the row's tree T.

    **Tree structure learning** (eqs. 11, 12). L_tree = −Σ_rows (R_T − R_G) Σ_i log Bernoulli(a_i; σ(h_i)) with drawn
    actions a, the reward R = XAUC(y, ŷ) − MSE(y, ŷ) / u² of the whole batch, the global tree G as self-critical
    baseline and no gradient through rewards. The sum is over all nodes as printed; those below a pruned node cannot
    change the reward and add noise alone.

    * ``credit: batch`` multiplies every row's log-probability with that one number. In ``row``, ours, it is
      multiplied with what the batch's reward changes when the row alone gets the global tree back: of R, only
      Σ_j c_ij / pairs − (ŷ_i − y_i)² / (rows · u²) depends on a_i, with the sampled trees of the other rows in both
      terms. What does not depend on a_i has expectation 0 under its score, so both credits have the gradient of
      E[R] as expectation, and ``row`` lacks the noise of all other rows' rewards.
    * ``reward_unit``: u is the training standard deviation, because XAUC is at most 1 while a squared error in
      seconds is in the hundreds; ``target`` takes u = 1, as printed.
    * ``pruning_bias``: h starts near −2, so training starts near the global tree, whose classifiers learn first.
    * At prediction a node is pruned where σ(h_i) > ``threshold``; the paper does not say whether it draws.

    **Unbiased conditional learning** (eqs. 14–17). The loss of the classifier at node i is divided by the propensity
    of reaching i, the product of the branch probabilities above it: ``parent`` runs to level j − 1 as eq. 1 demands,
    ``printed`` stops a level higher as eq. 14 does, ``none`` takes no level, which is TPM. Propensities are constants
    of the step (``detach_propensity``), or the loss could be lowered by propensities that are wrong, and at least
    ``propensity_clip``, or single rows would have weights without bound.

    **Regression and variance** are those of eqs. 2–4 in units of the training standard deviation (``unit``), for the
    global tree while training (algorithm 1, line 5). The loss that validation sees has no propensities and no reward,
    so that all variants are judged alike: cross entropy and variance of the classifiers' own tree, and the error of
    the tree that predicts. The variance of a pruned tree is no part of any objective; it is large where a wide
    interval of the tail is a leaf, and would stop training as soon as pruning begins.

    **Trees that are not learned**: ``global`` prunes nothing and has no pruning logits (w/o TSL); ``random`` draws a
    tree for every row of a training step with the rate ``random_rate``, trains what is left in it, and predicts by
    the global tree; ``fixed`` draws one tree with that rate from ``subtree_seed``, for all rows in training and
    prediction: a candidate of the search that eq. 5 stands for. A rate of 0.1 leaves a mean depth of 4.7 of 6, near
    the learned trees of figure 8.
    """

    class Settings(core.Settings):
        tree: Literal["learned", "global", "random", "fixed"] = "learned"
        credit: Literal["row", "batch"] = "row"
        reward_unit: Literal["standard_deviation", "target"] = "standard_deviation"
        order_reward_weight: float = 1.0
        error_reward_weight: float = 1.0
        tree_weight: float = 1.0
        pruning_bias: float = -2.0
        threshold: float = 0.5
        random_rate: float = 0.1
        subtree_seed: int = 0
        node_value: Literal["midpoint", "mean"] = "midpoint"
        propensity_levels: Literal["parent", "printed", "none"] = "parent"
        propensity_clip: float = 0.05
        detach_propensity: bool = True
        regression_weight: float = 1.0
        variance_weight: float = 1.0
        unit: Literal["standard_deviation", "target"] = "standard_deviation"

    def __init__(self, settings: core.Settings, codec: Codec | None, task: str) -> None:
        super().__init__(settings, codec, task)
        self.leaves = len(self.codec.leaf_shares)
        self.classifiers, prunable = self.leaves - 1, self.leaves - 2
        self.learned = self.settings.tree == "learned"
        self.outputs = self.classifiers + (prunable if self.learned else 0)
        self.draws = prunable if self.settings.tree in ("learned", "random") else 0
        # A constant target has no standard deviation to divide by.
        spread = self.codec.standard_deviation or 1.0
        self.unit = spread if self.settings.unit == "standard_deviation" else 1.0
        self.reward_unit = spread if self.settings.reward_unit == "standard_deviation" else 1.0
        self.values = torch.tensor(self.codec.node_values(self.settings.node_value) / self.unit, dtype=torch.float32)
        self.given = torch.from_numpy(self._given_actions(prunable))

    def head(self, width: int) -> nn.Module:
        linear = nn.Linear(width, self.outputs)
        with torch.no_grad():
            linear.bias[self.classifiers :] = self.settings.pruning_bias
        return linear

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        logits, pruning = self._parts(outputs)
        tree, predicting = pruned(self.given), pruned(self._predicting(pruning))
        nodes = path_losses(logits, *path_labels(labels["leaf"], self.leaves)) * tree.splits
        return self._rows(nodes, node_probabilities(logits), tree, predicting, labels["target"]).mean()

    def measures(self, outputs: Tensor, labels: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the mean absolute error of the tree that predicts, in the target's unit, for the learning curve."""
        logits, pruning = self._parts(outputs)
        mean = self._mean(node_probabilities(logits), pruned(self._predicting(pruning)))
        return {"absolute_error": (mean * self.unit - labels["target"]).abs().mean()}

    def training_loss(self, outputs: Tensor, guide: Guide) -> Tensor:
        logits, pruning = self._parts(outputs)
        random = self.settings.tree == "random"
        tree = pruned(guide.draws < self.settings.random_rate if random else self.given)
        reached = node_probabilities(logits)
        nodes = path_losses(logits, *path_labels(guide.labels["leaf"], self.leaves)) * tree.splits
        loss = self._rows(nodes / self._propensity(reached), reached, tree, tree, guide.labels["target"]).mean()
        if self.learned:
            loss = loss + self.settings.tree_weight * self._tree_loss(pruning, reached.detach(), guide)
        return loss

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        logits, pruning = self._parts(torch.from_numpy(outputs))
        leaves = pruned(self._predicting(pruning)).leaves
        probabilities = (node_probabilities(logits) * leaves).numpy()
        values, depths = self.codec.node_values(self.settings.node_value), node_depths(self.leaves).numpy()
        mean = probabilities @ values
        in_tree = np.broadcast_to(leaves.numpy(), probabilities.shape)
        return {
            "mean": mean,
            "median": self.codec.intervals.median(self.distribution(outputs)),
            "rank": np.clip(probabilities @ self.codec.node_ranks, 0.0, 1.0),
            "variance": np.maximum(probabilities @ values**2 - mean**2, 0.0),
            "depth_tree": in_tree @ depths / in_tree.sum(1),
            "depth_reached": probabilities @ depths,
        }

    def distribution(self, outputs: Floats) -> Floats:
        """Return p(leaf of the global tree): a pruned node's mass is uniform on its interval."""
        logits, pruning = self._parts(torch.from_numpy(outputs))
        shares = torch.from_numpy(self.codec.right_widths)
        probabilities: Floats = spread_probabilities(logits, pruned(self._predicting(pruning)).splits, shares).numpy()
        return probabilities

    def _parts(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return classifier and pruning logits, and put constants on their device."""
        self.values, self.given = self.values.to(outputs.device), self.given.to(outputs.device)
        return outputs[..., : self.classifiers], outputs[..., self.classifiers :]

    def _given_actions(self, prunable: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return the actions that are the same for all rows, [L − 2]: none but in a fixed tree."""
        draws = np.random.default_rng(derive_seed(self.settings.subtree_seed, axis="subtree")).random(prunable)
        return (draws < self.settings.random_rate) & (self.settings.tree == "fixed")

    def _predicting(self, pruning: Tensor) -> Tensor:
        """Return the actions of the tree that predicts, [rows, L − 2] or [L − 2]."""
        return pruning.sigmoid() > self.settings.threshold if self.learned else self.given

    def _rows(self, nodes: Tensor, reached: Tensor, tree: PrunedTree, predicting: PrunedTree, target: Tensor) -> Tensor:
        """Return each row's cross entropy, squared error of the predicting tree and variance of ``tree``, weighted."""
        error = (self._mean(reached, predicting) - target / self.unit) ** 2
        variance = (reached * tree.leaves * self.values**2).sum(-1) - self._mean(reached, tree) ** 2
        return nodes.sum(-1) + self.settings.regression_weight * error + self.settings.variance_weight * variance

    def _mean(self, reached: Tensor, tree: PrunedTree) -> Tensor:
        return (reached * tree.leaves * self.values).sum(-1)

    def _propensity(self, reached: Tensor) -> Tensor:
        """Return what the loss of each classifier is divided by, [rows, L − 1]."""
        if self.settings.propensity_levels == "none":
            return torch.ones_like(reached[..., : self.classifiers])
        node = torch.arange(self.classifiers, device=reached.device)
        if self.settings.propensity_levels == "printed":
            node = (node - 1).clamp(min=0) // 2
        propensity = reached.index_select(-1, node).clamp(min=self.settings.propensity_clip)
        return propensity.detach() if self.settings.detach_propensity else propensity

    def _tree_loss(self, pruning: Tensor, reached: Tensor, guide: Guide) -> Tensor:
        """Return the score-function estimate whose gradient is that of −E[R_T − R_G], a scalar."""
        actions = guide.draws < pruning.sigmoid()
        sampled, whole = (self._mean(reached, pruned(chosen)) for chosen in (actions, self.given))
        scores = (actions * pruning - softplus(pruning)).sum(-1)
        return -(self._advantage(guide.labels["target"] / self.unit, sampled, whole) * scores).sum()

    def _advantage(self, target: Tensor, sampled: Tensor, whole: Tensor) -> Tensor:
        """Return R_T − R_G of the batch, or of each row's own tree among the sampled trees of the others, [rows]."""
        rise = (whole - target) ** 2 - (sampled - target) ** 2
        rise = rise * (self.unit / self.reward_unit) ** 2 / target.shape[-1]
        if self.settings.credit == "row":
            own, otherwise = (concordance(target, one, rivals=sampled) for one in (sampled, whole))
            order = (own - otherwise) / comparable_pairs(target)
        else:
            own, otherwise = (batch_xauc(target, one) for one in (sampled, whole))
            order, rise = own - otherwise, rise.sum()
        return self.settings.order_reward_weight * order + self.settings.error_reward_weight * rise
