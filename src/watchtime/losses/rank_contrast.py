"""Rank-N-Contrast: rows with near targets get near representations (Zha et al., NeurIPS 2023; RQ-Reg, eq. 15)."""

from __future__ import annotations

import torch
from torch import Tensor

# exp(−600) and its inverse, times a batch's rows, are finite in double precision.
FARTHEST = 600.0


def rank_contrast(vectors: Tensor, target: Tensor, temperature: float) -> Tensor:
    """Return the mean over ordered pairs i ≠ j of −log(e^{s_ij} / Σ_{k ∈ S_ij} e^{s_ik}), s_ij = −‖v_i − v_j‖ / τ.

    S_ij = {k ≠ i: |y_i − y_k| ≥ |y_i − y_j|}. ``vectors`` [batch, width], ``target`` [batch], at least two rows; a
    scalar. Time O(B² log B) beside one matrix product, memory O(B²), whatever the width: each anchor's rows are
    sorted from the farthest target to the nearest, so that sums over S_ij are running sums up to the end of j's ties.
    Those are taken in double precision, relative to the anchor's nearest vector; vectors that are more than 600 τ
    farther than it weigh as if they were 600 τ farther.
    """
    # In the order of their targets, rows are sorted by distance in a third of the time.
    by_target = target.argsort()
    target, vectors = target[by_target], vectors[by_target]
    itself = torch.eye(len(target), dtype=torch.bool, device=target.device)
    gaps = (target.unsqueeze(-1) - target).abs().masked_fill(itself, -1.0)
    gaps, order = gaps.sort(dim=-1, descending=True, stable=True)
    # The anchor itself, at −1, is the last of its row.
    gaps, order = gaps[:, :-1], order[:, :-1]
    distances = (pairwise_distances(vectors) / temperature).gather(-1, order)
    farther = distances - distances.detach().amin(-1, keepdim=True)
    sums = (-farther.double()).clamp(min=-FARTHEST).exp().cumsum(-1)
    return (_tied(gaps) * sums.log() + farther).mean().to(vectors.dtype)


def pairwise_distances(vectors: Tensor) -> Tensor:
    """Return ‖v_i − v_j‖₂ [batch, batch] of vectors [batch, width], by one matrix product.

    Where a distance cannot be told from rounding, on the diagonal and between equal vectors, it is 0 and so is its
    gradient.
    """
    # Distances do not change with the origin, and rounding is smallest around the centre.
    centred = vectors - vectors.detach().mean(0)
    products = centred @ centred.T
    norms = products.diagonal()
    sums = norms.unsqueeze(-1) + norms
    square = sums - 2 * products
    known = square > 4 * torch.finfo(vectors.dtype).eps * sums
    return torch.where(known, square, 1.0).sqrt() * known


def _tied(gaps: Tensor) -> Tensor:
    """Return, at the last of each run of equal values of sorted rows [batch, places], the run's length, elsewhere 0."""
    places = torch.arange(1, gaps.shape[-1] + 1, device=gaps.device)
    last = torch.cat([gaps[:, 1:] != gaps[:, :-1], torch.ones_like(gaps[:, :1], dtype=torch.bool)], -1)
    ends = torch.where(last, places, 0)
    before = torch.cat([torch.zeros_like(ends[:, :1]), ends.cummax(-1).values[:, :-1]], -1)
    return (ends - before) * last
