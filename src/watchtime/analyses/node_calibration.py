"""Whether a tree's leaves get the mass that they have, and how well its classifiers order rows (PTPM, figure 7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import torch

from watchtime.analyses.study import Study
from watchtime.core.job import JobSpec
from watchtime.datasets.protocols import TEST
from watchtime.labels.base import Floats, Integers
from watchtime.labels.quantile_tree import QuantileTree
from watchtime.labels.tree_paths import leaf_probabilities, node_depths

Logits = npt.NDArray[np.float32]


def tables(study: Study) -> dict[str, pl.DataFrame]:
    """Return ``leaves`` and ``nodes`` of the global tree, before pruning, per row and repetition, on the test rows.

    ``leaves``: the interval [low, high), its number of ``rows``, the ``predicted`` number Σ_i p(leaf | x_i), and
    ``ratio`` = predicted / rows, null where there are none. ``nodes``: the depth of each classifier, its own ``rows``,
    whose target is in its interval, and its ``auc_own`` on them and ``auc_all`` on all rows, null where all of them
    have the same label. The label is whether the target is at least the middle edge of the node's interval.
    """
    measured = [one for row, spec in study.jobs.items() for one in _measured(study, row, spec)]
    return {name: pl.concat(one[name] for one in measured) for name in ("leaves", "nodes")}


def area(scores: npt.NDArray[Any], positive: npt.NDArray[np.bool_]) -> float | None:
    """Return the area under the ROC curve, P(s⁺ > s⁻) + P(s⁺ = s⁻) / 2; None where all rows are alike."""
    low, high = np.sort(scores[~positive]), np.sort(scores[positive])
    below = np.searchsorted(low, high, "left") + np.searchsorted(low, high, "right")
    return float(below.sum() / (2 * len(low) * len(high))) if len(low) and len(high) else None


def _measured(study: Study, row: str, spec: JobSpec) -> Iterator[dict[str, pl.DataFrame]]:
    codec = study.codec(spec)
    assert isinstance(codec, QuantileTree)
    leaf = codec.leaf_of(study.target(TEST))
    for repetition in range(spec.repetitions):
        predicted, logits = _outputs(study, spec, repetition, len(leaf), codec.settings.leaves)
        frames = {"leaves": _leaves(codec, leaf, predicted), "nodes": _nodes(codec, leaf, logits)}
        names = [pl.lit(row).alias("row"), pl.lit(repetition).alias("repetition")]
        yield {name: frame.select(*names, pl.all()) for name, frame in frames.items()}


def _outputs(study: Study, spec: JobSpec, repetition: int, rows: int, leaves: int) -> tuple[Floats, Logits]:
    """Return Σ_i p(leaf | x_i) of the test rows, [leaves], and the logits of the classifiers, [leaves − 1, rows].

    Further outputs, which prune, stand behind the classifiers.
    """
    predicted, logits, start = np.zeros(leaves), np.empty((leaves - 1, rows), np.float32), 0
    for slab in study.outputs(study.model(spec), repetition, study.part(TEST)):
        own = slab[:, : leaves - 1]
        predicted += leaf_probabilities(torch.from_numpy(own).double()).sum(0).numpy()
        logits[:, start : start + len(own)] = own.T
        start += len(own)
    return predicted, logits


def _leaves(codec: QuantileTree, leaf: Integers, predicted: Floats) -> pl.DataFrame:
    rows = np.bincount(leaf, minlength=len(predicted))
    ratio = np.divide(predicted, rows, out=np.full(len(rows), np.nan), where=rows > 0)
    columns = {"leaf": np.arange(len(rows)), "low": codec.edges[:-1], "high": codec.edges[1:], "rows": rows}
    return pl.DataFrame({**columns, "predicted": predicted, "ratio": pl.Series(ratio, nan_to_null=True)})


def _nodes(codec: QuantileTree, leaf: Integers, logits: Logits) -> pl.DataFrame:
    depths = node_depths(codec.settings.leaves).tolist()
    rows = []
    for node, (scores, first, stop) in enumerate(zip(logits, *codec.node_leaves(), strict=False)):
        right, own = leaf >= (first + stop) // 2, (leaf >= first) & (leaf < stop)
        areas = {"auc_own": area(scores[own], right[own]), "auc_all": area(scores, right)}
        rows.append({"node": node, "depth": depths[node], "rows": int(own.sum()), **areas})
    return pl.DataFrame(rows, schema_overrides={"auc_own": pl.Float64, "auc_all": pl.Float64})
