"""PTPM against enumerations: of all pruned trees of a batch, and of discrete laws of the target."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from watchtime.labels.storage import fit_codec
from watchtime.methods.base import build
from watchtime.methods.network import Guide, Moment
from watchtime.methods.ptpm import PersonalizedTree
from watchtime.methods.tpm import TreeProgressiveModel

DRAWS = np.random.default_rng(0)
TARGET = np.concatenate([np.zeros(40), DRAWS.gamma(1.0, 20.0, 360)])
PLAIN: dict[str, Any] = {"regression_weight": 0.0, "variance_weight": 0.0}


def method(leaves: int = 4, codec: dict[str, Any] | None = None, **chosen: Any) -> PersonalizedTree:
    fitted = fit_codec("quantile_tree", {"leaves": leaves} | (codec or {}), TARGET)
    built: PersonalizedTree = build("ptpm", chosen, fitted, "watch_time")
    return built


def labels(ptpm: PersonalizedTree | TreeProgressiveModel, target: list[float]) -> dict[str, Tensor]:
    encoded = ptpm.labels(np.array(target), np.full(len(target), np.nan))
    return {name: torch.from_numpy(value) for name, value in encoded.items()}


def guide(known: dict[str, Tensor], draws: Tensor) -> Guide:
    return Guide(known, draws, Moment(0, 1, 1))


def random_outputs(ptpm: PersonalizedTree, rows: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 1.5 * torch.randn(rows, ptpm.outputs, dtype=torch.float64, generator=generator)


def right(score: float) -> float:
    return 1 / (1 + math.exp(-score))


def law(ptpm: PersonalizedTree, scores: list[float], actions: list[bool]) -> list[tuple[int, float, float, float, int]]:
    """Walk down one row's pruned tree: (node, probability, low, high, depth) of each of its leaves."""
    edges, leaves = ptpm.codec.edges.tolist(), ptpm.leaves
    found = []

    def visit(node: int, first: int, stop: int, probability: float, depth: int) -> None:
        if stop - first == 1 or (node and actions[node - 1]):
            found.append((node, probability, edges[first], edges[stop], depth))
            return
        middle, chance = (first + stop) // 2, right(scores[node])
        visit(2 * node + 1, first, middle, probability * (1 - chance), depth + 1)
        visit(2 * node + 2, middle, stop, probability * chance, depth + 1)

    visit(0, 0, leaves, 1.0, 0)
    return found


def midpoint_mean(ptpm: PersonalizedTree, scores: list[float], actions: list[bool]) -> float:
    return sum(p * (low + high) / 2 for _, p, low, high, _ in law(ptpm, scores, actions))


# The gradient of tree structure learning


def reward(y: list[float], predicted: list[float], unit: float, order: float, error: float) -> float:
    pairs = [(i, j) for i in range(len(y)) for j in range(i) if y[i] != y[j]]
    right_pairs = sum((predicted[i] > predicted[j]) == (y[i] > y[j]) for i, j in pairs)
    mean_square = sum((a - b) ** 2 for a, b in zip(y, predicted, strict=True)) / len(y) / unit**2
    return order * right_pairs / max(len(pairs), 1) - error * mean_square


@pytest.mark.parametrize("credit", ["row", "batch"])
@pytest.mark.parametrize("reward_unit", ["standard_deviation", "target"])
@pytest.mark.parametrize("target", [[3.0, 60.0], [25.0, 3.0, 60.0], [25.0, 25.0, 8.0]])
def test_the_expected_gradient_is_that_of_the_enumerated_reward(
    credit: str, reward_unit: str, target: list[float]
) -> None:
    """Four leaves, two prunable nodes: every action vector of the batch, with its probability.

    Exact: −∇ Σ_a P(a) R(a) with R from a walk through every tree. Estimated: Σ_a P(a) ∇ loss(a), one draw at a time.
    """
    ptpm = method(credit=credit, reward_unit=reward_unit, order_reward_weight=0.8, error_reward_weight=0.3)
    unit = float(np.std(TARGET)) if reward_unit == "standard_deviation" else 1.0
    outputs, known, rows = random_outputs(ptpm, len(target)), labels(ptpm, target), len(target)
    outputs.requires_grad_()
    exact, estimated = torch.zeros((), dtype=torch.float64), torch.zeros_like(outputs)
    for flat in itertools.product([False, True], repeat=2 * rows):
        actions = torch.tensor(flat).view(rows, 2)
        chance = torch.where(actions, outputs[:, 3:].sigmoid(), 1 - outputs[:, 3:].sigmoid()).prod()
        predicted = [midpoint_mean(ptpm, outputs[row, :3].tolist(), actions[row].tolist()) for row in range(rows)]
        exact = exact - chance * reward(target, predicted, unit, 0.8, 0.3)
        drawn = guide(known, torch.where(actions, 0.0, 1.0))
        (gradient,) = torch.autograd.grad(ptpm.training_loss(outputs, drawn), outputs)
        estimated += chance.detach() * gradient
    (expected,) = torch.autograd.grad(exact, outputs)
    assert expected[:, :3].abs().max() == 0
    assert expected[:, 3:].abs().max() > 1e-3
    torch.testing.assert_close(estimated[:, 3:], expected[:, 3:], rtol=0, atol=1e-6 * expected.abs().max().item())


def test_a_rows_own_credit_is_less_noisy_than_the_batchs() -> None:
    """Variance of the estimated gradient over 400 draws for 64 rows, summed over pruning logits."""
    target = TARGET[::6][:64].tolist()
    spread = {}
    for credit in ("row", "batch"):
        ptpm = method(16, credit=credit)
        outputs, known = random_outputs(ptpm, 64).requires_grad_(), labels(ptpm, target)
        draws = torch.rand(400, 64, 14, generator=torch.Generator().manual_seed(1))
        gradients = [
            torch.autograd.grad(ptpm.training_loss(outputs, guide(known, one)), outputs)[0][:, 15:] for one in draws
        ]
        spread[credit] = torch.stack(gradients).var(0).sum().item()
    assert spread["row"] < spread["batch"] / 10


def test_a_row_whose_tree_is_the_global_one_has_no_credit_of_its_own() -> None:
    """Whatever the other rows draw: their trees stand in both terms of its difference."""
    for credit, learns in (("row", False), ("batch", True)):
        ptpm = method(16, credit=credit)
        outputs, known = random_outputs(ptpm, 20).requires_grad_(), labels(ptpm, TARGET[40:60].tolist())
        draws = torch.rand(20, 14, generator=torch.Generator().manual_seed(0))
        draws[3] = 1.0
        (gradient,) = torch.autograd.grad(ptpm.training_loss(outputs, guide(known, draws)), outputs)
        assert gradient[3, 15:].any() == learns
        assert gradient[4, 15:].any()


def test_rewards_have_no_gradient_and_no_pruning_no_reward() -> None:
    """The classifiers learn what they learn without pruning; where nothing is pruned, R_T = R_G."""
    ptpm, alone = method(8), method(8, tree="global")
    outputs = random_outputs(ptpm, 5).requires_grad_()
    known, draws = labels(ptpm, TARGET[40:45].tolist()), torch.rand(5, 6, generator=torch.Generator().manual_seed(0))
    loss = ptpm.training_loss(outputs, guide(known, draws))
    plain = alone.training_loss(outputs[:, :7], guide(known, draws[:, :0]))
    whole = torch.autograd.grad(loss, outputs, retain_graph=True)[0]
    torch.testing.assert_close(whole[:, :7], torch.autograd.grad(plain, outputs)[0][:, :7])
    assert whole[:, 7:].abs().max() > 0
    assert loss.item() != pytest.approx(plain.item())
    assert ptpm.training_loss(outputs, guide(known, torch.ones(5, 6))).item() == pytest.approx(plain.item())


@pytest.mark.parametrize("credit", ["row", "batch"])
def test_a_step_of_stacked_repetitions_is_that_of_looped_ones(credit: str) -> None:
    """One step with the order reward: over many, the comparisons in it turn roundings into other rewards."""
    ptpm = method(16, credit=credit)
    outputs = torch.stack([random_outputs(ptpm, 30, seed) for seed in range(3)]).requires_grad_()
    known = labels(ptpm, TARGET[40:130].tolist())
    stacked = {name: value.view(3, 30) for name, value in known.items()}
    draws = torch.rand(3, 30, 14, generator=torch.Generator().manual_seed(0))
    losses = torch.vmap(lambda one, own, drawn: ptpm.training_loss(one, guide(own, drawn)))(outputs, stacked, draws)
    own = [{name: value[place] for name, value in stacked.items()} for place in range(3)]
    looped = torch.stack([ptpm.training_loss(outputs[n], guide(own[n], draws[n])) for n in range(3)])
    torch.testing.assert_close(losses, looped)
    gradients = (torch.autograd.grad(one.sum(), outputs)[0] for one in (losses, looped))
    torch.testing.assert_close(*gradients)


# Unbiased conditional learning

# Rows of each of eight leaves for two x: their conditional laws given any node, in sixteenths.
COUNTS = [[1, 3, 2, 2, 4, 1, 1, 2], [5, 1, 1, 3, 2, 1, 2, 1]]


def probability_right(counts: list[int], node: int) -> float:
    """P(right half | in the node) under a row's own law."""
    below = under(node)
    middle = len(below) // 2
    return sum(counts[leaf] for leaf in below[middle:]) / sum(counts[leaf] for leaf in below)


def under(node: int) -> list[int]:
    return [node - 7] if node >= 7 else under(2 * node + 1) + under(2 * node + 2)


def conditional_loss(counts: list[int], node: int, score: float) -> float:
    """E[loss of the node's classifier | in the node, x]."""
    chance = probability_right(counts, node)
    return -chance * math.log(right(score)) - (1 - chance) * math.log(1 - right(score))


def mass(counts: list[int], node: int) -> float:
    return sum(counts[leaf] for leaf in under(node)) / sum(counts)


def enumerated(ptpm: PersonalizedTree, scores: list[list[float]]) -> float:
    """The mean loss over (x, y) with their exact frequencies."""
    rows = [(x, leaf) for x in (0, 1) for leaf in range(8) for _ in range(COUNTS[x][leaf])]
    outputs = torch.tensor([scores[x] for x, _ in rows], dtype=torch.float64)
    leaf = torch.tensor([leaf for _, leaf in rows], dtype=torch.int16)
    known = {"leaf": leaf, "target": torch.zeros(len(rows))}
    return ptpm.training_loss(outputs, guide(known, torch.zeros(len(rows), 0))).item()


def true_logit(counts: list[int], node: int) -> float:
    chance = probability_right(counts, node)
    return math.log(chance / (1 - chance))


ARBITRARY = random_outputs(method(8, tree="global"), 2, seed=5).tolist()
TRUE_ABOVE = [[true_logit(COUNTS[x], node) if node < 3 else ARBITRARY[x][node] for node in range(7)] for x in (0, 1)]


def mean_of_conditional_losses(scores: list[list[float]], weight: Callable[[int, int], float]) -> float:
    terms = [weight(x, node) * conditional_loss(COUNTS[x], node, scores[x][node]) for x in (0, 1) for node in range(7)]
    return sum(terms) / 2


def test_true_propensities_give_the_mean_over_x_of_the_loss_within_the_parent() -> None:
    """Decision 6: not E[loss] over all rows, whose label depends on the node, but E_x E[loss | in the node, x].

    The classifiers above the last level are true, those of the last level anything. Without propensities every x
    counts by its probability of being in the node instead.
    """
    unbiased = method(8, tree="global", propensity_clip=0.0, **PLAIN)
    expected = mean_of_conditional_losses(TRUE_ABOVE, lambda x, node: 1.0)
    assert enumerated(unbiased, TRUE_ABOVE) == pytest.approx(expected, rel=1e-9)
    native = method(8, tree="global", propensity_levels="none", **PLAIN)
    by_mass = mean_of_conditional_losses(TRUE_ABOVE, lambda x, node: mass(COUNTS[x], node))
    assert enumerated(native, TRUE_ABOVE) == pytest.approx(by_mass, rel=1e-9)
    assert abs(expected - by_mass) > 0.5


@pytest.mark.parametrize("clip", [0.0, 0.4])
def test_wrong_propensities_weigh_each_x_by_true_over_predicted_mass(clip: float) -> None:
    """So the estimate is off wherever the classifiers above are, or the clip bounds a row's weight."""
    ptpm = method(8, tree="global", propensity_clip=clip, **PLAIN)

    def ratio(x: int, node: int) -> float:
        return mass(COUNTS[x], node) / max(predicted_mass(ARBITRARY[x], node), clip)

    found = enumerated(ptpm, ARBITRARY)
    assert found == pytest.approx(mean_of_conditional_losses(ARBITRARY, ratio), rel=1e-9)
    assert abs(found - mean_of_conditional_losses(ARBITRARY, lambda x, node: 1.0)) > 0.1


def test_eq_14_as_printed_stops_a_level_above_the_parent() -> None:
    printed = method(8, tree="global", propensity_levels="printed", propensity_clip=0.0, **PLAIN)

    def ratio(x: int, node: int) -> float:
        above = (node - 1) // 2 if node else 0
        return mass(COUNTS[x], node) / mass(COUNTS[x], above)

    expected = mean_of_conditional_losses(TRUE_ABOVE, ratio)
    assert enumerated(printed, TRUE_ABOVE) == pytest.approx(expected, rel=1e-9)
    assert enumerated(printed, TRUE_ABOVE) < enumerated(method(8, tree="global", **PLAIN), TRUE_ABOVE)


def predicted_mass(scores: list[float], node: int) -> float:
    if not node:
        return 1.0
    parent = (node - 1) // 2
    chance = right(scores[parent])
    return predicted_mass(scores, parent) * (chance if node == 2 * parent + 2 else 1 - chance)


@pytest.mark.parametrize("detach", [True, False])
def test_the_gradient_through_propensities_is_a_setting(detach: bool) -> None:
    """A row left of the root: the root's logit moves its own loss, and node 1's propensity 1 − σ(s) if allowed."""
    ptpm = method(4, tree="global", detach_propensity=detach, propensity_clip=0.0, **PLAIN)
    outputs = torch.tensor([[0.3, -0.8, 0.1]], dtype=torch.float64, requires_grad=True)
    known = {"leaf": torch.tensor([0], dtype=torch.int16), "target": torch.zeros(1)}
    loss = ptpm.training_loss(outputs, guide(known, torch.zeros(1, 0)))
    found = torch.autograd.grad(loss, outputs)[0][0, 0].item()
    through = -math.log(1 - right(-0.8)) * right(0.3) / (1 - right(0.3))
    assert found == pytest.approx(right(0.3) + (0 if detach else through))


# The loss as a whole


def test_without_both_modules_it_is_tpm() -> None:
    ptpm = method(64, tree="global", propensity_levels="none")
    tpm: TreeProgressiveModel = build("tpm", {}, fit_codec("quantile_tree", {"leaves": 64}, TARGET), "watch_time")
    target = TARGET[20:100].tolist()
    outputs = random_outputs(ptpm, 80)
    assert ptpm.outputs == tpm.outputs
    expected = tpm.loss(outputs, labels(tpm, target))
    torch.testing.assert_close(ptpm.loss(outputs, labels(ptpm, target)), expected)
    torch.testing.assert_close(ptpm.training_loss(outputs, guide(labels(ptpm, target), torch.zeros(80, 0))), expected)
    unknown = np.full(80, np.nan)
    ours, theirs = ptpm.readouts(outputs.numpy(), unknown), tpm.readouts(outputs.numpy(), unknown)
    for readout, values in theirs.items():
        np.testing.assert_allclose(ours[readout], values, rtol=1e-9, atol=1e-9)


def test_validation_judges_the_classifiers_and_the_tree_that_predicts() -> None:
    """Plain cross entropy and variance of the global tree, error of the thresholded one, in standard deviations."""
    ptpm = method(8, regression_weight=0.7, variance_weight=0.3, threshold=0.4)
    target, outputs, unit = [0.0, 15.0, 80.0], random_outputs(ptpm, 3), float(np.std(TARGET))
    expected = 0.0
    for y, row in zip(target, outputs.tolist(), strict=True):
        scores, actions = row[:7], [right(score) > 0.4 for score in row[7:]]
        whole = law(ptpm, scores, [False] * 6)
        mean, centre = midpoint_mean(ptpm, scores, actions), midpoint_mean(ptpm, scores, [False] * 6)
        spread = sum(p * ((low + high) / 2 - centre) ** 2 for _, p, low, high, _ in whole)
        leaf = int(ptpm.codec.leaf_of(np.array([y]))[0])
        (own,) = (p for node, p, *_ in whole if node == 7 + leaf)
        expected += (-math.log(own) + 0.7 * (mean - y) ** 2 / unit**2 + 0.3 * spread / unit**2) / 3
    assert ptpm.loss(outputs, labels(ptpm, target)).item() == pytest.approx(expected, rel=1e-5)


def test_the_learning_curve_has_the_error_of_the_tree_that_predicts_in_seconds() -> None:
    ptpm = method(8, threshold=0.4)
    target = [0.0, 15.0, 80.0]
    both = torch.stack([random_outputs(ptpm, 3, seed) for seed in (0, 1)])
    found = torch.vmap(ptpm.measures, in_dims=(0, None))(both, labels(ptpm, target))["absolute_error"]
    for outputs, error in zip(both.tolist(), found.tolist(), strict=True):
        means = [midpoint_mean(ptpm, row[:7], [right(score) > 0.4 for score in row[7:]]) for row in outputs]
        assert error == pytest.approx(np.mean(np.abs(np.array(means) - target)), rel=1e-5)


def test_readouts_are_those_of_the_pruned_tree() -> None:
    """400,000 draws per row: a leaf of its tree, and a point in its interval."""
    ptpm = method(8)
    outputs = random_outputs(ptpm, 6, seed=3)
    found = ptpm.readouts(outputs.numpy(), np.full(6, np.nan))
    spread = ptpm.distribution(outputs.numpy())
    draws = np.random.default_rng(1)
    ordered = np.sort(TARGET)
    depths = set()
    for row, scores in enumerate(outputs.tolist()):
        ends = law(ptpm, scores[:7], [score > 0 for score in scores[7:]])
        chosen = draws.choice(len(ends), 400_000, p=[p for _, p, *_ in ends])
        low, high, depth = (np.array([end[place] for end in ends])[chosen] for place in (2, 3, 4))
        points, values = low + draws.random(len(chosen)) * (high - low), (low + high) / 2
        last = np.where(high == ordered[-1], len(ordered), np.searchsorted(ordered, high))
        rank = (np.searchsorted(ordered, low) + last) / 2 / len(ordered)
        assert found["mean"][row] == pytest.approx(values.mean(), abs=6 * values.std() / 632)
        assert found["variance"][row] == pytest.approx(values.var(), rel=0.02)
        assert found["rank"][row] == pytest.approx(rank.mean(), abs=6 * rank.std() / 632)
        assert np.mean(points < found["median"][row]) == pytest.approx(0.5, abs=6 * 0.5 / 632)
        assert found["depth_reached"][row] == pytest.approx(depth.mean(), abs=6 * depth.std() / 632 + 1e-9)
        assert found["depth_tree"][row] == pytest.approx(np.mean([end[4] for end in ends]))
        in_leaf = np.bincount(ptpm.codec.leaf_of(points), minlength=8) / len(points)
        np.testing.assert_allclose(spread[row], in_leaf, atol=6 * 0.5 / 632)
        depths.add(found["depth_tree"][row])
    assert len(depths) > 2


# Trees that are not learned


def test_random_trees_train_what_is_left_and_predict_by_the_global_tree() -> None:
    ptpm, whole = method(8, tree="random", random_rate=0.3), method(8, tree="global")
    outputs, known = random_outputs(ptpm, 6).requires_grad_(), labels(ptpm, TARGET[40:46].tolist())
    assert (ptpm.outputs, ptpm.draws) == (7, 6)
    torch.testing.assert_close(ptpm.loss(outputs, known), whole.loss(outputs, known))
    nothing = ptpm.training_loss(outputs, guide(known, torch.full((6, 6), 0.3)))
    torch.testing.assert_close(nothing, whole.training_loss(outputs, guide(known, torch.zeros(6, 0))))
    everything = ptpm.training_loss(outputs, guide(known, torch.full((6, 6), 0.29)))
    (gradient,) = torch.autograd.grad(everything, outputs)
    assert gradient[:, 0].abs().min() > 0
    assert gradient[:, 1:].abs().max() == 0


def test_a_fixed_tree_is_one_subtree_for_all_rows_and_trains_no_other_node() -> None:
    trees = [method(16, tree="fixed", random_rate=0.3, subtree_seed=seed) for seed in (0, 0, 1)]
    shapes = []
    for ptpm in trees:
        outputs, known = random_outputs(ptpm, 50).requires_grad_(), labels(ptpm, TARGET[:50].tolist())
        found = ptpm.readouts(outputs.detach().numpy(), np.full(50, np.nan))
        actions = ptpm.given.tolist()
        ends = law(ptpm, outputs[0, :15].tolist(), actions)
        assert (ptpm.outputs, ptpm.draws) == (15, 0)
        assert found["depth_tree"] == pytest.approx(np.mean([end[4] for end in ends]))
        assert found["mean"][0] == pytest.approx(midpoint_mean(ptpm, outputs[0, :15].tolist(), actions))
        parents = {(node - 1) // 2 for node, *_ in ends}
        splits = {node for parent in parents for node in ancestors(parent)}
        for loss in (ptpm.loss(outputs, known), ptpm.training_loss(outputs, guide(known, torch.zeros(50, 0)))):
            (gradient,) = torch.autograd.grad(loss, outputs)
            assert set(torch.nonzero(gradient.abs().sum(0)).flatten().tolist()) == splits
        shapes.append(actions)
    assert shapes[0] == shapes[1] != shapes[2]


def ancestors(node: int) -> list[int]:
    return [node] + (ancestors((node - 1) // 2) if node else [])


def test_training_starts_near_the_global_tree() -> None:
    ptpm = method(16, pruning_bias=-3.0)
    bias = ptpm.head(8).bias
    assert isinstance(bias, Tensor)
    assert (bias[15:] == -3).all()
    assert (bias[:15].abs() < 0.5).all()


def test_two_leaves_have_nothing_to_prune() -> None:
    ptpm = method(2)
    outputs, known = random_outputs(ptpm, 3), labels(ptpm, [0.0, 5.0, 50.0])
    assert ptpm.outputs == 1
    assert ptpm.training_loss(outputs, guide(known, torch.zeros(3, 0))).isfinite()


def test_node_means_replace_midpoints() -> None:
    ptpm = method(8, codec={"leaf_value": "mean"}, node_value="mean", threshold=0.0)
    outputs = random_outputs(ptpm, 4)
    ordered = np.sort(TARGET)
    low, high = ordered[:200].mean(), ordered[200:].mean()
    found = ptpm.readouts(outputs.numpy(), np.full(4, np.nan))["mean"]
    chance = outputs[:, 0].sigmoid().numpy()
    np.testing.assert_allclose(found, (1 - chance) * low + chance * high)
