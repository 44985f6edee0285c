"""Classification taught by an ordinal regression, against a loop over rows and classes."""

from __future__ import annotations

import math

import pytest
import torch

from minimum import minimum
from watchtime.losses.ordered_classes import class_probabilities, ordered_classification

CLASSES = 4
LOGITS = torch.tensor([[0.2, -1.0, 0.5, 0.0], [1.0, 1.0, -2.0, 0.3]], dtype=torch.float64)
# The second row's classifiers rise from the first class to the second.
ORDINAL = torch.tensor([[1.2, 0.1, -2.0], [-0.5, 0.4, -1.0]], dtype=torch.float64)
LABEL = torch.tensor([2, 0])


def slow_classes(ordinal: list[float]) -> list[float]:
    reached, lowest = [1.0], 1.0
    for logit in ordinal:
        lowest = min(lowest, 1 / (1 + math.exp(-logit)))
        reached.append(lowest)
    return [reached[m] - (reached[m + 1] if m + 1 < len(reached) else 0.0) for m in range(len(reached))]


def test_class_probabilities_are_steps_of_a_falling_chance_to_be_above() -> None:
    found = class_probabilities(ORDINAL)
    for row in range(2):
        assert found[row].tolist() == pytest.approx(slow_classes(ORDINAL[row].tolist()))
    assert found.sum(-1).tolist() == pytest.approx([1, 1])
    assert found[1, 1].item() == 0


@pytest.mark.parametrize("distillation", [0.0, 0.7])
def test_the_loss_is_the_sum_of_its_three_terms(distillation: float) -> None:
    found = ordered_classification(LOGITS, ORDINAL, LABEL, distillation)
    for row, label in enumerate(LABEL.tolist()):
        weights = [math.exp(one) for one in LOGITS[row].tolist()]
        classes = [one / sum(weights) for one in weights]
        expected = -math.log(classes[label])
        for m, logit in enumerate(ORDINAL[row].tolist()):
            above = 1 / (1 + math.exp(-logit))
            expected -= math.log(above if label > m else 1 - above)
        teacher = slow_classes(ORDINAL[row].tolist())
        expected += distillation * sum(q * math.log(q / p) for q, p in zip(teacher, classes, strict=True) if q)
        assert found[row].item() == pytest.approx(expected, rel=1e-9)


def test_the_teacher_learns_nothing_of_its_pupil() -> None:
    gradients = []
    for distillation in (0.0, 5.0):
        ordinal = ORDINAL.clone().requires_grad_()
        loss = ordered_classification(LOGITS, ordinal, LABEL, distillation).sum()
        gradients.append(torch.autograd.grad(loss, ordinal)[0])
    assert torch.equal(*gradients)


def test_both_towers_estimate_the_shares_of_the_classes() -> None:
    """Where they agree the distillation is 0, so that it moves no minimum of an unlimited model."""
    label = torch.tensor([0, 0, 0, 1, 2, 2, 3, 3, 3, 3])

    def loss(outputs: torch.Tensor) -> torch.Tensor:
        spread = outputs.expand(len(label), -1)
        return ordered_classification(spread[:, :CLASSES], spread[:, CLASSES:], label, 1.0).mean()

    # A teacher takes no gradient, so that the value falls where no line search would look: teach it first.
    ordinal = minimum(lambda one: loss(torch.cat([torch.zeros(CLASSES, dtype=torch.float64), one])), CLASSES - 1)
    taught = torch.from_numpy(ordinal)
    logits = torch.from_numpy(minimum(lambda one: loss(torch.cat([one, taught])), CLASSES))
    assert logits.softmax(-1).tolist() == pytest.approx([0.3, 0.1, 0.2, 0.4], abs=1e-4)
    assert class_probabilities(taught).tolist() == pytest.approx([0.3, 0.1, 0.2, 0.4], abs=1e-4)
