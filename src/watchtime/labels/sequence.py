"""What codecs have in common that write a target as a sequence of tokens, each a part of it."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from watchtime.labels.base import Codec, Floats, Integers
from watchtime.labels.intervals import Intervals

# Token numbers without a value: filling after the end, the input of the first step, and the end of a sequence.
PADDING, START, END = 0, 1, 2
FIRST_VALUE = 3


class SequenceCodec(Codec):
    """y ≈ Σ_t g(s_t) with tokens s_1 … s_T of one vocabulary; g of the special tokens is 0.

    Labels: ``target`` float64 [rows], y itself; ``tokens`` int16 [rows, T], filled up with ``PADDING`` after ``END``
    where sequences have their own lengths. The first token alone tells in which of the ordered ``intervals`` the
    target is, so a distribution over first tokens is a distribution over intervals.
    """

    readouts: ClassVar[tuple[str, ...]] = ("mean", "median", "rank")

    @property
    @abstractmethod
    def token_values(self) -> Floats:
        """g(w) of every token of the vocabulary, special ones first, [vocabulary], in the target's unit."""

    @property
    @abstractmethod
    def steps(self) -> int:
        """T, the number of tokens that labels have, ``END`` and ``PADDING`` included."""

    @property
    @abstractmethod
    def intervals(self) -> Intervals:
        """What the first token tells of the target."""

    @property
    @abstractmethod
    def first_tokens(self) -> Integers:
        """The token with which targets of each interval begin, [intervals], in the order of the intervals."""

    @property
    @abstractmethod
    def standard_deviation(self) -> float:
        """Of the training targets."""

    def value(self, tokens: Integers) -> Floats:
        """Return Σ_t g(s_t) of sequences [rows, steps]; what follows an ``END`` does not count."""
        ended = np.cumsum(tokens == END, axis=1) > 0
        summed: Floats = np.where(ended, 0.0, self.token_values[tokens]).sum(1)
        return summed

    def _reconstruct(self, target: Floats, duration: Floats | None) -> Floats:
        return self.value(self._encode(target, duration)["tokens"].astype(np.int64))
