"""Unbalanced optimal transport with squared penalties on rows and columns."""

from __future__ import annotations

import torch
from torch import Tensor

from watchtime.transport.gradient import differentiable
from watchtime.transport.interior_point import solved
from watchtime.transport.problem import Problem, Solution


def unbalanced(
    cost: Tensor,
    rows: Tensor,
    columns: Tensor,
    row_penalty: float,
    column_penalty: float,
    tolerance: float = 1e-6,
    start: Tensor | None = None,
    implicit: bool = False,
    iterations: int = 100,
) -> Solution:
    """Return the plan T of min ⟨T, C⟩ + λ₁‖T1 − α‖² + λ₂‖Tᵀ1 − β‖² over T ≥ 0 to a duality gap of ``tolerance``.

    ``cost`` C [..., n, m] · ``rows`` α > 0 [..., n] · ``columns`` β [..., m] · ``row_penalty`` λ₁, ``math.inf`` for
    T1 = α · ``column_penalty`` λ₂. The gap is absolute, in units of cost times mass.

    ``start``: potentials of a similar problem, [..., m]. Leading axes are problems of their own, which stop together.
    The result has the dtype of ``cost``; ``gap`` tells what was reached should ``iterations`` not suffice. With
    ``implicit`` a gradient flows through the plan to the cost; otherwise the plan is a constant.

    **Penalties are prices of mass.** Leaving a row unserved costs at most 2λ₁α_i for its last unit of mass, an empty
    column 2λ₂β_k; where C_ik ≥ 2λ₁α_i + 2λ₂β_k nothing is transported. So λ₁ stands against C / α: with α_i = 1 / n,
    rows are served only from about λ₁ = n C / 2 on.
    """
    problem = Problem(cost, rows, columns, column_penalty, row_penalty).to(torch.float64)
    solution = solved(problem, tolerance, start, iterations)
    if implicit and cost.requires_grad:
        solution = differentiable(cost, problem, solution)
    return solution.to(cost.dtype)
