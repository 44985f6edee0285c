"""Codes of users and items: equal for equal values alone, and counts that agree with sets."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchtime.datasets.codes import Sides, codes

VALUES = {
    "near": st.integers(-5, 5),
    "far": st.integers(-(2**60), 2**60),
    "text": st.text("ab", max_size=3),
}


@pytest.mark.parametrize("kind", VALUES)
@given(data=st.data())
def test_codes_are_equal_for_equal_values_alone(kind: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(VALUES[kind], min_size=1, max_size=30))
    found = codes(pl.Series("x", values, dtype=pl.String if kind == "text" else pl.Int64))
    assert found.min() >= 0
    assert len(set(zip(values, found.tolist(), strict=True))) == len(set(values)) == len(set(found.tolist()))


def test_far_numbers_get_small_codes() -> None:
    assert codes(pl.Series([10**15, 3, 10**15, -(10**15)])).tolist() == [2, 1, 2, 0]
    assert codes(pl.Series([], dtype=pl.Int64)).tolist() == []


@given(rows=st.lists(st.tuples(st.integers(0, 5), st.text("xyz", max_size=2), st.booleans()), min_size=1, max_size=40))
def test_counts_agree_with_sets(rows: list[tuple[int, str, bool]]) -> None:
    frame = pl.DataFrame({"user": [row[0] for row in rows], "item": [row[1] for row in rows]})
    chosen = [row for row in rows if row[2]]
    assert Sides.of_frame(frame).count(np.array([row[2] for row in rows])) == {
        "rows": len(chosen),
        "users": len({row[0] for row in chosen}),
        "items": len({row[1] for row in chosen}),
    }
