"""The shared encoder: embedding vectors of all ids, pooled lists and numeric columns through a perceptron."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from watchtime.core.settings import EncoderSettings


class Inputs(NamedTuple):
    """A batch of encoded rows.

    ``ids`` int [batch, places] are rows of the one embedding table: a place per categorical field, then the places
    of each multi-valued field. ``present`` bool [batch, list places] tells which list places hold an id.
    ``numeric`` float [batch, columns].
    """

    ids: Tensor
    present: Tensor
    numeric: Tensor


@dataclass(frozen=True)
class InputShape:
    """How wide the inputs are: rows of the table, categorical fields, places of each list, numeric columns."""

    table: int
    fields: int
    lists: tuple[int, ...]
    numeric: int


class PerceptronEncoder(nn.Module):
    """h(x) = MLP([e_1, …, e_F, mean of each list's embeddings, numeric columns]), ReLU after every layer.

    Takes the embedding vectors [batch, places, embedding] beside the inputs; returns [batch, ``width``].
    """

    def __init__(self, shape: InputShape, settings: EncoderSettings) -> None:
        super().__init__()
        wide = (shape.fields + len(shape.lists)) * settings.embedding
        widths = [wide + (shape.numeric if settings.numeric else 0), *settings.layers]
        self.layers = nn.ModuleList(nn.Linear(narrow, wide) for narrow, wide in pairwise(widths))
        self.numeric = settings.numeric and shape.numeric > 0
        self.fields, self.lists = shape.fields, shape.lists
        self.width = widths[-1]

    def forward(self, vectors: Tensor, inputs: Inputs) -> Tensor:
        fields, *lists = torch.split(vectors, [self.fields, *self.lists], -2)
        present = torch.split(inputs.present, list(self.lists), -1) if self.lists else ()
        parts = [fields.flatten(-2), *(_mean(*pair) for pair in zip(lists, present, strict=True))]
        if self.numeric:
            parts.append(inputs.numeric)
        hidden = torch.cat(parts, -1)
        for layer in self.layers:
            hidden = torch.relu(layer(hidden))
        return hidden


def _mean(vectors: Tensor, present: Tensor) -> Tensor:
    """Return the mean over the places that hold an id, [batch, embedding]; 0 where none does."""
    weights = present.to(vectors.dtype).unsqueeze(-1)
    return (vectors * weights).sum(-2) / weights.sum(-2).clamp(min=1)
