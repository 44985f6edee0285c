"""The order inside a batch against a loop over pairs and against the metric."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from watchtime.evaluation.metrics import evaluate
from watchtime.losses.order_reward import batch_xauc, comparable_pairs, concordance

NUMBERS = st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.5])
BATCHES = st.integers(1, 12).flatmap(
    lambda rows: st.tuples(*(st.lists(NUMBERS, min_size=rows, max_size=rows) for _ in range(3)))
)


def one_pair(ours: float, theirs: float, own: float, rival: float) -> float:
    """c of a row with target ``ours`` and prediction ``own`` and another one with ``theirs`` and ``rival``."""
    if ours == theirs:
        return 0.0
    if own == rival:
        return 0.5
    return float((own > rival) == (ours > theirs))


@settings(max_examples=100)
@given(BATCHES)
def test_concordance_against_a_double_loop(batch: tuple[list[float], list[float], list[float]]) -> None:
    target, prediction, other = batch
    rows = range(len(target))
    y, p, q = (torch.tensor(column, dtype=torch.float64) for column in batch)
    for rivals, found in ((prediction, concordance(y, p)), (other, concordance(y, p, rivals=q))):
        expected = [sum(one_pair(target[i], target[j], prediction[i], rivals[j]) for j in rows if j != i) for i in rows]
        assert found.tolist() == expected
    pairs = sum(target[i] != target[j] for i in rows for j in range(i))
    assert comparable_pairs(y).item() == max(pairs, 1)


@settings(max_examples=100)
@given(BATCHES)
def test_the_batch_has_the_metrics_xauc(batch: tuple[list[float], list[float], list[float]]) -> None:
    target, prediction, _ = batch
    found = batch_xauc(torch.tensor(target), torch.tensor(prediction)).item()
    values = [one.value for one in evaluate(target, prediction, metrics=["xauc"]) if one.convention == "strict"]
    assert found == pytest.approx(values[0] or 0.0, abs=1e-6)


def test_it_maps_over_repetitions() -> None:
    draws = np.random.default_rng(0)
    target, prediction = (torch.from_numpy(draws.random((3, 20))) for _ in range(2))
    found = torch.vmap(batch_xauc)(target, prediction)
    alone = torch.stack([batch_xauc(y, p) for y, p in zip(target, prediction, strict=True)])
    torch.testing.assert_close(found, alone)
