"""The encoder of LabelCraft: a user's past events, weighed by how they resemble the candidate (DIN)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from watchtime.core.settings import EncoderSettings
from watchtime.encoders.perceptron import Inputs, InputShape, Vectors, mean_of_present

# PReLU's customary start.
_SLOPE = 0.25


class DeepInterestEncoder(nn.Module):
    """h(x) = MLP([e_1, …, e_F, means of lists, Σ_j a(v_j, c) v_j, numeric columns]), PReLU after every layer.

    c are the embeddings of the candidate's item, v_j those of the item of past event j, and a(v, c) is what one hidden
    layer makes of [v, c, v − c, v ∘ c]: no softmax, so that the strength of an interest is kept. Places without an
    event weigh 0. Returns [batch, ``width``].

    DIN's Dice is PReLU with a threshold that moves with the batch; its running means are no parameters, so PReLU stands
    for it here.

    Source: Zhou et al., Deep Interest Network, KDD 2018, section 4.3; the attention unit as wide as LabelCraft's code.
    """

    def __init__(self, shape: InputShape, settings: EncoderSettings) -> None:
        super().__init__()
        assert settings.history is not None
        hidden = settings.history.attention
        self.shape, self.uses_numeric = shape, settings.numeric
        item = len(shape.event_fields) * settings.embedding
        self.attention = nn.Linear(4 * item, hidden)
        self.attention_slope = nn.Parameter(torch.full((hidden,), _SLOPE))
        self.weight = nn.Linear(hidden, 1)
        inputs = (shape.fields + len(shape.lists)) * settings.embedding + item
        sizes = [inputs + (shape.numeric if settings.numeric else 0), *settings.layers]
        self.layers = nn.ModuleList(nn.Linear(wide, narrow) for wide, narrow in pairwise(sizes))
        self.slopes = nn.ParameterList(torch.full((width,), _SLOPE) for width in settings.layers)
        self.width = settings.layers[-1]

    def forward(self, vectors: Vectors, inputs: Inputs) -> Tensor:
        shape, lists = self.shape, list(self.shape.lists)
        places = [*lists, shape.events * len(shape.event_fields)]
        *listed, events = torch.split(vectors.lists, places, -2)
        *present, happened = torch.split(inputs.present, places, -1)
        parts = [mean_of_present(*pair) for pair in zip(listed, present, strict=True)]
        parts = [vectors.fields.flatten(-2), *parts, self._interest(vectors.fields, events, happened)]
        hidden = torch.cat([*parts, inputs.numeric] if self.uses_numeric else parts, -1)
        for layer, slope in zip(self.layers, self.slopes, strict=True):
            hidden = _prelu(layer(hidden), slope)
        return hidden

    def _interest(self, fields: Tensor, events: Tensor, happened: Tensor) -> Tensor:
        """Return Σ_j a(v_j, c) v_j, [batch, event fields × embedding]."""
        count = self.shape.events
        past = torch.cat(torch.split(events, count, -2), -1)
        present = happened[..., :count]
        candidate = fields[..., self.shape.event_fields, :].flatten(-2).unsqueeze(-2)
        # Of [v, c, v − c, v ∘ c], what is linear in v and in c alone needs no wide concatenation.
        of_past, of_candidate, of_difference, of_product = self.attention.weight.chunk(4, -1)
        hidden = linear(past, of_past + of_difference) + linear(past * candidate, of_product)
        hidden = hidden + linear(candidate, of_candidate - of_difference, self.attention.bias)
        weights = self.weight(_prelu(hidden, self.attention_slope))
        interest: Tensor = (weights * present.unsqueeze(-1) * past).sum(-2)
        return interest


def _prelu(values: Tensor, slope: Tensor) -> Tensor:
    return torch.where(values > 0, values, slope * values)
