"""Recurrent decoders, their cells written out: torch.vmap has no rule for torch.nn.LSTM and torch.nn.RNN."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from watchtime.decoders.base import Decoder, State


class LongShortTermMemory(Decoder):
    """[i, f, g, o] = W e_t + U h_{t−1} + b; c_t = σ(f) c_{t−1} + σ(i) tanh(g); h_t = σ(o) tanh(c_t).

    One layer that starts from v = [h_0; c_0], [batch, 2 width], and puts out h_t (RQ-Reg, eqs. 7, 8). The gates stand
    in the order of torch.nn.LSTM, whose second bias would only be added to b.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width, self.entry = width, 2 * width
        self.inputs = nn.Linear(width, 4 * width)
        self.hidden = nn.Linear(width, 4 * width, bias=False)

    def begin(self, vector: Tensor) -> State:
        return vector.chunk(2, -1)

    def step(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        hidden, cell = state
        gates: Tensor = self.inputs(inputs) + self.hidden(hidden)
        written, kept, candidate, shown = gates.chunk(4, -1)
        cell = kept.sigmoid() * cell + written.sigmoid() * candidate.tanh()
        hidden = shown.sigmoid() * cell.tanh()
        return hidden, (hidden, cell)


class Recurrence(Decoder):
    """h_t = tanh(W e_t + U h_{t−1} + b): one layer that starts from v = h_0, [batch, width], and puts out h_t."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = self.entry = width
        self.inputs = nn.Linear(width, width)
        self.hidden = nn.Linear(width, width, bias=False)

    def begin(self, vector: Tensor) -> State:
        return (vector,)

    def step(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        hidden = torch.tanh(self.inputs(inputs) + self.hidden(state[0]))
        return hidden, (hidden,)
