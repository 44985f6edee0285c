"""LabelCraft: what its labeller sees, what its merit is, and that labels learn what they are judged by."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import logs
from watchtime.core.errors import WatchtimeError
from watchtime.losses.platform_objectives import Candidates
from watchtime.methods.labelcraft import LabelCraft, LabelCraftHead
from watchtime.training.bilevel import BilevelGroup
from watchtime.training.fitting import fit
from watchtime.training.network_fitting import part

CPU = torch.device("cpu")
LABELS = {
    "watch_time": torch.tensor([0.0, 9.0, 30.0]),
    "duration": torch.tensor([10.0, 9.0, 15.0]),
    "positive_feedback": torch.tensor([0.0, 1.0, 0.0]),
}


def method(variant: str = "paper", **settings: Any) -> LabelCraft:
    made: LabelCraft = logs.model(logs.spec("labelcraft", variant, "label", settings=settings)).method
    return made


def labelled(made: LabelCraft, outputs: Tensor) -> Tensor:
    torch.manual_seed(0)
    head = made.head(outputs.shape[1] - 1)
    assert isinstance(head, LabelCraftHead)
    return made.crafted(head.labeller, dict(head.labeller.named_parameters()), outputs, LABELS)


@pytest.mark.parametrize(
    ("variant", "ignored"),
    [
        ("no_watch_time_input", "watch_time"),
        ("no_duration_input", "duration"),
        ("no_feedback_input", "positive_feedback"),
    ],
)
def test_a_labeller_without_an_input_does_not_see_it(variant: str, ignored: str, monkeypatch: Any) -> None:
    outputs = torch.randn(3, 6, generator=torch.Generator().manual_seed(1))
    whole, without = labelled(method(), outputs), labelled(method(variant), outputs)
    monkeypatch.setitem(LABELS, ignored, LABELS[ignored].flip(0) + 1)
    assert not torch.equal(labelled(method(), outputs), whole)
    torch.testing.assert_close(labelled(method(variant), outputs), without)


def test_labels_lie_between_0_and_1_and_hand_no_gradient_to_the_recommender() -> None:
    outputs = torch.randn(3, 6, generator=torch.Generator().manual_seed(1)).requires_grad_()
    labels = labelled(method(), outputs)
    assert ((labels > 0) & (labels < 1)).all()
    gradient = torch.autograd.grad(labels.sum(), outputs, allow_unused=True)[0]
    assert gradient is None or not gradient.any()


def test_the_released_labeller_sees_three_plain_numbers_alone() -> None:
    first, second = torch.randn(2, 3, 6, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(labelled(method("released"), first), labelled(method("released"), second))
    made = method("released")
    assert made._input("watch_time", torch.tensor(30.0)) == 30
    assert method()._input("watch_time", torch.tensor(30.0)) == torch.tensor(30.0).log1p()


def test_the_merit_weighs_the_objectives_that_count() -> None:
    found = torch.tensor([0.2, 0.4, 0.1])
    assert float(method("no_balance").merit(found)) == pytest.approx(0.7)
    shares = torch.softmax(-0.5 * found, 0)
    assert float(method().merit(found)) == pytest.approx(float((shares * found).sum()))
    assert float(method("no_engagement", balance="none").merit(found)) == pytest.approx(0.3)
    assert float(method("temperature_0").merit(found)) == pytest.approx(0.7 / 3)


def test_lists_have_the_rows_of_the_highest_scores() -> None:
    present = torch.tensor([[True, True, True, True], [True, True, True, False]])
    watched = torch.tensor([[0.1, 0.2, 0.4, 0.8], [0.3, 0.9, 0.6, 0.0]])
    rows = Candidates(watched, torch.zeros(2, 4), torch.zeros(2, 4), present)
    scores = torch.tensor([[0.9, 0.1, 0.8, 0.2], [0.1, 0.7, 0.9, 0.0]])
    found = method(list_length=2, softness=1e-4).objectives(scores, rows)
    assert float(found[0]) == pytest.approx(((0.1 + 0.4) / 2 + (0.9 + 0.6) / 2) / 2, abs=1e-4)


def group(**settings: Any) -> tuple[BilevelGroup, Any]:
    spec = logs.spec(
        *("labelcraft", "paper", "label"),
        settings={"list_length": 3, "hidden": [16], "tentative_rate": 1.0, "label_rate": 0.003, **settings},
        training={"batch": 256, "learning_rate": 0.01},
    )
    log, encoding = logs.encoded()
    made = logs.model(spec).method
    training, validation = (
        part(made, log.rows(np.flatnonzero(log.part == number)), "label", encoding, CPU, spec.encoder.events)
        for number in (0, 1)
    )
    return BilevelGroup(made, training, validation, spec.encoder, spec.training, 1, [0]), training


@pytest.mark.parametrize(("objective", "place"), [("usage", 0), ("engagement", 1), ("diversity", 2)])
def test_labels_learn_the_one_objective_that_counts(objective: str, place: int) -> None:
    made, training = group(objectives=[objective])
    names = ("usage", "engagement", "diversity")
    before = float(made.lists()[names[place]][0])
    for _ in range(12):
        for index in made.epoch_order(len(training.rows)):
            made.step(training.rows, training.labels, index)
    assert float(made.lists()[names[place]][0]) > 1.05 * before


def test_a_state_that_is_taken_back_goes_on_alike() -> None:
    first, training = group()
    second, _ = group()
    order = first.epoch_order(len(training.rows))
    second.epoch_order(len(training.rows))
    for index in order[:2]:
        first.step(training.rows, training.labels, index)
    second.load_state({name: value.clone() for name, value in first.state().items()})
    assert float(first.step(training.rows, training.labels, order[2])) == float(
        second.step(training.rows, training.labels, order[2])
    )
    assert torch.equal(first.flat, second.flat)


def test_a_clean_hold_out_takes_the_last_training_day_out_of_the_training() -> None:
    log, _ = logs.encoded()
    spec = logs.spec("labelcraft", "clean", "label", training={"epochs": 1}, settings={"list_length": 3})
    one_day = log.rows(np.flatnonzero(np.asarray(log.day) == 0))
    with pytest.raises(WatchtimeError, match="at least two days"):
        fit(logs.model(spec), one_day, None, "")
    fitted = fit(logs.model(spec), log, None, "")
    assert np.isfinite(fitted.history[0]["usage"])
