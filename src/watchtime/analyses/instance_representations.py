"""Whether errors grow with the distance of a row's representation from its ideal centre (ProWTP, figures 4 and 5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import pearsonr, spearmanr

from watchtime.analyses.embedding_geometry import projected
from watchtime.analyses.study import Study
from watchtime.core.seeds import derive_seed
from watchtime.datasets.protocols import TEST
from watchtime.labels.base import Floats, Integers

STARTS = (0.0, 1.0, 2.0)
"""Watch ratios from which the three groups of rows reach ``WIDTH`` far."""
WIDTH = 0.1
CENTRAL, LARGE = 0.01, 0.3
"""Errors below the first make the ideal centre of a group; those above the second are large."""
SAMPLE = 250
"""Rows of a group at most that are drawn, and looked at where pairs count."""


@dataclass(frozen=True)
class Rows:
    """Test rows of the three groups as one repetition's model sees them.

    ``vectors`` f(x) [rows, width] · ``group`` [rows] · ``error`` |ŷ − y| of the watch ratio [rows] · ``centres`` of the
    groups, [groups, width], NaN where a group has no row with a small enough error.
    """

    vectors: Floats
    group: Integers
    error: Floats
    centres: Floats

    @classmethod
    def of(cls, vectors: Floats, group: Integers, error: Floats) -> Rows:
        centres = np.full((len(STARTS), vectors.shape[1]), np.nan)
        for number in range(len(STARTS)):
            central = (group == number) & (error < CENTRAL)
            if central.any():
                centres[number] = vectors[central].mean(0)
        return cls(vectors, group, error, centres)

    @property
    def distance(self) -> Floats:
        """‖f(x) − centre‖ of every row, NaN where its group has no centre, [rows]."""
        return np.asarray(np.linalg.norm(self.vectors - self.centres[self.group], axis=1))

    def sample(self, chosen: npt.NDArray[np.bool_], seed: int, repetition: int) -> Integers:
        """Return the places of at most ``SAMPLE`` rows of every group among the ``chosen``, in order."""
        generator = np.random.default_rng(derive_seed(seed, axis="representations", repetition=repetition))
        parts = [np.flatnonzero(chosen & (self.group == number)) for number in range(len(STARTS))]
        return np.sort(np.concatenate([generator.permutation(part)[:SAMPLE] for part in parts]))


def tables(study: Study) -> dict[str, pl.DataFrame]:
    """Return ``points`` of every row's first repetition, and ``groups`` and ``methods`` of all repetitions.

    ``points``: of panel ``error`` the distance from the centre as x and the error as y; of ``near`` t-SNE of the rows
    with an error below ``LARGE``; of ``far`` t-SNE of each group's other rows with its centre, whose error is null.
    ``groups``: numbers of rows, and the correlation of error and distance. ``methods``: the same over all groups,
    how well groups part among the rows of ``near`` (the silhouette coefficient), and the share of all test rows whose
    pre-activation of the output is not positive.
    """
    test = study.part(TEST)
    durations = np.asarray(test.duration)
    ratio = _ratio(study.target(TEST), durations)
    group = grouped(ratio)
    chosen = np.flatnonzero(group >= 0)
    points, groups, methods = list[pl.DataFrame](), list[dict[str, Any]](), list[dict[str, Any]]()
    for row, spec in study.jobs.items():
        model = study.model(spec)
        for repetition in range(spec.repetitions):
            predicted = study.predictions(spec)[f"{spec.readouts[0]}.{repetition}"].to_numpy().astype(np.float64)
            error = np.abs(_ratio(predicted, durations) - ratio)[chosen]
            vectors = study.represented(model, repetition, test.rows(chosen))
            rows = Rows.of(vectors, group[chosen], error)
            outputs = np.concatenate([slab[:, 0] for slab in study.outputs(model, repetition, test)])
            names = {"row": row, "repetition": repetition}
            groups += [names | one for one in group_facts(rows)]
            inactive = {"inactive": float(np.mean(outputs <= 0)), "silhouette": silhouette(rows, spec.seed, repetition)}
            methods.append(names | correlations(rows.error, rows.distance) | inactive)
            if repetition == 0:
                points += [frame.select(pl.lit(row).alias("row"), pl.all()) for frame in _points(rows, spec.seed)]
    return {"points": pl.concat(points), "groups": _table(groups, "distance"), "methods": _table(methods, "silhouette")}


def grouped(ratio: Floats) -> Integers:
    """Return the group of every watch ratio, −1 of one in no group, [rows]."""
    starts = np.array(STARTS)
    place = np.searchsorted(starts, ratio, side="right") - 1
    inside = (place >= 0) & (ratio < starts[place] + WIDTH)
    return np.where(inside, place, -1)


def correlations(error: Floats, distance: Floats) -> dict[str, float | None]:
    """Return Pearson's and Spearman's correlation where both vary; None where that is not so."""
    known = np.isfinite(distance)
    pair = error[known], distance[known]
    if known.sum() < 2 or not all(np.ptp(one) for one in pair):
        return {"pearson": None, "spearman": None}
    return {"pearson": float(pearsonr(*pair).statistic), "spearman": float(spearmanr(*pair).statistic)}


def group_facts(rows: Rows) -> Iterator[dict[str, Any]]:
    """Yield the numbers of each group."""
    for number in range(len(STARTS)):
        own = rows.group == number
        error, distance = rows.error[own], rows.distance[own]
        yield {
            "group": number,
            "rows": int(own.sum()),
            "central": int((error < CENTRAL).sum()),
            "large": int((error > LARGE).sum()),
            "distance": float(distance.mean()) if np.isfinite(distance).any() else None,
            **correlations(error, distance),
        }


def silhouette(rows: Rows, seed: int, repetition: int) -> float | None:
    """Return the silhouette coefficient of the groups among a sample of the rows with a small error.

    The mean of (b − a) / max(a, b), a being the mean distance to rows of the own group and b that to the nearest other
    group: 1 where groups lie apart, 0 where they are mixed. None where fewer than two groups are there.
    """
    # The import takes a second, which other analyses need not wait for.
    from sklearn.metrics import silhouette_score

    sample = rows.sample(rows.error < LARGE, seed, repetition)
    if not 2 <= len(np.unique(rows.group[sample])) < len(sample):
        return None
    return float(silhouette_score(rows.vectors[sample], rows.group[sample]))


def _ratio(seconds: Floats, durations: Floats) -> Floats:
    return np.divide(seconds, durations, out=np.full(len(seconds), np.nan), where=durations > 0)


def _points(rows: Rows, seed: int) -> Iterator[pl.DataFrame]:
    drawn = rows.sample(np.isfinite(rows.distance), seed, 0)
    yield _frame("error", rows.group[drawn], np.stack([rows.distance[drawn], rows.error[drawn]], 1), rows.error[drawn])
    near = rows.sample(rows.error < LARGE, seed, 0)
    yield _frame("near", rows.group[near], projected(rows.vectors[near], seed), rows.error[near])
    large = rows.sample(rows.error > LARGE, seed, 0)
    for number in range(len(STARTS)):
        own, centre = large[rows.group[large] == number], rows.centres[number]
        if np.isfinite(centre).all():
            plane = projected(np.concatenate([rows.vectors[own], centre[None]]), seed)
            yield _frame("far", np.full(len(plane), number), plane, np.append(rows.error[own], np.nan))


def _table(rows: list[dict[str, Any]], undefined: str) -> pl.DataFrame:
    """Return a table in which correlations and the column ``undefined`` may be null throughout."""
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(("pearson", "spearman", undefined), pl.Float64))


def _frame(panel: str, group: Integers, places: npt.NDArray[Any], error: Floats) -> pl.DataFrame:
    columns = {"group": group, "x": places[:, 0], "y": places[:, 1], "error": error}
    frame = pl.DataFrame({name: np.asarray(one, dtype=np.float64) for name, one in columns.items()})
    return frame.select(
        pl.lit(panel).alias("panel"), pl.col("group").cast(pl.Int64), "x", "y", pl.col("error").fill_nan(None)
    )
