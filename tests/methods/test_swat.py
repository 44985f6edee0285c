"""SWaT against loops over buckets, enumerated roundings and viewers that are drawn."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import expit
from torch import Tensor

import logs
from minimum import minimum
from watchtime.labels.storage import fit_codec
from watchtime.methods.base import build
from watchtime.methods.swat import BucketedWatching

DRAWS = np.random.default_rng(0)
TARGET = np.concatenate([np.zeros(40), DRAWS.gamma(1.0, 20.0, 360)])
DURATION = DRAWS.uniform(5, 60, 400)
COUNT = 8
NO_DURATION = np.full(4, np.nan)


def method(codec: dict[str, Any] | None = None, **chosen: Any) -> BucketedWatching:
    fitted = fit_codec("progress_buckets", {"count": COUNT} | (codec or {}), TARGET, DURATION)
    built: BucketedWatching = build("swat", chosen, fitted, "watch_time")
    return built


def logits(rows: int, scale: float = 2.0) -> Tensor:
    return scale * torch.randn(rows, COUNT, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def labels(swat: BucketedWatching, target: Any, duration: Any = None) -> dict[str, Tensor]:
    duration = np.full(len(target), np.nan) if duration is None else duration
    return {name: torch.from_numpy(one) for name, one in swat.labels(np.array(target, dtype=float), duration).items()}


def covered(swat: BucketedWatching, progress: float) -> list[float]:
    """The share of each bucket that a view of this progress has watched."""
    edges = swat.codec.edges.tolist()
    return [min(max((progress - start) / (end - start), 0.0), 1.0) for start, end in pairwise(edges)]


def stop(chances: list[float], edge: int) -> float:
    """The probability that a focused viewer watches ``edge`` buckets and no more."""
    going_on = math.prod(chances[:edge])
    return going_on if edge == len(chances) else going_on * (1 - chances[edge])


VIEWS = [0.0, 1.0, 7.0, 31.0, 60.0, float(TARGET.max()), 5000.0]


# Loss


def test_a_wandering_viewer_has_a_logistic_loss_per_bucket() -> None:
    swat, outputs = method(viewer="binomial"), logits(len(VIEWS))
    expected = 0.0
    for row, y in enumerate(VIEWS):
        for score, share in zip(outputs[row].tolist(), covered(swat, y), strict=True):
            expected -= share * math.log(expit(score)) + (1 - share) * math.log(1 - expit(score))
    found = swat.loss(outputs, labels(swat, VIEWS)).item()
    assert found == pytest.approx(expected / len(VIEWS), rel=1e-5)


def test_a_focused_viewer_is_rounded_to_either_end_of_the_last_bucket() -> None:
    """The loss is −log of the probability to stop at an edge, weighed by how near the view is to both."""
    swat, outputs = method(), logits(len(VIEWS))
    expected = 0.0
    for row, y in enumerate(VIEWS):
        chances = expit(outputs[row].numpy()).tolist()
        watched = sum(covered(swat, y))
        lower = math.floor(watched)
        above = watched - lower
        expected -= (1 - above) * math.log(stop(chances, lower))
        if above:
            expected -= above * math.log(stop(chances, lower + 1))
    assert swat.loss(outputs, labels(swat, VIEWS)).item() == pytest.approx(expected / len(VIEWS), rel=1e-5)


@pytest.mark.parametrize("viewer", ["geometric", "binomial"])
@pytest.mark.parametrize("unit", ["target", "duration"])
def test_training_gives_the_mean_share_of_each_bucket_and_so_the_mean(viewer: str, unit: str) -> None:
    """Without features; for progress bars all videos last 30 s."""
    duration = np.full(len(TARGET), 30.0)
    fitted = fit_codec("progress_buckets", {"count": COUNT, "unit": unit}, TARGET, duration)
    swat = build("swat", {"viewer": viewer}, fitted, "watch_time")
    known = labels(swat, TARGET, duration)
    found = minimum(lambda outputs: swat.loss(outputs.expand(len(TARGET), -1), known), 1, COUNT)
    watched = expit(found[0]) if viewer == "binomial" else np.cumprod(expit(found[0]))
    progress = TARGET / 30 if unit == "duration" else TARGET
    shares = np.mean([covered(swat, one) for one in progress], 0)
    np.testing.assert_allclose(watched, shares, rtol=1e-3)
    mean = swat.readouts(found, np.full(1, 30.0))["mean"]
    assert mean == pytest.approx(TARGET.mean(), rel=1e-4)


def test_a_soft_label_without_a_weight_would_overstate_how_many_go_on() -> None:
    """The product of Σ c_b / (rows that finished bucket b − 1) is far above the mean share of the last bucket."""
    swat = method()
    shares = np.array([covered(swat, y) for y in TARGET])
    finished = np.concatenate([np.ones((len(TARGET), 1)), shares[:, :-1] == 1], 1)
    naive = np.cumprod(shares.sum(0) / finished.sum(0))
    assert naive @ swat.codec.widths > 1.5 * TARGET.mean()


@pytest.mark.parametrize("viewer", ["geometric", "binomial"])
@pytest.mark.parametrize("scale", [0.0, 40.0, 1000.0])
def test_gradients_are_finite_where_chances_are_certain(viewer: str, scale: float) -> None:
    swat = method(viewer=viewer)
    outputs = logits(len(VIEWS), scale).float().requires_grad_()
    known = {name: one.float() for name, one in labels(swat, VIEWS).items()}
    (gradient,) = torch.autograd.grad(swat.loss(outputs, known), outputs)
    assert gradient.isfinite().all()


# Readouts


def test_a_focused_viewer_stops_as_one_that_is_drawn() -> None:
    """100,000 viewers who go on from bucket to bucket by chance, four rows."""
    swat, outputs = method(), logits(4)
    probabilities, readouts = swat.distribution(outputs.numpy()), swat.readouts(outputs.numpy(), NO_DURATION)
    assert probabilities is not None
    assert list(readouts) == ["mean", "median", "rank", "variance"]
    draws = np.random.default_rng(1)
    for row in range(4):
        goes_on = draws.random((100_000, COUNT)) < expit(outputs[row].numpy())
        edge = np.where(goes_on.all(1), COUNT, np.argmin(goes_on, 1))
        shares = np.bincount(edge, minlength=COUNT + 1) / len(edge)
        np.testing.assert_allclose(probabilities[row], shares, atol=0.01)
        stopped = swat.codec.edges[edge]
        assert readouts["mean"][row] == pytest.approx(stopped.mean(), abs=6 * stopped.std() / 316)
    assert probabilities.sum(1) == pytest.approx(np.ones(4))


def test_a_wandering_viewer_has_a_mean_alone() -> None:
    swat, outputs = method(viewer="binomial"), logits(4)
    readouts = swat.readouts(outputs.numpy(), NO_DURATION)
    assert list(readouts) == ["mean"]
    assert swat.distribution(outputs.numpy()) is None
    seen = np.random.default_rng(1).random((100_000, 4, COUNT)) < expit(outputs.numpy())
    totals = seen @ swat.codec.widths
    np.testing.assert_allclose(readouts["mean"], totals.mean(0), atol=6 * totals.std() / 316)


def test_the_bar_of_a_longer_video_is_longer() -> None:
    swat, outputs = method({"unit": "duration"}), logits(1).expand(2, -1).numpy()
    readouts = swat.readouts(outputs, np.array([10.0, 35.0]))
    assert list(readouts) == ["mean", "median"]
    assert swat.distribution(outputs) is None
    for found in readouts.values():
        assert found[1] == pytest.approx(3.5 * found[0])
        assert found[0] > 0
    same = swat.loss(torch.from_numpy(outputs), labels(swat, [7.0, 24.5], np.array([10.0, 35.0]))).item()
    first = swat.loss(torch.from_numpy(outputs[:1]), labels(swat, [7.0], np.array([10.0]))).item()
    assert same == pytest.approx(first, rel=1e-6)


def test_variants_with_other_buckets_differ_in_nothing_else() -> None:
    paper = logs.spec("swat", "paper")
    assert paper.codec is not None
    changes: dict[str, dict[str, Any]] = {
        "equal_width": {"spacing": "equal_width"},
        "buckets_20": {"count": 20},
        "buckets_100": {"count": 100},
    }
    changes |= {"progress_bar": {"unit": "duration"}}
    for name, change in changes.items():
        other = logs.spec("swat", name)
        assert other.codec is not None
        assert paper.codec.settings | change == other.codec.settings
        assert paper.settings == other.settings
