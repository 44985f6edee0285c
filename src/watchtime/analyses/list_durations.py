"""How long the videos are that methods put on users' lists (LabelCraft, figure 2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from watchtime.analyses.study import Study
from watchtime.datasets.protocols import TEST
from watchtime.labels.base import Floats

BINS = 15
CANDIDATES = "candidates"


def tables(study: Study) -> dict[str, pl.DataFrame]:
    """Return ``histograms`` and ``spread`` of the durations on the lists of the test rows, in seconds.

    A user's list are the k test rows of the highest scores, the earlier row of equal scores; users with fewer have
    none. Bins have equally many test rows of these users, as far as durations allow it. ``histograms``: the ``share``
    of list places per row of the artifact, repetition and bin, ``low`` to ``high``; the row ``candidates`` are all test
    rows of the same users. ``spread``: the mean and deviation of all durations on lists, the mean deviation ``within``
    a list, and the number of ``users``.
    """
    duration, found = study.duration(TEST), list[dict[str, Any]]()
    listed = dict[tuple[str, int], Floats]()
    for row, spec in study.jobs.items():
        frame, size = study.predictions(spec).with_columns(duration=duration), spec.settings["list_length"]
        many = frame.filter(pl.len().over("user") >= size)
        listed[CANDIDATES, 0] = many["duration"].to_numpy()
        for repetition in range(spec.repetitions):
            lists = _lists(many, f"{spec.readouts[0]}.{repetition}", size)
            listed[row, repetition] = lists["duration"].to_numpy()
            within = lists.group_by("user", maintain_order=True).agg(pl.col("duration").std())["duration"]
            found.append({"row": row, "repetition": repetition} | _spread(listed[row, repetition], within))
    edges = np.unique(np.quantile(listed[CANDIDATES, 0], np.linspace(0, 1, BINS + 1), method="nearest"))
    edges = edges if len(edges) > 1 else np.array([edges[0], edges[0] + 1])
    histograms = [
        {"row": row, "repetition": repetition, "low": low, "high": high, "share": share}
        for (row, repetition), values in listed.items()
        for low, high, share in zip(
            *(one.tolist() for one in (edges[:-1], edges[1:], np.histogram(values, edges)[0] / len(values))),
            strict=True,
        )
    ]
    return {"histograms": pl.DataFrame(histograms), "spread": pl.DataFrame(found)}


def _lists(frame: pl.DataFrame, score: str, size: int) -> pl.DataFrame:
    """Return the ``size`` rows of each user with the highest scores."""
    place = pl.col(score).rank("ordinal", descending=True).over("user")
    return frame.filter(place <= size)


def _spread(durations: Floats, within: pl.Series) -> dict[str, float | int]:
    return {
        "mean": float(durations.mean()),
        "deviation": float(durations.std()),
        "within": float(within.to_numpy().mean()),
        "users": len(within),
    }
