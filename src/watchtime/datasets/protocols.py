"""Protocols: which rows are for training, validation and test.

A split depends on the rows, the protocol and the split seed only, so that it is fixed over repetitions.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import polars as pl

from watchtime.core.catalog import Protocol
from watchtime.core.errors import WatchtimeError
from watchtime.core.seeds import derive_seed

TRAINING, VALIDATION, TEST = 0, 1, 2
PARTS = ("training", "validation", "test")
Parts = npt.NDArray[np.int8]


def split(frame: pl.DataFrame, protocol: Protocol, seed: int) -> Parts:
    """Return the part of every row: 0 training, 1 validation, 2 test; int8 [rows].

    With n rows and shares s of sum S, the first ⌊n s₀ / S⌋ rows of the order are for training, those up to
    ⌊n (s₀ + s₁) / S⌋ for validation, the rest for test. ``random`` orders by a permutation from ``seed``, ``time`` by
    (timestamp, raw row). ``days`` cuts between calendar days counted from the first day, and the log must cover
    exactly S of them. Where s₁ = 0, a tenth of the training rows, drawn by ``seed``, becomes validation.
    """
    if not frame.height:
        raise WatchtimeError(f"{protocol.title}: the log has no rows.")
    shares = [Fraction(str(share)) for share in protocol.shares]  # exact: 0.1 is a tenth
    if protocol.order == "days":
        parts = _by_day(frame["day"], shares, protocol.title)
    else:
        order = _permutation(frame.height, seed) if protocol.order == "random" else _by_time(frame, protocol.title)
        parts = np.empty(frame.height, dtype=np.int8)
        parts[order] = _cut(frame.height, shares)
    if shares[VALIDATION] == 0:
        training = np.flatnonzero(parts == TRAINING)
        held_out = np.random.default_rng(derive_seed(seed, use="held_out")).permutation(training)
        parts[held_out[: len(training) // 10]] = VALIDATION
    for part, name in enumerate(PARTS):
        if not (parts == part).any():
            raise WatchtimeError(f"{protocol.title}: the {name} part is empty, the log has only {frame.height} rows.")
    return parts


def _cut(rows: int, shares: Sequence[Fraction]) -> Parts:
    """Return the parts of ``rows`` ordered rows."""
    ends = [int(rows * share // sum(shares)) for share in accumulate(shares)]
    return np.repeat(np.arange(3, dtype=np.int8), np.diff(ends, prepend=0))


def _permutation(rows: int, seed: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(derive_seed(seed, use="permutation")).permutation(rows)


def _by_time(frame: pl.DataFrame, title: str) -> npt.NDArray[np.int64]:
    if frame["timestamp"].null_count():
        raise WatchtimeError(f"{title}: {frame['timestamp'].null_count()} rows have no timestamp.")
    return np.lexsort((frame["raw_row"].to_numpy(), frame["timestamp"].to_numpy()))


def _by_day(days: pl.Series, shares: Sequence[Fraction], title: str) -> Parts:
    if days.null_count():
        raise WatchtimeError(f"{title}: {days.null_count()} rows have no day.")
    number = days.cast(pl.Int32).to_numpy()
    number = number - number.min()
    covered = int(number.max()) + 1
    if covered != sum(shares):
        raise WatchtimeError(
            f"{title}: the log covers {covered} days ({days.min()!s} to {days.max()!s}), "
            f"exactly {sum(shares)} are expected."
        )
    ends = [float(end) for end in accumulate(shares)]
    return np.searchsorted(ends[:2], number, side="right").astype(np.int8)
