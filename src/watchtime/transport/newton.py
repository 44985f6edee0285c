"""The linear system of a step of the interior-point method, which also tells how a plan moves with its costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from watchtime.transport.problem import Problem


@dataclass(frozen=True)
class System:
    """T changes by q − K ∘ (dv − du), with du and dv such that T1 + u / 2λ₁ and Tᵀ1 − v / 2λ change as wanted.

    Without du these are m equations, (I / 2λ + diag(Kᵀ1) − Kᵀ diag(1 / R) K) dv = r with R = K1 + 1 / 2λ₁.
    """

    weights: Tensor
    """K [..., n, m]."""
    row_sums: Tensor
    """R [..., n, 1]."""
    factor: Tensor
    """Cholesky's factor of the m × m matrix, [..., m, m]."""

    @classmethod
    def of(cls, problem: Problem, weights: Tensor) -> Self | None:
        """Return the system with K = ``weights``; None where it is not positive definite in floating point."""
        row_sums = weights.sum(-1, keepdim=True) + problem.row_give
        turned = weights.transpose(-1, -2)
        matrix = -(turned @ (weights / row_sums))
        # But for 1 / 2λ and 1 / 2λ₁ the rows sum to 0: a diagonal that is no difference of large numbers keeps the
        # matrix positive definite.
        diagonal = matrix.diagonal(dim1=-2, dim2=-1)
        diagonal.zero_()
        slipped = (turned @ (problem.row_give / row_sums)).squeeze(-1)
        diagonal.copy_(problem.give + slipped - matrix.sum(-1))
        factor, failed = torch.linalg.cholesky_ex(matrix)
        return None if bool(failed.any()) else cls(weights, row_sums, factor)

    def solved(self, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        """Return du [..., n, 1] and dv [..., 1, m].

        R du − K dv = ``rows`` [..., n, 1] and (diag(Kᵀ1) + I / 2λ) dv − Kᵀ du = ``columns`` [..., m].
        """
        right = columns.unsqueeze(-1) + self.weights.transpose(-1, -2) @ (rows / self.row_sums)
        potentials = torch.cholesky_solve(right, self.factor)
        row_potentials = (rows + self.weights @ potentials) / self.row_sums
        return row_potentials, potentials.transpose(-1, -2)
