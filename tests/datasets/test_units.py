"""Units of raw files."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from watchtime.datasets.units import seconds


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=50), st.sampled_from([1, 2, 4]))
def test_seconds_are_the_nearest_floats(numbers: list[int], part: int) -> None:
    found = pl.DataFrame({"ms": [number / part for number in numbers]}).select(seconds("ms"))["ms"]
    assert found.to_list() == [number / (1000 * part) for number in numbers]
