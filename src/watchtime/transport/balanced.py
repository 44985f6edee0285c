"""Balanced optimal transport, exactly, by the network simplex."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from watchtime.core.errors import WatchtimeError
from watchtime.transport.problem import Solution

_OPTIMAL, _PIVOTS = 1, 10_000_000
# Masses may differ, and the gap exceed 0, by such a share of the mass and of the largest cost.
_MASS, _GAP = 1e-6, 1e-9


def balanced(cost: Tensor, rows: Tensor, columns: Tensor) -> Solution:
    """Return the plan T of min ⟨T, C⟩ over T ≥ 0 with T1 = α and Tᵀ1 = β.

    ``cost`` C [..., n, m] · ``rows`` α ≥ 0 [..., n] · ``columns`` β ≥ 0 [..., m], scaled to the mass of α. The gap is
    ⟨T, C⟩ − (Σ_i α_i min_k (C_ik + v_k) − ⟨v, β⟩): what is left of it is rounding. Leading axes are problems of their
    own, solved one by one on the CPU; the result has the device and dtype of ``cost``. The plan is a constant.

    Raises ``WatchtimeError`` if masses differ, and ``ArithmeticError`` if the plan is not the optimum.
    """
    given = [one.detach().cpu().double() for one in (cost, rows, columns)]
    mass, received = given[1].sum(-1), given[2].sum(-1)
    if not bool(((mass - received).abs() <= _MASS * mass).all()):
        raise WatchtimeError(
            f"balanced transport needs rows and columns of the same mass; they have {mass.tolist()} and "
            f"{received.tolist()}."
        )
    given[2] = given[2] * (mass / received).unsqueeze(-1)
    batch = cost.shape[:-2]
    costs, alphas, betas = (
        one.expand(*batch, *one.shape[-axes:]).reshape(-1, *one.shape[-axes:]).numpy()
        for one, axes in zip(given, (2, 1, 1), strict=True)
    )
    solutions = [_solved(*one) for one in zip(costs, alphas, betas, strict=True)]
    stacked = (torch.from_numpy(np.stack(parts)) for parts in zip(*solutions, strict=True))
    return Solution(*(one.reshape((*batch, *one.shape[1:])).to(cost) for one in stacked))


def _solved(cost: npt.NDArray[Any], rows: npt.NDArray[Any], columns: npt.NDArray[Any]) -> tuple[Any, Any, Any]:
    """Return plan, potentials of the columns and gap of one problem."""
    import ot  # with scikit-learn and networkx: a second, and who asks for another transport needs none of it

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plan, found = ot.emd(rows, columns, cost, numItermax=_PIVOTS, log=True)
    potentials = -found["v"]
    gap = (plan * cost).sum() - rows @ (cost + potentials).min(-1) + potentials @ columns
    allowed = _GAP * rows.sum() * np.abs(cost).max()
    if found["result_code"] != _OPTIMAL or not abs(gap) <= allowed:
        reason = found["warning"] or f"a duality gap of {gap:.1e}, more than {allowed:.1e}"
        raise ArithmeticError(f"the network simplex did not end with the optimum: {reason}.")
    return plan, potentials, gap
