"""The shared encoder: embedding vectors of all ids, pooled lists and numeric columns through a perceptron."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from watchtime.core.settings import EncoderSettings


class Inputs(NamedTuple):
    """A batch of encoded rows; ids are rows of the one embedding table.

    ``ids`` int [batch, fields], one per categorical field · ``list_ids`` int [batch, places], the places of all
    multi-valued fields side by side, then those of past events, field by field · ``present`` bool [batch, places],
    which places hold an id · ``numeric`` float [batch, columns].
    """

    ids: Tensor
    list_ids: Tensor
    present: Tensor
    numeric: Tensor


class Vectors(NamedTuple):
    """The embeddings of a batch's ids: ``fields`` [batch, fields, embedding], ``lists`` [batch, places, embedding]."""

    fields: Tensor
    lists: Tensor


@dataclass(frozen=True)
class InputShape:
    """How wide the inputs are: rows of the table, categorical fields, places of each list, numeric columns.

    A row has ``events`` past events, each with an id in those of the ``fields`` whose places ``event_fields`` lists.
    """

    table: int
    fields: int
    lists: tuple[int, ...]
    numeric: int
    events: int = 0
    event_fields: tuple[int, ...] = ()

    @property
    def places(self) -> int:
        """How many ids a row has in lists and past events."""
        return sum(self.lists) + self.events * len(self.event_fields)


class PerceptronEncoder(nn.Module):
    """h(x) = MLP([e_1, …, e_F, mean of each list's embeddings, numeric columns]), ReLU after every layer.

    Returns [batch, ``width``]. The first layer's matrix is kept in two parts, for the fields and for the rest, so that
    nothing wide has to be copied to stand side by side.
    """

    def __init__(self, shape: InputShape, settings: EncoderSettings) -> None:
        super().__init__()
        self.lists, self.uses_numeric = shape.lists, settings.numeric
        fields = shape.fields * settings.embedding
        rest = len(shape.lists) * settings.embedding + (shape.numeric if settings.numeric else 0)
        first = nn.Linear(fields + rest, settings.layers[0])
        parts = torch.split(first.weight.detach(), [fields, rest], 1)
        self.fields_weight, self.rest_weight = (nn.Parameter(part.clone()) for part in parts)
        self.bias = first.bias
        self.layers = nn.ModuleList(nn.Linear(wide, narrow) for wide, narrow in pairwise(settings.layers))
        self.width = settings.layers[-1]

    def forward(self, vectors: Vectors, inputs: Inputs) -> Tensor:
        hidden = linear(vectors.fields.flatten(-2), self.fields_weight, self.bias)
        if self.rest_weight.shape[-1]:
            hidden = hidden + linear(self._rest(vectors.lists, inputs), self.rest_weight)
        hidden = torch.relu(hidden)
        for layer in self.layers:
            hidden = torch.relu(layer(hidden))
        return hidden

    def _rest(self, lists: Tensor, inputs: Inputs) -> Tensor:
        places = list(self.lists)
        pairs = zip(torch.split(lists, places, -2), torch.split(inputs.present, places, -1), strict=True)
        parts = [mean_of_present(vectors, present) for vectors, present in pairs] if places else []
        return torch.cat([*parts, inputs.numeric] if self.uses_numeric else parts, -1)


def mean_of_present(vectors: Tensor, present: Tensor) -> Tensor:
    """Return the mean over the places that hold an id, [batch, embedding]; 0 where none does."""
    weights = present.to(vectors.dtype).unsqueeze(-1)
    return (vectors * weights).sum(-2) / weights.sum(-2).clamp(min=1)
