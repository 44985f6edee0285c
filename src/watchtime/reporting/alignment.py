"""Columns of numbers with their decimal points under one another.

A right-aligned column is aligned when everything right of the points is equally wide. What a cell
lacks there (an interval, a digit, a minus sign, a note) is filled with Unicode spaces, one kind for
each width; the PDF style sets each exactly as wide as the glyph that it stands for.
"""

from __future__ import annotations

import math
import numbers as kinds
from collections.abc import Sequence
from dataclasses import dataclass

MISSING = "–"
MINUS = "−"

_BLANKS = str.maketrans(
    {
        **dict.fromkeys("0123456789", "\u2007"),
        **dict.fromkeys(".,", "\u2008"),
        **dict.fromkeys("−±", "\u2002"),
        **dict.fromkeys("[]", "\u2005"),
        " ": "\u00a0",
    }
)


@dataclass(frozen=True)
class Interval:
    """An estimate with the ends of its interval, ``low`` ≤ ``mean`` ≤ ``high``, in the unit of the mean."""

    mean: float
    low: float
    high: float

    @classmethod
    def around(cls, mean: float, half_width: float) -> Interval:
        """Return the interval mean ± half-width."""
        return cls(mean, mean - half_width, mean + half_width)

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2

    def is_known(self) -> bool:
        """Tell whether both ends are numbers; one seed gives a mean and no interval."""
        return not (math.isnan(self.low) or math.isnan(self.high))

    def is_symmetric(self) -> bool:
        """Tell whether the mean is the middle, within a hundredth of the half-width."""
        return abs((self.high + self.low) / 2 - self.mean) <= 0.01 * self.half_width + 1e-12 * abs(self.mean)


Number = float | Interval | None


def blank(text: str) -> str:
    """Return spaces as wide as ``text``."""
    return text.translate(_BLANKS)


def pad(text: str, longest: str) -> str:
    """Fill ``text`` on the left to the width of ``longest``."""
    return blank(longest[: len(longest) - len(text)]) + text


def format_number(value: float, decimals: int) -> str:
    """Return the number with ``decimals`` places, a true minus, and commas between thousands.

    A number that is not zero but would print as zero is given as a bound, such as <0.001.
    """
    if math.isnan(value):
        return "undefined"
    sign = MINUS if value < 0 else ""
    if math.isinf(value):
        return f"{sign}∞"
    if value != 0 and float(f"{value:.{decimals}f}") == 0:
        return f"{'>' if sign else '<'}{sign}{10.0**-decimals:.{decimals}f}"
    return f"{sign}{abs(value):,.{decimals}f}"


def usual_decimals(numbers: Sequence[Number]) -> int:
    """Return the decimals that show four digits of the largest number; none for whole numbers."""
    means = [number.mean if isinstance(number, Interval) else number for number in numbers]
    finite = [mean for mean in means if mean is not None and math.isfinite(mean)]
    if all(isinstance(mean, kinds.Integral) for mean in finite):
        return 0
    largest = max(map(abs, finite))
    return min(max(3 - math.floor(math.log10(largest)), 0), 6) if largest > 0 else 1


def align(numbers: Sequence[Number], decimals: int) -> list[tuple[str, str]]:
    """Return each number as (estimate, rest), where all rests are equally wide.

    The rest holds the interval, ``± half-width`` where every interval of the column is symmetric
    and ``[low, high]`` otherwise, and blanks for what other rows have and this one lacks.
    """
    known = {i: n for i, n in enumerate(numbers) if isinstance(n, Interval) and n.is_known()}
    tails = dict(zip(known, _tails(list(known.values()), decimals), strict=True))
    lacking = blank(max(tails.values(), key=len, default=""))
    aligned = []
    for index, number in enumerate(numbers):
        mean = number.mean if isinstance(number, Interval) else number
        estimate = MISSING if mean is None else format_number(float(mean), decimals)
        fraction = "" if estimate[-1].isdigit() or not decimals else blank("." + "0" * decimals)
        aligned.append((estimate, fraction + tails.get(index, lacking)))
    return aligned


def _tails(intervals: Sequence[Interval], decimals: int) -> list[str]:
    if all(interval.is_symmetric() for interval in intervals):
        halves = _padded([format_number(interval.half_width, decimals) for interval in intervals])
        return [f"\u00a0±\u00a0{half}" for half in halves]
    lows = _padded([format_number(interval.low, decimals) for interval in intervals])
    highs = _padded([format_number(interval.high, decimals) for interval in intervals])
    return [f"\u00a0[{low},\u00a0{high}]" for low, high in zip(lows, highs, strict=True)]


def _padded(texts: Sequence[str]) -> list[str]:
    longest = max(texts, key=len, default="")
    return [pad(text, longest) for text in texts]
