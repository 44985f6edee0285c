"""Learning curves of three ways to choose a tree, by hand."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from models import save_models
from studies import write_study
from watchtime.analyses.study import Study
from watchtime.analyses.tree_learning import tables

ARTIFACT = "ptpm/figure6"
CURVES = {
    "ptpm": [[5.0, 3.0, 4.0], [6.0, 2.0]],
    "ptpm/random_pruning": [[7.0, 8.0], [7.0]],
    "ptpm/subtree_1": [[9.0, 6.0], [9.0, 9.5]],
    "ptpm/subtree_2": [[8.0], [8.0, 7.0]],
    "ptpm/subtree_3": [[5.5], [7.5]],
    "ptpm/subtree_4": [[9.0], [1.0]],
}
"""The validation errors of two repetitions, epoch by epoch; TPM has none."""


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.chdir(tmp_path)
    made = write_study(tmp_path, ARTIFACT, [1.0] * 10, [1.0], repetitions=2)
    for row, spec in made.jobs.items():
        curves = CURVES.get(row, [[], []])
        history = [
            {"repetition": repetition, "epoch": epoch, "training": 0.0, "validation": 0.0, "absolute_error": error}
            for repetition, curve in enumerate(curves)
            for epoch, error in enumerate(curve)
        ]
        folder = made.plan.job_folder(spec)
        if history:
            pl.DataFrame(history).write_parquet(folder / "history.parquet")
    save_models(made)
    return made


def test_only_tpm_and_learned_trees_have_costs(study: Study) -> None:
    """Two ids of eight numbers, layers of 32 and 16, and a head of 63 nodes, beside which PTPM has 62 classifiers."""
    shared = 8 * 32 + 32 * 16
    assert tables(study)["costs"].rows() == [
        (row, 2 * 8 + shared + 16 * outputs + 32 + 16 + outputs, 2 * (shared + 16 * outputs))
        for row, outputs in (("tpm", 63), ("ptpm", 63 + 62))
    ]


def test_one_way_visits_all_training_rows_in_every_epoch(study: Study) -> None:
    curves = (
        tables(study)["curves"]
        .filter(line="learned")
        .select("repetition", "epoch", "visits", "absolute_error", "lowest")
    )
    assert curves.rows() == [(0, 0, 10, 5, 5), (0, 1, 20, 3, 3), (0, 2, 30, 4, 3), (1, 0, 10, 6, 6), (1, 1, 20, 2, 2)]


def test_the_candidates_of_the_search_come_one_after_another(study: Study) -> None:
    curves = tables(study)["curves"].filter(line="search").select("repetition", "row", "epoch", "visits", "lowest")
    first, second, third, fourth = (f"ptpm/subtree_{number}" for number in (1, 2, 3, 4))
    assert curves.filter(repetition=0).select(pl.exclude("repetition")).rows() == [
        (first, 0, 10, 9),
        (first, 1, 20, 6),
        (second, 0, 30, 6),
        (third, 0, 40, 5.5),
        (fourth, 0, 50, 5.5),
    ]
    assert curves.filter(repetition=1).select("visits", "lowest").rows() == [
        (10, 9),
        (20, 9),
        (30, 8),
        (40, 7),
        (50, 7),
        (60, 1),
    ]


def test_a_search_is_as_long_as_its_candidates_are_trained(study: Study) -> None:
    """K = 5 epochs each, which early stopping cannot shorten, on trees that differ."""
    candidates = [spec for row, spec in study.jobs.items() if "subtree" in row]
    assert [(spec.training.epochs, spec.training.patience >= spec.training.epochs) for spec in candidates] == [
        (5, True)
    ] * 4
    assert len({spec.settings["subtree_seed"] for spec in candidates}) == 4
    assert {spec.settings["tree"] for spec in candidates} == {"fixed"}
