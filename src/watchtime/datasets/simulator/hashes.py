"""Anonymous ids as 32 upper-case hexadecimal digits, made from whole numbers by integer arithmetic alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from watchtime.datasets.simulator.arithmetic import Integers

Words = npt.NDArray[np.uint64]
STEP = 0x9E3779B97F4A7C15  # 2^64 / golden ratio, odd: its multiples modulo 2^64 never meet
FACTORS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def hashes(kind: int, codes: Integers) -> pl.Series:
    """Return the id of each code, which lies in [0, 2^40); two kinds of id have no id in common."""
    distinct, where = np.unique(codes, return_inverse=True)
    first = _mixed(distinct.astype(np.uint64) + np.uint64(kind << 40))
    second = _mixed(first)
    texts = [f"{high:016X}{low:016X}" for high, low in zip(first.tolist(), second.tolist(), strict=True)]
    return pl.Series(texts, dtype=pl.String)[where]


def _mixed(words: Words) -> Words:
    """Return a bijection of 64-bit words in which every bit of the argument moves about half of the result's.

    It is the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
    """
    words = (words + np.uint64(1)) * np.uint64(STEP)
    for shift, factor in zip((30, 27), FACTORS, strict=True):
        words = (words ^ (words >> np.uint64(shift))) * np.uint64(factor)
    return words ^ (words >> np.uint64(31))
