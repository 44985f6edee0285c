"""Columns of numbers with their decimal points under one another.

A right-aligned column is aligned when everything right of the points is equally wide. What a cell
lacks there (an interval, a digit, a minus sign, a note) is filled with Unicode spaces, one kind for
each width; the PDF style sets each exactly as wide as the glyph that it stands for.
"""

from __future__ import annotations

import math
import numbers as kinds
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

MISSING = "–"
MINUS = "−"
_SIGNS = MINUS + "<"

_BLANKS = str.maketrans(
    {
        **dict.fromkeys("0123456789", "\u2007"),
        **dict.fromkeys(".,", "\u2008"),
        **dict.fromkeys(_SIGNS + "±", "\u2002"),
        **dict.fromkeys("[]", "\u2005"),
        " ": "\u00a0",
    }
)


@dataclass(frozen=True)
class Interval:
    """An estimate with the ends of its interval, in the unit of the mean; without ends where there is none.

    One repetition gives a mean and no interval.
    """

    mean: float
    low: float | None
    high: float | None

    @classmethod
    def around(cls, mean: float, half_width: float) -> Interval:
        """Return the interval mean ± half-width."""
        return cls(mean, mean - half_width, mean + half_width)


Number = float | Interval | None


def blank(text: str) -> str:
    """Return spaces as wide as ``text``."""
    return text.translate(_BLANKS)


def format_number(value: float, decimals: int) -> str:
    """Return the number as `round_number` does; one that is not zero but would print so as a bound, <0.001."""
    if math.isfinite(value) and value != 0 and float(f"{value:.{decimals}f}") == 0:
        return f"{'<' if value > 0 else '>' + MINUS}{10.0**-decimals:.{decimals}f}"
    return round_number(value, decimals)


def round_number(value: float, decimals: int) -> str:
    """Return the number with ``decimals`` places, a true minus, and commas between thousands."""
    if math.isnan(value):
        return "undefined"
    text = "∞" if math.isinf(value) else f"{abs(value):,.{decimals}f}"
    return f"{MINUS}{text}" if value < 0 and text.strip("0.") else text


def usual_decimals(numbers: Sequence[Number]) -> int:
    """Return the decimals that show four digits of the median number; none for whole numbers."""
    means = [number.mean if isinstance(number, Interval) else number for number in numbers]
    finite = [mean for mean in means if mean is not None and math.isfinite(mean)]
    if all(isinstance(mean, kinds.Integral) for mean in finite):
        return 0
    usual = statistics.median(map(abs, finite))
    return min(max(3 - math.floor(math.log10(usual)), 0), 6) if usual > 0 else 1


def align(numbers: Sequence[Number], decimals: int) -> list[tuple[str, str]]:
    """Return each number as (estimate, rest), where all rests are equally wide.

    The rest holds the interval, ``± half-width`` where every interval of the column is symmetric and
    ``[low, high]`` otherwise, and blanks for what other rows have and this one lacks.
    """
    tails = _tails([_ends(number) for number in numbers], decimals)
    lacking = blank(max(tails, default=""))
    aligned = []
    for number, tail in zip(numbers, tails, strict=True):
        mean = number.mean if isinstance(number, Interval) else number
        estimate = MISSING if mean is None else format_number(float(mean), decimals)
        fraction = "" if estimate[-1].isdigit() or not decimals else blank("." + "0" * decimals)
        aligned.append((estimate, fraction + (tail or lacking)))
    return aligned


def _ends(number: Number) -> tuple[float, float, float] | None:
    """Return (mean, low, high) of an interval that has ends."""
    if not isinstance(number, Interval) or number.low is None or number.high is None:
        return None
    return number.mean, number.low, number.high


def _tails(intervals: Sequence[tuple[float, float, float] | None], decimals: int) -> list[str]:
    """Return the intervals as text, each part padded to its column's longest; nothing where there is none."""
    known = [interval for interval in intervals if interval is not None]
    if all(abs((low + high) / 2 - mean) <= 0.005 * (high - low) + 1e-12 * abs(mean) for mean, low, high in known):
        halves = _padded([format_number((high - low) / 2, decimals) for _, low, high in known])
        texts = [f"\u00a0±\u00a0{half}" for half in halves]
    else:
        lows = _padded([round_number(low, decimals) for _, low, _ in known])
        highs = _padded([round_number(high, decimals) for _, _, high in known])
        texts = [f"\u00a0[{low},\u00a0{high}]" for low, high in zip(lows, highs, strict=True)]
    remaining = iter(texts)
    return ["" if interval is None else next(remaining) for interval in intervals]


def _padded(texts: Sequence[str]) -> list[str]:
    """Fill the texts on the left to the width of the widest sign and the longest number."""
    unsigned = [text.lstrip(_SIGNS) for text in texts]
    longest = max(unsigned, key=len, default="")
    sign = next((text[0] for text in texts if text[0] in _SIGNS), "")
    return [
        blank(longest[: len(longest) - len(number)] + (sign if text == number else "")) + text
        for text, number in zip(texts, unsigned, strict=True)
    ]
