"""Two stages that share nothing: their product, and no gradient from one to the other."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import logs
from watchtime.labels.storage import fit_codec
from watchtime.methods.base import build
from watchtime.training.network import initialised
from watchtime.training.resident import ResidentRows

TARGET = np.array([0.0, 0.0, 10.0, 30.0])


def test_the_prediction_is_the_chance_to_pay_times_what_payers_pay() -> None:
    two_stage = build("two_stage", {}, fit_codec("positive_values", {}, TARGET), "ltv")
    outputs = np.array([[0.0, 1.5], [np.log(3), -0.5]])
    found = two_stage.readouts(outputs, np.full(2, np.nan))
    # The mean positive target is 20.
    assert found["mean"].tolist() == pytest.approx([0.5 * 1.5 * 20, 0.75 * -0.5 * 20])


def test_the_regression_leaves_the_classifier_alone() -> None:
    """Each tower has its embeddings and layers, so that a row of 0 moves the first alone."""
    log, encoding = logs.encoded()
    job = logs.spec("two_stage", task="ltv")
    method = logs.model(job).method
    rows = ResidentRows(log, encoding.cardinalities, torch.device("cpu"))
    network = initialised(method, rows.shape, job.encoder, seed=0)
    first = torch.arange(8)
    for value, moved in ((0.0, [True, False]), (2.0, [True, True])):
        network.zero_grad()
        method.loss(network(rows.gather(first)), {"value": torch.full((8,), value)}).backward()
        for tower, expected in zip(network.towers, moved, strict=True):
            gradients = [one.grad for one in tower.parameters()]
            assert any(one is not None and bool(one.abs().sum() > 0) for one in gradients) == expected
        assert network.table.grad is not None
        halves = [bool(half.abs().sum() > 0) for half in network.table.grad.chunk(2, -1)]
        assert halves == moved
