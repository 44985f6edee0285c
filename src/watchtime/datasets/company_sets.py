"""Which companies a published count is about: sets whose customers and positives sum to what was printed.

With n_c customers and p_c positive ones of company c, the sets S are sought with

    |Σ_{c∈S} n_c − N| ≤ b   and   |Σ_{c∈S} p_c / Σ_{c∈S} n_c − s| ≤ h,

N the printed number of samples, s the printed share of positives and h half a unit of its last digit. All sums of one
half of the companies are met with those of the other half, so K companies take 2^(K/2) sums and not 2^K.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt

MOST_COMPANIES = 40
_WORK = 2**26  # pairs of half sets that are looked at
_BLOCK = 2**20

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Found:
    """Sets as places in the given counts, the smallest first; not ``complete`` where the search was cut short."""

    sets: list[tuple[int, ...]]
    complete: bool


@dataclass(frozen=True)
class _Half:
    """The sums over all sets of some companies: bit k of ``sets`` is company k + ``first``; arrays are (sets,)."""

    samples: Integers
    positives: Integers
    sizes: Integers
    sets: Integers
    first: int

    @classmethod
    def of(cls, samples: Sequence[int], positives: Sequence[int], first: int, most: int) -> _Half:
        sizes = _sums([1] * len(samples))
        kept = np.flatnonzero(sizes <= most)
        return cls(_sums(samples)[kept], _sums(positives)[kept], sizes[kept], kept, first)

    def sorted(self) -> _Half:
        order = np.argsort(self.samples, kind="stable")
        return _Half(self.samples[order], self.positives[order], self.sizes[order], self.sets[order], self.first)

    def members(self, place: int) -> list[int]:
        bits = int(self.sets[place])
        return [self.first + bit for bit in range(bits.bit_length()) if bits >> bit & 1]


def find_sets(
    samples: Sequence[int],
    positives: Sequence[int],
    total: int,
    percent: str,
    most: int,
    bound: int = 0,
    limit: int = 100,
) -> Found:
    """Return every set of 1 to ``most`` companies with ``total`` ± ``bound`` samples, ``percent`` of them positive.

    ``percent`` is the text as printed ("90.12"), whose digits say how far it is rounded. The search stops after
    ``limit`` sets or 2^26 pairs of half sets, whichever is first, and then says that it is not complete. Raises
    ``ValueError`` for more than 40 companies.
    """
    if len(samples) > MOST_COMPANIES:
        raise ValueError(f"{len(samples)} companies, at most {MOST_COMPANIES} are allowed")
    middle = len(samples) // 2
    one = _Half.of(samples[:middle], positives[:middle], 0, most)
    other = _Half.of(samples[middle:], positives[middle:], middle, most).sorted()
    low = np.searchsorted(other.samples, total - bound - one.samples, side="left")
    high = np.searchsorted(other.samples, total + bound - one.samples, side="right")
    ends = np.cumsum(high - low)
    pairs = int(ends[-1])
    found: list[tuple[int, ...]] = []
    for start in range(0, min(pairs, _WORK), _BLOCK):
        number = np.arange(start, min(start + _BLOCK, pairs, _WORK))
        left = np.searchsorted(ends, number, side="right")
        right = high[left] - (ends[left] - number)
        size = one.sizes[left] + other.sizes[right]
        share = _has_share(
            one.samples[left] + other.samples[right], one.positives[left] + other.positives[right], percent
        )
        good = np.flatnonzero(share & (size >= 1) & (size <= most)).tolist()
        found += [(*one.members(left[place]), *other.members(right[place])) for place in good]
        if len(found) > limit:
            break
    complete = len(found) <= limit and pairs <= _WORK
    return Found(sorted(found[:limit], key=lambda places: (len(places), places)), complete)


def _sums(values: Sequence[int]) -> Integers:
    """Return the sum of every set of the values, (2^values,); bit k of the place says whether value k is in."""
    sums = np.zeros(1, dtype=np.int64)
    for value in values:
        sums = np.concatenate([sums, sums + value])
    return sums


def _has_share(samples: Integers, positives: Integers, percent: str) -> npt.NDArray[np.bool_]:
    """Return whether positives / samples rounds to ``percent``, in whole numbers."""
    share = Fraction(percent) / 100
    unit = Fraction(10) ** int(Decimal(percent).as_tuple().exponent) / 100
    scale = int(2 / unit)
    return np.abs(positives * scale - samples * int(share * scale)) <= samples
