"""The dual of SOFT top-k, with the potentials of k + 1 columns as its only unknowns, by Newton's method."""

from __future__ import annotations

import torch
from torch import Tensor

# Added to the curvature: columns that share no item would leave the system singular.
_RIDGE = 1e-12
# A shorter step is taken until the missing masses shrink by this share of what a Newton step promises.
_PROMISED, _SHORTER = 0.25, 0.5


def anchors(plan: Tensor) -> Tensor:
    """Return k, k − 1, …, 0 as a column [k + 1, 1], of the plan's dtype and device."""
    return torch.arange(plan.shape[-2] - 1, -1, -1, dtype=plan.dtype, device=plan.device).unsqueeze(-1)


def solved(scaled: Tensor, mask: Tensor, k: int, tolerance: float, iterations: int) -> Tensor:
    """Return P [users, k + 1, n], 0 at padding, whose columns (axis 1) sum to 1 … 1, n − k.

    P_ij = exp(z_i a_j + v_j) / Σ_l exp(z_i a_l + v_l) has the right rows for any v, and the right columns for the v
    that maximises the concave Σ_j m_j v_j − Σ_i log Σ_j exp(z_i a_j + v_j), m = (1, …, 1, n − k). Its gradient is the
    missing mass m − Σ_i p_i, its curvature the matrix of ``step``. A step is halved, user by user, until it lowers the
    norm of the missing mass, and users that are done drop out.

    ``scaled`` z [users, n] in double precision · ``mask`` [users, n]. Raises ``ArithmeticError`` where some column
    misses its mass by more than ``tolerance`` after ``iterations`` steps.
    """
    first = scaled.masked_fill(~mask, -torch.inf).topk(k + 1, -1).values
    # P does not change with a shift; this one keeps the logits small where places and rest meet.
    first, scaled = first - first[:, -1:], (scaled - first[:, -1:]).masked_fill(~mask, 0)
    logits = anchors(scaled.new_empty(k + 1, 0)) * scaled.unsqueeze(-2)
    wanted = torch.cat([torch.ones_like(first[:, :-1]), mask.sum(-1, keepdim=True).to(first) - k], -1)
    potentials = _start(first, wanted)
    plan = _plan(logits, potentials, mask)
    missing = wanted - plan.sum(-1)
    length = torch.ones_like(missing[:, :1])
    for _ in range(iterations):
        users = (missing.abs().amax(-1) > tolerance).nonzero().squeeze(-1)
        if not len(users):
            break
        tried = potentials[users] + length[users] * step(plan[users], missing[users])
        found = _plan(logits[users], tried, mask[users])
        left = wanted[users] - found.sum(-1)
        most = (1 - _PROMISED * length[users]) * missing[users].norm(dim=-1, keepdim=True)
        better = (left.norm(dim=-1, keepdim=True) <= most).squeeze(-1)
        moved = users[better]
        potentials[moved], plan[moved], missing[moved] = tried[better], found[better], left[better]
        length[moved], length[users[~better]] = 1.0, _SHORTER * length[users[~better]]
    worst = float(missing.abs().max()) if missing.numel() else 0.0
    if not worst <= tolerance:
        raise ArithmeticError(f"soft top-k: a column misses {worst:.1e} of its mass, more than {tolerance:.1e}.")
    return plan


def step(plan: Tensor, missing: Tensor) -> Tensor:
    """Return dv [..., k + 1], 0 in its last entry, with Σ_i (diag(p_i) − p_i p_iᵀ) dv = ``missing`` [..., k + 1].

    The matrix is a graph's Laplacian, with Σ_i p_ij p_il between columns j and l. A diagonal that is a sum of those,
    and no difference of larger numbers, keeps it positive definite.
    """
    shared = plan @ plan.mT
    shared = shared - torch.diag_embed(shared.diagonal(dim1=-2, dim2=-1))
    matrix = torch.diag_embed(shared.sum(-1) + _RIDGE) - shared
    factor, _ = torch.linalg.cholesky_ex(matrix[..., :-1, :-1])
    moved = torch.cholesky_solve(missing[..., :-1].unsqueeze(-1), factor).squeeze(-1)
    return torch.nn.functional.pad(moved, (0, 1))


def _start(first: Tensor, wanted: Tensor) -> Tensor:
    """Return potentials [users, k + 1] that are right for small ε, for large ε, and where all scores are tied.

    For small ε the places j and j + 1 meet halfway between the scores that take them: v_{j+1} − v_j is their mean. For
    large ε nothing but the logarithm of its mass tells columns apart. ``first`` [users, k + 1] are the largest scores.
    """
    halfway = (first[:, :-1] + first[:, 1:]) / 2
    return torch.nn.functional.pad(halfway.cumsum(-1), (1, 0)) + wanted.log()


def _plan(logits: Tensor, potentials: Tensor, mask: Tensor) -> Tensor:
    return (logits + potentials.unsqueeze(-1)).softmax(-2) * mask.unsqueeze(-2)
