"""ZILN's loss and readouts against scipy's lognormal; the law itself is tested in ``losses``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import lognorm
from torch import Tensor

import logs
from minimum import minimum
from watchtime.labels.storage import fit_codec
from watchtime.methods.base import build
from watchtime.methods.ziln import ZeroInflatedLognormalNetwork

DRAWS = np.random.default_rng(0)
TARGET = np.concatenate([np.zeros(600), DRAWS.lognormal(3.0, 0.8, 400)])
UNIT = TARGET[TARGET > 0].mean()
NO_DURATION = np.full(3, np.nan)
OUTPUTS = np.array([[0.4, -0.3, 0.2], [-2.0, 1.1, -0.7], [3.0, 0.0, 0.5]])


def method(codec: dict[str, Any] | None = None, **settings: Any) -> ZeroInflatedLognormalNetwork:
    fitted = fit_codec("positive_values", codec or {}, TARGET)
    built: ZeroInflatedLognormalNetwork = build("ziln", settings, fitted, "ltv")
    return built


def laws(unit: float) -> list[tuple[float, Any]]:
    """Return p and scipy's lognormal of every row of the outputs, in the target's unit."""
    sigma = np.log1p(np.exp(OUTPUTS[:, 2]))
    return [
        (1 / (1 + math.exp(-z)), lognorm(s=sigma[row], scale=unit * math.exp(mu)))
        for row, (z, mu, _) in enumerate(OUTPUTS)
    ]


def test_the_loss_is_the_likelihood_in_currency_up_to_the_logarithm_of_the_unit() -> None:
    ziln, target = method(), np.array([0.0, 3.0, 60.0])
    labels = {name: torch.from_numpy(one) for name, one in ziln.labels(target, NO_DURATION).items()}
    density = [p * one.pdf(y) if y else 1 - p for (p, one), y in zip(laws(UNIT), target, strict=True)]
    expected = -np.mean(np.log(density)) - 2 / 3 * math.log(UNIT)
    assert ziln.loss(torch.from_numpy(OUTPUTS), labels).item() == pytest.approx(expected, rel=1e-9)


def test_one_law_for_all_rows_is_the_share_and_the_moments_of_the_logarithms() -> None:
    """A closed form: the likelihood is largest at the share of positives, and at mean and deviation of log y."""
    ziln = method()
    labels = {name: torch.from_numpy(one) for name, one in ziln.labels(TARGET, NO_DURATION).items()}

    def loss(outputs: Tensor) -> Tensor:
        return ziln.loss(outputs.expand(len(TARGET), 3), labels)

    logit, location, raw = minimum(loss, 3)
    logarithms = np.log(TARGET[TARGET > 0] / UNIT)
    assert 1 / (1 + math.exp(-logit)) == pytest.approx(0.4, rel=1e-5)
    assert location == pytest.approx(logarithms.mean(), rel=1e-4)
    assert math.log1p(math.exp(raw)) == pytest.approx(logarithms.std(), rel=1e-4)
    assert ziln.measures(torch.full((5, 3), logit), {})["positive_probability"].item() == pytest.approx(0.4, rel=1e-5)


@pytest.mark.parametrize("scale", ["mean_positive", "none"])
def test_readouts_are_those_of_scipys_law_in_the_targets_unit(scale: str) -> None:
    ziln = method({"scale": scale}, largest_mean="none")
    found = ziln.readouts(OUTPUTS, NO_DURATION)
    assert list(found) == ["mean", "median", "rank", "variance"]
    for row, (p, one) in enumerate(laws(UNIT if scale == "mean_positive" else 1.0)):
        assert found["mean"][row] == pytest.approx(p * one.mean(), rel=1e-9)
        assert found["median"][row] == pytest.approx(one.ppf(1 - 0.5 / p) if p > 0.5 else 0.0, rel=1e-9)


def test_no_conditional_mean_is_above_the_largest_training_target() -> None:
    outputs = np.array([[0.0, 2.0, 9.0], [0.0, 0.0, -5.0], [800.0, 500.0, 800.0]])
    bounded = method().readouts(outputs, NO_DURATION)
    assert bounded["mean"][0] == pytest.approx(0.5 * TARGET.max())
    assert bounded["mean"][1] == pytest.approx(0.5 * UNIT, rel=1e-4)
    for largest in ("none", "training_target"):
        for readout in method(largest_mean=largest).readouts(outputs, NO_DURATION).values():
            assert np.isfinite(readout).all()


def test_the_rank_is_where_draws_are_among_the_training_targets() -> None:
    """E[F(Y)] with half of the ties, which 0 has many of, up to what is uniform inside an interval."""
    found = method({"count": 200}).readouts(OUTPUTS, NO_DURATION)["rank"]
    draws, ordered = np.random.default_rng(1), np.sort(TARGET)
    for row, (p, one) in enumerate(laws(UNIT)):
        y = one.rvs(40_000, random_state=draws) * (draws.random(40_000) < p)
        rank = (np.searchsorted(ordered, y, "left") + np.searchsorted(ordered, y, "right")) / 2 / len(ordered)
        assert found[row] == pytest.approx(rank.mean(), abs=0.005)


def test_the_distribution_gives_0_its_own_probability_and_the_last_interval_what_is_beyond() -> None:
    ziln = method({"count": 5})
    edges, found = ziln.codec.edges, ziln.distribution(OUTPUTS)
    for row, (p, one) in enumerate(laws(UNIT)):
        inner = [1 - p + p * one.cdf(edge) for edge in edges[2:-1]]
        np.testing.assert_allclose(found[row], np.diff([0, 1 - p, *inner, 1]), atol=1e-12)


def test_released_differs_in_unit_and_bound() -> None:
    paper, released = logs.spec("ziln", "paper", "ltv"), logs.spec("ziln", "released", "ltv")
    assert paper.settings | {"largest_mean": "none"} == released.settings
    assert paper.codec is not None
    assert released.codec is not None
    assert paper.codec.settings | {"scale": "none"} == released.codec.settings
