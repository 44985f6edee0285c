"""Several tasks on one representation, each by its own mixture of shared experts (MMoE)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


class MixtureOfExperts(nn.Module):
    """o_t = Σ_e softmax(G_t h)_e E_e(h): [batch, width] to [batch, tasks].

    Every expert E is a perceptron with layers ``hidden`` and one output, every gate G one linear map.

    Source: Ma et al., MMoE, KDD 2018; with experts of one output as in LabelCraft, section 4.1.4.
    """

    def __init__(self, width: int, hidden: Sequence[int], experts: int, tasks: int) -> None:
        super().__init__()
        self.experts = nn.ModuleList(_perceptron([width, *hidden]) for _ in range(experts))
        self.gates = nn.ModuleList(nn.Linear(width, experts) for _ in range(tasks))

    def forward(self, hidden: Tensor) -> Tensor:
        found = torch.cat([expert(hidden) for expert in self.experts], -1)
        return torch.stack([(gate(hidden).softmax(-1) * found).sum(-1) for gate in self.gates], -1)


def _perceptron(sizes: list[int]) -> nn.Sequential:
    layers = [nn.Sequential(nn.Linear(wide, narrow), nn.ReLU()) for wide, narrow in pairwise(sizes)]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], 1))
