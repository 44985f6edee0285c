"""SOFT top-k: how much of each item stands at each of the first k places, as entropic transport (Xie et al. 2020)."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from watchtime.core.errors import WatchtimeError
from watchtime.transport.soft_topk_dual import anchors, solved, step


def soft_topk(
    scores: Tensor,
    k: int,
    epsilon: float = 1e-4,
    mask: Tensor | None = None,
    divisor: Literal["largest", "none"] = "largest",
    tolerance: float = 1e-8,
    iterations: int = 100,
) -> Tensor:
    """Return A = n Γ [..., n, k] of the plan Γ of min ⟨Γ, C⟩ + ε Σ Γ log Γ: the share of item i at place j.

    C_ij = (s_i − a_j)² with the anchors a = k, k − 1, …, 1 of the places and 0 of the rest. Each of the n items has
    mass 1 / n, each place takes 1 / n, the rest takes (n − k) / n. So columns of A sum to 1, and Σ_j A_ij in [0, 1] is
    the soft membership of the top k; as ε → 0, A_ij is 1 where s_i is the j-th largest score, and else 0.

    ``scores`` s [..., n], of users side by side. ``mask`` [..., n], or fewer axes, is true for items and false for
    padding, which has no mass, no gradient and rows of 0; n is each user's own number of items and must exceed k.

    ``divisor``: "largest" divides C by the user's largest C_ij, a constant to the gradient, as released code does;
    "none" leaves C as Xie et al. write it. LabelCraft's text is silent; the default is what its ε = 1e-4 belongs to.

    **What ε compares.** s_i² is constant in a row and a_j² in a column, so only exp(2 s_i a_j / ε) shapes the plan.
    Undivided, A stays as it is when all of a user's scores shift by one number, and c times the scores is ε / c.
    Divided by C_max, ε stands for ε C_max, which a shift changes. Two items share places where their scores differ by
    about ε C_max / 2 or less: by 0.005 for scores within [0, 1], k = 10 and ε = 1e-4.

    Solved in double precision until no column of A misses its sum by more than ``tolerance``; A has the dtype of
    ``scores``. The implicit gradient can be differentiated again. It works under ``torch.func``, and under
    ``torch.vmap`` with one mask for all that is mapped. Raises ``WatchtimeError`` where a user has no more than k
    items, and ``ArithmeticError`` where ``iterations`` do not suffice or a score is not finite.
    """
    items = torch.ones(scores.shape, dtype=torch.bool, device=scores.device) if mask is None else mask
    fewest = int(items.sum(-1).min()) if items.numel() else k + 1
    if not 1 <= k < fewest:
        raise WatchtimeError(
            f"soft top-k: k = {k}, and a user with {fewest} items was found; allowed is 1 ≤ k < items."
        )
    given = torch.where(items, scores.double(), 0.0)
    scaled = given * 2 / epsilon
    if divisor == "largest":
        # (s − a)² is largest at the first or the last anchor.
        largest = torch.maximum((given - k) ** 2, given**2).masked_fill(~items, 0).amax(-1, keepdim=True)
        scaled = scaled / largest.detach()
    plan: Tensor = _Plan.apply(scaled, items, k, tolerance, iterations)  # type: ignore[no-untyped-call]
    return plan[..., :-1, :].mT.to(scores.dtype)


class _Plan(torch.autograd.Function):
    """P = n Γᵀ [..., k + 1, n], which is softmax_j(z_i a_j + v_j), as a function of z = 2 s / ε [..., n].

    With J_i = diag(p_i) − p_i p_iᵀ, dp_i = J_i (a dz_i + dv), and Σ_i dp_i = 0 gives dv. J_i is symmetric, so that
    ∂L/∂z_i = aᵀ J_i (∂L/∂p_i + w) with the w for which Σ_i J_i (∂L/∂p_i + w) = 0.
    """

    @staticmethod
    def forward(scaled: Tensor, mask: Tensor, k: int, tolerance: float, iterations: int) -> Tensor:
        users, items = scaled.shape[:-1], scaled.shape[-1]
        masks = mask.expand_as(scaled).reshape(-1, items)
        return solved(scaled.reshape(-1, items), masks, k, tolerance, iterations).reshape(*users, k + 1, items)

    @staticmethod
    def setup_context(context: Any, inputs: Any, output: Tensor) -> None:
        context.save_for_backward(output)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (plan,) = context.saved_tensors
        missing = -_within_items(plan, gradient).sum(-1)
        towards = _within_items(plan, gradient + step(plan, missing).unsqueeze(-1))
        return (anchors(plan) * towards).sum(-2), None, None, None, None

    @staticmethod
    def vmap(_: Any, axes: Any, scaled: Tensor, mask: Tensor, *rest: Any) -> tuple[Tensor, int]:
        return _Plan.apply(scaled.movedim(axes[0], 0), mask, *rest), 0  # type: ignore[no-untyped-call]


def _within_items(plan: Tensor, values: Tensor) -> Tensor:
    """Return J_i values_i for every item, [..., k + 1, n]."""
    return plan * (values - (plan * values).sum(-2, keepdim=True))
