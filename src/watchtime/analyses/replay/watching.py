"""The stage of a test of watch time: the pairs of a log in which every user watched nearly every video."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from watchtime.analyses.replay.stage import DRAWN, EXPECTED, Options, Outcome, Stage
from watchtime.analyses.study import Study
from watchtime.core.job import JobSpec
from watchtime.datasets.simulator.counterfactual import laws, outcomes, simulation
from watchtime.labels.base import Floats, Integers


def watching_stage(study: Study, readouts: Mapping[str, str], options: Options) -> Stage:
    """Return the users and videos of the test rows, with each policy's predictions of their pairs.

    On a simulated log a day's watch times are drawn anew for every pair; on a real one they are those of the log.
    Pairs that the log lacks cannot be shown.
    """
    jobs = {row: study.jobs[row] for row in readouts}
    frames = {row: study.predictions(spec) for row, spec in jobs.items()}
    # The predictions of all jobs stand in the order of the test rows.
    tested = next(iter(frames.values())).select("raw_row", "target")
    told = study.interactions(["raw_row", "user", "item"])
    pairs = tested.join(told, on="raw_row", how="left", maintain_order="left")
    users, user = np.unique(pairs["user"].to_numpy(), return_inverse=True)
    items, item = np.unique(pairs["item"].to_numpy(), return_inverse=True)
    shape = len(users), len(items)

    def table(values: Floats) -> Floats:
        filled = np.full(shape, np.nan)
        filled[user, item] = values
        return filled

    observed = table(pairs["target"].to_numpy())
    scores = {
        row: np.stack([np.nan_to_num(table(one), nan=-np.inf) for one in _predicted(frames[row], jobs[row], readout)])
        for row, readout in readouts.items()
    }
    simulated = study.plan.is_simulated(study.dataset)
    outcome = _simulated(study, users, items) if simulated else _observed(observed)
    return Stage(np.isfinite(observed), scores, outcome)


def _predicted(frame: pl.DataFrame, spec: JobSpec, readout: str) -> list[Floats]:
    return [frame[f"{readout}.{one}"].cast(pl.Float64).to_numpy() for one in range(spec.repetitions)]


def _observed(watch_time: Floats) -> Outcome:
    return lambda _, places: {DRAWN: np.take_along_axis(watch_time, places, axis=1)}


def _simulated(study: Study, users: Integers, items: Integers) -> Outcome:
    """Return the simulator's outcomes; the ids of its logs are places in its world."""
    settings = study.plan.config.datasets[study.dataset].simulator
    world = simulation(study.dataset, settings.users, settings.items, settings.seed)

    def outcome(day: int, places: Integers) -> dict[str, Floats]:
        shown = items[places]
        expected = laws(world, users, shown, day)[0].mean()
        return {DRAWN: outcomes(world, users, shown, day).watch_time, EXPECTED: expected.reshape(places.shape)}

    return outcome
