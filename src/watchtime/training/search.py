"""The search for a method's settings: random draws from its space, compared on validation rows alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from watchtime.core.config import validate
from watchtime.core.errors import WatchtimeError
from watchtime.core.job import JobSpec, searched_setting
from watchtime.core.seeds import derive_seed
from watchtime.core.settings import EncoderSettings, TrainingSettings
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.protocols import VALIDATION
from watchtime.evaluation.metrics import evaluate, metric_named
from watchtime.training.engine import Diverged
from watchtime.training.fitting import fit
from watchtime.training.model import Model
from watchtime.training.processes import ALONE, Processes

# What the first declared readout is judged by: the metric that it minimises, or for an order the share of right pairs.
CRITERIA = {"mean": "rmse", "quantile": "rmse", "median": "mae", "rank": "xauc"}
CRITERIA |= {"sequence": "mae", "window": "mae", "regression": "mae", "exponential_mean": "mae", "truncated": "mae"}
CRITERIA |= {"mode": "mae", "selected_mean": "rmse"}

Values = dict[str, Any]


def search(
    model: Model, log: EncodedLog, checkpoint: Path | None, fingerprint: str, processes: Processes | None = None
) -> tuple[JobSpec, dict[str, Any]]:
    """Return the job with the best drawn settings, and the trials as ``metrics.json`` shows them.

    Each trial fits repetition 0 on the training rows. The best is the one with the lowest RMSE (first declared
    readout ``mean`` or ``quantile``), lowest MAE (``median``) or highest strict XAUC (``rank``) on the validation
    rows, the first drawn of equal ones. Test rows are never read. Raises ``WatchtimeError`` where the space names a
    setting that does not exist, or where no trial trains to finite numbers.
    """
    spec = model.spec
    seed = derive_seed(spec.seed, axis="search", method=spec.method, variant=spec.variant)
    drawn = draws(spec.search, spec.search_trials, seed)
    specs = [changed(spec, values) for values in drawn]
    metric = metric_named(CRITERIA[spec.readouts[0]])
    scores = []
    for place, trial in enumerate(specs):
        alone = trial.model_copy(update={"repetitions": 1, "stacked": False})
        own = checkpoint.with_name(f"{checkpoint.name}_trial{place}") if checkpoint else None
        scores.append(_score(replace(model, spec=alone, states=[]), log, metric.name, own, fingerprint, processes))
    sign = 1 if metric.direction == "lower" else -1
    ranked = sorted((sign * score, place) for place, score in enumerate(scores) if score is not None)
    if not ranked:
        where = f"search of {spec.method}/{spec.variant}"
        raise WatchtimeError(f"{where}: none of {len(drawn)} trials trained to finite numbers.")
    best = ranked[0][1]
    trials = [{"values": values, "score": score} for values, score in zip(drawn, scores, strict=True)]
    return specs[best], {
        "readout": spec.readouts[0],
        "metric": metric.name,
        "chosen": drawn[best],
        "trials": trials,
    }


def draws(space: Mapping[str, list[Any]], count: int, seed: int) -> list[Values]:
    """Return ``count`` different combinations of the space's values, or all where there are fewer."""
    names = sorted(space)
    sizes = [len(space[name]) for name in names]
    total = math.prod(sizes)
    chosen = np.random.default_rng(seed).choice(total, min(count, total), replace=False)
    places = np.transpose(np.unravel_index(chosen, sizes))
    return [{name: space[name][place] for name, place in zip(names, row, strict=True)} for row in places]


def changed(spec: JobSpec, values: Values) -> JobSpec:
    """Return the job with other settings: ``training.x``, ``encoder.x``, or ``x`` for a setting of the method."""
    groups = {"": dict(spec.settings), "training": spec.training.model_dump(), "encoder": spec.encoder.model_dump()}
    where = f"config/methods/{spec.method}.yaml: search"
    for name, value in values.items():
        group, setting = searched_setting(name, spec.method, spec.family, spec.settings)
        groups[group][setting] = value
    return spec.model_copy(
        update={
            "settings": groups[""],
            "training": validate(TrainingSettings, groups["training"], where),
            "encoder": validate(EncoderSettings, groups["encoder"], where),
        }
    )


def _score(
    model: Model, log: EncodedLog, metric: str, checkpoint: Path | None, fingerprint: str, processes: Processes | None
) -> float | None:
    """Return the metric of the first declared readout on the validation rows; None where training diverges."""
    try:
        fit(model, log, checkpoint, fingerprint, processes)
    except Diverged:
        return None
    validation = log.rows(np.flatnonzero(log.part == VALIDATION))
    prediction = model.predict(validation, model.spec.device)[0][model.spec.readouts[0]]
    score = math.nan
    if np.isfinite(prediction).all():
        measured = evaluate(validation.target(model.spec.task), prediction, metrics=[metric])
        score = next(one.value for one in measured if one.convention in ("", "strict") and one.value is not None)
    # All processes go on with the settings that process 0 finds best, whatever their rounding.
    (score,) = (processes or ALONE).agreed(score)
    return None if math.isnan(score) else score
