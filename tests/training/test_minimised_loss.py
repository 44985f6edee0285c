"""The loss that a step minimises, what validation notes beside its own, and AdamW."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from guided_methods import ENCODER, SEED, Apart, Measuring, batches, built, parts, train
from watchtime.core.seeds import derive_seed
from watchtime.methods.network import Guide, Moment
from watchtime.methods.vr import ValueRegression
from watchtime.training import engine
from watchtime.training.network import initialised


def test_training_minimises_its_own_loss_and_validation_judges_by_the_other() -> None:
    method = built(Apart)
    (result,) = train(method, epochs=6, patience=6)
    last = result.history[-1]
    assert last["training"] < 0.01
    assert last["validation"] == pytest.approx((3 - 1) ** 2, rel=0.05)
    validation = parts(method)[1].rows
    outputs = np.concatenate(list(engine.outputs(method, validation, ENCODER, 100, result.parameters)))
    best = min(row["validation"] for row in result.history)
    assert np.mean((outputs - 1) ** 2) == pytest.approx(best, rel=1e-5)
    assert best < last["validation"]


def test_without_a_loss_of_its_own_training_minimises_the_loss() -> None:
    method, outputs = built(ValueRegression), torch.tensor([[1.0], [4.0]])
    guide = Guide({"value": torch.tensor([2.0, 2.0])}, torch.empty(2, 0), Moment(0, 1, 1))
    assert method.training_loss(outputs, guide).item() == 2.5


@pytest.mark.parametrize("stacked", [False, True])
def test_validation_notes_what_a_method_measures_over_all_rows(stacked: bool) -> None:
    """480 rows in slabs of 200, 200 and 80: the mean over rows is none over slabs."""
    trained = train(built(Measuring), [0, 1], stacked, evaluation_batch=200)
    method, (_, validation) = built(Measuring), parts(built(Measuring))
    for one in trained:
        outputs = np.concatenate(list(engine.outputs(method, validation.rows, ENCODER, 100, one.parameters)))
        error = np.abs(outputs[:, 0] - validation.labels["value"].numpy()).mean()
        kept = min(one.history, key=lambda row: row["validation"])
        assert kept["absolute_error"] == pytest.approx(error, rel=1e-5)
        assert list(kept) == ["repetition", "epoch", "training", "validation", "absolute_error"]


@pytest.mark.parametrize("embedding_decay", [0.0, 0.1])
def test_weight_decay_is_that_of_a_plain_loop_with_adamw(embedding_decay: float) -> None:
    """22 steps; fused and plain AdamW round differently, parameters may differ by a hundredth of one step."""
    method = built(ValueRegression)
    training, _ = parts(method)
    result, without = (
        train(method, epochs=1, unknown_rate=0.0, embedding_decay=embedding_decay, weight_decay=decay)[0]
        for decay in (0.3, 0.0)
    )
    seed = derive_seed(SEED, axis="initialisation", repetition=0)
    network = initialised(method, training.rows.shape, ENCODER, seed)
    optimiser = torch.optim.AdamW(network.parameters(), lr=0.01, weight_decay=0.3, fused=False)
    for rows in batches(0, len(training.rows)):
        optimiser.zero_grad()
        ((network(training.rows.gather(rows))[:, 0] - training.labels["value"][rows]) ** 2).mean().backward()
        assert network.table.grad is not None
        network.table.grad += embedding_decay * network.table.detach()
        optimiser.step()
    for name, value in network.named_parameters():
        torch.testing.assert_close(result.parameters[name], value.detach(), rtol=0, atol=1e-4)
        assert not torch.allclose(without.parameters[name], value, rtol=0, atol=1e-3), name
