"""Weights of prototypes whose spread is known, and those of models computed by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models import save_models
from studies import write_study
from watchtime.analyses.prototype_weights import BATCH, aligned, by_prototype, drawn_batch, effective, numbers, tables
from watchtime.analyses.study import Study
from watchtime.datasets.protocols import TRAINING

PEAKED = np.array([[1.0, 0, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 0, 0.5, 0.5]])


def test_effective_prototypes_are_as_many_as_share_a_row_alike() -> None:
    assert effective(PEAKED) == pytest.approx([1, 4, 2])


def test_numbers_count_large_weights_leading_prototypes_and_what_plan_and_similarities_share() -> None:
    similarities = np.array([[0.4, 0.2, 0.2, 0.2], [0.1, 0.2, 0.3, 0.4], [0.3, 0.2, 0.1, 0.4]])
    kinds = {"plan": PEAKED, "similarities": similarities}
    plan = numbers(kinds, "plan")
    assert plan["effective"] == pytest.approx(7 / 3)
    # One of the first row, none of the second, two of the third.
    assert plan["above"] == pytest.approx(3 / 12)
    assert plan["leading"] == 2
    # 0.4 · 0.1 + 0.2 + 0.25 + 0.25 · 0.1 + 0.4.
    assert plan["agreement"] == pytest.approx((0.4 + 0.8 + 0.5) / 3)
    assert numbers(kinds, "similarities")["agreement"] is None
    assert numbers(kinds, "similarities")["leading"] == 2


def test_rows_are_sorted_by_their_leading_prototype_and_the_larger_weight_first() -> None:
    weights = np.array([[0.2, 0.8], [0.6, 0.4], [0.1, 0.9], [1.0, 0]])
    assert by_prototype(weights).tolist() == [3, 1, 2, 0]


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.chdir(tmp_path)
    training = np.random.default_rng(2).uniform(0, 20, BATCH + 88).tolist()
    lasting = [10.0] * (len(training) + 1)
    made = write_study(tmp_path, "prowtp/figure11", training, [1.0], duration=lasting, repetitions=2, size="tiny")
    save_models(made)
    return made


def test_a_batch_is_of_training_rows_and_the_same_for_all(study: Study) -> None:
    batch = drawn_batch(study)
    rows = np.asarray(batch.raw_row)
    assert len(np.unique(rows)) == BATCH
    assert set(rows) < set(np.asarray(study.part(TRAINING).raw_row))
    assert rows.tolist() == np.asarray(drawn_batch(study).raw_row).tolist()
    assert rows.max() > BATCH


def test_similarities_are_the_softmax_of_cosines_and_a_plan_spreads_every_row(study: Study) -> None:
    batch = drawn_batch(study)
    for row, spec in study.jobs.items():
        model = study.model(spec)
        found = aligned(study, model, 1, batch)
        assert list(found) == (["plan", "similarities"] if row == "prowtp/align_suot" else ["similarities"])
        state, hidden = model.states[1], study.represented(model, 1, batch)
        prototypes = state["towers.0.head.codebook"] @ state["towers.0.head.projection.weight"].T
        cosines = (hidden @ prototypes.T) / np.linalg.norm(hidden, axis=1)[:, None] / np.linalg.norm(prototypes, axis=1)
        weights = np.exp(cosines / spec.settings["temperature"])
        assert found["similarities"] == pytest.approx(weights / weights.sum(1, keepdims=True), rel=1e-3)
    plan = aligned(study, study.model(study.jobs["prowtp/align_suot"]), 0, batch)["plan"]
    assert plan.sum(1) == pytest.approx(np.ones(BATCH))
    assert plan.min() >= 0


def test_tables_have_all_repetitions_and_the_weights_of_the_first(study: Study) -> None:
    found = tables(study)
    assert list(found) == ["weights", "spread", "facts"]
    assert found["facts"].row(0) == (BATCH, 4, 20)
    rows = ["prowtp/align_suot", "prowtp/align_suot", "prowtp/align_l2", "prowtp/align_none"]
    kinds = ["plan", "similarities", "similarities", "similarities"]
    shown = found["weights"].select("row", "kind").unique(maintain_order=True).rows()
    assert shown == list(zip(rows, kinds, strict=True))
    assert found["spread"].height == 8
    assert found["spread"].filter(kind="similarities")["agreement"].null_count() == 6
    weights = np.array(found["weights"].filter(kind="plan")["weights"].to_list())
    assert weights.shape == (BATCH, 80)
    assert (np.diff(weights.argmax(1)) >= 0).all()
