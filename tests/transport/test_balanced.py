"""Balanced transport against SciPy's linear programming and cases by hand."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import ot
import pytest
import torch
from scipy.optimize import linprog
from torch import Tensor

from transport_cases import case
from watchtime.core.errors import WatchtimeError
from watchtime.transport.balanced import balanced


def general(cost: Tensor, alpha: Tensor, beta: Tensor) -> float:
    rows, columns = cost.shape
    sums = np.vstack([np.kron(np.eye(rows), np.ones(columns)), np.kron(np.ones(rows), np.eye(columns))])
    found: Any = linprog(cost.numpy().ravel(), A_eq=sums, b_eq=torch.cat([alpha, beta]).numpy(), method="highs")
    return float(found.fun)


@pytest.mark.parametrize(("rows", "columns"), [(7, 4), (3, 9), (5, 1), (1, 5), (30, 20)])
def test_it_finds_what_linear_programming_finds(rows: int, columns: int) -> None:
    cost, alpha, beta = case(rows, columns, seed=rows)
    plan, potentials, gap = balanced(cost, alpha, beta)
    assert float((plan * cost).sum()) == pytest.approx(general(cost, alpha, beta), abs=1e-9)
    torch.testing.assert_close(plan.sum(-1), alpha, rtol=0, atol=1e-12)
    torch.testing.assert_close(plan.sum(-2), beta, rtol=0, atol=1e-12)
    assert abs(float(gap)) <= 1e-12
    reduced = cost + potentials
    assert float((plan * (reduced - reduced.amin(-1, keepdim=True))).sum()) <= 1e-12


def test_potentials_are_the_price_of_a_unit_in_a_column() -> None:
    """Mass that moves from one column to another changes the cost by the difference of −v."""
    cost, alpha, beta = case(9, 4, seed=2)
    moved = torch.tensor([1e-4, -1e-4, 0.0, 0.0], dtype=torch.float64)
    potentials = balanced(cost, alpha, beta).potentials
    change = general(cost, alpha, beta + moved) - general(cost, alpha, beta)
    assert change == pytest.approx(-float(potentials @ moved), abs=1e-10)


def test_leading_axes_dtype_and_gradients() -> None:
    cost, alpha, beta = case(6, 3, seed=1, batch=(2, 3))
    together = balanced(cost.float().requires_grad_(), alpha.float(), beta.float())
    assert together.plan.dtype == torch.float32
    assert not together.plan.requires_grad
    assert [tuple(one.shape) for one in together] == [(2, 3, 6, 3), (2, 3, 3), (2, 3)]
    alone = balanced(cost[1, 2], alpha[1, 2], beta[1, 2])
    torch.testing.assert_close(together.plan[1, 2], alone.plan.float(), rtol=0, atol=1e-6)


def test_empty_rows_and_columns() -> None:
    cost = torch.tensor([[1.0, 2.0], [0.0, 5.0]], dtype=torch.float64)
    alpha = torch.tensor([1.0, 0.0], dtype=torch.float64)
    plan, _, gap = balanced(cost, alpha, torch.tensor([1.0, 0.0], dtype=torch.float64))
    assert plan.tolist() == [[1, 0], [0, 0]]
    assert float(gap) == pytest.approx(0, abs=1e-12)


def test_other_masses_are_an_error() -> None:
    cost, alpha, beta = case(6, 3, seed=1)
    with pytest.raises(WatchtimeError, match="same mass"):
        balanced(cost, alpha, 2 * beta)


def test_it_says_nothing_and_raises_where_the_simplex_is_cut_short(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    cost, alpha, beta = case(60, 40, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        balanced(cost, alpha, beta)
        monkeypatch.setattr("watchtime.transport.balanced._PIVOTS", 3)
        with pytest.raises(ArithmeticError, match="did not end with the optimum"):
            balanced(cost, alpha, beta)
    assert capfd.readouterr() == ("", "")


def test_a_wrong_plan_raises_although_the_simplex_says_it_is_optimal(monkeypatch: pytest.MonkeyPatch) -> None:
    cost, alpha, beta = case(6, 3, seed=1)
    found = ot.emd(alpha.numpy(), beta.numpy(), cost.numpy(), log=True)[1]
    monkeypatch.setattr(ot, "emd", lambda *_, **__: (np.outer(alpha, beta), found))
    with pytest.raises(ArithmeticError, match="duality gap"):
        balanced(cost, alpha, beta)


def test_a_cost_that_is_not_a_number_raises() -> None:
    cost, alpha, beta = case(6, 3, seed=1)
    cost[2, 1] = torch.nan
    with pytest.raises(ArithmeticError):
        balanced(cost, alpha, beta)
