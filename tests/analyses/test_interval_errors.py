"""Errors by interval of the truth against a loop over rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from studies import write_study
from watchtime.analyses.interval_errors import interval_of, tables
from watchtime.core.job import JobSpec

ARTIFACT = "gr/figure5"
TEST_ROWS = [0.0, 2.0, 2.001, 5.0, 9.0, 10.0, 10.5, 40.0]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def predicted(spec: JobSpec, readout: str, repetition: int) -> Sequence[float]:
    """Return predictions that differ between methods, readouts and repetitions, one of them below 0."""
    generator = np.random.default_rng([len(spec.method), len(readout), repetition])
    return np.array([-1.0, *generator.uniform(0, 15, len(TEST_ROWS) - 1)]).tolist()


def slow_interval(seconds: float) -> int:
    return next((place for place, edge in enumerate((2, 4, 6, 8, 10)) if seconds <= edge), 5)


def test_every_row_readout_and_repetition_is_as_a_loop_finds_it(here: Path) -> None:
    study = write_study(here, ARTIFACT, [1.0, 4.0, 100.0], TEST_ROWS, predicted, repetitions=2)
    made = tables(study)
    names = made["intervals"].select("row", "readout", "repetition").unique(maintain_order=True).rows()
    readouts = {row: [one for one in spec.readouts if one != "rank"] for row, spec in study.jobs.items()}
    expected = [(row, one, number) for row, known in readouts.items() for one in known for number in (0, 1)]
    assert names == [*expected, ("training_median", "median", 0)]
    assert [row for row, _, _ in expected][::2] == ["tpm", "tpm", "cread", "cread", *["gr"] * 4]
    for row, readout, number in names:
        values = [4.0] * 8 if row == "training_median" else predicted(study.jobs[row], readout, number)
        values = [float(np.float32(value)) for value in values]
        frame = made["intervals"].filter(row=row, readout=readout, repetition=number)
        for interval, error, share in frame.select("interval", "mae", "share").iter_rows():
            missed = [abs(y - p) for y, p in zip(TEST_ROWS, values, strict=True) if slow_interval(y) == interval]
            assert error == (pytest.approx(sum(missed) / len(missed)) if missed else None)
            assert share == sum(slow_interval(one) == interval for one in values) / 8
        whole = made["whole"].filter(row=row, readout=readout, repetition=number).row(0, named=True)
        assert whole["mae"] == pytest.approx(np.mean([abs(y - p) for y, p in zip(TEST_ROWS, values, strict=True)]))
        assert whole["mean"] == pytest.approx(sum(values) / 8)
        assert whole["variance"] == pytest.approx(sum((one - sum(values) / 8) ** 2 for one in values) / 8)


def test_the_truth_is_that_of_the_test_rows(here: Path) -> None:
    made = tables(write_study(here, ARTIFACT, [1.0], TEST_ROWS, predicted))
    assert made["truth"]["rows"].to_list() == [2, 1, 1, 0, 2, 2]
    assert made["truth"]["share"].sum() == 1
    assert made["truth"].select("low", "high").row(0) == (0, 2)
    assert made["truth"].select("low", "high").row(5) == (10, float("inf"))
    truth = made["whole"].row(0, named=True)
    assert (truth["row"], truth["mae"], truth["mean"]) == ("truth", 0, pytest.approx(np.mean(TEST_ROWS)))


def test_an_edge_belongs_to_the_interval_below_it() -> None:
    seconds = np.array([-3.0, 0, 2, 2.0001, 4, 8, 10, 10.0001, 999])
    assert interval_of(seconds).tolist() == [slow_interval(one) for one in seconds] == [0, 0, 0, 1, 1, 3, 4, 5, 5]
