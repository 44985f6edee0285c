"""How a batch's rows are spread over the prototypes, by the plan and by their similarities (ProWTP, figure 11)."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import torch

from watchtime.analyses.study import Study
from watchtime.core.seeds import derive_seed
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.protocols import TRAINING
from watchtime.labels.base import Floats, Integers
from watchtime.training.model import Model

BATCH = 512
"""Rows that are aligned at once, as in the paper's training."""
HEAD = "towers.0.head."
PLAN, SIMILARITIES = "plan", "similarities"


def tables(study: Study) -> dict[str, pl.DataFrame]:
    """Return ``weights`` of every row's first repetition, and ``spread`` and ``facts`` of all repetitions.

    One batch of training rows, drawn at random, stands for all: ``weights`` has for each of its rows the list of its
    weights on the C K prototypes, by ``kind`` the rows n_b T of the transport plan, where there is one, or
    α = softmax(h · p / τ), sorted by the prototype of the plan's, else of α's, largest weight. ``spread`` says how
    many prototypes are used. ``facts`` has the numbers of rows, clusters and prototypes.
    """
    batch = drawn_batch(study)
    weights, spread = list[pl.DataFrame](), list[dict[str, Any]]()
    for row, spec in study.jobs.items():
        model = study.model(spec)
        for repetition in range(spec.repetitions):
            kinds = aligned(study, model, repetition, batch)
            spread += [{"row": row, "repetition": repetition, "kind": kind, **numbers(kinds, kind)} for kind in kinds]
            if repetition == 0:
                order = by_prototype(next(iter(kinds.values())))
                weights += [_weights(row, kind, one[order]) for kind, one in kinds.items()]
    settings = next(iter(study.jobs.values())).settings
    facts = {"rows": len(batch), "clusters": settings["clusters"], "size": settings["size"]}
    # Only a plan agrees with similarities or not.
    overrides = {"agreement": pl.Float64}
    return {
        "weights": pl.concat(weights),
        "spread": pl.DataFrame(spread, schema_overrides=overrides, infer_schema_length=None),
        "facts": pl.DataFrame([facts]),
    }


def drawn_batch(study: Study) -> EncodedLog:
    """Return ``BATCH`` training rows at random, all of them where there are fewer."""
    training = study.part(TRAINING)
    generator = np.random.default_rng(derive_seed(study.plan.config.seed, axis="aligned_batch"))
    return training.rows(np.sort(generator.permutation(len(training))[:BATCH]))


def aligned(study: Study, model: Model, repetition: int, batch: EncodedLog) -> dict[str, Floats]:
    """Return the plan, where rows are transported, and the similarities' softmax, each [rows, C K]."""
    hidden = torch.from_numpy(study.represented(model, repetition, batch)).float()
    head = model.method.head(hidden.shape[1])
    states = model.states[repetition]
    own = {name.removeprefix(HEAD): torch.from_numpy(one) for name, one in states.items() if name.startswith(HEAD)}
    head.load_state_dict(own)
    with torch.no_grad():
        found = head.aligned(hidden, transported=True)
    similarities = {SIMILARITIES: found.logits.double().softmax(-1).numpy()}
    is_transported = model.spec.settings["alignment"] not in ("distance", "none")
    return ({PLAN: found.plan.double().numpy()} if is_transported else {}) | similarities


def numbers(kinds: dict[str, Floats], kind: str) -> dict[str, float | int | None]:
    """Return how weights w [rows, prototypes] of one kind are spread.

    ``effective``: exp(−Σ_k w_k log w_k), the mean over rows. ``above``: share of all weights above 1 / CK. ``leading``:
    prototypes that have a row's largest weight. ``agreement`` of a plan t: Σ_k min(α_k, t_k), the mean over rows.
    """
    weights = kinds[kind]
    same = float(np.minimum(weights, kinds[SIMILARITIES]).sum(1).mean()) if kind == PLAN else None
    return {
        "effective": float(np.mean(effective(weights))),
        "above": float(np.mean(weights > 1 / weights.shape[1])),
        "leading": len(np.unique(weights.argmax(1))),
        "agreement": same,
    }


def effective(weights: Floats) -> Floats:
    """Return exp of the entropy of each row's weights, [rows]: 1 where one has all, CK where all are alike."""
    logarithms = np.log(weights, out=np.zeros_like(weights), where=weights > 0)
    return np.asarray(np.exp(-(weights * logarithms).sum(1)))


def by_prototype(weights: Floats) -> Integers:
    """Return the rows by the prototype of their largest weight, of the same one the larger weight first."""
    return np.lexsort((-weights.max(1), weights.argmax(1)))


def _weights(row: str, kind: str, weights: Floats) -> pl.DataFrame:
    names = {"row": [row] * len(weights), "kind": [kind] * len(weights)}
    return pl.DataFrame(
        {**names, "weights": weights.astype(np.float32).tolist()}, schema_overrides={"weights": pl.List(pl.Float32)}
    )
