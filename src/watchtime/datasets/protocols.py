"""Protocols: which rows are for training, validation and test.

A split depends on the rows, the protocol and the split seed only, so that it is fixed over repetitions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import polars as pl

from watchtime.core.catalog import Protocol
from watchtime.core.errors import WatchtimeError
from watchtime.core.seeds import derive_seed
from watchtime.datasets.codes import Mask, Sides

TRAINING, VALIDATION, TEST = 0, 1, 2
OUTSIDE = -1
PARTS = ("training", "validation", "test")
Parts = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Split:
    """The part of every row: 0 training, 1 validation, 2 test, −1 none, int8 [rows].

    ``left_out`` says how many rows are in no part, by reason; ``core`` is the k of the k-core, if there is one.
    """

    parts: Parts
    left_out: dict[str, int]
    core: int | None = None


def split(
    frame: pl.DataFrame, protocol: Protocol, seed: int, core: int | None = None, main_log: str | None = None
) -> Split:
    """Return the part of every row.

    With n rows and shares s of sum S, the first ⌊n s₀ / S⌋ rows of the order are for training, those up to
    ⌊n (s₀ + s₁) / S⌋ for validation, the rest for test. ``random`` orders by a permutation from ``seed``, ``time`` by
    (timestamp, raw row). ``days`` cuts between calendar days counted from the first day, and the log must cover
    exactly S of them. ``logs`` takes the rows of one log for training and those of another for test; every other
    order is over the rows of ``main_log`` alone, if the frame has a column ``log``. With ``core`` k only the k-core
    counts. Where s₁ = 0, a tenth of the training rows, drawn by ``seed``, becomes validation.
    """
    if not frame.height:
        raise WatchtimeError(f"{protocol.title}: the log has no rows.")
    parts = np.full(frame.height, OUTSIDE, dtype=np.int8)
    left_out = {}
    inside = _of_logs(frame, protocol.logs or (main_log,))
    if not inside.all():
        left_out["of another log"] = int((~inside).sum())
    first_day = _first_day(frame.filter(pl.Series(inside)), protocol) if protocol.order == "days" else 0
    if core is not None:
        kept = k_core(frame.filter(pl.Series(inside)), core, protocol.title)
        left_out[f"outside the {core}-core"] = int((~kept).sum())
        inside[inside] = kept
    parts[inside] = _parts(frame.filter(pl.Series(inside)), protocol, seed, first_day)
    for part, name in enumerate(PARTS):
        if not (parts == part).any():
            raise WatchtimeError(f"{protocol.title}: the {name} part is empty, the log has only {inside.sum()} rows.")
    return Split(parts, left_out, core)


def k_core(frame: pl.DataFrame, core: int, title: str) -> Mask:
    """Return the largest set of rows in which every user and every item has at least ``core`` rows; a mask."""
    sides = Sides.of_frame(frame).of.values()
    kept = np.ones(frame.height, dtype=np.bool_)
    before = -1
    while before != (before := int(kept.sum())):
        for code in sides:
            kept &= np.bincount(code[kept], minlength=code.max(initial=0) + 1)[code] >= core
    if not kept.any():
        raise WatchtimeError(
            f"{title}: no row is left in the {core}-core; `core` of the data set in the configuration lowers it."
        )
    return kept


def _of_logs(frame: pl.DataFrame, logs: Sequence[str | None]) -> Mask:
    if "log" not in frame.columns or logs == (None,):
        return np.ones(frame.height, dtype=np.bool_)
    return frame["log"].is_in(list(logs)).to_numpy().copy()


def _parts(frame: pl.DataFrame, protocol: Protocol, seed: int, first_day: int) -> Parts:
    shares = [Fraction(str(share)) for share in protocol.shares]  # exact: 0.1 is a tenth
    if protocol.order == "logs":
        parts = _by_log(frame, protocol)
    elif protocol.order == "days":
        ends = [float(end) for end in accumulate(shares)]
        number = frame["day"].cast(pl.Int32).to_numpy() - first_day
        parts = np.searchsorted(ends[:2], number, side="right").astype(np.int8)
    else:
        order = _permutation(frame.height, seed) if protocol.order == "random" else _by_time(frame, protocol.title)
        parts = np.empty(frame.height, dtype=np.int8)
        parts[order] = _cut(frame.height, shares)
    if shares[VALIDATION] == 0:
        training = np.flatnonzero(parts == TRAINING)
        held_out = np.random.default_rng(derive_seed(seed, use="held_out")).permutation(training)
        parts[held_out[: len(training) // 10]] = VALIDATION
    return parts


def _cut(rows: int, shares: Sequence[Fraction]) -> Parts:
    """Return the parts of ``rows`` ordered rows."""
    ends = [int(rows * share // sum(shares)) for share in accumulate(shares)]
    return np.repeat(np.arange(3, dtype=np.int8), np.diff(ends, prepend=0))


def _permutation(rows: int, seed: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(derive_seed(seed, use="permutation")).permutation(rows)


def _by_time(frame: pl.DataFrame, title: str) -> npt.NDArray[np.int64]:
    _need(frame, "timestamp", title)
    return np.lexsort((frame["raw_row"].to_numpy(), frame["timestamp"].to_numpy()))


def _first_day(frame: pl.DataFrame, protocol: Protocol) -> int:
    """Return the number of the first day; the log must cover exactly as many days as the shares say."""
    _need(frame, "day", protocol.title)
    days, expected = frame["day"], sum(Fraction(str(share)) for share in protocol.shares)
    first, last = (int(day) for day in days.cast(pl.Int32).to_numpy()[[days.arg_min() or 0, days.arg_max() or 0]])
    if last - first + 1 != expected:
        raise WatchtimeError(
            f"{protocol.title}: the log covers {last - first + 1} days ({days.min()!s} to {days.max()!s}), "
            f"exactly {expected} are expected."
        )
    return first


def _by_log(frame: pl.DataFrame, protocol: Protocol) -> Parts:
    if protocol.logs is None or "log" not in frame.columns:
        raise WatchtimeError(f"{protocol.title}: the log does not say which of {protocol.logs} a row is from.")
    return np.where(frame["log"].to_numpy() == protocol.logs[0], TRAINING, TEST).astype(np.int8)


def _need(frame: pl.DataFrame, name: str, title: str) -> None:
    missing = frame[name].null_count() if name in frame.columns else frame.height
    if missing:
        raise WatchtimeError(f"{title}: {missing} rows have no {name}.")
