"""The implicit gradient of a transport plan with regard to its costs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from watchtime.transport.newton import System
from watchtime.transport.problem import Problem, Solution

# μ of the gradient, as a share of the squared mean of the marginals' product: at smaller ones rounding eats the system.
_SMOOTHING = 1e-8


def differentiable(cost: Tensor, problem: Problem, solution: Solution) -> Solution:
    """Return the solution with a gradient from its plan to ``cost``.

    The system of the interior point's step tells how the plan moves with the cost: dT = −K ∘ (dC + dv − du). The map is
    symmetric, so it also turns ∂L/∂T into ∂L/∂C. K = T² / μ with a small μ, which stands for the limit μ → 0: there the
    plan moves linearly with the cost while the same entries stay positive.
    """
    plan: Tensor = _Implicit.apply(cost, solution.plan, problem)  # type: ignore[no-untyped-call]
    return solution._replace(plan=plan)


class _Implicit(torch.autograd.Function):
    """The plan as a function of the cost: forward hands it through, backward solves the system."""

    @staticmethod
    def forward(context: Any, cost: Tensor, plan: Tensor, problem: Problem) -> Tensor:
        context.plan, context.problem = plan, problem
        return plan

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, None, None]:
        plan: Tensor = context.plan
        problem: Problem = context.problem
        typical = problem.rows.mean(-1)[..., None, None] / plan.shape[-1]
        system = System.of(problem, plan**2 / (_SMOOTHING * typical**2))
        if system is None:
            raise ArithmeticError("the system of the plan's gradient is not positive definite.")
        towards = -system.weights * gradient
        du, dv = system.solved(-towards.sum(-1, keepdim=True), towards.sum(-2))
        return torch.addcmul(towards, system.weights, dv - du, value=-1).to(gradient.dtype), None, None
