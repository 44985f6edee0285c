"""The transport problem between the rows of a batch and columns, and how far a plan is from its optimum."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


class Solution(NamedTuple):
    """``plan`` T [..., n, m] · ``potentials`` v [..., m] of the columns · ``gap`` [...], above the optimum at most."""

    plan: Tensor
    potentials: Tensor
    gap: Tensor

    def to(self, dtype: torch.dtype) -> Solution:
        """Return the solution in this precision."""
        return Solution(*(one.to(dtype) for one in self))


@dataclass(frozen=True)
class Problem:
    """min ⟨T, C⟩ + λ‖Tᵀ1 − β‖² + λ₁‖T1 − α‖² over T ≥ 0; with λ₁ = ∞, over T ≥ 0 with T1 = α.

    ``cost`` C [..., n, m] · ``rows`` α > 0 [..., n] · ``columns`` β [..., m] · ``penalty`` λ > 0 · ``row_penalty``
    λ₁ > 0. ProWTP's eq. 8 has λ₁ = ∞ and this λ; its eq. 4 and POT's ``semi_relaxed_path`` have half of it, so that
    their λ is 2λ here.
    """

    cost: Tensor
    rows: Tensor
    columns: Tensor
    penalty: float
    row_penalty: float = math.inf

    @property
    def give(self) -> float:
        """1 / 2λ: mass that a column takes for a unit of its potential."""
        return 0.5 / self.penalty

    @property
    def row_give(self) -> float:
        """1 / 2λ₁, 0 where rows are hard."""
        return 0.5 / self.row_penalty

    def to(self, dtype: torch.dtype) -> Problem:
        """Return the problem in this precision, without its gradients."""
        cost, rows, columns = (one.detach().to(dtype) for one in (self.cost, self.rows, self.columns))
        return Problem(cost, rows, columns, self.penalty, self.row_penalty)

    def primal(self, plan: Tensor) -> Tensor:
        value = (plan * self.cost).sum((-2, -1)) + self.penalty * ((plan.sum(-2) - self.columns) ** 2).sum(-1)
        if self.row_penalty == math.inf:
            return value
        return value + self.row_penalty * ((plan.sum(-1) - self.rows) ** 2).sum(-1)

    def dual(self, potentials: Tensor) -> Tensor:
        """Return ⟨α, u⟩ − ‖u‖² / 4λ₁ − ⟨v, β⟩ − ‖v‖² / 4λ with the best u, [...]: at most the optimum, whatever v is.

        u_i = min(min_k (C_ik + v_k), 2λ₁α_i).
        """
        cheapest = (self.cost + potentials.unsqueeze(-2)).amin(-1)
        row_potentials = torch.minimum(cheapest, self.rows * (2 * self.row_penalty))
        gained = row_potentials * (self.rows - self.row_give / 2 * row_potentials)
        lost = potentials * (self.columns + self.give / 2 * potentials)
        return gained.sum(-1) - lost.sum(-1)

    def judged(self, plan: Tensor) -> Solution:
        """Return the plan, hard rows scaled to α, and its gap by its own potentials v = 2λ(Tᵀ1 − β).

        v_k is what one more unit of mass costs in column k.
        """
        if self.row_penalty == math.inf:
            plan = plan * (self.rows / plan.sum(-1)).unsqueeze(-1)
        potentials = 2 * self.penalty * (plan.sum(-2) - self.columns)
        return Solution(plan, potentials, self.primal(plan) - self.dual(potentials))
