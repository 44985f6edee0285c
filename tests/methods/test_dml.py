"""DML: what its two losses estimate, and that the rank alone predicts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from minimum import minimum
from watchtime.labels.storage import fit_codec
from watchtime.methods.base import build
from watchtime.methods.dml import MultipleSemanticsLabeling

DRAWS = np.random.default_rng(0)
DURATION = np.repeat([10.0, 20.0], 101)
TARGET = DURATION * DRAWS.random(202)
CONTEXT = np.arange(202) % 2


def method(**settings: Any) -> MultipleSemanticsLabeling:
    fitted = fit_codec("watch_percentage_ranks", {}, TARGET, DURATION)
    built: MultipleSemanticsLabeling = build("dml", settings, fitted, "watch_time")
    return built


def labels_of(dml: MultipleSemanticsLabeling) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(value) for name, value in dml.labels(TARGET, DURATION).items()}


def test_its_heads_estimate_the_expected_rank_and_the_shares_of_views() -> None:
    dml = method()
    labels = labels_of(dml)
    found = 1 / (1 + np.exp(-minimum(lambda outputs: dml.loss(outputs[CONTEXT], labels), 2, 4)))
    for context in (0, 1):
        rows = context == CONTEXT
        assert found[context, 0] == pytest.approx(labels["rank"].numpy()[rows].mean(), rel=1e-4)
        np.testing.assert_allclose(found[context, 1:], labels["views"].numpy()[rows].mean(0), rtol=1e-3)


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_the_loss_by_hand(weight: float) -> None:
    """Rank error of ½ everywhere, and views of which each is guessed at one half: log 2."""
    dml = method(views_weight=weight)
    labels = labels_of(dml)
    expected = np.mean((0.5 - labels["rank"].numpy()) ** 2) + weight * np.log(2)
    assert dml.loss(torch.zeros(202, 4), labels).item() == pytest.approx(expected, rel=1e-6)


def test_perfect_ranks_give_the_targets_back_whatever_the_views() -> None:
    dml = method()
    rank = dml.labels(TARGET, DURATION)["rank"]
    with np.errstate(divide="ignore"):
        logit = np.log(rank) - np.log1p(-np.asarray(rank))
    outputs = np.column_stack([logit, DRAWS.normal(0, 9, (202, 3))])
    np.testing.assert_allclose(dml.readouts(outputs, DURATION)["quantile"], TARGET, rtol=1e-9)
