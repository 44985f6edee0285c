"""Three vocabularies of whole units, with which a sum of tokens can write every target (GR, sections 3.3 and 4.4).

Each returns its tokens in ascending order, all different, the first of them 1 unit.
"""

from __future__ import annotations

import numpy as np

from watchtime.labels.base import Floats, Integers


def dynamic_quantile(
    whole: Floats,
    rows: Integers,
    *,
    start_quantile: float,
    end_quantile: float,
    decay: float,
    smallest_error: float,
) -> Floats:
    """Return tokens w_1, w_2, … with w_i = ⌊the q_i-quantile of what w_1 … w_{i−1} left⌋ (GR, algorithm 1).

    All residuals start as the targets, ``whole`` [values] units, each the target of ``rows`` [values] rows. A round
    takes the quantile over all rows, zeros included, as a token, subtracts it from the residuals that are at least as
    large, and goes on with q · ``decay``, at least ``end_quantile``. It ends where the token would be 0 or where no
    residual is more than ``smallest_error`` of its target.

    Because zeros count, it ends as soon as no more than 1 − q of the residuals are positive. Where few targets are
    positive at all, as with sales, an ``end_quantile`` of 0.9 leaves a handful of tokens and long sequences; 1 minus a
    tenth of the positive share is what 0.9 is where all are.

    The algorithm alone does not write every target: it may end before any token is 1. Therefore 1 is always a token.
    Where the released code departs from the paper it is not followed: it takes the test labels too, subtracts the
    quantile before rounding down, so that residuals stop being sums of tokens, and keeps duplicates, although "each
    token must be unique".
    """
    residual, rows, target = _merged(whole, rows, whole)
    tokens, quantile = [1.0], start_quantile
    while token := float(np.floor(weighted_quantile(residual, rows, quantile))):
        tokens.append(token)
        residual, rows, target = _merged(np.where(residual >= token, residual - token, residual), rows, target)
        if np.max(residual / np.maximum(target, 1.0)) <= smallest_error:
            break
        quantile = max(quantile * decay, end_quantile)
    return np.unique(tokens)


def manual(largest: float) -> Floats:
    """Return 1, 3, 5, 10, 30, 50, … up to ``largest``; no training row could use a larger one (GR, section 4.4)."""
    tokens = np.array([float(first * 10**zeros) for zeros in range(len(str(int(largest)))) for first in (1, 3, 5)])
    return tokens[tokens <= max(largest, 1.0)]


def binary(largest: float) -> Floats:
    """Return 1, 2, 4, 8, … up to ``largest``; no training row could use a larger one (GR, section 4.4)."""
    return np.array([float(2**power) for power in range(max(int(largest), 1).bit_length())])


def weighted_quantile(values: Floats, rows: Integers, quantile: float) -> float:
    """Return ``np.quantile(np.repeat(values, rows), quantile)`` for sorted ``values`` without writing out the rows."""
    reached = np.cumsum(rows)
    place = quantile * float(reached[-1] - 1)
    below = int(place)
    pair = np.minimum([below, below + 1], reached[-1] - 1)
    return float(np.quantile(values[np.searchsorted(reached, pair, side="right")], place - below))


def _merged(residual: Floats, rows: Integers, target: Floats) -> tuple[Floats, Integers, Floats]:
    """Return the different residuals in ascending order, their rows, and the smallest target of each."""
    order = np.argsort(residual, kind="stable")
    ordered = residual[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1.0))
    return ordered[starts], np.add.reduceat(rows[order], starts), np.minimum.reduceat(target[order], starts)
