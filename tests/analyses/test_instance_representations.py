"""Representations whose centres, distances and groups are known, and those of models run by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models import save_models
from studies import DATASET, PROTOCOL, write_study
from watchtime.analyses.instance_representations import (
    LARGE,
    SAMPLE,
    Rows,
    correlations,
    group_facts,
    grouped,
    silhouette,
    tables,
)
from watchtime.analyses.study import Study
from watchtime.core.job import JobSpec
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.protocols import TEST
from watchtime.labels.base import Floats

TEST_SECONDS = [0.0, 0.5, 10.0, 10.9, 20.0, 11.0, 5.0, 0.0]
"""Of videos of 10 s: groups 0, 0, 1, 1, 2, none, none, 0."""


def test_groups_reach_from_their_start_up_to_a_tenth_more() -> None:
    ratio = np.array([-0.1, 0.0, 0.0999, 0.1, 0.5, 1.0, 1.0999, 1.2, 2.05, 3.0, np.nan, np.inf])
    assert grouped(ratio).tolist() == [-1, 0, 0, -1, -1, 1, 1, -1, 2, -1, -1, -1]


def test_a_centre_is_the_mean_of_rows_with_a_tiny_error() -> None:
    vectors = np.array([[0.0, 0], [2, 0], [4, 3], [9, 9], [5, 5]])
    rows = Rows.of(vectors, np.array([0, 0, 0, 1, 2]), np.array([0.001, 0.009, 0.5, 0.2, 0.0]))
    assert rows.centres[0].tolist() == [1, 0]
    assert np.isnan(rows.centres[1]).all()
    assert rows.distance[:3] == pytest.approx([1, 1, np.sqrt(18)])
    assert np.isnan(rows.distance[3])
    assert rows.distance[4] == 0
    first, second, third = group_facts(rows)
    assert [first[name] for name in ("rows", "central", "large")] == [3, 2, 1]
    assert first["distance"] == pytest.approx((2 + np.sqrt(18)) / 3)
    assert (second["central"], second["distance"], second["spearman"]) == (0, None, None)
    assert (third["central"], third["distance"], third["pearson"]) == (1, 0, None)


def test_correlations_are_of_values_and_of_ranks_and_leave_out_rows_without_a_centre() -> None:
    distance = np.array([1.0, 2, 3, 4, np.nan])
    found = correlations(np.array([1.0, 4, 9, 16, -500]), distance)
    assert found["spearman"] == pytest.approx(1)
    # cov = 12.5 / 2, var = 2.5 / 2 and 129 / 4, by hand from sums of squares 5, 129 and products 25.
    assert found["pearson"] == pytest.approx(25 / np.sqrt(5 * 129))
    assert correlations(np.ones(4), np.arange(4.0)) == {"pearson": None, "spearman": None}
    assert correlations(np.ones(2), np.array([np.nan, 1])) == {"pearson": None, "spearman": None}


def silhouette_by_pairs(vectors: Floats, group: list[int]) -> float:
    """Return the mean of (b − a) / max(a, b) from the definition."""
    scores = []
    for place, vector in enumerate(vectors):
        away: dict[int, list[Any]] = {number: [] for number in group}
        for other, number in enumerate(group):
            if other != place:
                away[number].append(np.linalg.norm(vector - vectors[other]))
        inside = np.mean(away[group[place]])
        outside = min(np.mean(found) for number, found in away.items() if number != group[place])
        scores.append((outside - inside) / max(inside, outside))
    return float(np.mean(scores))


def test_silhouettes_are_those_of_rows_with_small_errors() -> None:
    vectors = np.random.default_rng(3).normal(size=(12, 3))
    group = np.array([0, 1, 2] * 4)
    vectors[:, 0] += 3 * group
    error = np.full(12, LARGE - 0.1)
    error[9:] = LARGE + 0.1
    rows = Rows.of(vectors, group, error)
    assert silhouette(rows, 0, 0) == pytest.approx(silhouette_by_pairs(vectors[:9], group[:9].tolist()))
    assert silhouette(Rows.of(vectors, np.zeros(12, np.int64), error), 0, 0) is None
    assert silhouette(Rows.of(vectors[:2], group[:2], error[:2]), 0, 0) is None


def test_samples_are_drawn_from_every_group_and_differ_between_repetitions() -> None:
    group = np.repeat([0, 1], [SAMPLE * 3, 5])
    rows = Rows.of(np.zeros((len(group), 1)), group, np.zeros(len(group)))
    chosen = np.ones(len(group), np.bool_)
    first = rows.sample(chosen, 0, 0)
    assert np.bincount(group[first]).tolist() == [SAMPLE, 5]
    assert len(np.unique(first)) == len(first)
    assert first.tolist() == rows.sample(chosen, 0, 0).tolist()
    assert first.tolist() != rows.sample(chosen, 0, 1).tolist()
    assert rows.sample(group == 1, 0, 0).tolist() == list(range(SAMPLE * 3, SAMPLE * 3 + 5))


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """Return a study of figure 5 whose rows are of a known and of an unknown user by turns.

    TR hits all ratios but the second by 0.5, in the second repetition also the fifth; ProWTP none.
    """
    monkeypatch.chdir(tmp_path)

    def predictions(spec: JobSpec, readout: str, repetition: int) -> list[float]:
        miss = np.zeros(len(TEST_SECONDS)) if spec.method == "vr" else np.full(len(TEST_SECONDS), 1.0)
        miss[1] = 5.0
        miss[4] += 5.0 * repetition
        return (np.array(TEST_SECONDS) + miss).tolist()

    training = np.random.default_rng(2).uniform(0, 20, 60).tolist()
    lasting = [10.0] * (len(training) + len(TEST_SECONDS))
    made = write_study(
        tmp_path, "prowtp/figure5", training, TEST_SECONDS, predictions, duration=lasting, repetitions=2, size="tiny"
    )
    folder = made.plan.encoded_folder(DATASET, PROTOCOL)
    log = EncodedLog.load(folder)
    by_turns = (np.arange(len(log), dtype=np.int32) % 2)[:, None]
    replace(log, categorical=by_turns).save(folder)
    save_models(made)
    return made


def by_hand(study: Study, row: str, repetition: int, user: int) -> tuple[Floats, float]:
    """Return f(x) of a user and what a linear head makes of it, one matrix after another."""
    state = study.model(study.jobs[row]).states[repetition]
    hidden = state["table"][user].astype(np.float64)
    start = "towers.0.encoder."
    hidden = np.maximum(state[f"{start}fields_weight"] @ hidden + state[f"{start}bias"], 0)
    place = 0
    while f"{start}layers.{place}.weight" in state:
        hidden = np.maximum(state[f"{start}layers.{place}.weight"] @ hidden + state[f"{start}layers.{place}.bias"], 0)
        place += 1
    head = state.get("towers.0.head.weight")
    return hidden, np.nan if head is None else float(head[0] @ hidden + state["towers.0.head.bias"][0])


@pytest.mark.parametrize("row", ["tr", "prowtp"])
def test_representations_are_what_the_encoder_hands_on(study: Study, row: str) -> None:
    test = study.part(TEST)
    for repetition in (0, 1):
        found = study.represented(study.model(study.jobs[row]), repetition, test)
        hidden = [by_hand(study, row, repetition, int(user))[0] for user in np.asarray(test.categorical)[:, 0]]
        assert found == pytest.approx(np.array(hidden), rel=1e-4, abs=1e-6)


def test_tables_of_known_predictions(study: Study) -> None:
    found = tables(study)
    assert list(found) == ["points", "groups", "methods"]
    counts = {
        (one["row"], one["repetition"], one["group"]): (one["rows"], one["central"], one["large"])
        for one in found["groups"].to_dicts()
    }
    assert [counts["tr", 0, group] for group in (0, 1, 2)] == [(3, 2, 1), (2, 2, 0), (1, 1, 0)]
    assert counts["tr", 1, 2] == (1, 0, 1)
    assert [counts["prowtp", 0, group] for group in (0, 1, 2)] == [(3, 0, 1), (2, 0, 0), (1, 0, 0)]
    methods = {(one["row"], one["repetition"]): one for one in found["methods"].to_dicts()}
    assert methods["prowtp", 0]["spearman"] is None
    users = np.asarray(study.part(TEST).categorical)[:, 0]
    for repetition in (0, 1):
        below = [by_hand(study, "tr", repetition, int(user))[1] <= 0 for user in users]
        assert methods["tr", repetition]["inactive"] == pytest.approx(np.mean(below))


def test_points_are_those_of_the_first_repetition(study: Study) -> None:
    points = tables(study)["points"]
    errors = points.filter(row="tr", panel="error")
    assert errors["group"].to_list() == [0, 0, 1, 1, 2, 0]
    assert errors["y"].to_list() == pytest.approx([0, 0.5, 0, 0, 0, 0], abs=1e-6)
    vectors = study.represented(study.model(study.jobs["tr"]), 0, study.part(TEST))
    centre = vectors[[0, 7]].mean(0)
    distances = np.linalg.norm(vectors[[0, 1, 7]] - centre, axis=1)
    assert errors.filter(group=0)["x"].to_list() == pytest.approx(distances)
    assert points.filter(row="tr", panel="near")["group"].to_list() == [0, 1, 1, 2, 0]
    far = points.filter(row="tr", panel="far", group=0)
    assert far["error"].to_list() == [pytest.approx(0.5, abs=1e-6), None]
    # Without a centre there is nothing to set large errors beside.
    assert points.filter(row="prowtp", panel="far").height == 0
    assert points.filter(row="prowtp", panel="error").height == 0
