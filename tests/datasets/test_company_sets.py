"""Sets of companies with published numbers: against all subsets, and a planted set among many."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchtime.datasets import company_sets
from watchtime.datasets.company_sets import Found, find_sets


def all_sets(
    samples: list[int], positives: list[int], total: int, percent: str, most: int, bound: int
) -> list[tuple[int, ...]]:
    """Every set, one subset after another, smallest first."""
    half = Fraction(1, 2 * 10 ** len(percent.partition(".")[2]))
    return [
        places
        for size in range(1, most + 1)
        for places in combinations(range(len(samples)), size)
        for n in [sum(samples[k] for k in places)]
        for p in [sum(positives[k] for k in places)]
        if abs(n - total) <= bound and n and abs(Fraction(100 * p, n) - Fraction(percent)) <= half
    ]


COUNTS = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 12)), min_size=1, max_size=9)


@given(COUNTS, st.integers(1, 40), st.sampled_from(["50", "0", "83.3", "66.67", "100.0"]), st.integers(1, 9), st.data())
def test_it_finds_what_trying_all_sets_finds(
    counts: list[tuple[int, int]], total: int, percent: str, most: int, data: st.DataObject
) -> None:
    samples = [n for n, _ in counts]
    positives = [min(n, p) for n, p in counts]
    bound = data.draw(st.integers(0, 3))
    found = find_sets(samples, positives, total, percent, most, bound, limit=1000)
    assert found == Found(all_sets(samples, positives, total, percent, most, bound), complete=True)


def planted(companies: int, members: list[int]) -> tuple[list[int], list[int], int, str]:
    """Counts such as those of real companies; the total and the share of positives of ``members``."""
    rng = np.random.default_rng(1)
    samples = rng.integers(60_000, 300_000, companies)
    positives = np.round(samples * rng.uniform(0.8, 0.97, companies)).astype(np.int64)
    total = int(samples[members].sum())
    return samples.tolist(), positives.tolist(), total, f"{100 * int(positives[members].sum()) / total:.2f}"


def test_a_planted_set_of_companies_is_the_only_one_among_20() -> None:
    members = [2, 5, 11, 16]
    samples, positives, total, percent = planted(20, members)
    assert find_sets(samples, positives, total, percent, most=20) == Found([tuple(members)], complete=True)
    assert find_sets(samples, positives, total, percent, most=3) == Found([], complete=True)
    assert find_sets(samples, positives, total + 1, percent, most=20, bound=1).sets == [tuple(members)]


def test_a_planted_set_is_found_among_40() -> None:
    members = [2, 5, 21, 36, 39]
    samples, positives, total, percent = planted(40, members)
    found = find_sets(samples, positives, total, percent, most=6)
    assert found.complete
    assert tuple(members) in found.sets


def test_a_search_that_finds_too_many_says_so() -> None:
    found = find_sets([10] * 20, [9] * 20, 50, "90", most=20, limit=7)
    assert not found.complete
    assert len(found.sets) == 7
    assert all(len(set(places)) == 5 for places in found.sets)
    assert found == find_sets([10] * 20, [9] * 20, 50, "90", most=20, limit=7)


def test_pairs_of_half_sets_are_looked_at_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = Found(list(combinations(range(8), 3)), complete=True)
    assert find_sets([10] * 8, [9] * 8, 30, "90", most=8) == expected
    monkeypatch.setattr(company_sets, "_BLOCK", 5)
    assert find_sets([10] * 8, [9] * 8, 30, "90", most=8) == expected


def test_a_search_that_is_too_long_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    # 2^40 pairs of half sets have a sum within the bound, and no set has the share
    monkeypatch.setattr(company_sets, "_WORK", 2**21)
    assert find_sets([10] * 40, [9] * 40, 200, "10", most=40, bound=1000) == Found([], complete=False)


def test_a_limit_that_is_just_reached_is_complete() -> None:
    assert find_sets([10, 10, 10], [9, 9, 9], 10, "90", most=3, limit=3) == Found([(0,), (1,), (2,)], complete=True)


def test_digits_say_how_far_the_share_is_rounded() -> None:
    # 9012 of 10000 and 9012.4 of 10000 are both 90.12 %, of the second kind is 90.125 the last
    assert find_sets([100_000], [90_125], 100_000, "90.12", most=1).sets == [(0,)]
    assert find_sets([100_000], [90_126], 100_000, "90.12", most=1).sets == []
    assert find_sets([100_000], [90_126], 100_000, "90.1", most=1).sets == [(0,)]


def test_more_than_40_companies_are_refused() -> None:
    with pytest.raises(ValueError, match="41 companies, at most 40 are allowed"):
        find_sets([1] * 41, [1] * 41, 3, "100", most=3)
