"""Whether near targets have near code embeddings, with Rank-N-Contrast and without (RQ-Reg, figure 3)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from watchtime.analyses.embedding_geometry import (
    RANDOM,
    distance_correlation,
    distances,
    nearest,
    projected,
    random_table,
    token_table,
    value_grid,
)
from watchtime.analyses.study import Study
from watchtime.datasets.protocols import TRAINING
from watchtime.labels.base import Floats, Integers

NEAR = 5
"""Two values of the grid are near where at most this many steps of its order lie between them."""


def tables(study: Study) -> dict[str, pl.DataFrame]:
    """Return ``points``, ``structure`` and ``facts`` of e(y) = [e(q_1); …; e(q_L)] for a grid of training targets y.

    ``points`` has each row's first repetition in the two dimensions of t-SNE. ``structure`` has for every row and
    repetition the rank correlation of distances between values and between embeddings, and the share of values whose
    nearest neighbour by embedding is near in value; the row ``random`` is the same codes with random embeddings.
    """
    values, jobs = value_grid(study.target(TRAINING)), study.jobs
    codes = {row: study.codec(spec).encode(values)["tokens"].astype(np.int64) for row, spec in jobs.items()}
    learned = {row: [token_table(state) for state in study.model(spec).states] for row, spec in jobs.items()}
    points = [_points(row, values, embedded(codes[row], learned[row][0]), spec.seed) for row, spec in jobs.items()]
    structure = [one for row in jobs for one in _structure(row, values, codes[row], learned[row])]
    # Rows share their codebook, so that the first one's random embeddings stand for all.
    row, spec = next(iter(jobs.items()))
    random = [random_table(table, spec.seed, repetition) for repetition, table in enumerate(learned[row])]
    structure += _structure(RANDOM, values, codes[row], random)
    facts = {"values": len(values), "near": NEAR, "near_by_chance": near_by_chance(len(values))}
    return {"points": pl.concat(points), "structure": pl.DataFrame(structure), "facts": pl.DataFrame([facts])}


def embedded(tokens: Integers, table: Floats) -> Floats:
    """Return [E[q_1]; …; E[q_L]], [values, L × width], of codes [values, L]."""
    return table[tokens].reshape(len(tokens), -1)


def near_share(apart: Floats) -> float:
    """Return the share of the points, in the order of their values, that are near their nearest neighbour by value."""
    return float(np.mean(np.abs(nearest(apart) - np.arange(len(apart))) <= NEAR))


def near_by_chance(number: int) -> float:
    """Return the share of pairs of ``number`` values that are near."""
    steps = np.arange(1, min(NEAR, number - 1) + 1)
    return float((number - steps).sum() / (number * (number - 1) / 2)) if number > 1 else 1.0


def _points(row: str, values: Floats, vectors: Floats, seed: int) -> pl.DataFrame:
    plane = projected(vectors, seed)
    return pl.DataFrame({"row": [row] * len(values), "value": values, "x": plane[:, 0], "y": plane[:, 1]})


def _structure(
    row: str, values: Floats, tokens: Integers, tables: list[Floats]
) -> Iterator[dict[str, str | int | float]]:
    for repetition, table in enumerate(tables):
        apart = distances(embedded(tokens, table))
        correlation = distance_correlation(values, apart)
        yield {"row": row, "repetition": repetition, "correlation": correlation, "near": near_share(apart)}
