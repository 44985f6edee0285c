"""LightGBM: what its target encodings know, and that its trees are the same each time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import logs
from logs import table_log
from watchtime.core.errors import WatchtimeError
from watchtime.datasets.encoded import EncodedLog
from watchtime.methods.base import build
from watchtime.methods.lightgbm import GradientBoostedTrees

DRAWS = np.random.default_rng(0)
USER, ITEM = DRAWS.integers(0, 12, 600), DRAWS.integers(1, 9, 600)
COLUMN = DRAWS.normal(size=600)
TARGET = np.round(3.0 * USER + ITEM + DRAWS.random(600), 3)
LOG = table_log(USER.tolist(), ITEM.tolist(), TARGET.tolist(), numeric=COLUMN.tolist())
FOLD = np.arange(600) % 5


def method(**settings: Any) -> GradientBoostedTrees:
    built: GradientBoostedTrees = build("lightgbm", {"rounds": 20, "rows_per_leaf": 5} | settings, None, "watch_time")
    return built


def fitted(train: EncodedLog = LOG, seed: int = 1, **settings: Any) -> GradientBoostedTrees:
    built = method(**settings)
    built.fit(train, LOG.rows(np.arange(100)), seed)
    return built


def encodings(target: npt.NDArray[np.float64], **settings: Any) -> npt.NDArray[np.float64]:
    built = method(**settings)
    built._fit_encodings(LOG, target)
    return built._out_of_fold(LOG, target, FOLD)


def test_encodings_by_hand() -> None:
    """Row 7 is in fold 2: the other folds' mean target of its user and item, with 20 rows of the overall mean."""
    others = FOLD != 2
    expected = []
    for ids in (USER, ITEM):
        rows = others & (ids == ids[7])
        expected += [(TARGET[rows].sum() + 20 * TARGET[others].mean()) / (rows.sum() + 20), rows.sum()]
    assert encodings(TARGET)[7] == pytest.approx(expected)


def test_a_rows_own_target_never_enters_its_encoding() -> None:
    before = encodings(TARGET)
    for row in (0, 7, 599):
        changed = TARGET.copy()
        changed[row] += 1e6
        after = encodings(changed)
        own = FOLD[row] == FOLD
        assert np.array_equal(before[own], after[own]), "not the row, nor the others of its fold"
        assert (before[~own] != after[~own]).any()


def test_unseen_ids_have_the_overall_mean_and_no_rows() -> None:
    built = fitted()
    inputs = built._inputs(table_log([99, 5], [99, 99], numeric=[0.5, 0.0]))
    assert inputs[0] == pytest.approx([TARGET.mean(), 0, TARGET.mean(), 0, 0.5])
    assert inputs[1][1] == (USER == 5).sum()
    assert np.isfinite(built.predict(table_log([99], [0]))["mean"]).all()


def test_the_rank_target_is_the_mid_distribution_value() -> None:
    ranks = method(readout="rank")._fitted_target(np.array([1.0, 2, 2, 5]), np.array([0.0, 1, 2, 3, 5, 9]))
    assert ranks.tolist() == [0, 0.125, 0.5, 0.75, 0.875, 1]
    seconds = np.array([3.0, 4.0])
    assert method(readout="mean")._fitted_target(TARGET, seconds) is seconds


@pytest.mark.parametrize("readout", ["mean", "median", "rank"])
def test_the_same_seed_gives_the_same_trees(readout: str) -> None:
    one, other = fitted(readout=readout).state(), fitted(readout=readout).state()
    assert one.keys() == other.keys()
    for name, array in one.items():
        assert array.tobytes() == other[name].tobytes(), name
    assert fitted(seed=2, readout=readout).state()["trees"].tobytes() != one["trees"].tobytes()


def test_what_is_loaded_predicts_the_same_bytes() -> None:
    known = fitted()
    loaded = method()
    loaded.load_state(known.state())
    assert loaded.predict(LOG)["mean"].tobytes() == known.predict(LOG)["mean"].tobytes()
    assert loaded.state()["trees"].tobytes() == known.state()["trees"].tobytes()


def test_parameters_are_leaf_values_thresholds_and_encodings_by_hand() -> None:
    """Two trees of 3 leaves: 2 · (3 + 2). A mean and a count for ids 0 to 11, 0 to 8, and each side's unseen ones."""
    built = fitted(leaves=3, rounds=2)
    text = built.state()["trees"].tobytes().decode()
    assert text.count("num_leaves=3\n") == text.count("Tree=") == 2
    expected = 2 * (3 + 2) + 2 * (12 + 1) + 2 * (9 + 1)
    assert built.parameters() == expected
    loaded = method()
    loaded.load_state(built.state())
    assert loaded.parameters() == expected
    assert replace(logs.model(logs.spec("lightgbm")), states=[built.state()] * 2).parameters() == expected


def test_a_tree_without_a_split_is_one_number() -> None:
    built = fitted(rounds=1, rows_per_leaf=600)
    assert built.parameters() - sum(pair[kind].size for pair in built.encodings for kind in pair) == 1


def test_rounds_stop_where_validation_rows_get_worse() -> None:
    """On a target that nothing explains the best trees are few, and those after the best are not kept."""
    noise = replace(LOG, targets={"watch_time": np.random.default_rng(1).random(600)})
    built = method(rounds=200, patience=5)
    built.fit(noise, replace(LOG, targets={"watch_time": np.random.default_rng(2).random(600)}), seed=0)
    kept = built.state()["trees"].tobytes().decode().count("Tree=")
    assert kept == built.booster.best_iteration < 50


def test_each_objective_estimates_its_own_statistic() -> None:
    """A target of 0, 0, 0 and 40 has mean 10 and median 0, whatever the features are."""
    rows = replace(
        LOG,
        targets={"watch_time": np.resize([0.0, 0.0, 0.0, 40.0], 600)},
        categorical=np.ones((600, 2), dtype=np.int32),
    )
    flat = replace(rows, numeric=np.zeros((600, 1), dtype=np.float32))
    for readout, expected in (("mean", 10.0), ("median", 0.0), ("rank", 0.5)):
        built = method(readout=readout)
        built.fit(flat, flat, seed=0)
        assert built.predict(flat)[readout] == pytest.approx([expected] * 600, abs=0.2)


def test_tweedie_fits_the_mean_of_each_group_on_a_logarithmic_scale() -> None:
    """A group of one row in ten above 0 and one of all above: the deviance is least at their means, 3 and 50."""
    group = np.arange(600) % 2
    target = np.where(group == 1, 50.0, np.where(np.arange(600) % 20 == 0, 30.0, 0.0))
    ids = np.ones((600, 0), dtype=np.int32)
    rows = replace(LOG, targets={"watch_time": target}, categorical=ids, numeric=group[:, None].astype(np.float32))
    built = method(tweedie=True, rounds=200, learning_rate=0.3)
    built.fit(rows, rows, seed=0)
    predicted = built.predict(rows)["mean"]
    assert predicted[group == 0] == pytest.approx([3.0] * 300, rel=0.02)
    assert predicted[group == 1] == pytest.approx([50.0] * 300, rel=0.02)
    loaded = method(tweedie=True)
    loaded.load_state(built.state())
    assert loaded.predict(rows)["mean"].tobytes() == predicted.tobytes(), "the link is stored with the trees"


def test_trees_of_tweedie_know_their_power() -> None:
    """What stands before the parameters are the trees themselves."""
    low, high = (
        fitted(tweedie=True, variance_power=power).state()["trees"].tobytes().decode().split("\nparameters:")
        for power in (1.2, 1.8)
    )
    assert "objective=tweedie" in low[0]
    assert low[0] != high[0]
    assert "[tweedie_variance_power: 1.2]" in low[1]


@pytest.mark.parametrize(
    "settings", [{"readout": "median"}, {"variance_power": 1.0}, {"variance_power": 2.0}], ids=lambda one: str(one)
)
def test_what_is_no_mean_of_a_compound_law_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(WatchtimeError, match=r"tweedie|variance_power"):
        method(tweedie=True, **settings)
