"""What labels a rule states, by hand, and how two of them make one order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch.nn.functional import binary_cross_entropy_with_logits

import logs
from watchtime.encoders.experts import MixtureOfExperts
from watchtime.methods.stated_label import StatedLabel

WATCHED = np.array([5.0, 12.0, 0.0, 9.0])
DURATION = np.array([10.0, 8.0, 20.0, 9.0])
FEEDBACK = torch.tensor([0.0, 1.0, 0.0, 1.0])


def method(variant: str, **settings: Any) -> StatedLabel:
    made: StatedLabel = logs.model(logs.spec("stated_label", variant, "label", settings=settings)).method
    return made


def test_completion_and_its_rate() -> None:
    assert method("pc").labels(WATCHED, DURATION)["completion"].tolist() == [0, 1, 0, 1]
    assert method("pcr").labels(WATCHED, DURATION)["completion_rate"].tolist() == [0.5, 1.5, 0, 1]


def test_labels_of_codecs_are_those_of_their_methods() -> None:
    target, duration = logs.encoded()[0].target("label"), np.asarray(logs.encoded()[0].duration)
    for variant, name, label in (("d2q", "d2q", "level"), ("dvr", "dvr", "gain")):
        other = logs.model(logs.spec(name)).method
        expected = other.codec.encode(target, duration)[label]
        np.testing.assert_array_equal(method(variant).labels(target, duration)[label], expected)


def test_rules_with_two_answers_have_the_logistic_loss_others_a_squared_error() -> None:
    outputs = torch.tensor([[0.3], [-1.0], [2.0], [0.0]])
    rate = method("pcr")
    labels = {"completion_rate": torch.tensor([0.5, 1.5, 0.0, 1.0])}
    errors = [(0.3 - 0.5) ** 2, 2.5**2, 4.0, 1.0]
    assert float(rate.loss(outputs, labels)) == pytest.approx(sum(errors) / 4)
    found = method("ef").loss(outputs, {"positive_feedback": FEEDBACK})
    torch.testing.assert_close(found, binary_cross_entropy_with_logits(outputs[:, 0], FEEDBACK))


def test_two_labels_add_their_losses_by_the_ratio() -> None:
    outputs = torch.randn(4, 2, generator=torch.Generator().manual_seed(1))
    labels = {"watch_time_in_deviations": torch.tensor([0.1, 2.0, 0.0, 0.4]), "positive_feedback": FEEDBACK}
    first = ((outputs[:, 0] - labels["watch_time_in_deviations"]) ** 2).mean()
    second = binary_cross_entropy_with_logits(outputs[:, 1], FEEDBACK)
    torch.testing.assert_close(method("wt_ef_1_2").loss(outputs, labels), first + 2 * second)
    torch.testing.assert_close(method("wt_ef_2_1").loss(outputs, labels), 2 * first + second)


def test_two_outputs_order_rows_by_the_ratio_of_their_deviations() -> None:
    outputs = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 300.0], [2.0, 300.0]])
    np.testing.assert_allclose(method("wt_ef").score(outputs), [0, 2, 2, 4])
    np.testing.assert_allclose(method("wt_ef_1_2").score(outputs), [0, 2, 4, 6])
    constant = np.column_stack([outputs[:, 0], np.full(4, 7.0)])
    assert np.argsort(method("wt_ef").score(constant), kind="stable").tolist() == [0, 2, 1, 3]


def test_one_label_has_a_linear_head_and_two_have_experts() -> None:
    assert isinstance(method("wt").head(5), torch.nn.Linear)
    head = method("d2q_ef").head(5)
    assert isinstance(head, MixtureOfExperts)
    assert (len(head.experts), len(head.gates)) == (3, 2)


def test_something_has_to_be_fitted() -> None:
    with pytest.raises(ValidationError, match="nothing is fitted"):
        StatedLabel.Settings(label=None, feedback=False)
