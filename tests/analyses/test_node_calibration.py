"""Leaves and classifiers of a tree with known outputs, by hand and against slow versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from studies import write_study
from watchtime.analyses.node_calibration import area, tables
from watchtime.analyses.study import Study
from watchtime.core.job import JobSpec
from watchtime.datasets.encoded import EncodedLog
from watchtime.evaluation.xauc import xauc

ARTIFACT = "ptpm/figure7"
TRAINING = np.arange(0.0, 65.0).tolist()
"""Leaf l of 64 is [l, l + 1)."""
Logits = npt.NDArray[np.float32]


def measured(
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    test: list[float],
    outputs: Callable[[JobSpec, int], npt.NDArray[Any]],
    slab: int = 3,
) -> dict[str, pl.DataFrame]:
    """Return the tables of jobs whose networks put out ``outputs(spec, repetition)``, [rows, …], in slabs."""

    def slabs(self: Study, spec: JobSpec, repetition: int, rows: EncodedLog) -> Iterator[Logits]:
        assert rows.target("watch_time").tolist() == test
        whole = outputs(spec, repetition).astype(np.float32)
        return (whole[start : start + slab] for start in range(0, len(whole), slab))

    monkeypatch.chdir(place)
    monkeypatch.setattr(Study, "model", lambda self, spec: spec)
    monkeypatch.setattr(Study, "outputs", slabs)
    return tables(write_study(place, ARTIFACT, TRAINING, test, repetitions=2))


def width(spec: JobSpec) -> int:
    return 63 if spec.settings.get("tree", "global") == "global" else 63 + 62


def test_undecided_classifiers_share_the_rows_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of 64 leaves gets 1 / 64 of five rows, of which two are in leaf 3 and three in leaf 60."""
    test = [3.0, 3.5, 60.0, 60.2, 60.4]
    made = measured(tmp_path, monkeypatch, test, lambda spec, repetition: np.zeros((5, width(spec))))
    for (row, repetition), leaves in made["leaves"].group_by("row", "repetition"):
        assert row in ("tpm", "ptpm", "ptpm/no_tsl", "ptpm/no_ucl")
        assert repetition in (0, 1)
        assert leaves["leaf"].to_list() == list(range(64))
        assert leaves["predicted"].to_numpy() == pytest.approx(5 / 64)
        known = leaves.drop_nulls("ratio").select("leaf", "low", "high", "rows", "ratio").rows()
        assert known == [(3, 3, 4, 2, pytest.approx(5 / 64 / 2)), (60, 60, 61, 3, pytest.approx(5 / 64 / 3))]
    nodes = made["nodes"].filter(row="ptpm", repetition=1)
    assert nodes.filter(node=0).select("depth", "rows", "auc_own", "auc_all").row(0) == (0, 5, 0.5, 0.5)
    # The left half below the root has two rows, both left of its middle, 16; the other three are beyond it.
    assert nodes.filter(node=1).select("depth", "rows", "auc_own", "auc_all").row(0) == (1, 2, None, 0.5)


def test_classifiers_that_know_the_leaf_are_calibrated_and_order_all_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands behind the classifiers prunes, and is not looked at."""
    test = (np.random.default_rng(1).permutation(64) + 0.5).tolist()

    def knowing(spec: JobSpec, repetition: int) -> npt.NDArray[Any]:
        noise = np.full((64, width(spec)), np.nan)
        for place, leaf in enumerate(np.floor(test).astype(int)):
            for node in range(63):
                level = int(np.log2(node + 1))
                first, size = (node + 1 - 2**level) * (64 >> level), 64 >> level
                noise[place, node] = 60.0 if leaf >= first + size // 2 else -60.0
        return noise

    made = measured(tmp_path, monkeypatch, test, knowing)
    assert made["leaves"]["rows"].to_list() == [1] * 64 * 4 * 2
    assert made["leaves"]["ratio"].to_numpy() == pytest.approx(1)
    assert set(made["nodes"]["auc_own"]) == {1.0}
    assert set(made["nodes"]["auc_all"]) == {1.0}
    assert made["nodes"].group_by("depth").agg(pl.sum("rows")).sort("depth")["rows"].to_list() == [64 * 8] * 6


def walk(logits: Logits, node: int, first: int, stop: int, chance: Any) -> Iterator[tuple[int, int, int, Any]]:
    """Yield node, first leaf, stop and the rows' probabilities to be there, of all nodes from ``node`` down."""
    yield node, first, stop, chance
    if stop - first > 1:
        middle, right = (first + stop) // 2, 1 / (1 + np.exp(-logits[:, node].astype(float)))
        yield from walk(logits, 2 * node + 1, first, middle, chance * (1 - right))
        yield from walk(logits, 2 * node + 2, middle, stop, chance * right)


def test_leaves_and_nodes_are_those_of_a_walk_down_the_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(2)
    test = generator.gamma(2.0, 10.0, 50).clip(0, 63.5)
    drawn = {(name, one): generator.normal(0, 1, (50, 125)) for name in ("tpm", "ptpm") for one in (0, 1)}
    made = measured(
        tmp_path, monkeypatch, test.tolist(), lambda spec, one: drawn[spec.method, one][:, : width(spec)], slab=50
    )
    for (row, repetition), whole in drawn.items():
        logits = whole.astype(np.float32)
        leaves, nodes = (made[name].filter(row=row, repetition=repetition) for name in ("leaves", "nodes"))
        for node, first, stop, chance in walk(logits, 0, 0, 64, np.ones(50)):
            if stop - first == 1:
                assert leaves.filter(leaf=first)["predicted"][0] == pytest.approx(chance.sum())
                continue
            own, right = (first <= test) & (test < stop), (test >= (first + stop) / 2).astype(int)
            found = nodes.row(node, named=True)
            assert (found["rows"], found["node"]) == (own.sum(), node)
            for name, rows in (("auc_own", own), ("auc_all", np.full(50, True))):
                expected = xauc(right[rows], logits[rows, node]) if rows.any() else np.nan
                assert found[name] == (None if np.isnan(expected) else pytest.approx(expected))


@pytest.mark.parametrize(
    ("scores", "positive", "expected"),
    [
        ([1.0, 2.0, 3.0], [0, 0, 1], 1.0),
        ([1.0, 2.0, 3.0], [1, 0, 0], 0.0),
        ([1.0, 1.0, 3.0], [0, 1, 1], 0.75),
        ([5.0, 5.0], [0, 1], 0.5),
        ([1.0, 2.0], [1, 1], None),
        ([], [], None),
    ],
)
def test_the_area_by_hand(scores: list[float], positive: list[int], expected: float | None) -> None:
    assert area(np.array(scores), np.array(positive, dtype=bool)) == expected


def test_the_area_is_the_xauc_of_two_classes() -> None:
    generator = np.random.default_rng(3)
    for size in (2, 30, 500):
        scores = generator.normal(0, 1, size).round(1)
        positive = np.append([True, False], generator.random(size - 2) < 0.3)
        assert area(scores, positive) == pytest.approx(xauc(positive.astype(int), scores))
