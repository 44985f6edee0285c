"""The target as a sequence of tokens from a vocabulary of numbers, the largest first (GR)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from watchtime.core import settings as core
from watchtime.core.errors import WatchtimeError
from watchtime.labels import vocabularies
from watchtime.labels.base import Array, Floats, Integers
from watchtime.labels.intervals import Intervals
from watchtime.labels.sequence import END, FIRST_VALUE, PADDING, SequenceCodec

Tokens = npt.NDArray[np.int16]
# Whole units up to here are told apart by float64.
LARGEST_WHOLE = 2**53
LARGEST_TOKEN = int(np.iinfo(np.int16).max)


@dataclass(frozen=True, eq=False)
class TokenVocabulary(SequenceCodec):
    """y = Σ_t g(s_t) + ε with g(s_1) ≥ g(s_2) ≥ … and |ε| ≤ max(``tolerance`` · y, ``unit`` / 2).

    **Tokens** are whole numbers of units, w_1 > w_2 > … > w_V = 1, with the token numbers 3, 4, … in this order.
    ``vocabulary`` says how they are found: ``dynamic_quantile`` (algorithm 1), ``manual`` or ``binary``.

    **Greedy encoding.** n is y in units, rounded to a whole number. While the error exceeds the bound, the largest
    token that is at most what is left of n is written and taken off. What is left never grows, so tokens do not
    either; it stays a whole number of at least 0, and 1 is a token, so it can reach 0, where the error is that of
    rounding, at most half a unit. A target of at most half a unit is the empty sequence, ``END`` at once. Only rows
    that need more than ``max_length`` tokens have a larger error: their rest is cut. The bound holds but for a
    relative 1e-9, because a decimal fraction is no exact float.

    **Intervals.** The first token of y is w_k where w_k ≤ n < w_{k−1}, and ``END`` is the atom at 0. An interval's
    value is the mean of its training rows, or its midpoint where it has none.

    Labels: ``target`` float64 [rows], y itself; ``tokens`` int16 [rows, T], T one more than the longest training
    sequence, for ``END``. Longer sequences of other rows are cut.

    Source: GR, sections 3.3 and 3.4, equations 4 and 5.
    """

    class Settings(core.Settings):
        """The unit is the label's own resolution: 1 ms, 0.01 euro, 1e-5 of a ratio.

        None finds it: the largest of 1, 0.1, … 1e-5 of which all training targets are whole multiples, 1e-5 if there
        is none. The four parameters of algorithm 1 (``start_quantile``, ``end_quantile``, ``decay``,
        ``smallest_error``) and ``max_length`` are those of the released code; the paper prints none.
        """

        vocabulary: Literal["dynamic_quantile", "manual", "binary"] = "dynamic_quantile"
        unit: float | None = Field(None, gt=0)
        tolerance: float = Field(0.001, ge=0, lt=1)
        start_quantile: float = Field(0.9999, gt=0, lt=1)
        end_quantile: float = Field(0.9, gt=0, lt=1)
        decay: float = Field(0.99, gt=0, le=1)
        smallest_error: float = Field(1e-6, ge=0)
        max_length: int = Field(20, ge=1)

    name = "token_vocabulary"
    settings: Settings
    whole_tokens: Floats
    """Tokens in whole units, the largest first, [V]."""
    unit: float
    """One unit, in the target's unit."""
    longest: int
    """Tokens of the longest training sequence, without ``END``."""
    largest: float
    """The largest training target."""
    interval_values: Floats
    """Mean of each interval's training rows, [V + 1]."""
    interval_shares: Floats
    """Share of the training rows in each interval, [V + 1]."""
    target_deviation: float
    """Standard deviation of the training targets."""
    mean_length: float
    """Tokens of a training row, without ``END``."""
    cut_share: float
    """Share of training rows that need more than ``max_length`` tokens."""

    @classmethod
    def _fit(cls, settings: Settings, target: Floats, duration: Floats | None) -> Self:
        values, rows = np.unique(target, return_counts=True)
        unit = settings.unit or resolution(values)
        if values[-1] / unit > LARGEST_WHOLE:
            raise WatchtimeError(
                f"codec 'token_vocabulary': unit: {unit} is too small for the largest training target, {values[-1]};"
                f" allowed are at least {values[-1] / LARGEST_WHOLE:.1e}."
            )
        tokens = _vocabulary(settings, np.rint(values / unit), rows)
        written = _greedy(tokens, values / unit, settings.tolerance, settings.max_length)
        edges = _edges(tokens, unit, values[-1])
        mean = values @ rows / len(target)
        counts, means = _interval_statistics(written.tokens[:, 0], values, rows, (edges[:-1] + edges[1:]) / 2)
        return cls(
            settings=settings,
            whole_tokens=tokens,
            unit=unit,
            longest=int(written.lengths.max()),
            largest=float(values[-1]),
            interval_values=means,
            interval_shares=counts / len(target),
            target_deviation=float(np.sqrt((values - mean) ** 2 @ rows / len(target))),
            mean_length=float(written.lengths @ rows / len(target)),
            cut_share=float(written.cut @ rows / len(target)),
        )

    @property
    def token_values(self) -> Floats:
        return np.concatenate([np.zeros(FIRST_VALUE), self.whole_tokens * self.unit])

    @property
    def steps(self) -> int:
        return self.longest + 1

    @property
    def intervals(self) -> Intervals:
        edges = _edges(self.whole_tokens, self.unit, self.largest)
        return Intervals(edges, self.interval_values, self.interval_shares)

    @property
    def first_tokens(self) -> Integers:
        ascending = np.arange(len(self.whole_tokens))[::-1] + FIRST_VALUE
        return np.concatenate([[END], ascending])

    @property
    def standard_deviation(self) -> float:
        return self.target_deviation

    def lengths(self, target: Floats) -> Integers:
        """Return the number of tokens of each target's sequence, without ``END``, [rows]."""
        values, row = np.unique(target, return_inverse=True)
        return self._written(values).lengths[row]

    def token_counts(self, target: Floats) -> Integers:
        """Return how often the targets' sequences use each token, [vocabulary]; ``PADDING`` is not counted."""
        values, rows = np.unique(target, return_counts=True)
        tokens = self._written(values).tokens
        counts = np.zeros(FIRST_VALUE + len(self.whole_tokens), dtype=np.int64)
        for step in tokens.T:
            counts += np.bincount(step, weights=rows, minlength=len(counts)).astype(np.int64)
        counts[PADDING] = 0
        return counts

    def facts(self) -> dict[str, int | float]:
        return {
            "value_tokens": len(self.whole_tokens),
            "unit": self.unit,
            "steps": self.steps,
            "mean_length": self.mean_length,
            "cut_share": self.cut_share,
        }

    def _encode(self, target: Floats, duration: Floats | None) -> dict[str, Array]:
        values, row = np.unique(target, return_inverse=True)
        return {"target": target, "tokens": self._written(values).tokens[row]}

    def _reconstruct(self, target: Floats, duration: Floats | None) -> Floats:
        # The sums are at hand from encoding; the tokens of all rows as int64 would take ten times the memory.
        values, row = np.unique(target, return_inverse=True)
        return (self._written(values).sums * self.unit)[row]

    def _written(self, values: Floats) -> Written:
        return _greedy(self.whole_tokens, values / self.unit, self.settings.tolerance, self.longest)


class Written(NamedTuple):
    """Greedy sequences of targets [values]."""

    tokens: Tokens
    """[values, limit + 1], ``PADDING`` after ``END``."""
    lengths: Integers
    """Without ``END``."""
    sums: Floats
    """Of the tokens, in whole units."""
    cut: npt.NDArray[np.bool_]
    """Whether the limit ended the sequence, not the bound."""


def resolution(values: Floats) -> float:
    """Return the largest of 1, 0.1, … 1e-5 of which all ``values`` are whole multiples, and 1e-5 if there is none.

    Float rounding is forgiven: a millionth of the unit, for sums of decimal fractions, and four roundings of the value.
    """
    for digits in range(5):
        units = values * 10**digits
        if np.all(np.abs(units - np.rint(units)) <= 1e-6 + 4 * np.finfo(np.float64).eps * units):
            return float(1 / 10**digits)
    return 1e-5


def allowed_error(units: Floats, tolerance: float) -> Floats:
    """Return max(tolerance · y, ½) of targets in units, a little widened so that rounding decides no tie."""
    return np.maximum(tolerance * units, 0.5) * (1 + 1e-9)


def _vocabulary(settings: TokenVocabulary.Settings, whole: Floats, rows: Integers) -> Floats:
    """Return the tokens in whole units, the largest first."""
    if settings.vocabulary == "manual":
        return vocabularies.manual(whole[-1])[::-1]
    if settings.vocabulary == "binary":
        return vocabularies.binary(whole[-1])[::-1]
    tokens = vocabularies.dynamic_quantile(
        whole,
        rows,
        start_quantile=settings.start_quantile,
        end_quantile=settings.end_quantile,
        decay=settings.decay,
        smallest_error=settings.smallest_error,
    )
    if FIRST_VALUE + len(tokens) - 1 > LARGEST_TOKEN:
        raise WatchtimeError(
            f"codec 'token_vocabulary': end_quantile: {settings.end_quantile} makes {len(tokens)} tokens, allowed are"
            f" at most {LARGEST_TOKEN - FIRST_VALUE + 1}; take a smaller one."
        )
    return tokens[::-1]


def _greedy(whole_tokens: Floats, units: Floats, tolerance: float, limit: int) -> Written:
    """Write targets in units [values] with at most ``limit`` tokens each, all values at once, one token per round."""
    ascending, whole, allowed = whole_tokens[::-1], np.rint(units), allowed_error(units, tolerance)
    tokens = np.full((len(units), limit + 1), PADDING, dtype=np.int16)
    lengths, sums = np.zeros(len(units), dtype=np.int64), np.zeros(len(units))

    def unfinished(values: Integers) -> Integers:
        return values[np.abs(units[values] - sums[values]) > allowed[values]]

    left = unfinished(np.arange(len(units)))
    for step in range(limit):
        if not len(left):
            break
        place = np.searchsorted(ascending, whole[left] - sums[left], side="right") - 1
        tokens[left, step] = FIRST_VALUE + len(ascending) - 1 - place
        sums[left] += ascending[place]
        lengths[left] += 1
        left = unfinished(left)
    tokens[np.arange(len(units)), lengths] = END
    cut = np.zeros(len(units), dtype=np.bool_)
    cut[left] = True
    return Written(tokens, lengths, sums, cut)


def _edges(whole_tokens: Floats, unit: float, largest: float) -> Floats:
    """Return the edges of the intervals that first tokens tell apart, [V + 2]: 0, 0, w_{V−1}, …, w_1, the largest."""
    starts = whole_tokens[-2::-1] * unit
    return np.concatenate([[0.0, 0.0], starts, [max(largest, whole_tokens[0] * unit)]])


def _interval_statistics(first: Tokens, values: Floats, rows: Integers, midpoints: Floats) -> tuple[Floats, Floats]:
    """Return the rows and the mean target of each interval, from the first token of each value."""
    interval = np.where(first == END, 0, FIRST_VALUE + len(midpoints) - 1 - first.astype(np.int64))
    counts = np.bincount(interval, weights=rows, minlength=len(midpoints)).astype(np.float64)
    sums = np.bincount(interval, weights=rows * values, minlength=len(midpoints))
    return counts, np.divide(sums, counts, out=midpoints.copy(), where=counts > 0)
