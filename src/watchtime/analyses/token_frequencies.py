"""How often training targets use each token of a vocabulary, and what that costs (GR, figure 4)."""

from __future__ import annotations

import numpy as np
import polars as pl

from watchtime.analyses.study import Study
from watchtime.datasets.protocols import TRAINING
from watchtime.labels.base import Floats, Integers
from watchtime.labels.sequence import FIRST_VALUE
from watchtime.labels.shortest_sequences import LARGEST_SUM, shortest_lengths
from watchtime.labels.token_vocabulary import TokenVocabulary

HARDLY_USED = 0.1
"""A token is hardly used below this part of an even share, 1 / V."""
SAMPLE = 1000
"""Training rows whose shortest sequences are searched."""


def tables(study: Study) -> dict[str, pl.DataFrame]:
    """Return ``tokens``, one row per token of each vocabulary, the most used first, and ``vocabularies``.

    Shares are of all tokens that the training rows use; ``END``, once in every sequence, is not counted.
    """
    target = study.target(TRAINING)
    codecs = {row: codec for row, spec in study.jobs.items() if isinstance(codec := study.codec(spec), TokenVocabulary)}
    counted = {row: codec.token_counts(target)[FIRST_VALUE:] for row, codec in codecs.items()}
    return {
        "tokens": pl.concat([_tokens(row, codec, counted[row]) for row, codec in codecs.items()]),
        "vocabularies": pl.DataFrame([_vocabulary(row, codec, counted[row], target) for row, codec in codecs.items()]),
    }


def evenness(uses: Integers) -> float:
    """Return −Σ_w p_w ln p_w / ln V of the shares p of V tokens: 1 where all are used alike, 0 where one is alone."""
    shares = uses[uses > 0] / uses.sum()
    return float(-(shares * np.log(shares)).sum() / np.log(len(uses))) if len(uses) > 1 else 1.0


def spread_sample(target: Floats, size: int) -> Floats:
    """Return ``size`` targets at even steps of their order, the smallest and the largest among them."""
    places = np.linspace(0, len(target) - 1, min(size, len(target))).round().astype(np.int64)
    return np.sort(target)[places]


def _tokens(row: str, codec: TokenVocabulary, uses: Integers) -> pl.DataFrame:
    # Of equally frequent tokens the larger stands first, as in the vocabulary.
    order = np.argsort(-uses, kind="stable")
    values = codec.token_values[FIRST_VALUE:]
    return pl.DataFrame(
        {
            "row": [row] * len(order),
            "rank": np.arange(1, len(order) + 1),
            "value": values[order],
            "uses": uses[order],
            "share": uses[order] / max(int(uses.sum()), 1),
        }
    )


def _vocabulary(row: str, codec: TokenVocabulary, uses: Integers, target: Floats) -> dict[str, str | int | float]:
    # The search goes through all sums up to the largest target.
    sample = spread_sample(target[target <= (LARGEST_SUM - 1) * codec.unit], SAMPLE)
    shortest = shortest_lengths(sample, codec.whole_tokens, codec.unit, codec.settings.tolerance)
    return {
        "row": row,
        "tokens": len(uses),
        "unit": codec.unit,
        "hardly_used": float(np.mean(uses < HARDLY_USED * uses.sum() / len(uses))),
        "evenness": evenness(uses),
        "rows": len(target),
        "mean_length": float(uses.sum() / len(target)),
        "longest": codec.longest,
        "cut_share": codec.cut_share,
        "sample": len(sample),
        "sample_length": float(np.mean(codec.lengths(sample))),
        "shortest_length": float(np.mean(shortest)),
        "reconstruction_error": codec.reconstruction_error(target),
    }
