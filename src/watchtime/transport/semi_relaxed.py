"""Semi-relaxed optimal transport with a squared penalty on its columns (ProWTP, eq. 8)."""

from __future__ import annotations

import math

from torch import Tensor

from watchtime.transport.problem import Solution
from watchtime.transport.unbalanced import unbalanced


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
    """Return the plan T of min ⟨T, C⟩ + λ‖Tᵀ1 − β‖² over T ≥ 0 with T1 = α, to a duality gap of ``tolerance``.

    This is ``unbalanced``, whose other arguments it shares, in the limit of a row penalty λ₁ → ∞; ``penalty`` is λ.
    """
    return unbalanced(cost, rows, columns, math.inf, penalty, tolerance, start, implicit, iterations)
