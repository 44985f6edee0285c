"""OptDist's labels of the selection, its loss against a loop with scipy's lognormal, and its readouts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import lognorm
from torch import Tensor

from watchtime.labels.storage import fit_codec
from watchtime.methods.base import build
from watchtime.methods.network import Guide, Moment
from watchtime.methods.optdist import OptimalDistribution

TARGET = np.concatenate([np.zeros(60), np.random.default_rng(0).lognormal(3.0, 0.8, 40)])
UNIT = TARGET[TARGET > 0].mean()
VALUES = np.array([0.0, 0.4, 2.5])
DRAWS = torch.tensor([[0.2, 0.9, 0.5], [0.7, 0.1, 0.3], [0.05, 0.6, 0.99]], dtype=torch.float64)
SETTINGS = {"laws": 3, "focal_gamma": 1.5, "soft_weight": 0.4, "temperature": 0.7}


def method(**settings: Any) -> OptimalDistribution:
    fitted = fit_codec("positive_values", {"count": 200}, TARGET)
    built: OptimalDistribution = build("optdist", SETTINGS | settings, fitted, "ltv")
    return built


def raw() -> Tensor:
    """Return z, μ and the raw σ of three laws, and α, of three rows."""
    return torch.randn(3, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def density(outputs: list[float], value: float) -> float:
    z, location, scale = outputs
    p, law = 1 / (1 + math.exp(-z)), lognorm(s=math.log1p(math.exp(scale)), scale=math.exp(location))
    return float(p * law.pdf(value)) if value else 1 - p


def slow_rows() -> list[tuple[list[float], list[float], list[float]]]:
    """Return the densities of the three laws at the value, α and the draws, row by row."""
    rows = zip(raw().tolist(), VALUES.tolist(), DRAWS.tolist(), strict=True)
    return [
        ([density(outputs[3 * law : 3 * law + 3], value) for law in range(3)], outputs[9:], draws)
        for outputs, value, draws in rows
    ]


def softmax(logits: list[float]) -> list[float]:
    weights = [math.exp(one) for one in logits]
    return [one / sum(weights) for one in weights]


def guide(draws: Tensor = DRAWS) -> Guide:
    return Guide({"value": torch.from_numpy(VALUES)}, draws, Moment(0, 1, 1))


def test_validation_judges_the_mixture() -> None:
    expected = [
        -math.log(sum(w * f for w, f in zip(softmax(alpha), found, strict=True))) for found, alpha, _ in slow_rows()
    ]
    assert method().loss(raw(), guide().labels).item() == pytest.approx(np.mean(expected), rel=1e-9)


def test_training_adds_hard_and_soft_labels_of_a_noisy_selection() -> None:
    expected = []
    for found, alpha, draws in slow_rows():
        noisy = [(a - math.log(-math.log(u))) / 0.7 for a, u in zip(alpha, draws, strict=True)]
        chosen = softmax(noisy)
        likelihood = math.log(sum(w * f for w, f in zip(chosen, found, strict=True)))
        best = int(np.argmax(found))
        focal = (1 - chosen[best]) ** 1.5 * math.log(chosen[best])
        soft = [f / sum(found) for f in found]
        divergence = sum(q * math.log(q / w) for q, w in zip(soft, chosen, strict=True))
        expected.append(-likelihood - focal + 0.4 * divergence)
    assert method().training_loss(raw(), guide()).item() == pytest.approx(np.mean(expected), rel=1e-9)


def test_labels_of_the_selection_teach_no_law() -> None:
    """Whatever the labels weigh, the laws' gradient is that of the likelihood."""
    gradients = []
    for settings in ({"soft_weight": 0.0, "focal_gamma": 0.0}, {"soft_weight": 9.0, "focal_gamma": 3.0}):
        outputs = raw().requires_grad_()
        (gradient,) = torch.autograd.grad(method(**settings).training_loss(outputs, guide()), outputs)
        gradients.append(gradient)
    torch.testing.assert_close(gradients[0][:, :9], gradients[1][:, :9])
    assert not torch.allclose(gradients[0][:, 9:], gradients[1][:, 9:])


def test_gradients_are_finite_whatever_the_draws() -> None:
    for draws in (torch.zeros(3, 3), torch.full((3, 3), 1 - 2.0**-24)):
        outputs = (100 * raw()).float().requires_grad_()
        single = guide(draws)._replace(labels={"value": torch.from_numpy(VALUES).float()})
        (gradient,) = torch.autograd.grad(method().training_loss(outputs, single), outputs)
        assert gradient.isfinite().all()


def test_noise_picks_a_law_as_often_as_the_softmax_of_its_logit() -> None:
    """The Gumbel-max rule. Laws are all the same, so that the first is the hard label of every row."""
    optdist, rows = method(soft_weight=0.0, focal_gamma=0.0, temperature=1e-3), 2000
    alpha = torch.tensor([0.3, -1.0, 1.2], dtype=torch.float64)
    outputs = torch.cat([torch.zeros(9, dtype=torch.float64), alpha])[None]
    draws = torch.rand(rows, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    value, moment = {"value": torch.zeros(1, dtype=torch.float64)}, Moment(0, 1, 1)
    losses = [optdist.training_loss(outputs, Guide(value, one[None], moment)).item() for one in draws]
    # Beside −log π there is −log P(V = 0), one half for every law.
    picked = np.mean(np.array(losses) < 2 * math.log(2))
    assert picked == pytest.approx(alpha.softmax(-1)[0].item(), abs=0.03)


def test_readouts_are_the_selected_law_and_the_mixture() -> None:
    found = method().readouts(raw().numpy(), np.full(3, np.nan))
    assert list(found) == ["selected_mean", "mean", "rank", "variance"]
    draws, ordered = np.random.default_rng(1), np.sort(TARGET)
    for row, outputs in enumerate(raw().tolist()):
        means, samples, weights = [], [], softmax(outputs[9:])
        for law in range(3):
            z, location, scale = outputs[3 * law : 3 * law + 3]
            p, one = 1 / (1 + math.exp(-z)), lognorm(s=math.log1p(math.exp(scale)), scale=UNIT * math.exp(location))
            means.append(p * min(one.mean(), TARGET.max()))
            count = round(60_000 * weights[law])
            samples.append(one.rvs(count, random_state=draws) * (draws.random(count) < p))
        assert found["selected_mean"][row] == pytest.approx(means[int(np.argmax(weights))], rel=1e-9)
        assert found["mean"][row] == pytest.approx(np.dot(weights, means), rel=1e-9)
        y = np.concatenate(samples)
        rank = (np.searchsorted(ordered, y, "left") + np.searchsorted(ordered, y, "right")) / 2 / len(ordered)
        assert found["rank"][row] == pytest.approx(rank.mean(), abs=0.01)


def test_the_selections_entropy_is_noted() -> None:
    outputs = torch.zeros(2, 12)
    outputs[1, 9] = 100.0
    assert method().measures(outputs, {})["selection_entropy"].item() == pytest.approx(math.log(3) / 2)
