"""Leaf probabilities of a full binary tree whose internal nodes are logistic classifiers."""

from __future__ import annotations

import torch
from torch import Tensor


def leaf_probabilities(logits: Tensor) -> Tensor:
    """p(leaf) = ∏ over its path of σ(s) at right turns and 1 − σ(s) at left turns (TPM, eq. 1).

    ``logits`` [..., leaves − 1] in heap order (root first, then level by level); returns [..., leaves], left to right.
    """
    probabilities = torch.ones_like(logits[..., :1])
    width = 1
    while width <= logits.shape[-1]:
        right = logits[..., width - 1 : 2 * width - 1].sigmoid()
        children = torch.stack([probabilities * (1 - right), probabilities * right], -1)
        probabilities = children.flatten(-2)
        width *= 2
    return probabilities
