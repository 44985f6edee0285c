"""CREAD's three terms against loops over rows and thresholds, and EGMN's sums over a batch."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import logs
from watchtime.labels.storage import fit_codec
from watchtime.methods.base import build
from watchtime.methods.cread import ClassificationRestoration

DRAWS = np.random.default_rng(0)
TARGET = np.concatenate([np.zeros(40), DRAWS.gamma(1.0, 20.0, 360)])
COUNT = 8
NONE: dict[str, Any] = {"classification_weight": 0.0, "restoration_weight": 0.0, "order_weight": 0.0}


def method(codec: dict[str, Any] | None = None, target: Any = TARGET, **chosen: Any) -> ClassificationRestoration:
    fitted = fit_codec("thresholds", {"count": COUNT} | (codec or {}), target)
    built: ClassificationRestoration = build("cread", chosen, fitted, "watch_time")
    return built


def logits(rows: int, scale: float = 2.0) -> Tensor:
    return scale * torch.randn(rows, COUNT, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def labels(cread: ClassificationRestoration, target: Any) -> dict[str, Tensor]:
    encoded = cread.labels(np.array(target, dtype=float), np.full(len(target), np.nan))
    return {name: torch.from_numpy(value) for name, value in encoded.items()}


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def slow_terms(thresholds: list[float], scores: list[float], y: float, unit: float, delta: float) -> list[float]:
    """One row's cross-entropy summed over thresholds, Huber loss of what they restore, and summed rises."""
    above = [sigmoid(score) for score in scores]
    entropy = restored = rises = before = 0.0
    for m, threshold in enumerate(thresholds):
        entropy -= math.log(above[m] if y > threshold else 1 - above[m])
        restored += above[m] * (threshold - before)
        before = threshold
        if m:
            rises += max(above[m] - above[m - 1], 0.0)
    error = abs(restored - y) / unit
    huber = error**2 / 2 if error <= delta else delta * (error - delta / 2)
    return [entropy, huber, rises]


def slow_means(cread: ClassificationRestoration, outputs: Tensor, target: list[float], unit: float) -> list[float]:
    thresholds, delta = cread.codec.thresholds.tolist(), cread.settings.delta
    rows = [slow_terms(thresholds, outputs[row].tolist(), y, unit, delta) for row, y in enumerate(target)]
    return [sum(term) / len(rows) for term in zip(*rows, strict=True)]


UNITS = {"standard_deviation": float(np.std(TARGET)), "maximum": float(np.max(TARGET)), "target": 1.0}


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("delta", [0.05, 1.0])
@pytest.mark.parametrize("likelihood", ["sum", "mean"])
@pytest.mark.parametrize("spacing", ["error_adaptive", "equal_width"])
def test_the_loss_is_the_weighted_sum_of_its_terms(unit: str, delta: float, likelihood: str, spacing: str) -> None:
    weights = {"classification_weight": 0.9, "restoration_weight": 0.7, "order_weight": 0.3}
    cread = method({"spacing": spacing}, unit=unit, delta=delta, likelihood=likelihood, **weights)
    target, outputs = [0.0, 7.0, 31.0, 60.0, 300.0], logits(5)
    entropy, huber, rises = slow_means(cread, outputs, target, UNITS[unit])
    expected = 0.9 * entropy / (COUNT if likelihood == "mean" else 1) + 0.7 * huber + 0.3 * rises
    assert cread.loss(outputs, labels(cread, target)).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("place", range(3))
def test_each_weight_belongs_to_its_term(place: int) -> None:
    name = list(NONE)[place]
    cread = method(**(NONE | {name: 2.0}))
    target, outputs = [3.0, 80.0], logits(2)
    expected = 2 * slow_means(cread, outputs, target, UNITS["standard_deviation"])[place]
    assert expected > 0
    assert cread.loss(outputs, labels(cread, target)).item() == pytest.approx(expected, rel=1e-5)


def test_only_rises_count_against_the_order() -> None:
    cread = method(**(NONE | {"order_weight": 1.0}))
    known = labels(cread, [5.0])
    falling = logits(1).sort(descending=True).values
    assert cread.loss(falling, known).item() == 0
    assert cread.loss(falling.flip(-1), known).item() == pytest.approx(
        (falling[0, 0].sigmoid() - falling[0, -1].sigmoid()).item()
    )


def test_the_third_partys_settings_are_its_sums_over_a_batch() -> None:
    """EGMN: targets divided by their maximum, mean cross-entropy, mean Huber, 2e-5 · the sum over 2,048 rows."""
    spec = logs.spec("cread", "third_party")
    cread = method(**spec.settings)
    target, outputs = np.resize(TARGET, 2048), logits(2048)
    thresholds = cread.codec.thresholds / TARGET.max()
    above = 1 / (1 + np.exp(-outputs.numpy()))
    truth = (target / TARGET.max())[:, None] > thresholds
    entropy = -np.where(truth, np.log(above), np.log(1 - above)).mean()
    restored = (above * (thresholds - np.concatenate([[0.0], thresholds[:-1]]))).sum(1)
    error = np.abs(restored - target / TARGET.max())
    huber = np.where(error <= 1, error**2 / 2, error - 0.5).mean()
    rises = np.maximum(above[:, 1:] - above[:, :-1], 0).sum()
    found = cread.loss(outputs, labels(cread, target)).item()
    assert found == pytest.approx(entropy + huber + 2e-5 * rises, rel=1e-5)
    assert spec.codec is not None
    assert (spec.codec.settings["count"], spec.codec.settings["spacing"]) == (50, "error_adaptive")


@pytest.mark.parametrize("scale", [0.0, 1.0, 40.0, 200.0])
def test_gradients_are_finite_where_classifiers_are_certain(scale: float) -> None:
    cread = method()
    outputs = logits(50, scale).float().requires_grad_()
    known = {name: label.float() for name, label in labels(cread, [0.0, 1000.0] * 25).items()}
    (gradient,) = torch.autograd.grad(cread.loss(outputs, known), outputs)
    assert gradient.isfinite().all()


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("value", [0.0, 4.0])
def test_constant_targets_have_a_unit(unit: str, value: float) -> None:
    cread = method(target=np.full(20, value), unit=unit)
    assert cread.loss(logits(3), labels(cread, [value] * 3)).isfinite()


def test_readouts_are_those_of_the_classifiers() -> None:
    """The mean is the restored sum that the loss compares; the distribution is that of the running minimum."""
    cread = method()
    outputs = logits(20)
    readouts, probabilities = cread.readouts(outputs.numpy(), np.full(20, np.nan)), cread.distribution(outputs.numpy())
    assert list(readouts) == ["mean", "median", "rank", "variance"]
    restoring = method(**(NONE | {"restoration_weight": 1.0}), delta=1e6)
    known = labels(restoring, readouts["mean"])
    assert restoring.loss(outputs, known).item() == pytest.approx(0, abs=1e-9)
    for row in range(20):
        above = [sigmoid(score) for score in outputs[row].tolist()]
        lowest = [1.0, *(min(above[: m + 1]) for m in range(COUNT)), 0.0]
        expected = [one - other for one, other in pairwise(lowest)]
        assert probabilities[row].tolist() == pytest.approx(expected, abs=1e-12)
        cumulative, edges = np.cumsum(expected), cread.codec.intervals.edges
        place = int(np.argmax(cumulative >= 0.5))
        assert edges[place] <= readouts["median"][row] <= edges[place + 1]


@pytest.mark.parametrize("spacing", ["equal_frequency", "equal_width"])
def test_what_the_search_is_compared_with_differs_in_spacing_alone(spacing: str) -> None:
    paper, other = logs.spec("cread", "paper"), logs.spec("cread", spacing)
    assert paper.codec is not None
    assert other.codec is not None
    assert paper.codec.settings | {"spacing": spacing} == other.codec.settings
    assert paper.codec.settings["spacing"] == "error_adaptive"
    assert paper.settings == other.settings
