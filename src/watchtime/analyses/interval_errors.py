"""Errors and predictions by intervals of the true watch time (GR, figure 5)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from watchtime.analyses.study import Study
from watchtime.core.job import JobSpec
from watchtime.datasets.protocols import TEST, TRAINING
from watchtime.labels.base import Floats, Integers

EDGES = np.array([2.0, 4.0, 6.0, 8.0, 10.0])
"""Seconds: the intervals are [0, 2], (2, 4], … (8, 10] and everything above."""
CONSTANT = "training_median"
ORDER_ONLY = "rank"


def tables(study: Study) -> dict[str, pl.DataFrame]:
    """Return the test rows' ``truth`` by interval, and for every row, readout and repetition two tables.

    ``intervals`` has the MAE of the rows whose target is in an interval, and the share of predictions in it; ``whole``
    has the MAE, mean and variance over all test rows, those of the target itself as the row ``truth``. The row
    ``training_median`` is that number for every test row.
    """
    truth = study.target(TEST)
    median = np.full(len(truth), np.median(study.target(TRAINING)))
    predicted = [one for row, spec in study.jobs.items() for one in _predicted(study, row, spec)]
    predicted.append((CONSTANT, "median", 0, truth, median))
    whole = [_whole("truth", "", 0, truth, truth), *(_whole(*one) for one in predicted)]
    return {"truth": _truth(truth), "intervals": pl.concat(_by_interval(*one) for one in predicted)} | {
        "whole": pl.DataFrame(whole)
    }


def interval_of(seconds: Floats) -> Integers:
    """Return the number of the interval of each value; what is below 0 counts to the first."""
    return np.searchsorted(EDGES, seconds, side="left").astype(np.int64)


def _predicted(study: Study, row: str, spec: JobSpec) -> Iterator[tuple[str, str, int, Floats, Floats]]:
    """Yield row, readout, repetition, targets and predictions of every column that is in the target's unit."""
    frame = study.predictions(spec)
    truth = frame["target"].to_numpy()
    for readout in spec.readouts:
        for repetition in range(spec.repetitions):
            if readout != ORDER_ONLY:
                yield row, readout, repetition, truth, frame[f"{readout}.{repetition}"].cast(pl.Float64).to_numpy()


def _truth(truth: Floats) -> pl.DataFrame:
    rows = _counts(truth)
    bounds = {"low": np.concatenate([[0.0], EDGES]), "high": np.concatenate([EDGES, [np.inf]])}
    return pl.DataFrame({"interval": np.arange(len(rows)), **bounds, "rows": rows, "share": rows / len(truth)})


def _by_interval(row: str, readout: str, repetition: int, truth: Floats, prediction: Floats) -> pl.DataFrame:
    rows = _counts(truth)
    sums = np.bincount(interval_of(truth), np.abs(prediction - truth), minlength=len(rows))
    # An interval without rows has no error.
    errors = [float(total / count) if count else None for total, count in zip(sums, rows, strict=True)]
    return pl.DataFrame(
        {
            "row": [row] * len(rows),
            "readout": [readout] * len(rows),
            "repetition": [repetition] * len(rows),
            "interval": np.arange(len(rows)),
            "mae": pl.Series(errors, dtype=pl.Float64),
            "share": _counts(prediction) / len(prediction),
        }
    )


def _whole(row: str, readout: str, repetition: int, truth: Floats, prediction: Floats) -> dict[str, str | int | float]:
    names: dict[str, str | int | float] = {"row": row, "readout": readout, "repetition": repetition}
    error = float(np.mean(np.abs(prediction - truth)))
    # Of a constant it is exactly 0 this way.
    variance = float(np.var(prediction - prediction[0]))
    return {**names, "mae": error, "mean": float(np.mean(prediction)), "variance": variance}


def _counts(seconds: Floats) -> npt.NDArray[np.int64]:
    return np.bincount(interval_of(seconds), minlength=len(EDGES) + 1).astype(np.int64)
