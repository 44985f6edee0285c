"""Several small perceptrons on one representation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Towers(nn.Module):
    """[t_1(h), …, t_n(h)] with t_k(h) = A_k ReLU(B_k h + b_k) + a_k, side by side, [batch, sum of ``outputs``].

    ``width`` is that of h, ``hidden`` the inner one of every tower, ``outputs`` the outer one of each.
    """

    def __init__(self, width: int, hidden: int, outputs: Sequence[int]) -> None:
        super().__init__()
        towers = (nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, one)) for one in outputs)
        self.towers = nn.ModuleList(towers)

    def forward(self, hidden: Tensor) -> Tensor:
        return torch.cat([tower(hidden) for tower in self.towers], -1)
