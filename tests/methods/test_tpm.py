"""TPM against path products, enumerated distributions and draws from them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import logs
from minimum import minimum
from watchtime.labels.quantile_tree import QuantileTree
from watchtime.labels.storage import fit_codec
from watchtime.labels.tree_paths import leaf_probabilities
from watchtime.methods.base import build
from watchtime.methods.tpm import TreeProgressiveModel

DRAWS = np.random.default_rng(0)
TARGET = np.concatenate([np.zeros(40), DRAWS.gamma(1.0, 20.0, 360)])
LEAVES = 8


def method(leaves: int = LEAVES, codec: dict[str, Any] | None = None, **chosen: Any) -> TreeProgressiveModel:
    fitted = fit_codec("quantile_tree", {"leaves": leaves} | (codec or {}), TARGET)
    built: TreeProgressiveModel = build("tpm", chosen, fitted, "watch_time")
    return built


def logits(rows: int, nodes: int = LEAVES - 1, scale: float = 2.0) -> Tensor:
    return scale * torch.randn(rows, nodes, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def slow_probability(scores: list[float], leaf: int, leaves: int) -> float:
    """Walk down from the root: the node's half of the leaves that holds ``leaf`` is right with probability σ."""
    node, low, high, probability = 0, 0, leaves, 1.0
    while high - low > 1:
        middle = (low + high) // 2
        right = leaf >= middle
        probability *= sigmoid(scores[node]) if right else 1 - sigmoid(scores[node])
        node = 2 * node + (2 if right else 1)
        low, high = (middle, high) if right else (low, middle)
    return probability


def labels(tpm: TreeProgressiveModel, target: list[float]) -> dict[str, Tensor]:
    encoded = tpm.labels(np.array(target), np.full(len(target), np.nan))
    return {name: torch.from_numpy(value) for name, value in encoded.items()}


# The tree


@given(depth=st.integers(1, 6), data=st.data())
@settings(max_examples=30)
def test_leaf_probabilities_are_products_along_paths(depth: int, data: st.DataObject) -> None:
    leaves = 2**depth
    scores = data.draw(st.lists(st.floats(-30, 30), min_size=leaves - 1, max_size=leaves - 1))
    found = leaf_probabilities(torch.tensor(scores, dtype=torch.float64)).tolist()
    assert found == pytest.approx([slow_probability(scores, leaf, leaves) for leaf in range(leaves)], abs=1e-12)
    assert sum(found) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("leaves", [2, 8, 32])
def test_the_cross_entropy_is_minus_the_log_of_the_paths_probability(leaves: int) -> None:
    """The classifiers on the row's path, and no other, have logistic losses that add up to −log p(leaf)."""
    tpm = method(leaves, regression_weight=0, variance_weight=0)
    target = [0.0, 1.0, 20.0, float(TARGET.max()), 5000.0]
    outputs = logits(len(target), leaves - 1)
    edges = tpm.codec.edges
    expected = []
    for row, y in enumerate(target):
        leaf = max(place for place in range(leaves) if place == 0 or y >= edges[place])
        expected.append(-math.log(slow_probability(outputs[row].tolist(), leaf, leaves)))
    assert tpm.loss(outputs, labels(tpm, target)).item() == pytest.approx(np.mean(expected), rel=1e-6)
    averaged = method(leaves, regression_weight=0, variance_weight=0, likelihood="mean")
    found = averaged.loss(outputs, labels(averaged, target)).item()
    assert found == pytest.approx(np.mean(expected) / (leaves - 1), rel=1e-6)


def test_a_row_that_the_released_code_excludes_has_no_cross_entropy() -> None:
    tpm = method(codec={"last_edge": "exclude"}, regression_weight=0, variance_weight=0)
    assert tpm.loss(logits(1), labels(tpm, [float(TARGET.max())])).item() == 0
    assert tpm.loss(logits(1), labels(tpm, [float(TARGET.max()) - 0.01])).item() > 0


# The other terms


def distribution(outputs: Tensor, row: int) -> list[float]:
    return [slow_probability(outputs[row].tolist(), leaf, LEAVES) for leaf in range(LEAVES)]


@pytest.mark.parametrize("unit", ["standard_deviation", "target"])
@pytest.mark.parametrize("variance", ["variance", "standard_deviation"])
def test_the_loss_is_the_weighted_sum_of_its_terms(unit: str, variance: str) -> None:
    tpm = method(regression_weight=0.7, variance_weight=0.3, unit=unit, variance=variance)
    plain = method(regression_weight=0, variance_weight=0)
    target, outputs = [0.0, 7.0, 31.0], logits(3)
    scale = float(np.std(TARGET)) if unit == "standard_deviation" else 1.0
    extra = []
    for row, y in enumerate(target):
        shares, values = distribution(outputs, row), tpm.codec.leaf_values.tolist()
        mean = sum(p * v for p, v in zip(shares, values, strict=True))
        spread = sum(p * (v - mean) ** 2 for p, v in zip(shares, values, strict=True)) / scale**2
        extra.append(0.7 * ((mean - y) / scale) ** 2 + 0.3 * (spread if variance == "variance" else math.sqrt(spread)))
    expected = plain.loss(outputs, labels(plain, target)).item() + np.mean(extra)
    assert tpm.loss(outputs, labels(tpm, target)).item() == pytest.approx(expected, rel=1e-5)


def test_the_released_variance_term_is_a_rounding_error() -> None:
    """It evaluates the root of m² (Σp − 1): next to nothing, of no direction, and never a NaN."""
    tpm = method(variance="released", unit="target", regression_weight=0, variance_weight=1)
    plain = method(variance="released", unit="target", regression_weight=0, variance_weight=0)
    outputs = logits(500).float().requires_grad_()
    known = labels(tpm, [30.0] * 500)
    term = tpm.loss(outputs, known) - plain.loss(outputs, known)
    assert 0 <= term.item() < 1e-3 * TARGET.max()
    (gradient,) = torch.autograd.grad(term, outputs)
    right = method(variance="standard_deviation", unit="target", regression_weight=0, variance_weight=1)
    proper = logits(500).float().requires_grad_()
    (expected,) = torch.autograd.grad(right.loss(proper, known) - plain.loss(proper, known), proper)
    assert gradient.isfinite().all()
    assert gradient.abs().sum() < 0.01 * expected.abs().sum()


@pytest.mark.parametrize("variance", ["variance", "standard_deviation", "released"])
@pytest.mark.parametrize("scale", [0.0, 1.0, 40.0, 200.0])
def test_gradients_are_finite_where_classifiers_are_certain(variance: str, scale: float) -> None:
    tpm = method(32, variance=variance)
    outputs = logits(50, 31, scale).float().requires_grad_()
    (gradient,) = torch.autograd.grad(tpm.loss(outputs, labels(tpm, [0.0, 1000.0] * 25)), outputs)
    assert gradient.isfinite().all()


def test_training_the_cross_entropy_gives_the_leaf_shares() -> None:
    """Without features the likelihood is maximal where each leaf has its share of the rows."""
    tpm = method(regression_weight=0, variance_weight=0)
    known = labels(tpm, TARGET.tolist())
    found = minimum(lambda outputs: tpm.loss(outputs.expand(len(TARGET), -1), known), 1, LEAVES - 1)
    np.testing.assert_allclose(leaf_probabilities(torch.from_numpy(found))[0], tpm.codec.leaf_shares, atol=1e-4)


# Readouts


def test_readouts_are_those_of_draws_from_the_predicted_distribution() -> None:
    """400,000 draws per row: a leaf by its probability, then a point in it (median), its value or its rank."""
    tpm = method()
    outputs = logits(6)
    found = tpm.readouts(outputs.numpy(), np.full(6, np.nan))
    codec: QuantileTree = tpm.codec
    draws = np.random.default_rng(1)
    ordered = np.sort(TARGET)
    for row in range(6):
        leaf = draws.choice(LEAVES, 400_000, p=distribution(outputs, row))
        points = codec.edges[leaf] + draws.random(len(leaf)) * np.diff(codec.edges)[leaf]
        first = np.searchsorted(ordered, np.append(codec.edges[:-1], np.inf))
        rank = (first[leaf] + first[leaf + 1]) / 2 / len(ordered)
        values = codec.leaf_values[leaf]
        assert found["mean"][row] == pytest.approx(values.mean(), abs=6 * values.std() / 632)
        assert found["rank"][row] == pytest.approx(rank.mean(), abs=6 * rank.std() / 632)
        assert np.mean(points < found["median"][row]) == pytest.approx(0.5, abs=6 * 0.5 / 632)


def test_the_median_of_a_certain_leaf_is_its_middle() -> None:
    tpm = method()
    certain = np.where(tpm.codec.node_labels()[0] == 1, 80.0, -80.0)
    middles = (tpm.codec.edges[:-1] + tpm.codec.edges[1:]) / 2
    found = tpm.readouts(certain, np.full(LEAVES, np.nan))
    np.testing.assert_allclose(found["median"], middles)
    np.testing.assert_allclose(found["mean"], tpm.codec.leaf_values)


def test_an_undecided_root_puts_the_median_on_its_edge() -> None:
    tpm = method()
    outputs = logits(20)
    outputs[:, 0] = 0
    found = tpm.readouts(outputs.numpy(), np.full(20, np.nan))["median"]
    np.testing.assert_allclose(found, np.median(TARGET), rtol=1e-9)


def test_leaf_means_predict_the_training_mean_from_the_training_shares() -> None:
    tpm = method(codec={"leaf_value": "mean"})
    shares = tpm.codec.leaf_shares
    assert shares @ tpm.codec.leaf_values == pytest.approx(TARGET.mean())


def test_the_variance_is_that_of_draws_of_leaf_values() -> None:
    tpm = method()
    outputs = logits(3).numpy()
    for row, found in zip(outputs, tpm.readouts(outputs, np.full(3, np.nan))["variance"], strict=True):
        shares = [slow_probability(row.tolist(), leaf, LEAVES) for leaf in range(LEAVES)]
        values = tpm.codec.leaf_values.tolist()
        mean = sum(share * value for share, value in zip(shares, values, strict=True))
        assert found == pytest.approx(sum(p * (v - mean) ** 2 for p, v in zip(shares, values, strict=True)), rel=1e-9)


@pytest.mark.parametrize("leaves", [16, 64])
def test_variants_with_other_numbers_of_leaves_differ_in_nothing_else(leaves: int) -> None:
    paper, other = logs.spec("tpm", "paper"), logs.spec("tpm", f"leaves_{leaves}")
    assert paper.codec is not None
    assert other.codec is not None
    assert paper.codec.settings["leaves"] == 32
    assert paper.codec.settings | {"leaves": leaves} == other.codec.settings
    assert paper.settings == other.settings
