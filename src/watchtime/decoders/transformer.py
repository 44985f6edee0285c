"""A Transformer decoder over one memory token, whole sequences at once or step by step."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout as dropped

from watchtime.decoders.base import Decoder, State


class TransformerBlock(nn.Module):
    """x ← norm(x + attention(x)); x ← norm(x + O V v); x ← norm(x + W₂ relu(W₁ x)).

    The middle line is the attention to the memory: over its single token v every weight is 1, whatever the query, so
    queries and keys would have no effect and no gradient, and only the value and output projections O V are there.
    """

    def __init__(self, width: int, heads: int, feed_forward: int) -> None:
        super().__init__()
        self.heads = heads
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.memory_value = nn.Linear(width, width)
        self.memory_attended = nn.Linear(width, width)
        self.inner = nn.Linear(width, feed_forward)
        self.outer = nn.Linear(feed_forward, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))

    def memory(self, vector: Tensor) -> Tensor:
        """Return what every step takes from the memory token [batch, width]."""
        attended: Tensor = self.memory_attended(self.memory_value(vector))
        return attended

    def split(self, inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values, each [batch, heads, steps, width / heads], of inputs [batch, steps, …]."""
        parts = self.queries_keys_values(inputs).unflatten(-1, (3, self.heads, -1))
        queries, keys, values = parts.transpose(-4, -2).unbind(-3)
        return queries, keys, values

    def forward(
        self, inputs: Tensor, split: tuple[Tensor, Tensor, Tensor], memory: Tensor, mask: Tensor | None, dropout: float
    ) -> Tensor:
        """Return [batch, steps, width]; ``mask`` [steps, keys] is added to the scores, ``memory`` to every step."""
        queries, keys, values = split
        scores = queries @ keys.transpose(-1, -2) / math.sqrt(queries.shape[-1])
        weights = _dropped((scores if mask is None else scores + mask).softmax(-1), dropout)
        attended = self.attended((weights @ values).transpose(-3, -2).flatten(-2))
        states = self.norms[0](inputs + _dropped(attended, dropout))
        states = self.norms[1](states + _dropped(memory.unsqueeze(-2), dropout))
        inner = _dropped(self.inner(states).relu(), dropout)
        result: Tensor = self.norms[2](states + _dropped(self.outer(inner), dropout))
        return result


class TransformerDecoder(Decoder):
    """Post-norm blocks of masked self-attention, attention to one memory token and a ReLU perceptron (GR, 3.2.2).

    The memory token is the vector that ``begin`` or ``forward`` takes. With ``positions`` > 0 a learned vector is added
    to each of that many steps; with 0 a step knows what came before it but not in which order, as in GR's code.
    ``begin`` and ``step`` keep the keys and values of all steps before, so a step costs one token, and give
    the outputs of ``forward``, which takes all inputs at once.
    """

    def __init__(self, width: int, layers: int, heads: int, feed_forward: int, positions: int = 0) -> None:
        super().__init__()
        self.entry = self.width = width
        self.blocks = nn.ModuleList(TransformerBlock(width, heads, feed_forward) for _ in range(layers))
        self.positions = nn.Parameter(torch.randn(positions, width) * 0.05) if positions else None

    def forward(self, inputs: Tensor, vector: Tensor, dropout: float = 0.0) -> Tensor:
        """Return outputs [batch, steps, width] of inputs of the same shape; step t sees the inputs of steps ≤ t.

        ``dropout`` is the share of zeroed attention weights, branch outputs and inner activations.
        """
        steps = inputs.shape[-2]
        states = inputs if self.positions is None else inputs + self.positions[:steps]
        mask = torch.full((steps, steps), -math.inf, device=inputs.device).triu(1)
        for block in self._blocks():
            states = block(states, block.split(states), block.memory(vector), mask, dropout)
        return states

    def begin(self, vector: Tensor) -> State:
        """Return, block by block, what it takes from the memory, and its keys and values of no steps."""
        state: list[Tensor] = []
        for block in self._blocks():
            _, keys, values = block.split(vector.unsqueeze(-2)[..., :0, :])
            state += [block.memory(vector), keys, values]
        return tuple(state)

    def step(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        place, after = state[1].shape[-2], list[Tensor]()
        states = (inputs if self.positions is None else inputs + self.positions[place]).unsqueeze(-2)
        for block, memory, *before in zip(self._blocks(), state[0::3], state[1::3], state[2::3], strict=True):
            queries, *new = block.split(states)
            keys, values = (torch.cat(pair, -2) for pair in zip(before, new, strict=True))
            states = block(states, (queries, keys, values), memory, None, 0.0)
            after += [memory, keys, values]
        return states.squeeze(-2), tuple(after)

    def _blocks(self) -> list[TransformerBlock]:
        return [cast(TransformerBlock, block) for block in self.blocks]


def _dropped(values: Tensor, share: float) -> Tensor:
    return dropped(values, share) if share else values
