"""EGMN's mixture against scipy's distributions and numerical integrals, its loss against loops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import expon, truncnorm
from torch import Tensor

import logs
from watchtime.labels.storage import fit_codec
from watchtime.methods.base import build
from watchtime.methods.egmn import ExponentialGaussianMixtureNetwork

DRAWS = np.random.default_rng(0)
TARGET = np.concatenate([np.zeros(40), DRAWS.gamma(1.0, 20.0, 360)])
COMPONENTS = 3
ROWS = 4
NO_DURATION = np.full(ROWS, np.nan)


def method(codec: dict[str, Any] | None = None, **chosen: Any) -> ExponentialGaussianMixtureNetwork:
    fitted = fit_codec("quantile_intervals", {"count": 12} | (codec or {}), TARGET)
    settings = {"components": COMPONENTS} | chosen
    built: ExponentialGaussianMixtureNetwork = build("egmn", settings, fitted, "watch_time")
    return built


def raw(rows: int = ROWS, scale: float = 1.5) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return scale * torch.randn(rows, 3 * COMPONENTS + 2, dtype=torch.float64, generator=generator)


def softplus(value: float, beta: float = 1.0) -> float:
    return math.log1p(math.exp(beta * value)) / beta


class SlowMixture:
    """One row's mixture, from the written maps and scipy's laws."""

    def __init__(self, outputs: list[float], floor: float = 1e-6) -> None:
        logits, self.rate = np.exp(outputs[: COMPONENTS + 1]), softplus(outputs[COMPONENTS + 1], 0.5) + 1e-6
        self.weights = logits / logits.sum()
        ends = COMPONENTS + 2, 2 * COMPONENTS + 2
        self.locations = [softplus(one) + 1 / self.rate for one in outputs[ends[0] : ends[1]]]
        self.scales = [softplus(one) + floor for one in outputs[ends[1] :]]
        gaussians = zip(self.locations, self.scales, strict=True)
        self.laws = [expon(scale=1 / self.rate), *(truncnorm(-mu / s, np.inf, mu, s) for mu, s in gaussians)]

    def pdf(self, y: float) -> float:
        return float(sum(w * law.pdf(y) for w, law in zip(self.weights, self.laws, strict=True)))

    def cdf(self, y: float) -> float:
        return float(sum(w * law.cdf(y) for w, law in zip(self.weights, self.laws, strict=True)))

    def integral(self, function: Any, low: float = 0.0, high: float = 300.0) -> float:
        """Return ∫ function over [low, high], cut where the Gaussians are."""
        inner = sorted(one for one in [*self.locations, 1 / self.rate] if low < one < high)
        return float(quad(function, low, high, points=inner or None, limit=500, epsabs=1e-11)[0])


def slow(outputs: Tensor, floor: float = 1e-6) -> list[SlowMixture]:
    return [SlowMixture(row, floor) for row in outputs.tolist()]


# The mixture


@pytest.mark.parametrize("floor", [1e-6, 0.5])
def test_the_density_is_that_of_scipys_laws(floor: float) -> None:
    mixture = method(scale_floor=floor).mixture(raw())
    for y in (0.0, 1e-9, 0.3, 2.0, 11.0):
        found = mixture.log_density(torch.full((ROWS,), y, dtype=torch.float64)).exp()
        assert found.tolist() == pytest.approx([one.pdf(y) for one in slow(raw(), floor)], rel=1e-9)


def test_the_density_integrates_to_1_and_to_the_distribution_function() -> None:
    mixture = method().mixture(raw())
    points = torch.tensor([0.0, 0.4, 1.5, 7.0], dtype=torch.float64)
    reached = mixture.distribution_function(points.expand(ROWS, -1))
    for row, law in enumerate(slow(raw())):

        def density(y: float, row: int = row) -> float:
            return mixture.log_density(torch.full((ROWS,), y, dtype=torch.float64))[row].exp().item()

        assert law.integral(density) == pytest.approx(1, abs=1e-8)
        for place, point in enumerate(points.tolist()):
            assert reached[row, place].item() == pytest.approx(law.integral(density, 0.0, point), abs=1e-8)


@pytest.mark.parametrize("truncated", [True, False])
def test_the_mean_is_the_integral_or_what_the_code_takes_for_it(truncated: bool) -> None:
    found = method().mixture(raw()).mean(truncated)
    for row, law in enumerate(slow(raw())):
        if truncated:
            expected = law.integral(lambda y, law=law: y * law.pdf(y))
        else:
            expected = law.weights @ np.array([1 / law.rate, *law.locations])
        assert found[row].item() == pytest.approx(expected, rel=1e-7)
    assert (method().mixture(raw()).mean(True) > method().mixture(raw()).mean(False)).all()


@pytest.mark.parametrize("scale", [0.5, 1.5, 6.0])
def test_the_median_halves_the_distribution(scale: float) -> None:
    outputs = raw(40, scale)
    found = method().mixture(outputs).median()
    for row, law in enumerate(slow(outputs)):
        middle = brentq(lambda y, law=law: law.cdf(y) - 0.5, 0, 1e5, xtol=1e-12)
        assert found[row].item() == pytest.approx(middle, rel=1e-6, abs=1e-9)


# The loss


@pytest.mark.parametrize("component_mean", ["truncated", "untruncated"])
def test_the_loss_is_the_weighted_sum_of_its_terms(component_mean: str) -> None:
    egmn = method(entropy_weight=0.3, regression_weight=0.7, component_mean=component_mean)
    target = np.array([0.0, 3.0, 20.0, 300.0])
    unit = TARGET.std()
    expected = []
    for law, y in zip(slow(raw()), target / unit, strict=True):
        means = [1 / law.rate, *law.locations]
        if component_mean == "truncated":
            means = [one.mean() for one in law.laws]
        certainty = sum(w * math.log(w) for w in law.weights)
        expected.append(-math.log(law.pdf(y)) + 0.3 * certainty + 0.7 * abs(law.weights @ np.array(means) - y))
    labels = {name: torch.from_numpy(one) for name, one in egmn.labels(target, NO_DURATION).items()}
    assert egmn.loss(raw(), labels).item() == pytest.approx(np.mean(expected), rel=1e-7)


@pytest.mark.parametrize("component_mean", ["truncated", "untruncated"])
def test_gradients_are_finite_differences(component_mean: str) -> None:
    egmn = method(component_mean=component_mean)
    labels = {"value": torch.tensor([0.0, 0.2, 1.0, 9.0], dtype=torch.float64)}
    assert torch.autograd.gradcheck(lambda outputs: egmn.loss(outputs, labels), raw().requires_grad_())


@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0, 300.0])
@pytest.mark.parametrize("value", [0.0, 1e-30, 1.0, 1e9])
def test_loss_and_gradient_are_finite_in_single_precision(scale: float, value: float) -> None:
    """Outputs of 300 or −300 are rates and scales down to the floors of 1e-6."""
    outputs = raw(200, scale).float().requires_grad_()
    loss = method().loss(outputs, {"value": torch.full((200,), value)})
    (gradient,) = torch.autograd.grad(loss, outputs)
    assert loss.isfinite()
    assert gradient.isfinite().all()


def test_measures_are_those_of_the_components() -> None:
    found = method().measures(raw(), {})
    laws = slow(raw())
    assert found["smallest_scale"].item() == pytest.approx(np.mean([min(law.scales) for law in laws]))
    assert found["largest_weight"].item() == pytest.approx(np.mean([max(law.weights) for law in laws]))
    assert found["exponential_weight"].item() == pytest.approx(np.mean([law.weights[0] for law in laws]))


# Readouts


def test_intervals_have_the_densitys_probabilities_the_last_all_that_is_beyond() -> None:
    egmn = method()
    edges, unit = egmn.codec.edges, egmn.codec.unit
    probabilities = egmn.distribution(raw().numpy())
    assert probabilities.shape == (ROWS, len(edges) - 1)
    for row, law in enumerate(slow(raw())):
        inner = [law.cdf(edge / unit) for edge in edges[1:-1]]
        np.testing.assert_allclose(probabilities[row], np.diff([0, *inner, 1]), atol=1e-12)


@pytest.mark.parametrize("scale", ["standard_deviation", "max"])
def test_readouts_are_in_the_targets_unit(scale: str) -> None:
    egmn = method({"scale": scale})
    unit = TARGET.std() if scale == "standard_deviation" else TARGET.max()
    readouts, mixture = egmn.readouts(raw().numpy(), NO_DURATION), egmn.mixture(raw())
    assert list(readouts) == ["mean", "median", "rank", "variance"]
    np.testing.assert_allclose(readouts["mean"], mixture.mean(False).numpy() * unit)
    np.testing.assert_allclose(readouts["median"], mixture.median().numpy() * unit)


def test_the_rank_is_where_draws_are_among_the_training_targets() -> None:
    """E[F(Y)], up to what is uniform in an interval of a twelfth of the rows."""
    egmn = method({"count": 100})
    found = egmn.readouts(raw().numpy(), NO_DURATION)["rank"]
    draws, ordered = np.random.default_rng(1), np.sort(TARGET)
    for row, law in enumerate(slow(raw())):
        component = draws.choice(COMPONENTS + 1, 20_000, p=law.weights)
        drawn = [law.laws[k].rvs(int((component == k).sum()), random_state=draws) for k in range(COMPONENTS + 1)]
        y = np.concatenate(drawn) * TARGET.std()
        rank = (np.searchsorted(ordered, y, "left") + np.searchsorted(ordered, y, "right")) / 2 / len(ordered)
        assert found[row] == pytest.approx(rank.mean(), abs=0.02)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("released", {}),
        ("truncated_mean", {"component_mean": "truncated"}),
        ("scale_floor_1_percent", {"scale_floor": 0.01}),
        ("no_entropy", {"entropy_weight": 0.0}),
    ],
)
def test_variants_change_what_they_are_named_for(name: str, change: dict[str, Any]) -> None:
    paper, other = logs.spec("egmn", "paper"), logs.spec("egmn", name)
    assert paper.settings | change == other.settings
    assert (paper.codec == other.codec) == (name != "released")
