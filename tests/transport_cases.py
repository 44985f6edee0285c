"""Small transport problems."""

from __future__ import annotations

import torch
from torch import Tensor


def case(rows: int, columns: int, seed: int, batch: tuple[int, ...] = ()) -> tuple[Tensor, Tensor, Tensor]:
    """Return costs in [0, 2], and marginals that are not uniform."""
    generator = torch.Generator().manual_seed(seed)
    cost = 2 * torch.rand(*batch, rows, columns, dtype=torch.float64, generator=generator)
    alpha, beta = (0.2 + torch.rand(*batch, n, dtype=torch.float64, generator=generator) for n in (rows, columns))
    return cost, alpha / alpha.sum(-1, keepdim=True), beta / beta.sum(-1, keepdim=True)
