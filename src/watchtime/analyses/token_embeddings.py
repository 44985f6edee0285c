"""What token embeddings and predicted probabilities know of the tokens' values (GR, equation 10 and figure 3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import torch

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
from watchtime.core.job import JobSpec
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.protocols import TEST, TRAINING
from watchtime.decoders.mixup import predicted_tokens
from watchtime.labels.base import Floats, Integers
from watchtime.labels.sequence import END, FIRST_VALUE, SequenceCodec
from watchtime.training.model import Model

FARTHEST = 10
"""Neighbours in the vocabulary are compared up to this distance."""
TEST_ROWS = 2000
"""Test rows at most whose predicted probabilities are compared, at even steps of their order."""


class Targets(NamedTuple):
    """A grid of targets that have a token, as sequences."""

    values: Floats
    """y [values], ascending."""
    tokens: Integers
    """s_1 … s_T [values, T]."""
    token_values: Floats
    """g(w) [vocabulary], 0 for special tokens."""


class Steps(NamedTuple):
    """Generated tokens with the distributions that they come from."""

    probabilities: Floats
    """Of the value tokens, [steps, V]."""
    predicted: Integers
    """The place of the predicted one among them, [steps]."""


def tables(study: Study) -> dict[str, pl.DataFrame]:
    """Return ``points``, ``structure``, ``differences`` and ``facts`` of the job of the first row.

    ``points`` has e(y) of the first repetition for a grid of training targets y, in the two dimensions of t-SNE, and
    the value of y's first token. ``structure`` has numbers of the learned embeddings and of ``random`` ones for every
    repetition, ``differences`` what ``probability_differences`` returns.
    """
    row, spec = next(iter(study.jobs.items()))
    targets, model, rows = _targets(study, spec), study.model(spec), _test_rows(study)
    learned = [token_table(state) for state in model.states]
    random = [random_table(table, spec.seed, repetition) for repetition, table in enumerate(learned)]
    structure = [
        {"row": name, "repetition": repetition, **_structure(targets, table)}
        for name, tables in ((row, learned), (RANDOM, random))
        for repetition, table in enumerate(tables)
    ]
    steps = (generated(study, model, repetition, rows) for repetition in range(len(learned)))
    differences = [_differences(one, repetition) for repetition, one in enumerate(steps)]
    return {
        "points": _points(targets, projected(embedded(targets, learned[0]), spec.seed)),
        "structure": pl.DataFrame(structure),
        "differences": pl.concat(differences),
        "facts": pl.DataFrame([_facts(targets, rows)]),
    }


def embedded(targets: Targets, table: Floats) -> Floats:
    """Return e(y) = Σ_t r_t E[s_t], r_t = g(s_t) / y, [values, width] (GR, eq. 10)."""
    shares = targets.token_values[targets.tokens] / targets.values[:, None]
    return np.einsum("nt,ntw->nw", shares, table[targets.tokens])


def generated(study: Study, model: Model, repetition: int, rows: EncodedLog) -> Steps:
    """Return the steps of inference before each row's first ``END``."""
    found = list[Steps]()
    method = model.method
    for slab in study.outputs(model, repetition, rows):
        scores = torch.from_numpy(slab).view(len(slab), method.steps, method.vocabulary)
        tokens = predicted_tokens(scores)
        before_end = (tokens == END).cumsum(-1) == 0
        probabilities = scores[before_end].double().softmax(-1)[:, FIRST_VALUE:]
        found.append(Steps(probabilities.numpy(), (tokens[before_end] - FIRST_VALUE).numpy()))
    return Steps(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def probability_differences(steps: Steps) -> Iterator[dict[str, int | float | None]]:
    """Yield mean |p(v) − p(w)| over the steps, for tokens v, w that are 1, 2, … ``FARTHEST`` places apart.

    ``tokens`` is over all such pairs, ``predicted`` over those with the predicted token as v, None where it has no
    such neighbour; ``any_tokens`` and ``any_predicted`` are over pairs at all distances, the expectation of a random
    one. Nothing without steps.
    """
    probabilities, predicted = steps
    number, size = probabilities.shape
    if not number:
        return
    own = probabilities[np.arange(number), predicted]
    any_predicted = np.abs(own[:, None] - probabilities).sum() / (number * max(size - 1, 1))
    # Sorted, the j-th smallest of V is j times the larger one of a pair and V − 1 − j times the smaller.
    weights = 2 * np.arange(size) - (size - 1)
    any_tokens = (np.sort(probabilities, axis=1) @ weights).sum() / (number * max(size * (size - 1) / 2, 1))
    for distance in range(1, min(FARTHEST, size - 1) + 1):
        places = np.stack([predicted - distance, predicted + distance])
        inside = (places >= 0) & (places < size)
        step = np.broadcast_to(np.arange(number), places.shape)[inside]
        around = np.abs(own[step] - probabilities[step, places[inside]])
        yield {
            "distance": distance,
            "tokens": float(np.abs(probabilities[:, distance:] - probabilities[:, :-distance]).mean()),
            "any_tokens": float(any_tokens),
            "predicted": float(around.mean()) if len(around) else None,
            "any_predicted": float(any_predicted),
        }


def _targets(study: Study, spec: JobSpec) -> Targets:
    codec, values = study.codec(spec), value_grid(study.target(TRAINING))
    assert isinstance(codec, SequenceCodec)
    tokens = codec.encode(values)["tokens"].astype(np.int64)
    has_token = tokens[:, 0] >= FIRST_VALUE
    return Targets(values[has_token], tokens[has_token], codec.token_values)


def _structure(targets: Targets, table: Floats) -> dict[str, float]:
    """Return how values and tokens order distances, and how often a nearest neighbour begins with the same token."""
    apart, first = distances(embedded(targets, table)), targets.tokens[:, 0]
    return {
        "correlation": distance_correlation(targets.values, apart),
        "same_first": float(np.mean(first[nearest(apart)] == first)),
        "token_correlation": distance_correlation(targets.token_values[FIRST_VALUE:], distances(table[FIRST_VALUE:])),
    }


def _test_rows(study: Study) -> EncodedLog:
    rows = study.part(TEST)
    return rows.rows(np.linspace(0, len(rows) - 1, min(TEST_ROWS, len(rows))).round().astype(np.int64))


def _differences(steps: Steps, repetition: int) -> pl.DataFrame:
    names = ("tokens", "any_tokens", "predicted", "any_predicted")
    schema = {"distance": pl.Int64, **dict.fromkeys(names, pl.Float64)}
    frame = pl.DataFrame(list(probability_differences(steps)), schema=schema)
    return frame.with_columns(repetition=pl.lit(repetition, pl.Int64))


def _points(targets: Targets, plane: npt.NDArray[np.float32]) -> pl.DataFrame:
    first = targets.token_values[targets.tokens[:, 0]]
    return pl.DataFrame({"value": targets.values, "first": first, "x": plane[:, 0], "y": plane[:, 1]})


def _facts(targets: Targets, rows: EncodedLog) -> dict[str, int | float]:
    number, counts = len(targets.values), np.unique_counts(targets.tokens[:, 0]).counts
    pairs = number * (number - 1)
    return {
        "values": number,
        "tokens": len(targets.token_values) - FIRST_VALUE,
        "test_rows": len(rows),
        "same_first_by_chance": float((counts * (counts - 1)).sum() / pairs) if pairs else 1.0,
    }
