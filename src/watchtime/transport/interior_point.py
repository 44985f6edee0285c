"""A primal-dual interior-point method for transport with squared penalties: one m × m system per step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from watchtime.transport.newton import System
from watchtime.transport.problem import Problem, Solution

# Share of the way to the boundary that a step may go, and how eagerly a good predictor lowers μ.
_STEP, _CENTRING = 0.995, 3
# T starts where ⟨T, Z⟩ is this share of the range of costs: cold, T is nearly the product of its marginals.
_COLD, _WARM = 0.5, 0.2
_SMALLEST_RANGE = 1e-3
_ROOT_STEPS = 4
# Iterations in a row without a smaller gap.
_PATIENCE = 8
# How much larger than the tolerance ⟨T, Z⟩ may be where a plan is judged.
_NEAR = 8.0
# The smallest gap that is tried in single precision, which halves what a step costs.
_SINGLE = 1e-6


def solved(problem: Problem, tolerance: float, start: Tensor | None, iterations: int) -> Solution:
    """Return a plan in double precision; its iterates are in single precision if that suffices."""
    problem = problem.to(torch.float64)
    if tolerance >= _SINGLE:
        found = _followed(problem, _Iterate.near(problem.to(torch.float32), start), tolerance, iterations)
        if bool(found.gap.max() <= tolerance):
            return found
    return _followed(problem, _Iterate.near(problem, start), tolerance, iterations)


def _followed(problem: Problem, state: _Iterate, tolerance: float, iterations: int) -> Solution:
    """Return the best plan on the way; beyond what rounding allows, gaps grow again.

    ⟨T, Z⟩ estimates the gap and costs a fraction of it, so that plans are judged once the estimate is near.
    """
    best, nearest, lowest, worse = None, state, math.inf, 0
    while True:
        distance = state.complementarity()
        if distance <= _NEAR * tolerance:
            found = problem.judged(state.plan.double())
            distance = float(found.gap.max())
            if best is None or distance < float(best.gap.max()):
                best = found
            if distance <= tolerance:
                return found
        nearest, lowest, worse = (state, distance, 0) if distance < lowest else (nearest, lowest, worse + 1)
        following = state.improved() if worse < _PATIENCE and iterations > 0 else None
        if following is None:
            return best or problem.judged(nearest.plan.double())
        state, iterations = following, iterations - 1


@dataclass(frozen=True)
class _Iterate:
    """T > 0 and Z = C + v − u > 0."""

    problem: Problem
    plan: Tensor
    slack: Tensor
    row_potentials: Tensor
    """u [..., n, 1]."""
    potentials: Tensor
    """v [..., 1, m]."""

    @classmethod
    def near(cls, problem: Problem, start: Tensor | None) -> Self:
        """Return T = μ / Z for the potentials ``start``, by default 0.

        u follows from Σ_k μ / (C_ik + v_k − u_i) = α_i − u_i / 2λ₁. The distance δ from u_i to the smallest C_ik + v_k
        is at least what the smallest term asks for alone, and Newton's steps on the reciprocals of both sides, which
        are concave in δ, never overshoot.
        """
        spread = problem.cost.amax((-2, -1), keepdim=True) - problem.cost.amin((-2, -1), keepdim=True)
        share = (_COLD if start is None else _WARM) / (problem.cost.shape[-1] * problem.cost.shape[-2])
        mass = problem.rows.sum(-1)[..., None, None]
        centre = share * mass * spread.clamp(min=_SMALLEST_RANGE)
        potentials = (torch.zeros_like(problem.columns) if start is None else start.to(problem.cost.dtype)).unsqueeze(
            -2
        )
        above = problem.cost + potentials
        cheapest = above.amin(-1, keepdim=True)
        above = above - cheapest
        give, wanted = problem.row_give, problem.rows.unsqueeze(-1) - problem.row_give * cheapest
        root = (wanted.abs() + (wanted**2 + 4 * give * centre).sqrt()) / 2
        distance = torch.where(wanted > 0, centre / root, root / give) if give else centre / wanted
        for _ in range(_ROOT_STEPS):
            inverse = (above + distance).reciprocal()
            total, mass = inverse.sum(-1, keepdim=True), wanted + give * distance
            slope = (inverse**2).sum(-1, keepdim=True) / total**2 + give * centre / mass**2
            distance = distance + (centre / mass - 1 / total) / slope
        slack = above + distance
        return cls(problem, centre / slack, slack, cheapest - distance, potentials)

    def complementarity(self) -> float:
        """Return ⟨T, Z⟩ of the problem in which it is largest."""
        return float((self.plan * self.slack).sum((-2, -1)).max())

    def improved(self) -> _Iterate | None:
        """Return the iterate after a step; None where rounding ends what can be reached."""
        inverse = self.slack.reciprocal()
        system = System.of(self.problem, self.plan * inverse)
        if system is None:
            return None
        products = self.plan * self.slack
        problem, potentials = self.problem, self.potentials.squeeze(-2)
        rows = problem.rows.unsqueeze(-1) - problem.row_give * self.row_potentials
        columns = problem.columns + problem.give * potentials

        # Predictor, towards T ∘ Z = 0: dZ = Z ∘ r and dT = −T ∘ (1 + r).
        du, dv = system.solved(rows, -columns)
        relative = (dv - du) * inverse
        least, most = relative.amin((-2, -1), keepdim=True), relative.amax((-2, -1), keepdim=True)
        first, second = 1 / (1 + most).clamp(min=1), 1 / (-least).clamp(min=1)
        centre, bent = products.mean((-2, -1), keepdim=True), products * relative
        curved = torch.addcmul(bent, bent, relative)
        linear, both = (one.mean((-2, -1), keepdim=True) for one in (bent, curved))
        reached = (1 - first) * centre + (second - first) * linear - first * second * both
        wanted = centre * (reached / centre).clamp(0, 1) ** _CENTRING

        # Corrector, towards T ∘ Z = wanted.
        towards = curved.add_(wanted)
        kept = towards * inverse
        du, dv = system.solved(rows - kept.sum(-1, keepdim=True), kept.sum(-2) - columns)
        relative = (dv - du) * inverse
        change = towards.div_(products).sub_(relative).sub_(1)
        first, second = _longest(change), _longest(relative)
        return _Iterate(
            problem,
            torch.addcmul(self.plan, first, self.plan * change),
            torch.addcmul(self.slack, second, self.slack * relative),
            torch.addcmul(self.row_potentials, second, du),
            torch.addcmul(self.potentials, second, dv),
        )


def _longest(relative: Tensor) -> Tensor:
    """Return the step, at most 1, that leaves 1 + step · ``relative`` above 0, [..., 1, 1]."""
    return _STEP / (-relative.amin((-2, -1), keepdim=True)).clamp(min=_STEP)
