"""What a decoder is: a module that takes one token's embedding per step and remembers the steps before."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor, nn

State = tuple[Tensor, ...]


class Decoder(nn.Module):
    """o_t, state_t = step(e_t, state_{t−1}) with state_0 = begin(v).

    ``begin`` takes v [batch, ``entry``], what the encoder knows of the row; ``step`` takes the input of one step,
    [batch, ``width``], and returns an output [batch, ``width``]. A state is a tuple of tensors that is never changed
    in place.
    """

    entry: int
    width: int

    @abstractmethod
    def begin(self, vector: Tensor) -> State:
        """Return the state before the first step."""

    @abstractmethod
    def step(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the output of one step and the state after it."""
