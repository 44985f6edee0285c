"""An online test of two policies, replayed where it is known what follows from showing a user an item (design 8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl

from watchtime.analyses.replay.purchases import TAIL, in_tail, purchases_stage, simulation_of
from watchtime.analyses.replay.stage import Options, Stage, best, candidates
from watchtime.analyses.replay.watching import watching_stage
from watchtime.analyses.study import Study
from watchtime.core.errors import WatchtimeError
from watchtime.core.seeds import derive_seed
from watchtime.evaluation.xauc import xauc
from watchtime.labels.base import Floats, Integers

ALL = "all"


def tables(study: Study) -> dict[str, pl.DataFrame]:
    """Return ``visits``, ``repetitions`` and ``stage``, and for purchases ``auc``.

    Both policies rank the same candidates of every visitor and day by their first readout, or by that of their row.
    ``visits``: per day, visitor, part of the items and kind of outcome (drawn, or expected where the law is known) the
    sum over what each policy showed, means over repetitions; ``bucket`` is the half of the visitors, 1 the
    treatment's; on days on which both buckets have the control, ``treatment`` is the control's. ``repetitions``: the
    sums over all visitors and test days by repetition. ``auc``: how well each policy's predictions tell test clicks
    with a purchase from those without, by repetition, of all products and of the long tail.

    Raises ``WatchtimeError`` where a policy was not trained, or where no visitor has enough candidates.
    """
    options, card = study.options(Options), study.plan.artifacts[study.artifact]
    absent = [row for row in card.rows if row not in study.jobs]
    if absent:
        raise WatchtimeError(
            f"{study.artifact}: {absent[0]} was not trained on {study.dataset}, so nothing can be tested."
        )
    readouts = {row: one.readout or study.jobs[row].readouts[0] for row, one in card.rows.items()}
    build = purchases_stage if study.task == "ltv" else watching_stage
    stage = build(study, readouts, options)
    kept = stage.with_enough(options.candidates)
    if not kept.any():
        raise WatchtimeError(
            f"{study.artifact}: no user of {study.dataset} has {options.candidates} items to choose from."
        )
    control = str(card.reference_row)
    (treatment,) = (row for row in card.rows if row != control)
    visits = pl.DataFrame([one for day in _days(study, options, stage, control, treatment) for one in day])
    visits = visits.filter(pl.col("visitor").is_in(np.flatnonzero(kept)))
    found = {"visits": _means(visits), "repetitions": _repetitions(visits), "stage": _facts(stage, kept)}
    return found | ({"auc": _auc(study, readouts, options)} if study.task == "ltv" else {})


def _days(study: Study, options: Options, stage: Stage, control: str, treatment: str) -> Iterator[list[dict[str, Any]]]:
    seed = study.plan.config.seed
    buckets = np.random.default_rng(derive_seed(seed, axis="replay buckets")).permutation(len(stage.available)) % 2
    phases = [("test", options.test_days), ("same", options.same_days)]
    for phase, (first, last) in ((name, span) for name, span in phases if span):
        for day in range(first, last + 1):
            rng = np.random.default_rng(derive_seed(seed, axis="replay candidates", day=day))
            places = candidates(stage, options.candidates, rng)
            followed = _followed(stage, places, stage.outcome(day, places))
            policies = (control, treatment if phase == "test" else control)
            sums = [_sums(stage.scores[one], places, options.shown, followed) for one in policies]
            yield list(_rows(day, phase, buckets, *sums))


def _followed(stage: Stage, places: Integers, outcome: Mapping[str, Floats]) -> dict[tuple[str, str], Floats]:
    """Return what follows from every candidate, by part of the items and kind of outcome, [visitors, candidates]."""
    found = {(ALL, kind): values for kind, values in outcome.items()}
    for part, members in stage.parts.items():
        belongs = np.take_along_axis(members, places, axis=1)
        found |= {(part, kind): values * belongs for kind, values in outcome.items()}
    return found


def _sums(
    scores: Floats, places: Integers, shown: int, followed: Mapping[tuple[str, str], Floats]
) -> dict[tuple[str, str], Floats]:
    """Return the sums over what a policy shows, [repetitions, visitors]."""
    chosen = [best(one, places, shown) for one in scores]
    return {
        what: np.stack([np.take_along_axis(values, one, axis=1).sum(axis=1) for one in chosen])
        for what, values in followed.items()
    }


def _rows(
    day: int,
    phase: str,
    buckets: Integers,
    control: dict[tuple[str, str], Floats],
    treatment: dict[tuple[str, str], Floats],
) -> Iterator[dict[str, Any]]:
    for (part, kind), sums in control.items():
        names = {"day": day, "phase": phase, "part": part, "kind": kind}
        for repetition in range(max(len(sums), len(treatment[part, kind]))):
            # A policy without randomness has one repetition, which stands for all.
            ours, theirs = (one[min(repetition, len(one) - 1)] for one in (treatment[part, kind], sums))
            for visitor, bucket in enumerate(buckets):
                yield names | {
                    "repetition": repetition,
                    "visitor": visitor,
                    "bucket": int(bucket),
                    "control": float(theirs[visitor]),
                    "treatment": float(ours[visitor]),
                }


def _means(visits: pl.DataFrame) -> pl.DataFrame:
    keys = ["day", "phase", "part", "kind", "visitor", "bucket"]
    return visits.group_by(keys, maintain_order=True).agg(pl.col("control", "treatment").mean())


def _repetitions(visits: pl.DataFrame) -> pl.DataFrame:
    keys = ["part", "kind", "repetition"]
    return visits.filter(phase="test").group_by(keys, maintain_order=True).agg(pl.col("control", "treatment").sum())


def _facts(stage: Stage, kept: Any) -> pl.DataFrame:
    known = {"visitors": int(kept.sum()), "without_enough": int((~kept).sum()), "items": stage.available.shape[1]}
    return pl.DataFrame([known | {"pairs": int(stage.available.sum())}])


def _auc(study: Study, readouts: Mapping[str, str], options: Options) -> pl.DataFrame:
    rows = []
    for row, readout in readouts.items():
        frame = study.predictions(study.jobs[row])
        told = study.interactions(["raw_row", "item"])
        items = frame.select("raw_row").join(told, on="raw_row", how="left", maintain_order="left")["item"]
        simulated = simulation_of(study)
        tail = in_tail(simulated, simulated.products(items), options.tail)
        bought = (frame["target"] > 0).cast(pl.Float64).to_numpy()
        for repetition in range(study.jobs[row].repetitions):
            prediction = frame[f"{readout}.{repetition}"].cast(pl.Float64).to_numpy()
            for part, mask in ((ALL, np.full(len(tail), True)), (TAIL, tail)):
                value = xauc(bought[mask], prediction[mask])
                rows.append({"row": row, "part": part, "repetition": repetition, "auc": value})
    return pl.DataFrame(rows)
