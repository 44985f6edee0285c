"""Predicted distributions judged by the true target: columns of a prediction, and what a job says of them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

import logs
from watchtime.core.files import read_json
from watchtime.training.engine import deterministic
from watchtime.training.fitting import fit
from watchtime.training.job import train
from watchtime.training.model import Model
from watchtime.training.predict import predict

CPU = deterministic("cpu")
TRAINING = {"batch": 64, "epochs": 3, "learning_rate": 0.01}
JUDGED = ["crps", "pit_low", "pit_high"]


def fitted(method: str, **training: int) -> Model:
    log, _ = logs.encoded()
    model = logs.model(logs.spec(method, training=TRAINING | training))
    fit(model, log, None, "")
    return model


def judged(model: Model, target: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[np.float64]]:
    """Return what the test rows' distributions say of the targets."""
    log, _ = logs.encoded()
    return model.predict(log.rows(np.flatnonzero(log.part == 2)), "cpu", target)[0]


def truth() -> npt.NDArray[np.float64]:
    log, _ = logs.encoded()
    return log.rows(np.flatnonzero(log.part == 2)).target("watch_time")


def test_only_a_distribution_with_its_target_is_judged() -> None:
    log, _ = logs.encoded()
    test = log.rows(np.flatnonzero(log.part == 2))
    tpm, vr = fitted("tpm"), fitted("vr")
    readouts = ["mean", "median", "rank", "variance"]
    assert list(tpm.predict(test)[0]) == readouts
    assert list(judged(tpm, truth())) == readouts + JUDGED
    assert list(judged(vr, truth())) == ["mean"]


def test_the_columns_are_those_of_the_distribution_function() -> None:
    """Targets between the edges; F is linear from edge to edge, its distance to the step at y is summed on a grid."""
    model = fitted("tpm")
    log, _ = logs.encoded()
    test, edges = log.rows(np.flatnonzero(log.part == 2)), model.codec.intervals.edges  # type: ignore[union-attr]
    first = int(np.sum(edges == edges[0])) - 1
    assert first > 0, "a tenth of the rows is 0, so that there is an atom"
    grid = np.linspace(edges[0], edges[-1], 400_001)
    target = np.random.default_rng(0).uniform(edges[first] + 0.1, edges[-1], len(test))
    found = judged(model, target)
    for row in range(3):
        reached = np.array([judged(model, np.full(len(test), edge))["pit_high"][row] for edge in edges])
        below = np.interp(target[row], edges[first:], reached[first:])
        assert found["pit_low"][row] == pytest.approx(below)
        assert found["pit_high"][row] == pytest.approx(below)
        distances = (np.interp(grid, edges[first:], reached[first:]) - (grid >= target[row])) ** 2
        assert found["crps"][row] == pytest.approx(np.mean(distances) * (edges[-1] - edges[0]), rel=1e-3)
    zero = judged(model, np.zeros(len(test)))
    assert (zero["pit_low"] == 0).all()
    assert (zero["pit_high"] > 0).all()


def test_targets_beyond_the_edges_are_certain_to_be_below_or_above() -> None:
    model = fitted("tpm")
    edges = model.codec.intervals.edges  # type: ignore[union-attr]
    last, beyond = (judged(model, np.full(480, edges[-1] + more)) for more in (0.0, 100.0))
    assert beyond["pit_low"] == pytest.approx(np.ones(480))
    assert beyond["crps"] == pytest.approx(last["crps"] + 100.0)


def test_every_row_is_judged_by_its_own_target_whatever_the_slab() -> None:
    one, other = fitted("tpm", evaluation_batch=7), fitted("tpm", evaluation_batch=480)
    for name, column in judged(one, truth()).items():
        assert column == pytest.approx(judged(other, truth())[name], rel=1e-4, abs=1e-5)


def weights(low: float, high: float) -> list[float]:
    """Return how the uniform law on [low, high] falls into twenty bins; a bin takes its lower edge."""
    edges = [place / 20 for place in range(21)]
    if high <= low:
        return [float(start < low <= stop or (low == start == 0)) for start, stop in pairwise(edges)]
    inside = [min(high, stop) - max(low, start) for start, stop in pairwise(edges)]
    return [max(width, 0.0) / (high - low) for width in inside]


def test_a_job_tells_how_calibrated_its_distributions_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = {name: {"training": TRAINING} for name in ("tpm", "vr")}
    plan = logs.write_run(tmp_path, ["tpm", "vr"], repetitions=2, settings=settings)
    keys = {name: f"kuairand_pure/watch_time/random_622/shared/{name}/paper" for name in ("tpm", "vr")}
    for key in keys.values():
        train(plan, key)
    folders = {name: plan.job_folder(plan.jobs[key]) for name, key in keys.items()}
    metrics = {name: read_json(folder / "metrics.json") for name, folder in folders.items()}
    assert metrics["vr"]["calibration"] == []

    frame = pl.read_parquet(folders["tpm"] / "predictions.parquet")
    assert [one["repetition"] for one in metrics["tpm"]["calibration"]] == [0, 1]
    assert metrics["tpm"]["calibration"][0]["crps"] != metrics["tpm"]["calibration"][1]["crps"]
    for one in metrics["tpm"]["calibration"]:
        crps, low, high = (frame[f"{name}.{one['repetition']}"].to_list() for name in JUDGED)
        assert one["crps"] == pytest.approx(sum(crps) / len(crps))
        expected = np.mean([weights(*pair) for pair in zip(low, high, strict=True)], 0)
        np.testing.assert_allclose(one["pit"], expected, atol=1e-9)
        assert one["pit_distance"] == pytest.approx(np.abs(np.cumsum(expected) - np.arange(1, 21) / 20).max())
        assert max(one["pit"]) < 0.2, "a trained distribution is no constant"

    data = plan.data_folder("kuairand_pure") / "interactions.parquet"
    predict(folders["tpm"], data, tmp_path / "all.parquet")
    assert not {"crps.0", "pit_low.0"} & set(pl.read_parquet_schema(tmp_path / "all.parquet"))
