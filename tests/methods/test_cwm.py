"""CWM against a censored normal model in scipy, draws from it, and 60 decimal places."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import scipy.integrate
import scipy.optimize
import torch
from scipy.special import expit
from scipy.stats import norm
from torch import Tensor

import logs
from minimum import minimum
from watchtime.methods.base import build
from watchtime.methods.cwm import CounterfactualWatchModel
from watchtime.methods.network import Guide, Moment

TARGET = np.array([0.0, 0.4, 1.7, 9.0, 30.0, 75.0, 12.0, 12.6])
DURATION = np.array([10.0, 10.0, 5.2, 8.0, 30.0, 100.0, 12.4, 12.4])


def method(task: str = "watch_time", **chosen: Any) -> CounterfactualWatchModel:
    built: CounterfactualWatchModel = build("cwm", chosen, None, task)
    return built


def tensors(labels: Any) -> dict[str, Tensor]:
    return {name: torch.from_numpy(value) for name, value in labels.items()}


def slow_score(seconds: float, cost: float) -> float:
    """logit(e^{−c / (w + 1)}) as it is written."""
    with localcontext() as context:
        context.prec = 60
        interest = (-Decimal(cost) / (Decimal(seconds) + 1)).exp()
        return float((interest / (1 - interest)).ln())


# Labels


@pytest.mark.parametrize("cost", [1.0, 40.0, 80.0])
def test_scores_are_the_logits_of_interests(cost: float) -> None:
    seconds = [0.0, 1e-9, 0.5, 3.0, 40.0, 1e4, 1e9]
    found = method(cost=cost).labels(np.array(seconds), np.full(7, 1e10))["score"]
    assert found.tolist() == pytest.approx([slow_score(one, cost) for one in seconds], rel=1e-12)


def test_what_is_watched_to_the_end_or_beyond_is_censored_there() -> None:
    labels = method().labels(TARGET, DURATION)
    assert labels["censored"].tolist() == [False, False, False, True, True, False, False, True]
    ends = [slow_score(min(y, d), 40.0) for y, d in zip(TARGET, DURATION, strict=True)]
    assert labels["score"].tolist() == pytest.approx(ends, rel=1e-12)


def test_whole_seconds_round_what_is_watched_and_how_long_it_is() -> None:
    """min(y, d) = 0 0.4 1.7 8 30 75 12 12.4; the last but one is rounded to the end of its video."""
    labels = method(whole_seconds=True).labels(TARGET, DURATION)
    assert labels["censored"].tolist() == [False, False, False, True, True, False, True, True]
    rounded = [0, 0, 2, 8, 30, 75, 12, 12]
    assert labels["score"].tolist() == pytest.approx([slow_score(one, 40.0) for one in rounded], rel=1e-12)


def test_a_margin_bounds_the_score_of_a_skipped_video() -> None:
    bound = np.log((1 - 1e-6) / 1e-6)
    scores = method(margin=1e-6).labels(np.array([0.0, 1.8, 2.0]), np.full(3, 10.0))["score"]
    assert scores.tolist() == pytest.approx([-bound, -bound, slow_score(2.0, 40.0)], rel=1e-9)


def test_ratios_are_turned_into_seconds_and_back() -> None:
    seconds, ratios = method(), method("watch_ratio")
    labels, others = seconds.labels(TARGET, DURATION), ratios.labels(TARGET / DURATION, DURATION)
    assert (labels["censored"] == others["censored"]).all()
    np.testing.assert_allclose(labels["score"], others["score"], rtol=1e-12)
    outputs, duration = np.array([[-3.0], [2.0], [1.0]]), np.array([10.0, 5.0, 0.0])
    for name, found in ratios.readouts(outputs, duration).items():
        expected = seconds.readouts(outputs, duration)[name]
        assert found[:2].tolist() == pytest.approx((expected[:2] / duration[:2]).tolist())
        assert found[2] == 0


# Loss


def slow_losses(outputs: Tensor, sigma: float, survival: str) -> list[float]:
    """−log of the density of a score, without its constant, or of the chance to be beyond the end, row by row."""
    losses = []
    for score, y, d in zip(outputs[:, 0].tolist(), TARGET, DURATION, strict=True):
        end = slow_score(min(y, d), 40.0)
        if y < d:
            losses.append(-norm.logpdf(end, score, sigma) - np.log(sigma) - np.log(2 * np.pi) / 2)
        elif survival == "normal":
            beyond, _ = scipy.integrate.quad(norm(score, sigma).pdf, end, score + 40 * sigma, epsabs=1e-13)
            losses.append(-np.log(beyond))
        else:
            losses.append(-np.log(expit((score - end) / sigma)))
    return losses


def outputs(scale: float = 3.0) -> Tensor:
    return scale * torch.randn(len(TARGET), 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) - 3


@pytest.mark.parametrize("sigma", [0.7, 2.0])
@pytest.mark.parametrize("survival", ["logistic", "normal"])
def test_the_loss_is_a_censored_likelihood(sigma: float, survival: str) -> None:
    cwm = method(sigma=sigma, survival=survival)
    found = cwm.loss(outputs(), tensors(cwm.labels(TARGET, DURATION))).item()
    assert found == pytest.approx(np.mean(slow_losses(outputs(), sigma, survival)), rel=1e-6)


def test_how_far_the_logistic_survival_is_from_the_normal_one() -> None:
    """What both call P(W ≥ d), from losses of censored rows at z = s − g(d) with σ = 1."""
    distance = np.linspace(-8, 8, 1601)
    chances = {}
    for survival in ("logistic", "normal"):
        cwm = method(sigma=1.0, survival=survival)
        labels = tensors({"score": np.zeros(1), "censored": np.ones(1, dtype=bool)})
        losses = [cwm.loss(torch.tensor([[one]], dtype=torch.float64), labels).item() for one in distance]
        chances[survival] = np.exp(-np.array(losses))
    np.testing.assert_allclose(chances["normal"], norm.cdf(distance), rtol=1e-9)
    apart = np.abs(chances["logistic"] - chances["normal"])
    assert 0.11 < apart.max() < 0.12
    assert abs(distance[apart.argmax()]) == pytest.approx(1.32, abs=0.02)
    assert apart[800] == 0


@pytest.mark.parametrize("survival", ["logistic", "normal"])
@pytest.mark.parametrize("value", [-1e4, -50.0, 50.0, 1e4])
def test_losses_and_gradients_are_finite_far_out(survival: str, value: float) -> None:
    cwm = method(survival=survival)
    point = torch.full((len(TARGET), 1), value, requires_grad=True)
    labels = {name: one.float() if one.is_floating_point() else one for name, one in batch(cwm).items()}
    loss = cwm.loss(point, labels)
    (gradient,) = torch.autograd.grad(loss, point)
    assert loss.isfinite()
    assert gradient.isfinite().all()


def batch(cwm: CounterfactualWatchModel) -> dict[str, Tensor]:
    return tensors(cwm.labels(TARGET, DURATION))


def test_the_code_adds_the_means_of_both_kinds_of_rows() -> None:
    cwm = method(weighting="kinds")
    losses, censored = np.array(slow_losses(outputs(), 2.0, "logistic")), batch(cwm)["censored"].numpy()
    moment = Moment(0, 1, 1)
    found = cwm.training_loss(outputs(), Guide(batch(cwm), torch.empty(8, 0), moment)).item()
    assert found == pytest.approx(losses[censored].mean() + losses[~censored].mean(), rel=1e-6)
    assert cwm.loss(outputs(), batch(cwm)).item() == pytest.approx(losses.mean(), rel=1e-6)
    for rows in (censored, ~censored):
        some = {name: one[torch.from_numpy(rows)] for name, one in batch(cwm).items()}
        alone = cwm.training_loss(outputs()[torch.from_numpy(rows)], Guide(some, torch.empty(8, 0), moment))
        assert alone.item() == pytest.approx(losses[rows].mean(), rel=1e-6)


# What is estimated


def censored_views(score: float, rows: int = 20_000) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return watch times min(W, d) and durations, g(W) normal around ``score`` with the standard deviation 2."""
    draws = np.random.default_rng(0)
    longer = 40 / np.logaddexp(0, -draws.normal(score, 2.0, rows)) - 1
    duration = draws.uniform(5, 120, rows)
    return np.clip(longer, 0, duration), duration


@pytest.mark.parametrize("survival", ["normal", "logistic"])
def test_censored_views_tell_the_watch_time_of_a_longer_video(survival: str) -> None:
    """The normal model finds the score behind views most of which end with the video; the logistic one pulls less."""
    target, duration = censored_views(0.5)
    complete = target == duration
    assert np.mean(complete) > 0.5
    cwm = method(survival=survival)
    labels = tensors(cwm.labels(target, duration))
    found = minimum(lambda point: cwm.loss(point.expand(len(target), 1), labels), 1, 1).item()
    ends = np.array([slow_score(one, 40.0) for one in target])
    beyond = norm.logcdf if survival == "normal" else (lambda distance: np.log(expit(distance)))

    def slow(score: float) -> float:
        return float(-np.where(complete, beyond((score - ends) / 2), norm.logpdf(ends, score, 2.0)).sum())

    assert found == pytest.approx(scipy.optimize.minimize_scalar(slow, (-1, 1), tol=1e-10).x, abs=1e-5)
    assert found == pytest.approx(0.5, abs=0.05) if survival == "normal" else 0 < found < 0.3


def test_truncated_is_the_median_of_what_is_watched_of_the_video() -> None:
    draws = 40 / np.logaddexp(0, -np.random.default_rng(1).normal(-1.0, 2.0, 200_000)) - 1
    for duration in (5.0, 20.0, 200.0):
        found = method().readouts(np.array([[-1.0]]), np.array([duration]))
        assert found["truncated"] == pytest.approx(np.median(np.clip(draws, 0, duration)), rel=0.02)
        assert found["counterfactual"] == pytest.approx(np.median(draws), rel=0.02)


def test_readouts_undo_scores() -> None:
    cwm, seconds = method(), np.array([0.0, 0.7, 9.0, 80.0, 2000.0])
    scores = cwm.labels(seconds, np.full(5, 1e10))["score"]
    found = cwm.readouts(scores[:, None], np.full(5, 50.0))
    np.testing.assert_allclose(found["counterfactual"], seconds, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found["truncated"], np.minimum(seconds, 50.0), rtol=1e-9, atol=1e-12)


def test_predictions_are_finite_whatever_the_score() -> None:
    found = method(longest=500.0).readouts(np.array([[-1e4], [40.0], [1e4]]), np.full(3, 60.0))
    assert found["counterfactual"].tolist() == [0, 500, 500]
    assert found["truncated"].tolist() == [0, 60, 60]


@pytest.mark.parametrize("name", ["normal_survival", "margin", "cost_20", "cost_80", "sigma_1", "sigma_4"])
def test_a_variant_differs_from_the_paper_in_one_setting(name: str) -> None:
    paper, other = logs.spec("cwm", "paper").settings, logs.spec("cwm", name).settings
    assert sum(paper[key] != other[key] for key in paper) == 1
