"""The oracle: readouts of the known law of the right rows, each the best on its own metric."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from watchtime.datasets.simulator.law import play_time
from watchtime.datasets.simulator.truth import Truth
from watchtime.evaluation.metrics import evaluate
from watchtime.methods.base import build

ROWS = 4000
DRAWS = np.random.default_rng(0)
LAW = Truth(
    weights=DRAWS.dirichlet([0.3, 1.0, 1.0, 1.0, 0.5], ROWS),
    scale=np.round(DRAWS.uniform(5_000, 90_000, ROWS)),
    perturbed=np.zeros(ROWS, dtype=bool),
)
WATCHED = play_time(LAW.weights, LAW.duration_ms, DRAWS.random(ROWS))[0]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    LAW.save(tmp_path / "truth.npz")
    return tmp_path / "truth.npz"


def predicted(path: Path, task: str, rows: Any, training: Any) -> dict[str, Any]:
    readouts: dict[str, Any] = build("oracle", {}, None, task).predict(path, rows, training)
    return readouts


@pytest.mark.parametrize("task", ["watch_time", "watch_ratio"])
def test_each_readout_is_best_on_its_own_metric(path: Path, task: str) -> None:
    target = WATCHED / (LAW.duration_ms if task == "watch_ratio" else 1000)
    readouts = predicted(path, task, np.arange(ROWS, dtype=np.uint32), target)
    assert list(readouts) == ["mean", "median", "rank"]
    found = {
        (readout, one.metric): one.value
        for readout, prediction in readouts.items()
        for one in evaluate(target, prediction, metrics=["mae", "rmse", "xauc"])
        if one.convention in ("", "strict")
    }
    for metric, best in (("mae", "median"), ("rmse", "mean")):
        values = {readout: found[readout, metric] for readout in readouts}
        assert min(values, key=lambda readout: values[readout] or 0) == best
    orders = {readout: found[readout, "xauc"] for readout in readouts}
    assert max(orders, key=lambda readout: orders[readout] or 0) == "rank"


def test_rows_are_the_raw_rows(path: Path) -> None:
    whole = predicted(path, "watch_time", np.arange(ROWS, dtype=np.uint32), WATCHED)
    rows = np.array([7, 3999, 0, 7], dtype=np.uint32)
    for readout, prediction in predicted(path, "watch_time", rows, WATCHED).items():
        assert prediction.tolist() == whole[readout][rows].tolist()


def test_the_rank_is_among_training_targets_in_any_order(path: Path) -> None:
    """E[F(Y)] with F a step at 10 s is P(Y > 10 s); training rows do not come sorted."""
    rows = np.arange(20, dtype=np.uint32)
    above = 1 - LAW.select(rows).cdf(10.0)
    np.testing.assert_allclose(predicted(path, "watch_time", rows, np.array([10.0]))["rank"], above, atol=1e-9)
    one, other = (predicted(path, "watch_time", rows, training)["rank"] for training in (WATCHED, WATCHED[::-1]))
    assert one.tolist() == other.tolist()
