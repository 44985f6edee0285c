"""Means, paired comparisons and ties of a leaderboard, from hand-made values."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from watchtime.reporting.measured.results import Line, Measure, Results


def seeds(method: str, values: list[float]) -> list[dict[str, object]]:
    row = {"method": method, "variant": "v", "readout": "mean", "metric": "mae", "convention": ""}
    facts = {"parameters": 1, "deterministic": len(values) == 1}
    return [{**row, **facts, "repetition": place, "value": value} for place, value in enumerate(values)]


NOISE = [0.00, 0.03, -0.02, 0.05, -0.04]


def test_what_is_tied_with_the_best_follows_from_the_paired_test_not_from_decimals() -> None:
    """``near`` is worse in every seed by nearly the same; ``far`` has a worse mean and so large a spread."""
    frame = pl.DataFrame(
        seeds("best", [1 + noise for noise in NOISE])
        + seeds("near", [1.02 + noise + place / 1e4 for place, noise in enumerate(NOISE)])
        + seeds("far", [1.1 + 5 * noise for noise in reversed(NOISE)])
        + seeds("fixed", [1.5])
        + seeds("same", [1 + noise for noise in NOISE]),
    )
    results, measure = Results(frame, 5), Measure.of("mae")
    tied = results.best(results.lines(), [measure])[measure]
    assert {line.method for line in tied} == {"best", "far", "same"}


def test_ties_are_corrected_over_the_table() -> None:
    """One comparison is significant by itself; among six with p-values above 0.3 it no longer is."""
    ours, other = [1 + noise for noise in NOISE], [1.03 + noise * 1.65 for noise in NOISE]
    p_value = float(stats.ttest_rel(other, ours).pvalue)
    assert 0.05 / 7 < p_value <= 0.05
    results = Results(pl.DataFrame(seeds("best", ours) + seeds("other", other)), 5)
    measure = Measure.of("mae")
    assert len(results.best(results.lines(), [measure])[measure]) == 1
    rows = seeds("best", ours) + seeds("other", other)
    for place in range(6):
        rows += seeds(f"noisy{place}", [1.005 + place / 1e4 + 0.3 * one for one in np.roll(NOISE, place)])
    crowded = Results(pl.DataFrame(rows), 5)
    assert len(crowded.best(crowded.lines(), [measure])[measure]) == 8


def test_without_chance_only_equal_values_are_tied() -> None:
    frame = pl.DataFrame(seeds("one", [1.0]) + seeds("two", [1.0]) + seeds("three", [1.0000001]))
    results, measure = Results(frame, 5), Measure.of("mae")
    assert {line.method for line in results.best(results.lines(), [measure])[measure]} == {"one", "two"}


def test_a_gain_is_the_paired_share_of_the_reference_by_which_a_line_is_better() -> None:
    """100 (4 / 5, 4 / 4, 6 / 4): less is better by 20, 0 and −50 %; the interval is t₂(0.975) = 4.303 · s / √3."""
    frame = pl.DataFrame(seeds("reference", [5.0, 4.0, 4.0]) + seeds("ours", [4.0, 4.0, 6.0]))
    (reference, ours), measure = Results(frame, 3).lines(), Measure.of("mae")
    gain = Results(frame, 3).gain(ours, reference, measure)
    assert gain is not None
    assert gain.mean == pytest.approx(-10)
    assert gain.high == pytest.approx(-10 + 4.30265 * np.std([20, 0, -50], ddof=1) / 3**0.5, rel=1e-5)
    more = Results(frame.with_columns(metric=pl.lit("xauc"), convention=pl.lit("strict")), 3)
    better = more.gain(ours, reference, Measure.of("xauc"))
    assert better is not None
    assert better.mean == pytest.approx(10), "more is better"


def test_there_is_no_gain_over_nothing() -> None:
    frame = pl.DataFrame(seeds("zero", [0.0, 0.0]) + seeds("one", [1.0, 1.0]))
    results, measure, missing = Results(frame, 2), Measure.of("mae"), Line("none", "v", "mean")
    zero, one = results.lines()
    assert results.gain(one, zero, measure) is None
    assert results.gain(one, missing, measure) is None
    assert results.gain(missing, one, measure) is None


def test_equal_means_keep_their_order() -> None:
    frame = pl.DataFrame([row for name in "bcad" for row in seeds(name, [2.0 if name in "ca" else 1.0])])
    for metric, expected in (("mae", "bdca"), ("users", "cabd")):
        results = Results(frame.with_columns(metric=pl.lit(metric)), 2)
        ranked = results.ranked(results.lines(), Measure.of(metric))
        assert "".join(line.method for line in ranked) == expected
        assert results.leader(results.lines(), Measure.of(metric)) == ranked[0]


def test_lines_without_a_value_stand_last() -> None:
    frame = pl.DataFrame(seeds("b", [2.0, 2.1]) + seeds("a", [1.0, 1.1]))
    results, missing = Results(frame, 2), Line("none", "v", "mean")
    ranked = results.ranked([missing, *results.lines()], Measure.of("mae"))
    assert [line.method for line in ranked] == ["a", "b", "none"]
    assert results.leader([missing], Measure.of("mae")) is None
