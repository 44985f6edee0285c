"""MDAN's channels, controller and similarity, against a loop and at their minimum."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from minimum import minimum
from watchtime.labels.storage import fit_codec
from watchtime.losses.distance_similarity import distance_similarity
from watchtime.methods.base import build
from watchtime.methods.mdan import MultiDistributionAdaptiveNetworks
from watchtime.methods.network import Guide, Moment

# A fifth of the rows is positive, so that the odds against are 4 and the channels weigh positives 1, 2 and 4.
TARGET = np.array([0.0] * 8 + [10.0, 30.0])
WEIGHTS = (1.0, 2.0, 4.0)


def method(**settings: Any) -> MultiDistributionAdaptiveNetworks:
    built: MultiDistributionAdaptiveNetworks = build("mdan", settings, fit_codec("positive_values", {}, TARGET), "ltv")
    return built


def labels(mdan: MultiDistributionAdaptiveNetworks, target: np.ndarray = TARGET) -> dict[str, Tensor]:
    return {name: torch.from_numpy(one) for name, one in mdan.labels(target, target).items()}


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def guide(mdan: MultiDistributionAdaptiveNetworks, target: np.ndarray = TARGET) -> Guide:
    return Guide(labels(mdan, target), torch.empty(len(target), 0), Moment(0, 1, 1))


def test_training_teaches_channels_and_their_mixture_and_validation_judges_the_mixture() -> None:
    """One payer has nobody to be similar to."""
    mdan = method(channel_weight=0.3)
    outputs = torch.randn(2, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    trained, judged = [], []
    for (z0, r0, z1, r1, z2, r2, *gates), value in zip(outputs.tolist(), [0.0, 1.5], strict=True):
        shares = np.exp(gates) / np.exp(gates).sum()
        loss, probability, regressed = 0.0, 0.0, 0.0
        for z, r, w, g in zip((z0, z1, z2), (r0, r1, r2), WEIGHTS, shares, strict=True):
            mean_weight = 0.2 * w + 0.8
            loss += -(w * math.log(sigmoid(z)) if value else math.log(1 - sigmoid(z))) / mean_weight / 3
            probability += g * sigmoid(z - math.log(w))
            regressed += g * r
        judged.append((value > 0) * (regressed - value) ** 2 - math.log(probability if value else 1 - probability))
        trained.append(judged[-1] + 0.3 * loss)
    shown = guide(mdan, np.array([0.0, 30.0]))
    assert mdan.loss(outputs, shown.labels).item() == pytest.approx(np.mean(judged), rel=1e-6)
    assert mdan.training_loss(outputs, shown).item() == pytest.approx(np.mean(trained), rel=1e-6)


def test_every_channel_and_the_mixture_estimate_the_share_of_payers() -> None:
    """The weights move the channels' logits by their logarithms, and what they say of the log is the same."""
    mdan, hidden = method(), torch.ones(1, 2, dtype=torch.float64)

    def loss(outputs: Tensor) -> Tensor:
        return mdan.training_loss(torch.cat([outputs, hidden], -1).expand(len(TARGET), -1), guide(mdan))

    found = minimum(loss, 1, 9)
    channels = [sigmoid(found[0, 2 * k] - math.log(weight)) for k, weight in enumerate(WEIGHTS)]
    assert channels == pytest.approx([0.2] * 3, rel=1e-3)
    assert mdan.readouts(found, np.full(1, np.nan))["mean"][0] == pytest.approx(TARGET.mean(), rel=1e-3)


@pytest.mark.parametrize("target", [np.zeros(4), np.full(4, 3.0)])
def test_a_log_of_one_kind_has_equal_channels(target: np.ndarray) -> None:
    mdan = build("mdan", {}, fit_codec("positive_values", {}, target), "ltv")
    assert mdan.log_weights.tolist() == [0, 0, 0]
    assert mdan.mean_weights.tolist() == [1, 1, 1]


def test_training_sees_the_representation_and_adds_its_similarity() -> None:
    mdan, hidden = method(similarity_weight=0.4), torch.randn(10, 5, generator=torch.Generator().manual_seed(0))
    head, without = mdan.head(5), method(similarity_weight=0.0)
    seen = guide(mdan)._replace(labels={name: one.float() for name, one in labels(mdan).items()})
    shown = head(hidden, seen)
    assert torch.equal(shown[:, 9:], hidden)
    assert torch.equal(shown[:, :9], head(hidden))
    added = mdan.training_loss(shown, seen) - without.training_loss(shown, seen)
    assert added.item() == pytest.approx(0.4 * distance_similarity(hidden, seen.labels["value"]).item(), rel=1e-4)
