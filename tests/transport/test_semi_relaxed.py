"""The interior-point solver against hand-computed cases, a general solver, POT's exact path and finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import ot
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, minimize
from torch import Tensor

from transport_cases import case
from watchtime.transport.problem import Problem
from watchtime.transport.semi_relaxed import semi_relaxed

Floats = npt.NDArray[np.float64]
PENALTIES = [0.1, 1.0, 10.0, 100.0]


def objective(plan: Floats, cost: Floats, beta: Floats, penalty: float) -> float:
    """Return eq. 8, entry by entry."""
    linear = sum(plan[i, k] * cost[i, k] for i in range(plan.shape[0]) for k in range(plan.shape[1]))
    square = sum((sum(plan[i, k] for i in range(plan.shape[0])) - beta[k]) ** 2 for k in range(plan.shape[1]))
    return float(linear + penalty * square)


def general(cost: Floats, alpha: Floats, beta: Floats, penalty: float) -> float:
    """Return the optimum as SciPy's sequential quadratic programming finds it."""
    rows, columns = cost.shape
    sums = LinearConstraint(np.kron(np.eye(rows), np.ones(columns)), alpha, alpha)
    found: Any = minimize(
        lambda plan: float(plan @ cost.ravel() + penalty * ((plan.reshape(rows, -1).sum(0) - beta) ** 2).sum()),
        np.outer(alpha, beta).ravel(),
        jac=lambda plan: cost.ravel() + np.tile(2 * penalty * (plan.reshape(rows, -1).sum(0) - beta), rows),
        bounds=[(0, None)] * cost.size,
        constraints=[sums],
        method="SLSQP",
        options={"ftol": 1e-13, "maxiter": 500},
    )
    return float(found.fun)


@pytest.mark.parametrize(("difference", "penalty"), [(0.1, 1.0), (-0.3, 1.0), (3.0, 1.0), (0.3, 0.1), (0.3, 100.0)])
def test_one_row_and_two_columns_by_hand(difference: float, penalty: float) -> None:
    """t of the first column minimises c t + 2λ (t − ½)², so t = ½ − c / 4λ, cut to [0, 1]."""
    cost = torch.tensor([[difference, 0.0]], dtype=torch.float64)
    half = torch.full((2,), 0.5, dtype=torch.float64)
    plan, potentials, _ = semi_relaxed(cost, torch.ones(1, dtype=torch.float64), half, penalty, tolerance=1e-12)
    expected = min(max(0.5 - difference / (4 * penalty), 0.0), 1.0)
    assert plan.tolist() == [pytest.approx([expected, 1 - expected], abs=1e-5)]
    assert potentials.tolist() == pytest.approx(
        [2 * penalty * (expected - 0.5), 2 * penalty * (0.5 - expected)], abs=1e-3
    )


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize(("rows", "columns"), [(7, 4), (3, 9), (5, 1), (1, 5)])
def test_it_finds_what_a_general_solver_finds(rows: int, columns: int, penalty: float) -> None:
    cost, alpha, beta = case(rows, columns, seed=rows)
    plan, _, gap = semi_relaxed(cost, alpha, beta, penalty, tolerance=1e-9)
    assert float(gap) + 1e-14 >= 0
    assert float(gap) <= 1e-9
    value = objective(plan.numpy(), cost.numpy(), beta.numpy(), penalty)
    assert value == pytest.approx(general(cost.numpy(), alpha.numpy(), beta.numpy(), penalty), abs=1e-7)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_it_finds_the_end_of_the_exact_path(penalty: float) -> None:
    """POT's path minimises γ⟨T, C⟩ + ½‖·‖² with hard columns: the cost transposed and γ = 1 / 2λ."""
    cost, alpha, beta = case(12, 8, seed=3)
    path, _, _ = ot.regpath.semi_relaxed_path(beta.numpy(), alpha.numpy(), cost.T.numpy(), reg=1 / (2 * penalty))
    plan = semi_relaxed(cost, alpha, beta, penalty, tolerance=1e-9).plan
    exact = path.reshape(8, 12).T
    assert exact.sum(1) == pytest.approx(alpha.numpy(), abs=1e-7)
    values = (objective(one, cost.numpy(), beta.numpy(), penalty) for one in (plan.numpy(), exact))
    assert next(values) == pytest.approx(next(values), abs=1e-7)


@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 20),
    seed=st.integers(0, 10**6),
    power=st.floats(-4, 4),
    tolerance=st.sampled_from([1e-3, 1e-6, 1e-9]),
)
def test_the_gap_is_kept_and_bounds_what_a_tighter_solution_gains(
    rows: int, columns: int, seed: int, power: float, tolerance: float
) -> None:
    cost, alpha, beta = case(rows, columns, seed)
    penalty = 10.0**power
    plan, potentials, gap = semi_relaxed(cost, alpha, beta, penalty, tolerance)
    assert float(gap) <= tolerance
    assert bool((plan >= 0).all())
    torch.testing.assert_close(plan.sum(-1), alpha, rtol=1e-12, atol=0)
    torch.testing.assert_close(potentials, 2 * penalty * (plan.sum(0) - beta), rtol=1e-9, atol=1e-9)
    best = semi_relaxed(cost, alpha, beta, penalty, tolerance=1e-10)
    problem = Problem(cost, alpha, beta, penalty)
    assert -1e-12 <= float(problem.primal(plan) - problem.dual(best.potentials)) <= float(gap) + 1e-9


def test_without_penalty_every_row_goes_where_it_is_cheapest() -> None:
    cost, alpha, beta = case(30, 6, seed=1)
    plan = semi_relaxed(cost, alpha, beta, 1e-9, tolerance=1e-12).plan
    expected = torch.zeros_like(cost).scatter(1, cost.argmin(1, keepdim=True), alpha[:, None])
    torch.testing.assert_close(plan, expected, rtol=0, atol=1e-8)


def test_with_a_large_penalty_it_is_balanced_transport() -> None:
    cost, alpha, beta = case(30, 6, seed=1)
    plan = semi_relaxed(cost, alpha, beta, 1e6, tolerance=1e-8).plan
    torch.testing.assert_close(plan.sum(0), beta, rtol=0, atol=1e-5)
    assert float((plan * cost).sum()) == pytest.approx(ot.emd2(alpha.numpy(), beta.numpy(), cost.numpy()), abs=1e-4)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_problems_that_stand_side_by_side_are_solved_as_alone(penalty: float) -> None:
    cost, alpha, beta = case(16, 5, seed=2, batch=(2, 3))
    together = semi_relaxed(cost, alpha, beta, penalty, tolerance=1e-10)
    assert together.gap.shape == (2, 3)
    for place in np.ndindex(2, 3):
        alone = semi_relaxed(cost[place], alpha[place], beta[place], penalty, tolerance=1e-10)
        torch.testing.assert_close(together.plan[place], alone.plan, rtol=0, atol=1e-6)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_a_start_from_another_batch_changes_the_way_and_not_the_end(penalty: float) -> None:
    cost, alpha, beta = case(64, 10, seed=4)
    other = semi_relaxed(case(64, 10, seed=5)[0], alpha, beta, penalty)
    cold = semi_relaxed(cost, alpha, beta, penalty, tolerance=1e-10)
    warm = semi_relaxed(cost, alpha, beta, penalty, tolerance=1e-10, start=other.potentials)
    torch.testing.assert_close(warm.plan.sum(0), cold.plan.sum(0), rtol=0, atol=1e-5)
    assert float(warm.gap) <= 1e-10


@pytest.mark.parametrize("unit", [1e-3, 1e3])
def test_the_unit_of_costs_is_that_of_the_gap(unit: float) -> None:
    cost, alpha, beta = case(20, 7, seed=11)
    scaled = semi_relaxed(unit * cost, alpha, beta, unit * 3.0, tolerance=unit * 1e-9)
    assert float(scaled.gap) <= unit * 1e-9
    torch.testing.assert_close(scaled.plan, semi_relaxed(cost, alpha, beta, 3.0, 1e-9).plan, rtol=0, atol=1e-6)


def test_a_gap_that_rounding_forbids_ends_with_the_best_plan() -> None:
    cost, alpha, beta = case(9, 4, seed=8)
    solution = semi_relaxed(cost, alpha, beta, 10.0, tolerance=0.0)
    assert float(solution.gap) <= 1e-11


def test_equal_costs_and_equal_rows_are_no_harm() -> None:
    alpha, beta = torch.full((8,), 1 / 8, dtype=torch.float64), torch.full((4,), 1 / 4, dtype=torch.float64)
    plan = semi_relaxed(torch.ones(8, 4, dtype=torch.float64), alpha, beta, 1.0, tolerance=1e-9).plan
    torch.testing.assert_close(plan.sum(0), beta, rtol=0, atol=1e-6)
    twins = torch.rand(1, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).expand(8, 4)
    assert float(semi_relaxed(twins, alpha, beta, 1.0, tolerance=1e-9).gap) <= 1e-9


def test_single_precision_costs_give_single_precision_plans() -> None:
    cost, alpha, beta = (one.float() for one in case(32, 8, seed=6))
    solution = semi_relaxed(cost, alpha, beta, 10.0)
    assert all(one.dtype == torch.float32 for one in solution)
    assert float(solution.gap) <= 1e-6


@pytest.mark.parametrize("penalty", PENALTIES)
def test_the_implicit_gradient_is_that_of_finite_differences(penalty: float) -> None:
    cost, alpha, beta = case(9, 4, seed=12)
    weights = torch.rand(9, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(9))

    def value(costs: Tensor) -> float:
        plan, _, gap = semi_relaxed(costs, alpha, beta, penalty, tolerance=1e-11)
        assert float(gap) <= 1e-11
        return float((weights * plan).sum())

    leaf = cost.clone().requires_grad_()
    solution = semi_relaxed(leaf, alpha, beta, penalty, tolerance=1e-11, implicit=True)
    (found,) = torch.autograd.grad((weights * solution.plan).sum(), leaf)
    step = 1e-4
    for i, k in np.ndindex(9, 4):
        bump = torch.zeros_like(cost)
        bump[i, k] = step
        expected = (value(cost + bump) - value(cost - bump)) / (2 * step)
        assert float(found[i, k]) == pytest.approx(expected, abs=2e-4 / penalty + 1e-4)


def test_without_implicit_the_plan_is_a_constant() -> None:
    cost, alpha, beta = case(9, 4, seed=8)
    assert not semi_relaxed(cost.requires_grad_(), alpha, beta, 1.0).plan.requires_grad
