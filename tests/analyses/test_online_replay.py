"""The replay of an online test: who is shown what, and what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from studies import write_study
from watchtime.analyses import online_replay
from watchtime.analyses.replay.purchases import paired
from watchtime.analyses.replay.stage import Options, Stage, best, candidates
from watchtime.analyses.replay.watching import watching_stage
from watchtime.core.errors import WatchtimeError
from watchtime.core.job import JobSpec
from watchtime.core.plan import Plan
from watchtime.datasets.encoded import EncodedLog
from watchtime.labels.base import Floats, Integers

USERS, ITEMS, REPETITIONS = 40, 12, 3


def stage(quality: float, outcome: Floats) -> Stage:
    """Return a stage with a control that knows nothing and a treatment that knows so much of the outcome."""
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(2, REPETITIONS, *outcome.shape))
    scores = {"cread": noise[0], "gr": quality * outcome + (1 - quality) * noise[1]}

    def follows(_: int, places: Integers) -> Mapping[str, Floats]:
        return {"drawn": np.take_along_axis(outcome, places, axis=1)}

    return Stage(
        np.full(outcome.shape, True), scores, follows, {"first half": np.arange(ITEMS) < np.full((USERS, 1), 6)}
    )


def replayed(place: Path, monkeypatch: pytest.MonkeyPatch, found: Stage, **options: Any) -> dict[str, pl.DataFrame]:
    monkeypatch.chdir(place)
    study = write_study(place, "gr/table2", [3.0, 5.0, 9.0], [1.0, 2.0], lambda *_: [1.0, 2.0], repetitions=REPETITIONS)
    monkeypatch.setattr(online_replay, "watching_stage", lambda *_: found)
    card = study.plan.artifacts["gr/table2"]
    usual = {"candidates": 6, "shown": 2, "test_days": [1, 2], "same_days": [3, 3]}
    monkeypatch.setitem(
        study.plan.__dict__, "artifacts", {"gr/table2": card.model_copy(update={"options": usual | options})}
    )
    return online_replay.tables(study)


def test_candidates_are_different_available_items_in_random_order() -> None:
    rng = np.random.default_rng(1)
    available = rng.random((500, 20)) < 0.6
    found = candidates(Stage(available, {}, lambda *_: {}), 5, np.random.default_rng(2))
    enough = available.sum(axis=1) >= 5
    assert all(len(set(row)) == 5 for row in found)
    assert np.take_along_axis(available, found, axis=1)[enough].all()
    first = np.bincount(candidates(Stage(np.full((4_000, 4), True), {}, lambda *_: {}), 2, rng)[:, 0], minlength=4)
    assert first == pytest.approx(np.full(4, 1_000), rel=0.15)


def test_the_highest_scores_are_shown() -> None:
    scores = np.array([[0.0, 9.0, 3.0, 5.0], [1.0, 1.0, 2.0, 1.0]])
    found = best(scores, np.array([[0, 2, 3], [3, 1, 2]]), 2)
    np.testing.assert_array_equal(found, [[2, 1], [2, 0]])


def test_a_policy_that_knows_the_outcome_brings_the_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = np.random.default_rng(5).gamma(1.0, 10.0, (USERS, ITEMS))
    visits = replayed(tmp_path, monkeypatch, stage(1.0, outcome))["visits"].filter(phase="test", part="all")
    assert (visits["treatment"] >= visits["control"] - 1e-9).all()
    assert float(visits["treatment"].sum()) > 1.5 * float(visits["control"].sum())


def test_on_same_days_both_buckets_have_the_control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = np.random.default_rng(5).gamma(1.0, 10.0, (USERS, ITEMS))
    visits = replayed(tmp_path, monkeypatch, stage(1.0, outcome))["visits"]
    same = visits.filter(phase="same")
    assert same["day"].unique().to_list() == [3]
    assert same["control"].equals(same["treatment"].alias("control"))
    assert visits.filter(phase="test")["day"].unique().sort().to_list() == [1, 2]
    assert visits.unique("visitor").group_by("bucket").len().sort("bucket")["len"].to_list() == [20, 20]
    assert visits.group_by("visitor").agg(pl.col("bucket").n_unique())["bucket"].max() == 1


def test_the_sums_are_those_of_a_loop_over_visits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every item is a candidate, what is shown follows from the scores alone."""
    outcome = np.random.default_rng(6).gamma(1.0, 10.0, (USERS, ITEMS))
    found = stage(0.5, outcome)
    tables = replayed(tmp_path, monkeypatch, found, candidates=ITEMS)
    for part, items in (("all", range(ITEMS)), ("first half", range(6))):
        expected: dict[str, list[float]] = {"control": [], "treatment": []}
        for name, row in (("control", "cread"), ("treatment", "gr")):
            for repetition in range(REPETITIONS):
                tops = [
                    sorted(range(ITEMS), key=found.scores[row][repetition][user].__getitem__)[-2:]
                    for user in range(USERS)
                ]
                day = sum(outcome[user, item] for user, top in enumerate(tops) for item in top if item in items)
                expected[name].append(2 * day)
        frame = tables["repetitions"].filter(part=part).sort("repetition")
        for name, sums in expected.items():
            assert frame[name].to_list() == pytest.approx(sums)
            assert tables["visits"].filter(phase="test", part=part)[name].sum() == pytest.approx(np.mean(sums))


def test_users_with_too_few_items_are_left_out_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = stage(0.5, np.ones((USERS, ITEMS)))
    found.available[3, 5:] = False
    tables = replayed(tmp_path, monkeypatch, found)
    assert tables["stage"].row(0, named=True) == {
        "visitors": USERS - 1, "without_enough": 1, "items": ITEMS, "pairs": USERS * ITEMS - 7
    }  # fmt: skip
    assert 3 not in tables["visits"]["visitor"]
    with pytest.raises(WatchtimeError, match="no user of kuairec has 13 items to choose from"):
        replayed(tmp_path, monkeypatch, found, candidates=13)


def test_a_real_log_is_replayed_with_its_own_watch_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two test rows of users 0 and 1: every pair of the table is the row's, the others cannot be shown."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Plan, "is_simulated", lambda *_: False)

    def predictions(spec: JobSpec, readout: str, repetition: int) -> Sequence[float]:
        return [10.0 + repetition, 20.0 + repetition]

    study = write_study(tmp_path, "gr/table2", [3.0, 5.0, 9.0], [1.0, 2.0], predictions, repetitions=2)
    told = pl.DataFrame({"raw_row": [4, 5], "user": [70, 71], "item": [8, 9]}, schema_overrides={"raw_row": pl.UInt32})
    told.write_parquet(study.plan.data_folder("kuairec") / "interactions.parquet")
    options = Options(test_days=(1, 1))
    found = watching_stage(study, {"gr": "sequence"}, options)
    users, items = np.nonzero(found.available)
    assert len(users) == 2
    np.testing.assert_array_equal(np.sort(found.scores["gr"][1][users, items]), [11.0, 21.0])
    order = np.argsort(found.scores["gr"][0][users, items])
    watched = found.outcome(1, np.tile(np.arange(found.available.shape[1]), (len(found.available), 1)))["drawn"]
    np.testing.assert_array_equal(watched[users, items][order], [1.0, 2.0])


def test_a_product_is_joined_to_a_visit() -> None:
    log = EncodedLog(
        fields=("user", "product", "device"),
        columns=("price",),
        categorical=np.array([[1, 10, 100], [2, 20, 200], [3, 30, 300]], np.int32),
        numeric=np.array([[0.1], [0.2], [0.3]], np.float32),
        multi_valued={},
        user=np.array([1, 2, 3], np.int32),
        raw_row=np.arange(3, dtype=np.uint32),
    )
    found = paired(log, np.array([0, 0, 2]), np.array([1, 2, 0]), ["user", "device"])
    np.testing.assert_array_equal(found.categorical, [[1, 20, 100], [1, 30, 100], [3, 10, 300]])
    np.testing.assert_array_equal(found.numeric[:, 0], np.array([0.2, 0.3, 0.1], np.float32))
    assert log.categorical[1, 0] == 2, "the log itself stays as it is"


def test_a_policy_that_was_not_trained_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    study = write_study(tmp_path, "gr/table2", [3.0, 5.0, 9.0], [1.0, 2.0], lambda *_: [1.0, 2.0])
    monkeypatch.setitem(study.__dict__, "jobs", {"cread": study.jobs["cread"]})
    with pytest.raises(WatchtimeError, match="gr/table2: gr was not trained on kuairec"):
        online_replay.tables(study)
