"""Rows that belong to the same prototypes get near representations (ProWTP, eqs. 10, 11)."""

from __future__ import annotations

import torch
from torch import Tensor


def compactness(representations: Tensor, members: Tensor, temperature: float, averaged: bool = False) -> Tensor:
    """Return −1/P Σ_k Σ_{i ≠ j ∈ S_k} log(e^{h_i · h_j / τ} / Σ_{a,b} e^{h_a · h_b / τ}), a scalar.

    ``representations`` h [rows, width] · ``members`` bool [rows, P], whether row i is in S_k. The denominator has all
    ordered pairs, a row with itself among them, as eq. 11 prints it. Pairs are counted by one matrix product, so that
    memory is O(rows² + rows P) and no loop runs over prototypes. Without rows it is 0.

    The printed sum grows with the square of the rows; ``averaged`` divides by the number of its terms instead of P.
    """
    if not len(representations):
        return representations.sum()
    belonging = members.to(representations.dtype)
    shared = belonging @ belonging.T
    shared = shared - torch.diag(shared.diagonal())
    similarities = representations @ representations.T / temperature
    terms = shared.sum().clamp(min=1) if averaged else members.shape[-1]
    return (shared * (similarities.flatten().logsumexp(0) - similarities)).sum() / terms
