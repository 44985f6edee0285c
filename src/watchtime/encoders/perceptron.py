"""The shared encoder: one embedding table for all fields and a multi-layer perceptron."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from watchtime.core.settings import EncoderSettings


class Inputs(NamedTuple):
    """One batch of encoded rows; ids already point into the one embedding table.

    ``categorical`` int [batch, fields] · ``numeric`` float [batch, columns] · ``lists`` int [batch, longest] per
    multi-valued field, padded with -1.
    """

    categorical: Tensor
    numeric: Tensor
    lists: tuple[Tensor, ...]


@dataclass(frozen=True)
class InputShape:
    """How wide the inputs are: table rows, categorical fields, numeric columns, multi-valued fields."""

    table: int
    categorical: int
    numeric: int
    multi_valued: int


class PerceptronEncoder(nn.Module):
    """h(x) = MLP([e_1, …, e_F, mean of each list's embeddings, numeric columns]), ReLU after every layer.

    Returns [batch, ``width``]. The table starts at N(0, 0.05²), so that ids seen once stay near the unknown id.
    """

    def __init__(self, shape: InputShape, settings: EncoderSettings) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(shape.table, settings.embedding) * 0.05)
        wide = (shape.categorical + shape.multi_valued) * settings.embedding
        widths = [wide + (shape.numeric if settings.numeric else 0), *settings.layers]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.numeric = settings.numeric and shape.numeric > 0
        self.width = widths[-1]

    def forward(self, inputs: Inputs) -> Tensor:
        parts = [nn.functional.embedding(inputs.categorical, self.table).flatten(-2)]
        parts += [self._list_mean(ids) for ids in inputs.lists]
        if self.numeric:
            parts.append(inputs.numeric)
        hidden = torch.cat(parts, -1)
        for layer in self.layers:
            hidden = torch.relu(layer(hidden))
        return hidden

    def _list_mean(self, ids: Tensor) -> Tensor:
        present = (ids >= 0).to(self.table.dtype).unsqueeze(-1)
        vectors = nn.functional.embedding(ids.clamp(min=0), self.table)
        return (vectors * present).sum(-2) / present.sum(-2).clamp(min=1)
