"""The fewest tokens that write a target, by searching all sums: what greedy encoding is measured against."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from watchtime.core.errors import WatchtimeError
from watchtime.labels.base import Floats, Integers
from watchtime.labels.token_vocabulary import allowed_error

Flags = npt.NDArray[np.bool_]
LARGEST_SUM = 5_000_000


def shortest_lengths(target: Floats, whole_tokens: Floats, unit: float, tolerance: float) -> Integers:
    """Return min { T : |y − Σ_{t ≤ T} g(s_t)| ≤ max(``tolerance`` · y, ``unit`` / 2) } of each target, [rows].

    Sums may fall short of y or exceed it. ``whole_tokens`` are the tokens in whole units, 1 among them. S_0 = {0} and
    S_k = ∪_w (S_{k−1} + w) are the sums of k tokens; a target's length is the first k for which S_k has a sum near it.

    Each S_k is a mask over all whole units up to the largest target, so time and memory grow with that; raises
    ``WatchtimeError`` where it is more than 5 million units. Source: GR, section 3.4, "minimal sequence length".
    """
    values, row = np.unique(target, return_inverse=True)
    units = values / unit
    allowed = allowed_error(units, tolerance)
    low, high = np.maximum(np.ceil(units - allowed), 0), np.floor(units + allowed)
    largest = float(high.max(initial=0.0))
    if largest > LARGEST_SUM:
        raise WatchtimeError(
            f"the shortest sequences of targets up to {values[-1]} in units of {unit} need all sums up to"
            f" {largest:.0f} units, allowed are at most {LARGEST_SUM}: leave out larger targets or take a larger unit."
        )
    windows = np.stack([low, high + 1]).astype(np.int64)
    tokens = np.sort(whole_tokens[whole_tokens <= largest]).astype(np.int64)
    lengths = np.full(len(values), -1)
    sums = np.zeros(int(largest) + 1, dtype=np.bool_)
    sums[0] = True
    length = 0
    while True:
        before = np.concatenate([[0], np.cumsum(sums)])
        lengths[(lengths < 0) & (before[windows[1]] > before[windows[0]])] = length
        if (lengths >= 0).all():
            return lengths[row]
        sums, length = _one_more(sums, tokens), length + 1


def _one_more(sums: Flags, tokens: Integers) -> Flags:
    """Return the mask of all sums with one token more; those above the largest are left out."""
    larger = np.zeros_like(sums)
    for token in tokens:
        larger[token:] |= sums[: len(sums) - token]
    return larger
