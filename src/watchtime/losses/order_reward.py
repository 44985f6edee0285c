"""How well predictions order the rows of a batch: XAUC inside the batch, and each row's part of it.

With c_ij = 1 where the predictions of rows i and j are in the order of their targets, ½ where the predictions are
tied and 0 otherwise, XAUC is the mean of c over pairs with different targets (convention ``strict``). Comparisons are
dense, [rows, rows], without a loop; nothing here has a gradient.
"""

from __future__ import annotations

from torch import Tensor


def concordance(target: Tensor, prediction: Tensor, rivals: Tensor | None = None) -> Tensor:
    """Σ_{j: y_j ≠ y_i} c_ij of every row i, [rows], from targets and predictions [rows].

    With ``rivals`` [rows], row i's own prediction is compared with the other rows' ``rivals``.
    """
    rivals = prediction if rivals is None else rivals
    order = (target[:, None] - target).sign()
    agreement = order * (prediction[:, None] - rivals).sign()
    return (order.abs() + agreement).sum(-1) / 2


def comparable_pairs(target: Tensor) -> Tensor:
    """Return the number of unordered pairs of rows with different targets, at least 1, a scalar."""
    different = target[:, None] != target
    return (different.sum() / 2).clamp(min=1.0)


def batch_xauc(target: Tensor, prediction: Tensor) -> Tensor:
    """XAUC = Σ_i Σ_{j: y_j ≠ y_i} c_ij / (2 · comparable pairs), a scalar; 0 where all targets are tied."""
    return concordance(target, prediction).sum() / (2 * comparable_pairs(target))
