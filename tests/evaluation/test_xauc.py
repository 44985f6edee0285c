"""XAUC under every convention against loops written from the definitions, exactly equal."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations, permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from watchtime.core.errors import WatchtimeError
from watchtime.evaluation.xauc import CONVENTIONS, PairCounts, count_pairs, xauc

ROW_ORDER = ("tpm", "rqreg", "d2q")


def strict(y: list[float], p: list[float]) -> tuple[int, int]:
    comparable = [(i, j) for i, j in permutations(range(len(y)), 2) if y[i] > y[j]]
    credit = sum(2 if p[i] > p[j] else 1 if p[i] == p[j] else 0 for i, j in comparable)
    return credit, 2 * len(comparable)


def inversions(y: list[float], p: list[float], counts: Callable[[float, float], bool]) -> tuple[int, int]:
    """Sort the rows by falling prediction, then count the pairs of targets that ``counts`` accepts."""
    falling = [pair[0] for pair in sorted(zip(y, p, strict=True), key=lambda pair: pair[1], reverse=True)]
    return sum(counts(before, after) for before, after in combinations(falling, 2)), math.comb(len(y), 2)


def tpm(y: list[float], p: list[float]) -> tuple[int, int]:
    return inversions(y, p, lambda before, after: before > after)


def rqreg(y: list[float], p: list[float]) -> tuple[int, int]:
    return tpm(p, y)


def d2q(y: list[float], p: list[float]) -> tuple[int, int]:
    return inversions(y, p, lambda before, after: before >= after)


def ptpm(y: list[float], p: list[float]) -> tuple[int, int]:
    pairs = list(combinations(range(len(y)), 2))
    return sum(np.sign(y[i] - y[j]) * np.sign(p[i] - p[j]) > 0 for i, j in pairs), len(pairs)


def prowtp(y: list[float], p: list[float]) -> tuple[int, int]:
    pairs = list(permutations(range(len(y)), 2))
    return sum((p[i] > p[j]) == (y[i] > y[j]) for i, j in pairs), len(pairs)


def dadf(y: list[float], p: list[float]) -> tuple[int, int]:
    """The inversions of the sorted targets, less those inside each block of equal predictions."""
    correct, total = tpm(y, p)
    for value in set(p):
        block = [a for a, b in zip(y, p, strict=True) if b == value]
        correct -= sum(before > after for before, after in combinations(block, 2))
    return correct, total


DEFINITIONS = {f.__name__: f for f in (strict, tpm, rqreg, d2q, ptpm, prowtp, dadf)}

few = st.sampled_from([0.0, -0.0, 1.0, 2.5, 7.0])
any_float = st.floats(-1e9, 1e9, width=32)
tables = st.one_of(
    st.lists(st.tuples(few, few), min_size=1, max_size=24),
    st.lists(st.tuples(few, any_float), min_size=1, max_size=24),
    st.lists(st.tuples(any_float, any_float), min_size=1, max_size=24),
)


def test_every_convention_has_a_definition_to_print() -> None:
    assert list(CONVENTIONS) == list(DEFINITIONS)
    assert all(definition.endswith(".") and "\n" not in definition for definition in CONVENTIONS.values())


@pytest.mark.parametrize("convention", CONVENTIONS)
@settings(max_examples=150)
@given(table=tables, dtype=st.sampled_from([np.float32, np.float64]))
def test_equals_the_definition_exactly(
    convention: str, table: list[tuple[float, float]], dtype: type[np.floating[Any]]
) -> None:
    target, prediction = np.array(table, dtype).T
    credit, whole = DEFINITIONS[convention](target.tolist(), prediction.tolist())
    found = xauc(target, prediction, convention)
    assert found == credit / whole if whole else math.isnan(found)


# Rows 0..4; the ten pairs: 01 tied in the target, 02 discordant, 03 concordant, 04 tied in the prediction,
# 12 and 13 concordant, 14 concordant, 23 tied in the target, 24 concordant, 34 discordant.
TARGET = [1.0, 1.0, 2.0, 2.0, 3.0]
PREDICTION = [4.0, 2.0, 3.0, 5.0, 4.0]


def test_counts_by_hand() -> None:
    assert count_pairs(TARGET, PREDICTION) == PairCounts(
        pairs=10, concordant=5, discordant=2, tied_target_only=2, tied_prediction_only=1, tied_both=0
    )


@pytest.mark.parametrize(
    ("convention", "value"),
    [
        ("strict", 5.5 / 8),
        ("tpm", 5 / 10),  # pair 04: the row stored first has the smaller target
        ("rqreg", 6 / 10),  # pair 01: the row stored first has the larger prediction; not so 23
        ("d2q", 7 / 10),
        ("ptpm", 5 / 10),
        ("prowtp", 6.5 / 10),
        ("dadf", 5 / 10),
    ],
)
def test_conventions_by_hand(convention: str, value: float) -> None:
    assert xauc(TARGET, PREDICTION, convention) == value


def test_a_constant_prediction_scores_one_half_under_strict_and_what_the_rows_say_under_tpm() -> None:
    target = np.arange(10.0)
    assert xauc(target, np.zeros(10), "strict") == 0.5
    assert xauc(target, np.zeros(10), "tpm") == 0.0
    assert xauc(target[::-1], np.zeros(10), "tpm") == 1.0
    assert xauc(target, np.zeros(10), "ptpm") == 0.0


def test_undefined_is_nan() -> None:
    assert math.isnan(xauc([1.0, 1.0], [1.0, 2.0], "strict"))
    assert all(math.isnan(xauc([1.0], [1.0], convention)) for convention in CONVENTIONS)
    assert math.isnan(count_pairs([1.0], [1.0]).target_tie_mass)


def test_tie_mass() -> None:
    counts = count_pairs([0, 0, 0, 1], [5, 5, 6, 7])
    assert counts.target_tie_mass == 3 / 6
    assert counts.prediction_tie_mass == 1 / 6
    assert counts.tied_both == 1


@settings(max_examples=50)
@given(table=tables, seed=st.integers(0, 2**32))
def test_the_order_of_the_rows_matters_to_three_conventions_only(table: list[tuple[float, float]], seed: int) -> None:
    target, prediction = np.array(table).T
    order = np.random.default_rng(seed).permutation(len(table))
    assert count_pairs(target, prediction) == count_pairs(target[order], prediction[order])
    for convention in set(CONVENTIONS) - set(ROW_ORDER):
        shuffled = xauc(target[order], prediction[order], convention)
        assert np.array_equal(xauc(target, prediction, convention), shuffled, equal_nan=True)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_a_rising_map_of_the_predictions_changes_nothing(convention: str) -> None:
    generator = np.random.default_rng(3)
    target, prediction = generator.integers(0, 30, 400), generator.integers(0, 50, 400)
    assert xauc(target, np.exp(prediction / 10), convention) == xauc(target, prediction, convention)


def test_counts_are_symmetric_and_turn_over_with_the_sign() -> None:
    generator = np.random.default_rng(4)
    target, prediction = generator.integers(0, 30, 400), generator.integers(0, 50, 400)
    counts, turned = count_pairs(target, prediction), count_pairs(target, -prediction)
    swapped = count_pairs(prediction, target)
    assert (turned.concordant, turned.discordant) == (counts.discordant, counts.concordant)
    assert (swapped.tied_target_only, swapped.tied_prediction_only) == (
        counts.tied_prediction_only,
        counts.tied_target_only,
    )
    assert xauc(target, prediction, "rqreg") == xauc(prediction, target, "tpm")


def test_strict_with_two_classes_is_the_area_under_the_roc_curve() -> None:
    generator = np.random.default_rng(5)
    target = generator.integers(0, 2, 500)
    prediction = np.round(target + generator.normal(0, 2, 500), 1)
    assert xauc(target, prediction) == pytest.approx(roc_auc_score(target, prediction), abs=1e-12)


def test_counts_are_python_ints() -> None:
    assert {type(value) for value in vars(count_pairs([1, 2], [3.0, 4.0])).values()} == {int}


def test_an_unknown_convention_is_refused() -> None:
    with pytest.raises(WatchtimeError, match="unknown XAUC convention 'strickt', did you mean 'strict'"):
        xauc([1.0, 2.0], [1.0, 2.0], "strickt")
