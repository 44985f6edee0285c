"""The simulated log beside the stored marginals of the real one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from handmade_run import write_run
from watchtime.core.errors import WatchtimeError
from watchtime.datasets.simulator import tables
from watchtime.reporting.data import real_marginals, simulator_marginals
from watchtime.reporting.data.marginals import DURATION_EDGES, Stored, bucket_titles, in_buckets, relative_counts
from watchtime.reporting.elements.tables import Table
from watchtime.reporting.rendering.page import page_of
from watchtime.reporting.report import Report

UNIFORM = Stored(np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.5, 1.0]))
WITH_ATOM = Stored(np.array([0.0, 0.25, 0.75, 1.0]), np.array([0.0, 2.0, 2.0, 3.0]))


@given(st.lists(st.floats(-0.5, 1.5), min_size=1, max_size=40))
def test_the_distance_to_a_uniform_distribution_is_scipys(sample: list[float]) -> None:
    expected = stats.kstest(np.clip(sample, 0, 1), "uniform").statistic
    assert UNIFORM.distance(np.clip(sample, 0, 1)) == pytest.approx(expected, abs=1e-12)


def test_equal_knots_are_a_jump() -> None:
    places = np.array([-1.0, 0.0, 1.0, 2.0, 2.5, 3.0, 4.0])
    assert WITH_ATOM.share(places) == pytest.approx([0, 0, 0.125, 0.75, 0.875, 1, 1])
    assert WITH_ATOM.share(places, below=True) == pytest.approx([0, 0, 0.125, 0.25, 0.875, 1, 1])
    assert Stored(np.array([0.0, 0.5, 1.0]), np.array([1.0, 1.0, 2.0])).share(np.array([1.0])) == pytest.approx([0.5])
    assert Stored(np.array([0.0, 0.5, 1.0]), np.array([1.0, 2.0, 2.0])).share(np.array([2.0]), True) == [0.5]


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ([2.0], 0.25),  # F jumps from 0.25 to 0.75 where the sample jumps from 0 to 1
        ([2.0, 2.0, 2.0, 3.0], 0.25),
        ([0.0], 1.0),
        ([5.0], 1.0),
        ([1.0, 2.0], 0.375),  # just above 1 the sample is at 0.5, F at 0.125
    ],
)
def test_the_distance_by_hand(sample: list[float], expected: float) -> None:
    assert WITH_ATOM.distance(np.array(sample)) == pytest.approx(expected)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=25))
def test_the_distance_is_the_largest_gap_of_a_fine_grid(sample: list[int]) -> None:
    values = np.array(sample) / 2
    grid = np.concatenate([np.linspace(-0.1, 3.6, 371), values, values - 1e-9])
    ours = np.array([np.mean(values <= place) for place in grid])
    assert WITH_ATOM.distance(values) == pytest.approx(np.max(np.abs(WITH_ATOM.share(grid) - ours)), abs=1e-6)


def test_a_bucket_holds_its_upper_end() -> None:
    rows = in_buckets(np.array([13.0, 13.5, 30.0, 120.0, 121.0, 5.0]), np.arange(6.0))
    assert [one.tolist() for one in rows] == [[0, 5], [1, 2], [3], [4]]
    assert bucket_titles() == ["up to 13 s", "13 to 30 s", "30 to 120 s", "above 120 s"]


def test_counts_are_over_their_mean() -> None:
    assert sorted(relative_counts(pl.Series(["a", "a", "a", "b"]))) == [0.5, 1.5]


def test_the_stored_marginals_are_distributions() -> None:
    buckets = len(DURATION_EDGES) - 1
    assert len(real_marginals.ROWS) == len(real_marginals.ZERO_SHARES) == len(real_marginals.RATIOS) == buckets
    for knots in real_marginals.RATIOS:
        assert len(knots) == len(tables.TAIL_LEVELS)
        assert np.all(np.diff(knots) > 0)
        assert knots[0] > 0
        assert knots[-1] < 10


def test_the_page_sets_real_and_simulated_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plan = write_run(tmp_path, tables=False)
    assert page_of(plan, "simulator").subtitle == "run demo · size tiny · all rows"
    report = Report("results/demo", "simulator")
    simulator_marginals.draw(report)
    assert "seed 1" in simulator_marginals.opening(report)
    found = {str(row[0]): row for row in simulator_marginals.distances(report).rows if isinstance(row, list)}
    assert list(found)[:3] == ["Duration", "Rows per user", "Rows per video"]
    # All seven items are 10 s long where each is seen first, a length that 7.1 % of the real videos do not exceed.
    assert found["Duration"][1:4] == [7, pytest.approx(81.17), 10.0]
    real = np.interp(10.0, np.array(tables.DURATION_MS) / 1000, tables.TAIL_LEVELS)
    assert found["Duration"][4] == pytest.approx(1 - real)
    assert found["Duration"][5] == pytest.approx(1.358 / np.sqrt(7))
    assert found["Watch ratio, up to 13 s"][1] == 666
    table = simulator_marginals.zeros(report)
    assert isinstance(table, Table)
    (first, *_, last) = (list(row) for row in table.rows if isinstance(row, list))
    assert first[2] == pytest.approx(100 / 3)
    assert first[4] == pytest.approx(33.4)
    assert first[5] == pytest.approx(33.4 - 8.705)
    assert last[2] == 0


def test_a_real_log_has_no_such_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "simulator" not in write_run(tmp_path, real=True, tables=False).pages
    with pytest.raises(WatchtimeError, match="unknown artifact 'simulator'"):
        Report("results/demo", "simulator")
