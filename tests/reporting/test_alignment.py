import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchtime.reporting.elements.alignment import Interval, Number, align, format_number, usual_decimals

# One width per glyph, any that tells the glyphs apart: each blank is as wide as what it stands for.
WIDTHS = {**dict.fromkeys("0123456789\u2007", 10), **dict.fromkeys(".,\u2008", 3), **dict.fromkeys("−±<\u2002", 12)}
WIDTHS |= {**dict.fromkeys("[]\u2005", 5), **dict.fromkeys(" \u00a0", 4)}
NUMBERS = st.floats(-1e5, 1e5)


def width(text: str) -> int:
    return sum(WIDTHS[glyph] for glyph in text)


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (12.345, 2, "12.35"),
        (-0.5, 1, "−0.5"),
        (1234567, 0, "1,234,567"),
        (-1234.5, 1, "−1,234.5"),
        (0.0004, 3, "<0.001"),
        (-0.0004, 3, ">−0.001"),
        (0.0, 3, "0.000"),
        (0.3, 0, "<1"),
        (math.nan, 2, "undefined"),
        (-math.inf, 2, "−∞"),
    ],
)
def test_numbers_are_written_as_by_hand(value: float, decimals: int, text: str) -> None:
    assert format_number(value, decimals) == text


@pytest.mark.parametrize(
    ("numbers", "decimals"),
    [
        ([1, 20, None], 0),
        ([12.3, 4.5, 1000], 2),
        ([0.61, -0.61, None], 4),
        ([1234.5], 0),
        ([Interval(0.0012, None, None)], 6),
        ([], 0),
        ([0.0], 1),
        ([math.nan], 0),
    ],
)
def test_without_decimals_the_median_shows_four_digits(numbers: list[Number], decimals: int) -> None:
    assert usual_decimals(numbers) == decimals


def test_an_end_that_rounds_to_zero_has_no_sign() -> None:
    assert align([Interval(0.2, -0.001, 0.9)], 2) == [("0.20", "\u00a0[0.00,\u00a00.90]")]


def test_symmetric_intervals_are_plus_minus_and_missing_parts_are_blank() -> None:
    symmetric = [Interval.around(12.5, 0.25), Interval.around(3, 10.5)]
    numbers: list[Number] = [*symmetric, 7.25, Interval(1.0, None, None), None]
    assert align(numbers, 2) == [
        ("12.50", "\u00a0±\u00a0\u20070.25"),
        ("3.00", "\u00a0±\u00a010.50"),
        ("7.25", "\u00a0\u2002\u00a0\u2007\u2007\u2008\u2007\u2007"),
        ("1.00", "\u00a0\u2002\u00a0\u2007\u2007\u2008\u2007\u2007"),
        ("–", "\u2008\u2007\u2007\u00a0\u2002\u00a0\u2007\u2007\u2008\u2007\u2007"),
    ]


def test_one_asymmetric_interval_brackets_the_column() -> None:
    rests = [rest for _, rest in align([Interval(0, -1.5, 1.5), Interval(1, 0.5, 12.5)], 1)]
    assert rests == ["\u00a0[−1.5,\u00a0\u20071.5]", "\u00a0[\u20020.5,\u00a012.5]"]


@given(st.lists(st.one_of(NUMBERS, st.none(), st.tuples(NUMBERS, NUMBERS, NUMBERS)), min_size=1), st.integers(1, 4))
def test_what_stands_right_of_the_points_is_equally_wide(
    values: list[float | tuple[float, float, float] | None], decimals: int
) -> None:
    """The sum of glyph widths from the decimal point on, with blanks as wide as their glyph."""
    numbers: list[Number] = [Interval(sorted(v)[1], min(v), max(v)) if isinstance(v, tuple) else v for v in values]
    widths = set()
    for estimate, rest in align(numbers, decimals):
        _, point, fraction = estimate.partition(".")
        widths.add(width(point + fraction + rest))
    assert len(widths) == 1
