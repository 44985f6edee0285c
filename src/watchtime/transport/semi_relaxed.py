"""Semi-relaxed unbalanced optimal transport with a squared penalty, by an interior-point method (ProWTP, eq. 8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor

# Share of the way to the boundary that a step may go, and how eagerly a good predictor lowers μ (Mehrotra's cube).
_STEP, _CENTRING = 0.995, 3
# T starts where ⟨T, Z⟩ is this share of the range of costs: cold, T is nearly the product of its marginals.
_COLD, _WARM = 1.0, 0.2
_SMALLEST_RANGE = 1e-3
_ROOT_STEPS = 4
# Iterations in a row without a smaller gap.
_PATIENCE = 8
# μ of the implicit gradient, as a share of the squared mean of T: at smaller ones rounding eats the system.
_SMOOTHING = 1e-8


class Solution(NamedTuple):
    """``plan`` T [..., n, m] · ``potentials`` v [..., m] of the columns · ``gap`` [...], above the optimum at most."""

    plan: Tensor
    potentials: Tensor
    gap: Tensor


@dataclass(frozen=True)
class Problem:
    """min ⟨T, C⟩ + λ‖Tᵀ1 − β‖² over T ≥ 0 with T1 = α, in double precision.

    ``cost`` C [..., n, m] · ``rows`` α > 0 [..., n] · ``columns`` β [..., m] · ``penalty`` λ > 0. ProWTP's eq. 8 has
    this penalty; its eq. 4 and POT's ``semi_relaxed_path`` have half of it, so that their λ is 2λ here.
    """

    cost: Tensor
    rows: Tensor
    columns: Tensor
    penalty: float

    @classmethod
    def of(cls, cost: Tensor, rows: Tensor, columns: Tensor, penalty: float) -> Self:
        return cls(cost.detach().double(), rows.detach().double(), columns.detach().double(), penalty)

    def potentials(self, plan: Tensor) -> Tensor:
        """Return v = 2λ(Tᵀ1 − β), [..., m]: what one more unit of mass costs in each column."""
        return 2 * self.penalty * (plan.sum(-2) - self.columns)

    def primal(self, plan: Tensor) -> Tensor:
        excess = plan.sum(-2) - self.columns
        return (plan * self.cost).sum((-2, -1)) + self.penalty * (excess**2).sum(-1)

    def dual(self, potentials: Tensor) -> Tensor:
        """Return Σ_i α_i min_k (C_ik + v_k) − ⟨v, β⟩ − ‖v‖² / 4λ, [...]: at most the optimum, whatever v is."""
        cheapest = (self.cost + potentials.unsqueeze(-2)).amin(-1)
        lost = potentials * (self.columns + potentials / (4 * self.penalty))
        return (self.rows * cheapest).sum(-1) - lost.sum(-1)

    def judged(self, plan: Tensor) -> Solution:
        """Return the plan with its rows scaled to α, and its gap by its own potentials."""
        plan = plan * (self.rows / plan.sum(-1)).unsqueeze(-1)
        potentials = self.potentials(plan)
        return Solution(plan, potentials, self.primal(plan) - self.dual(potentials))


def semi_relaxed(
    cost: Tensor,
    rows: Tensor,
    columns: Tensor,
    penalty: float,
    tolerance: float = 1e-6,
    start: Tensor | None = None,
    implicit: bool = False,
    iterations: int = 100,
) -> Solution:
    """Return the plan T of ``Problem`` to a duality gap of ``tolerance``, absolute.

    ``start``: potentials of a similar problem, [..., m]. Leading axes are problems of their own, which stop together.
    The result has the dtype of ``cost``; ``gap`` tells what was reached should ``iterations`` not suffice. With
    ``implicit`` a gradient flows through the plan to the cost; otherwise the plan is a constant.

    **Method.** Mehrotra's predictor and corrector on T ∘ Z = μ, where Z = C + v − u > 0. Eliminating T, Z and the row
    potentials u leaves an m × m system per step, (I / 2λ + diag(Kᵀ1) − Kᵀ diag(1 / K1) K) Δv = r with K = T / Z. So a
    step costs one product [m, n] × [n, m], and nothing of the size (nm)² is made.

    **Implicit gradient.** The same system tells how the plan moves with the cost: dT = −K ∘ (dC + dv − du). The map is
    symmetric, so it also turns ∂L/∂T into ∂L/∂C. K = T² / μ with a small μ, which stands for the limit μ → 0: there the
    plan moves linearly with the cost while the same entries stay positive.
    """
    problem = Problem.of(cost, rows, columns, penalty)
    solution = _solved(problem, _Iterate.near(problem, start), tolerance, iterations)
    if implicit and cost.requires_grad:
        plan: Tensor = _Implicit.apply(cost, solution.plan, penalty)  # type: ignore[no-untyped-call]
        return Solution(plan.to(cost.dtype), *(one.to(cost.dtype) for one in solution[1:]))
    return Solution(*(one.to(cost.dtype) for one in solution))


def _solved(problem: Problem, state: _Iterate, tolerance: float, iterations: int) -> Solution:
    """Return the best plan on the way; beyond what rounding allows, gaps grow again."""
    best, worse = problem.judged(state.plan), 0
    while float(best.gap.max()) > tolerance and worse < _PATIENCE and iterations > 0:
        following = state.improved()
        if following is None:
            break
        state, iterations = following, iterations - 1
        found = problem.judged(state.plan)
        best, worse = (found, 0) if bool(found.gap.max() < best.gap.max()) else (best, worse + 1)
    return best


@dataclass(frozen=True)
class _Iterate:
    """T > 0 with rows that sum to α, and Z = C + v − u > 0."""

    problem: Problem
    plan: Tensor
    slack: Tensor
    potentials: Tensor

    @classmethod
    def near(cls, problem: Problem, start: Tensor | None) -> Self:
        """Return T = μ / Z for the potentials ``start``, by default 0.

        u follows from Σ_k μ / (C_ik + v_k − u_i) = α_i: Newton's steps from the side on which they cannot overshoot.
        """
        spread = problem.cost.amax((-2, -1), keepdim=True) - problem.cost.amin((-2, -1), keepdim=True)
        share = (_COLD if start is None else _WARM) / (problem.cost.shape[-1] * problem.cost.shape[-2])
        centre = share * spread.clamp(min=_SMALLEST_RANGE)
        potentials = torch.zeros_like(problem.columns) if start is None else start.double()
        above = problem.cost + potentials.unsqueeze(-2)
        above = above - above.amin(-1, keepdim=True)
        alpha = problem.rows.unsqueeze(-1)
        distance = centre / alpha
        for _ in range(_ROOT_STEPS):
            inverse = (above + distance).reciprocal()
            excess = inverse.sum(-1, keepdim=True) - alpha / centre
            distance = distance + excess / (inverse**2).sum(-1, keepdim=True)
        slack = above + distance
        plan = slack.reciprocal()
        return cls(problem, plan * (alpha / plan.sum(-1, keepdim=True)), slack, potentials)

    def improved(self) -> _Iterate | None:
        """Return the iterate after a step; None where rounding ends what can be reached."""
        plan, slack = self.plan, self.slack
        system = _System.of(plan / slack, self.problem.penalty)
        if system is None:
            return None
        inverse, products = slack.reciprocal(), plan * slack
        centre = products.mean((-2, -1), keepdim=True)
        residual = self.potentials - self.problem.potentials(plan)

        # Predictor, towards T ∘ Z = 0: dZ = Z ∘ r and dT = −T ∘ (1 + r).
        relative = system.moved(-plan, residual).slack * inverse
        least, most = relative.amin((-2, -1), keepdim=True), relative.amax((-2, -1), keepdim=True)
        first, second = 1 / (1 + most).clamp(min=1), 1 / (-least).clamp(min=1)
        bent = products * relative
        linear, square = (one.mean((-2, -1), keepdim=True) for one in (bent, bent * relative))
        reached = (1 - first) * centre + (second - first * second - first) * linear - first * second * square
        wanted = centre * (reached / centre).clamp(0, 1) ** _CENTRING

        # Corrector, towards T ∘ Z = wanted.
        change = system.moved((torch.addcmul(bent, bent, relative) + wanted) * inverse - plan, residual)
        first, second = _longest(change.plan / plan), _longest(change.slack * inverse)
        return _Iterate(
            self.problem,
            torch.addcmul(plan, first, change.plan),
            torch.addcmul(slack, second, change.slack),
            torch.addcmul(self.potentials, second.squeeze(-1), change.potentials),
        )


class _Change(NamedTuple):
    """dT, dZ and dv."""

    plan: Tensor
    slack: Tensor
    potentials: Tensor


@dataclass(frozen=True)
class _System:
    """dT = q − K ∘ (dv − du) with dT1 = 0 and dv = 2λ dTᵀ1 − ρ, for any q [..., n, m] and ρ [..., m]."""

    penalty: float
    weights: Tensor
    """K = T / Z, [..., n, m]."""
    row_sums: Tensor
    factor: Tensor
    """Cholesky's factor of I / 2λ + diag(Kᵀ1) − Kᵀ diag(1 / K1) K, [..., m, m]."""

    @classmethod
    def of(cls, weights: Tensor, penalty: float) -> Self | None:
        """Return the system with K = ``weights``; None where it is not positive definite in floating point."""
        row_sums = weights.sum(-1, keepdim=True)
        matrix = -(weights.transpose(-1, -2) @ (weights / row_sums))
        # But for I / 2λ the rows sum to 0: a diagonal without a difference of large numbers keeps it positive definite.
        diagonal = matrix.diagonal(dim1=-2, dim2=-1)
        diagonal.zero_()
        diagonal.copy_(0.5 / penalty - matrix.sum(-1))
        factor, failed = torch.linalg.cholesky_ex(matrix)
        return None if bool(failed.any()) else cls(penalty, weights, row_sums, factor)

    def moved(self, towards: Tensor, residual: Tensor) -> _Change:
        """Return the solution for q = ``towards`` and ρ = ``residual``."""
        missing = towards.sum(-1, keepdim=True)
        pushed = (self.weights.transpose(-1, -2) @ (missing / self.row_sums)).squeeze(-1)
        right = towards.sum(-2) - pushed - residual / (2 * self.penalty)
        potentials = torch.cholesky_solve(right.unsqueeze(-1), self.factor)
        row_potentials = (self.weights @ potentials - missing) / self.row_sums
        slack = potentials.transpose(-1, -2) - row_potentials
        return _Change(torch.addcmul(towards, self.weights, slack, value=-1), slack, potentials.squeeze(-1))


def _longest(relative: Tensor) -> Tensor:
    """Return the step, at most 1, that leaves 1 + step · ``relative`` above 0, [..., 1, 1]."""
    return _STEP / (-relative.amin((-2, -1), keepdim=True)).clamp(min=_STEP)


class _Implicit(torch.autograd.Function):
    """The plan as a function of the cost: forward hands it through, backward solves the system."""

    @staticmethod
    def forward(context: Any, cost: Tensor, plan: Tensor, penalty: float) -> Tensor:
        context.plan, context.penalty = plan, penalty
        return plan

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, None, None]:
        plan: Tensor = context.plan
        centre = _SMOOTHING * plan.mean((-2, -1), keepdim=True) ** 2
        system = _System.of(plan**2 / centre, context.penalty)
        if system is None:
            raise ArithmeticError("the system of the plan's gradient is not positive definite.")
        change = system.moved(-system.weights * gradient, torch.zeros_like(plan[..., 0, :]))
        return change.plan.to(gradient.dtype), None, None
