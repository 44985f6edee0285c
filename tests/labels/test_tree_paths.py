"""Trees in tensors against trees that a recursion builds node by node."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from watchtime.labels.storage import fit_codec
from watchtime.labels.tree_paths import (
    leaf_probabilities,
    node_depths,
    node_probabilities,
    path_labels,
    path_losses,
    pruned,
    spread_probabilities,
)

DEPTHS = st.integers(1, 6)
SEEDS = st.integers(0, 2**32 - 1)


def right(score: float) -> float:
    return 1 / (1 + math.exp(-score))


def reached(scores: list[float], node: int) -> float:
    """The product along the path, walking up from the node to the root."""
    probability = 1.0
    while node:
        parent = (node - 1) // 2
        chance = right(scores[parent])
        probability *= chance if node == 2 * parent + 2 else 1 - chance
        node = parent
    return probability


def subtree(actions: list[bool], leaves: int, node: int = 0, depth: int = 0) -> dict[str, Any]:
    """Build the pruned tree from the root down, as nested dictionaries; the root has no action."""
    if node >= leaves - 1 or (node and actions[node - 1]):
        return {"node": node, "depth": depth, "children": []}
    children = [subtree(actions, leaves, 2 * node + side, depth + 1) for side in (1, 2)]
    return {"node": node, "depth": depth, "children": children}


def nodes_of(tree: dict[str, Any], leaf: bool) -> list[int]:
    own = [tree["node"]] if bool(tree["children"]) != leaf else []
    return own + [node for child in tree["children"] for node in nodes_of(child, leaf)]


def random_logits(seed: int, *shape: int) -> Tensor:
    return 3 * torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed % 2**31))


@settings(max_examples=30)
@given(DEPTHS, SEEDS)
def test_node_probabilities_are_products_along_paths(depth: int, seed: int) -> None:
    leaves = 2**depth
    logits = random_logits(seed, 3, leaves - 1)
    found = node_probabilities(logits)
    for row, scores in zip(found.tolist(), logits.tolist(), strict=True):
        assert row == pytest.approx([reached(scores, node) for node in range(2 * leaves - 1)], abs=1e-12)
    torch.testing.assert_close(found[..., leaves - 1 :], leaf_probabilities(logits), rtol=0, atol=0)


@settings(max_examples=30)
@given(DEPTHS, SEEDS, st.floats(0, 1))
def test_pruned_trees_against_explicit_subtrees(depth: int, seed: int, rate: float) -> None:
    leaves = 2**depth
    draws = np.random.default_rng(seed)
    actions = draws.random((4, leaves - 2)) < rate
    logits, values = random_logits(seed, 4, leaves - 1), draws.random(2 * leaves - 1)
    tree = pruned(torch.from_numpy(actions))
    expected = (node_probabilities(logits) * tree.leaves) @ torch.from_numpy(values)
    for row, (action, scores) in enumerate(zip(actions.tolist(), logits.tolist(), strict=True)):
        explicit = subtree(action, leaves)
        ends = nodes_of(explicit, leaf=True)
        assert torch.nonzero(tree.leaves[row]).flatten().tolist() == sorted(ends)
        assert torch.nonzero(tree.splits[row]).flatten().tolist() == sorted(nodes_of(explicit, leaf=False))
        chances = [reached(scores, node) for node in ends]
        assert sum(chances) == pytest.approx(1)
        assert expected[row].item() == pytest.approx(sum(p * values[n] for p, n in zip(chances, ends, strict=True)))


def test_a_pruned_tree_by_hand() -> None:
    """Eight leaves; nodes 1 and 5 are pruned, and the action of node 3, below node 1, is of no effect."""
    tree = pruned(torch.tensor([True, False, True, False, True, False]))
    assert torch.nonzero(tree.splits).flatten().tolist() == [0, 2, 6]
    assert torch.nonzero(tree.leaves).flatten().tolist() == [1, 5, 13, 14]
    assert node_depths(8).tolist() == [0, 1, 1, 2, 2, 2, 2, *[3] * 8]


@settings(max_examples=30)
@given(DEPTHS, SEEDS)
def test_spread_probabilities_share_out_what_pruned_nodes_hold(depth: int, seed: int) -> None:
    leaves = 2**depth
    draws = np.random.default_rng(seed)
    tree = pruned(torch.from_numpy(draws.random((2, leaves - 2)) < 0.3))
    logits, shares = random_logits(seed, 2, leaves - 1), draws.random(leaves - 1)
    found = spread_probabilities(logits, tree.splits, torch.from_numpy(shares))
    whole = node_probabilities(logits)
    for row in range(2):
        expected = np.zeros(leaves)
        for node in torch.nonzero(tree.leaves[row]).flatten().tolist():
            held = {node: whole[row, node].item()}
            while min(held) < leaves - 1:
                each = min(held)
                mass = held.pop(each)
                held |= {2 * each + 1: mass * (1 - shares[each]), 2 * each + 2: mass * shares[each]}
            for each, mass in held.items():
                expected[each - leaves + 1] += mass
        np.testing.assert_allclose(found[row], expected, atol=1e-12)


@pytest.mark.parametrize("leaves", [2, 4, 64])
def test_path_labels_are_the_codecs_and_losses_those_of_the_path(leaves: int) -> None:
    at_right, on_path = fit_codec("quantile_tree", {"leaves": leaves}, np.array([1.0])).node_labels()  # type: ignore[attr-defined]
    found = path_labels(torch.arange(leaves, dtype=torch.int16), leaves)
    np.testing.assert_array_equal(found[0], at_right == 1)
    np.testing.assert_array_equal(found[1], on_path)
    logits = random_logits(0, leaves, leaves - 1)
    own = leaf_probabilities(logits).diagonal()
    torch.testing.assert_close(path_losses(logits, *found).sum(-1), -own.log())
    nowhere = torch.tensor([-1], dtype=torch.int16)
    assert path_losses(logits[:1], *path_labels(nowhere, leaves)).sum() == 0
