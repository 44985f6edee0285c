"""DVR: its reversed gradient against one with an explicit minus sign, what it estimates, and what it reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import logs
from minimum import minimum
from watchtime.labels.storage import fit_codec
from watchtime.methods.base import build
from watchtime.methods.dvr import AdversarialHead, DebiasedVideoRecommendation
from watchtime.methods.network import Guide, Moment

DRAWS = np.random.default_rng(4)
DURATION = np.repeat([10.0, 20.0, 40.0], 30)
TARGET = DURATION * DRAWS.random(90)


@pytest.fixture
def in_double_precision() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def method(**settings: Any) -> DebiasedVideoRecommendation:
    fitted = fit_codec("watch_time_gain", {"smallest_group": 1}, TARGET, DURATION)
    built: DebiasedVideoRecommendation = build("dvr", settings, fitted, "watch_time")
    return built


def guide(dvr: DebiasedVideoRecommendation) -> Guide:
    labels = {name: torch.from_numpy(value) for name, value in dvr.labels(TARGET, DURATION).items()}
    return Guide(labels, torch.zeros(90, 0), Moment(0, 1, 1))


@pytest.mark.usefixtures("in_double_precision")
@pytest.mark.parametrize("weight", [0.0, 0.1, 1.0, 3.0])
def test_the_encoder_climbs_where_the_adversary_descends(weight: float) -> None:
    """Plain heads: hidden gets ∇gain − λ ∇duration, the heads get each its own gradient with a plus sign."""
    dvr = method(adversarial_weight=weight)
    torch.manual_seed(0)
    head, hidden = dvr.head(5), torch.randn(90, 5, requires_grad=True)
    assert isinstance(head, AdversarialHead)
    weights = list(head.parameters())
    asked = guide(dvr)
    found = torch.autograd.grad(dvr.training_loss(head(hidden), asked), [hidden, *weights])

    gain = ((head.gain(hidden)[:, 0] - asked.labels["gain"]) ** 2).mean()
    duration = ((head.duration(hidden)[:, 0] - asked.labels["duration"]) ** 2).mean()
    (of_gain,), (of_duration,) = (torch.autograd.grad(one, hidden, retain_graph=True) for one in (gain, duration))
    torch.testing.assert_close(found[0], of_gain - weight * of_duration)
    for ours, plain in zip(found[1:], torch.autograd.grad(gain + duration, weights), strict=True):
        torch.testing.assert_close(ours, plain)


@pytest.mark.usefixtures("in_double_precision")
def test_the_encoders_gradient_is_that_of_finite_differences() -> None:
    """Of gain − λ · duration, whose value no forward pass computes."""
    dvr = method(adversarial_weight=0.7)
    torch.manual_seed(1)
    head, start, step = dvr.head(3), torch.randn(90, 3), 1e-6
    asked = guide(dvr)

    def opposed(hidden: torch.Tensor) -> float:
        outputs = head(hidden)
        duration = dvr.measures(outputs, asked.labels)["duration_error"]
        return (dvr.loss(outputs, asked.labels) - 0.7 * duration).item()

    hidden = start.clone().requires_grad_()
    (found,) = torch.autograd.grad(dvr.training_loss(head(hidden), asked), hidden)
    for place in [(0, 0), (41, 1), (89, 2)]:
        nudge = torch.zeros_like(start)
        nudge[place] = step
        assert found[place].item() == pytest.approx(
            (opposed(start + nudge) - opposed(start - nudge)) / (2 * step), rel=1e-5, abs=1e-9
        )


def test_the_reversal_changes_no_value() -> None:
    torch.manual_seed(2)
    hidden = torch.randn(7, 4)
    for weight in (0.0, 0.1, 1.0):
        head = AdversarialHead(4, weight)
        plain = torch.cat([head.gain(hidden), head.duration(hidden)], -1)
        torch.testing.assert_close(head(hidden), plain)


def test_the_prediction_is_the_expected_watch_time() -> None:
    dvr = method()
    labels = guide(dvr).labels
    context = np.arange(90) % 2 + 2 * (np.arange(90) // 30)
    outputs = minimum(lambda outputs: dvr.loss(outputs[context], labels), 6, 2)
    found = dvr.readouts(outputs, np.array([10.0, 10, 20, 20, 40, 40]))["mean"]
    np.testing.assert_allclose(found, [TARGET[context == one].mean() for one in range(6)], rtol=1e-5)


def test_validation_judges_the_gain_alone_and_notes_the_adversary() -> None:
    dvr = method()
    labels = guide(dvr).labels
    outputs = torch.stack([labels["gain"], labels["duration"] + 2], -1)
    assert dvr.loss(outputs, labels).item() == 0
    assert dvr.measures(outputs, labels)["duration_error"].item() == pytest.approx(4)


@pytest.mark.parametrize(
    ("variant", "reads"),
    [("paper", False), ("weight_one", False), ("no_adversary", False), ("with_duration_feature", True)],
)
def test_only_the_variant_that_says_so_reads_the_duration(variant: str, reads: bool) -> None:
    spec = logs.spec("dvr", variant)
    assert spec.features is None if reads else spec.features == ["user", "item", "tab", "tag"]
