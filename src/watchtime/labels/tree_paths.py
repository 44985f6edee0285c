"""Full binary trees whose internal nodes are logistic classifiers: labels, losses, probabilities and pruned trees.

A tree with L leaves has 2L − 1 nodes in heap order: the root, then level by level, the leaves last; node i < L − 1 is
internal and has the children 2i + 1 (left) and 2i + 2 (right). All functions loop over the levels alone.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import softplus


class PrunedTree(NamedTuple):
    """What is left of a full tree: ``splits`` [..., L − 1], nodes with two children, ``leaves`` [..., 2L − 1]."""

    splits: Tensor
    leaves: Tensor


def path_labels(leaf: Tensor, leaves: int) -> tuple[Tensor, Tensor]:
    """Return ``right`` and ``on_path``, both bool [..., leaves − 1], of rows in ``leaf`` [...].

    ``right``: the row is in the node's right half or beyond; ``on_path``: it is in the node's interval. A row with
    leaf −1 is on no path.
    """
    widths = [leaves >> level for level in range(_depth(leaves))]
    first = torch.cat([torch.arange(0, leaves, width, device=leaf.device) for width in widths])
    width = torch.cat([torch.full((leaves // width,), width, device=leaf.device) for width in widths])
    here = leaf[..., None]
    return here >= first + width // 2, (here >= first) & (here < first + width)


def path_losses(logits: Tensor, right: Tensor, on_path: Tensor) -> Tensor:
    """−log σ(s) at right turns and −log(1 − σ(s)) at left ones, 0 off the path (PTPM, section 3.2).

    All [..., L − 1]; the sum over the nodes is −log p(leaf).
    """
    return (softplus(logits) - right * logits) * on_path


def leaf_probabilities(logits: Tensor) -> Tensor:
    """p(leaf) = ∏ over its path of σ(s) at right turns and 1 − σ(s) at left turns (TPM, eq. 1).

    ``logits`` [..., L − 1]; returns [..., L], left to right.
    """
    return _descend([part.sigmoid() for part in _levels(logits)])[-1]


def node_probabilities(logits: Tensor) -> Tensor:
    """p(node) = ∏ over the path from the root to it, [..., 2L − 1]; 1 at the root, the leaves last."""
    return torch.cat(_descend([part.sigmoid() for part in _levels(logits)]), -1)


def spread_probabilities(logits: Tensor, splits: Tensor, shares: Tensor) -> Tensor:
    """p(leaf) [..., L] where a node that does not split sends the share ``shares`` [..., L − 1] of its rows right."""
    return _descend(_levels(torch.where(splits, logits.sigmoid(), shares)))[-1]


def pruned(actions: Tensor) -> PrunedTree:
    """Return the tree that is left where every internal node with action 1 becomes a leaf (PTPM, eq. 8).

    ``actions`` bool [..., L − 2], the root excluded. Descendants of a pruned node vanish, whatever their actions.
    """
    stays = torch.cat([actions.new_ones((*actions.shape[:-1], 1)), ~actions], -1)
    alive = [torch.ones_like(stays[..., :1])]
    for level in _levels(stays):
        alive.append((alive[-1] & level).repeat_interleave(2, -1))
    inner = torch.cat(alive[:-1], -1)
    return PrunedTree(inner & stays, torch.cat([inner & ~stays, alive[-1]], -1))


def node_depths(leaves: int) -> Tensor:
    """Return the number of edges from the root to each node, int64 [2 · leaves − 1]."""
    return torch.cat([torch.full((1 << level,), level) for level in range(_depth(leaves) + 1)])


def _depth(leaves: int) -> int:
    return leaves.bit_length() - 1


def _levels(values: Tensor) -> list[Tensor]:
    """Return the parts of [..., L − 1] that belong to levels 0, 1, …, each twice as wide as the one before."""
    depth = _depth(values.shape[-1] + 1)
    return [values[..., (1 << level) - 1 : (2 << level) - 1] for level in range(depth)]


def _descend(rights: list[Tensor]) -> list[Tensor]:
    """Return the probabilities of the nodes level by level, from those of going right at each but the last level."""
    levels = [torch.ones_like(rights[0])]
    for right in rights:
        levels.append(torch.stack([levels[-1] * (1 - right), levels[-1] * right], -1).flatten(-2))
    return levels
