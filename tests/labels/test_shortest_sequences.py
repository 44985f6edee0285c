from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchtime.core.errors import WatchtimeError
from watchtime.labels.shortest_sequences import shortest_lengths
from watchtime.labels.storage import fit_codec

WHOLE_TOKENS = st.sets(st.integers(2, 60), max_size=6).map(lambda tokens: sorted({1, *tokens}, reverse=True))
UNITS = st.sampled_from([1.0, 0.5, 0.01])


def coin_change(tokens: list[int], largest: int) -> list[int]:
    """The fewest tokens for every sum up to ``largest``: one more than for the best sum that is one token smaller."""
    fewest = [0]
    for amount in range(1, largest + 1):
        fewest.append(1 + min(fewest[amount - token] for token in tokens if token <= amount))
    return fewest


def shortest(target: list[float], tokens: list[int], unit: float, tolerance: float) -> list[int]:
    return shortest_lengths(np.array(target), np.array(tokens, dtype=float), unit, tolerance).tolist()


@settings(max_examples=60)
@given(
    st.lists(st.one_of(st.integers(0, 300), st.floats(0, 300)), max_size=20),
    WHOLE_TOKENS,
    UNITS,
    st.sampled_from([0.0, 0.001, 0.03, 0.1]),
)
def test_against_coin_change(whole: list[float], tokens: list[int], unit: float, tolerance: float) -> None:
    target = [value * unit for value in whole]
    fewest = coin_change(tokens, 400)

    def near(value: float) -> list[int]:
        bound = max(tolerance * value, unit / 2) * (1 + 1e-9)
        return [fewest[amount] for amount in range(401) if abs(value - amount * unit) <= bound]

    assert shortest(target, tokens, unit, tolerance) == [min(near(value)) for value in target]


def test_by_hand() -> None:
    # 6 = 3 + 3, where greedy writes 4 + 1 + 1; 0 is empty, 0.5 too, 0.51 is 1.
    assert shortest([6.0, 0.0, 0.5, 0.51, 8.0], [4, 3, 1], 1.0, 0.0) == [2, 0, 0, 1, 2]


def test_sums_may_exceed_the_target() -> None:
    # 40 = 20 + 20 misses 39 by 1, less than 5 %; within 1 % 20 and nineteen times 1 are needed.
    assert shortest([39.0], [20, 1], 1.0, 0.05) == [2]
    assert shortest([39.0], [20, 1], 1.0, 0.01) == [20]
    assert shortest([1.5], [2, 1], 1.0, 0.0) == [1]
    assert shortest([39.0], [20, 1], 1.0, 2.0) == [0]


@settings(max_examples=40)
@given(
    st.lists(st.integers(0, 20_000).map(lambda value: value / 100), min_size=1, max_size=30),
    st.sampled_from(["dynamic_quantile", "manual", "binary"]),
    st.sampled_from([0.0, 0.001, 0.05]),
)
def test_no_greedy_sequence_is_shorter(train: list[float], kind: str, tolerance: float) -> None:
    options = {"vocabulary": kind, "tolerance": tolerance, "max_length": 1000}
    target = np.array(train)
    codec: Any = fit_codec("token_vocabulary", options, target)
    lengths = shortest_lengths(target, codec.whole_tokens, codec.unit, tolerance)
    assert np.all(lengths <= codec.lengths(target))
    assert np.all((lengths == 0) == (target <= codec.unit / 2))


def test_no_targets() -> None:
    assert shortest([], [1], 1.0, 0.001) == []


def test_too_many_units_are_refused() -> None:
    with pytest.raises(
        WatchtimeError, match=r"targets up to 6000\.0 in units of 0\.001 need all sums up to 6006000 units"
    ):
        shortest([6000.0], [1], 0.001, 0.001)
