"""Watch ratios that ProWTP's stage 1 draws beside those of the training rows (ProWTP, figures 7 and 8)."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from pydantic import Field

from watchtime.analyses.distances import distance
from watchtime.analyses.study import Study
from watchtime.core.seeds import derive_seed
from watchtime.core.settings import Settings
from watchtime.datasets.protocols import TRAINING
from watchtime.labels.base import Floats
from watchtime.labels.duration_groups import group_by_start
from watchtime.labels.storage import fit_codec
from watchtime.labels.watch_ratio_mixtures import WatchRatioMixtures
from watchtime.prototypes.vectors import VectorSettings, allotted, drawn

BINS = 60
LAST = 0.99
"""The histograms of a bucket end at this quantile of its watch ratios."""


class Options(Settings):
    """D duration buckets, and how many vectors w are drawn for each of them."""

    buckets: int = Field(ge=1)
    # No bucket has more than eight peaks, so that one of them is given a vector.
    vectors: int = Field(100, ge=8)


def tables(study: Study) -> dict[str, pl.DataFrame]:
    """Return ``buckets``, ``peaks`` and ``histograms``; the mixtures are fitted here, to the training rows.

    ``buckets``: durations from ``low`` to ``high`` in seconds, ``rows``, ``vectors`` of ``length`` ratios, mean and
    deviation of the original and the sampled ratios, and ``wasserstein`` and ``kolmogorov`` between both; the same two
    ``…_by_chance`` to as many ratios as were sampled, drawn from all of the bucket. ``peaks``: weight, mean and
    deviation of each component of a bucket's mixture, and its vectors. ``histograms``: the densities ``original`` and
    ``sampled`` per bin; they integrate to the share of ratios up to ``LAST``.
    """
    options = study.options(Options)
    target, duration = study.target(TRAINING), study.duration(TRAINING)
    mixtures = fit_codec("watch_ratio_mixtures", {"buckets": options.buckets}, target, duration)
    assert isinstance(mixtures, WatchRatioMixtures)
    settings = VectorSettings(vectors=options.vectors)
    seed = derive_seed(study.plan.config.seed, axis="sampled_watch_ratios", dataset=study.dataset)
    generator = np.random.default_rng(seed)
    counts = allotted(mixtures, settings.vectors)
    sampled = np.split(drawn(mixtures, settings, generator), np.cumsum(counts.sum(axis=1))[:-1])
    known = duration > 0
    lasting, ratio = duration[known], target[known] / duration[known]
    bucket = group_by_start(mixtures.starts, lasting)
    buckets, histograms = [], []
    for number, vectors in enumerate(sampled):
        durations, original = lasting[bucket == number], ratio[bucket == number]
        span = {"bucket": number, "low": durations.min(), "high": durations.max()}
        made = {"rows": len(original), "vectors": len(vectors), "length": settings.vector_length}
        buckets.append(span | made | _compared(original, vectors.ravel(), generator))
        histograms.append(_histograms(number, original, vectors.ravel()))
    return {
        "buckets": pl.DataFrame(buckets),
        "peaks": pl.DataFrame([one for number in range(len(sampled)) for one in _peaks(mixtures, counts, number)]),
        "histograms": pl.concat(histograms),
    }


def _compared(original: Floats, sampled: Floats, generator: np.random.Generator) -> dict[str, float]:
    found, by_chance = distance(original, sampled), distance(original, generator.choice(original, len(sampled)))
    return {
        "original_mean": float(np.mean(original)),
        "sampled_mean": float(np.mean(sampled)),
        "original_deviation": float(np.std(original)),
        "sampled_deviation": float(np.std(sampled)),
        "wasserstein": found.wasserstein,
        "wasserstein_by_chance": by_chance.wasserstein,
        "kolmogorov": found.kolmogorov,
        "kolmogorov_by_chance": by_chance.kolmogorov,
    }


def _peaks(mixtures: WatchRatioMixtures, counts: Any, bucket: int) -> list[dict[str, Any]]:
    return [
        {"bucket": bucket, "weight": weight, "mean": mean, "deviation": deviation, "vectors": vectors}
        for weight, mean, deviation, vectors in zip(
            *(array[bucket].tolist() for array in (mixtures.weights, mixtures.means, mixtures.deviations, counts)),
            strict=True,
        )
        if weight > 0
    ]


def _histograms(bucket: int, original: Floats, sampled: Floats) -> pl.DataFrame:
    # Where hardly any row was watched, all bins would be empty.
    edges = np.linspace(0, float(np.quantile(original, LAST)) or 1.0, BINS + 1)
    densities = {
        name: np.histogram(values, edges)[0] / len(values) / edges[1]
        for name, values in (("original", original), ("sampled", sampled))
    }
    return pl.DataFrame({"bucket": [bucket] * BINS, "low": edges[:-1], "high": edges[1:], **densities})
