"""Vectors of watch ratios, each drawn around one peak of one duration bucket (ProWTP, A.2, step 3)."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from watchtime.core import settings as core
from watchtime.labels.base import Floats, Integers
from watchtime.labels.quantile_functions import QuantileFunctions
from watchtime.labels.watch_ratio_mixtures import WatchRatioMixtures


class VectorSettings(core.Settings):
    """L vectors per bucket of n ratios each, and i ~ N(μ', σ'), how many deviations a vector reaches from its peak.

    None of the four is printed. ``ordered`` sorts the ratios within a vector: no network can tell in which order
    independent draws came, so that of drawn order the best reconstruction is one number n times.
    """

    vectors: int = Field(1000, ge=1)
    vector_length: int = Field(64, ge=1)
    reach_mean: float = Field(1.0, ge=0)
    reach_deviation: float = Field(0.25, ge=0)
    ordered: bool = True


def allotted(mixtures: WatchRatioMixtures, vectors: int) -> Integers:
    """Return how many of L vectors are drawn around each peak, ⌊θ_bc L⌋ [buckets, components]."""
    return np.floor(mixtures.weights * vectors).astype(np.int64)


def drawn(mixtures: WatchRatioMixtures, settings: VectorSettings, generator: np.random.Generator) -> Floats:
    """Return w [Σ_b Σ_c ⌊θ_bc L⌋, n], bucket by bucket and peak by peak.

    Each w has its own i and n of the bucket's training ratios from [μ − |i| σ, μ + |i| σ], drawn with replacement:
    levels are uniform between those of the two ends, and ratios are the bucket's quantiles there. Where no ratio
    lies in between, all are the one at that level.
    """
    buckets, peaks = mixtures.weights.shape
    peak = np.repeat(np.arange(buckets * peaks), allotted(mixtures, settings.vectors).ravel())
    bucket = peak // peaks
    middle, deviation = mixtures.means.ravel()[peak], mixtures.deviations.ravel()[peak]
    reach = np.abs(generator.normal(settings.reach_mean, settings.reach_deviation, len(peak))) * deviation
    functions = QuantileFunctions(mixtures.quantiles)
    low, high = (functions.level(bucket, end) for end in (np.maximum(middle - reach, 0.0), middle + reach))
    share = generator.random((len(peak), settings.vector_length))
    levels = low[:, None] + share * (high - low)[:, None]
    ratios = functions.quantile(np.repeat(bucket, settings.vector_length), levels.ravel()).reshape(levels.shape)
    return np.sort(ratios, axis=1) if settings.ordered else ratios
