from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import percentileofscore

from watchtime.core.errors import WatchtimeError
from watchtime.labels.storage import fit_codec

LEAVES = st.sampled_from([2, 4, 8, 16])
TARGETS = st.lists(st.one_of(st.integers(0, 6).map(float), st.floats(0.001, 1e4)), min_size=1, max_size=60)


def fit(target: npt.ArrayLike, **options: Any) -> Any:
    return fit_codec("quantile_tree", options, np.asarray(target, dtype=float))


def walk(edges: list[float], value: float) -> tuple[int, dict[int, int], list[int]]:
    """Labels of one target by a recursion over the tree, node by node: (leaf, {node: right}, nodes on the path)."""
    leaves = len(edges) - 1
    right, path, leaf = {}, [], []

    def visit(node: int, low: int, high: int, reached: bool) -> None:
        if high - low == 1:
            if reached:
                leaf.append(low)
            return
        middle = (low + high) // 2
        right[node] = int(value >= edges[middle])
        if reached:
            path.append(node)
        visit(2 * node + 1, low, middle, reached and not right[node])
        visit(2 * node + 2, middle, high, reached and bool(right[node]))

    visit(0, 0, leaves, True)
    assert len(leaf) == 1
    return leaf[0], right, path


@settings(max_examples=60)
@given(TARGETS, LEAVES, st.lists(st.floats(0, 2e4), max_size=10))
def test_labels_against_a_recursive_tree(train: list[float], leaves: int, others: list[float]) -> None:
    codec = fit(train, leaves=leaves)
    values = np.array(train + others)
    labels = codec.encode(values)
    np.testing.assert_array_equal(labels["target"], values)
    at_right, on_path = codec.node_labels()
    for row, value in enumerate(values):
        leaf, right, path = walk(codec.edges, value)
        assert labels["leaf"][row] == leaf
        assert at_right[leaf].tolist() == [right[node] for node in range(leaves - 1)]
        assert np.flatnonzero(on_path[leaf]).tolist() == sorted(path)


def test_labels_by_hand() -> None:
    codec = fit(range(9), leaves=4)
    assert codec.edges.tolist() == [0, 2, 4, 6, 8]
    assert codec.leaf_values.tolist() == [1, 3, 5, 7]
    labels = codec.encode(np.array([1.0, 2.0, 5.0, 8.0, 99.0]))
    assert labels["leaf"].tolist() == [0, 1, 2, 3, 3]
    assert labels["leaf"].dtype == np.int16
    right, on_path = codec.node_labels()
    assert right.tolist() == [[0, 0, 0], [0, 1, 0], [1, 1, 0], [1, 1, 1]]
    assert on_path.tolist() == [[1, 1, 0], [1, 1, 0], [1, 0, 1], [1, 0, 1]]


def test_the_released_code_does_not_train_on_the_largest_target() -> None:
    values = np.array([7.9, 8.0, 99.0])
    assert fit(range(9), leaves=4, last_edge="exclude").encode(values)["leaf"].tolist() == [3, -1, -1]
    assert fit(range(9), leaves=4).encode(values)["leaf"].tolist() == [3, 3, 3]


@settings(max_examples=60)
@given(TARGETS, LEAVES)
def test_edges_are_the_training_quantiles(train: list[float], leaves: int) -> None:
    codec = fit(train, leaves=leaves)
    expected = [np.percentile(train, 100 * index / leaves) for index in range(leaves + 1)]
    np.testing.assert_allclose(codec.edges, expected, rtol=1e-9, atol=1e-8)
    assert codec.edges[0] == min(train)
    assert codec.edges[-1] == max(train)
    assert np.all(np.diff(codec.edges) >= 0)


@settings(max_examples=60)
@given(TARGETS, LEAVES, st.sampled_from(["midpoint", "mean"]))
def test_round_trip_stays_in_the_leaf_and_is_monotone(train: list[float], leaves: int, leaf_value: str) -> None:
    codec = fit(train, leaves=leaves, leaf_value=leaf_value)
    values = np.sort(train)
    low, high = codec.edges[codec.leaf_of(values)], codec.edges[codec.leaf_of(values) + 1]
    assert np.all((low <= values) & (values <= high))
    restored = codec.reconstruct(values)
    width = high - low
    assert np.all(np.abs(restored - values) <= (width / 2 if leaf_value == "midpoint" else width) + 1e-9)
    assert np.all(np.diff(restored) >= -1e-9)


@settings(max_examples=60)
@given(TARGETS, LEAVES, st.sampled_from(["keep", "merge"]))
def test_leaf_statistics_against_the_rows_of_each_leaf(train: list[float], leaves: int, ties: str) -> None:
    if ties == "merge" and len(set(train)) < leaves:
        ties = "keep"
    codec = fit(train, leaves=leaves, leaf_value="mean", ties=ties)
    rank = np.array([percentileofscore(train, value, kind="mean") / 100 for value in train])
    leaf = codec.leaf_of(np.array(train))
    for each in range(leaves):
        rows = leaf == each
        assert codec.leaf_shares[each] == pytest.approx(rows.mean())
        if rows.any():
            assert codec.leaf_values[each] == pytest.approx(np.array(train)[rows].mean())
            assert codec.intervals.ranks[each] == pytest.approx(rank[rows].mean())
        else:
            assert codec.leaf_values[each] == pytest.approx((codec.edges[each] + codec.edges[each + 1]) / 2)
    assert codec.standard_deviation == pytest.approx(np.std(train))
    assert codec.intervals.ranks @ codec.leaf_shares == pytest.approx(0.5)


def test_kept_ties_leave_empty_leaves_and_open_the_last_of_them() -> None:
    codec = fit([0.0] * 5 + list(range(1, 12)), leaves=8)
    assert codec.edges[:4].tolist() == [0, 0, 0, 1.625]
    labels = codec.encode(np.array([0.0, 1.0]))
    assert labels["leaf"].tolist() == [2, 2]
    assert codec.leaf_shares[:2].tolist() == [0, 0]
    assert codec.facts() == {"empty_leaves": 2, "largest_leaf_share": 6 / 16}
    # Nodes 1 (leaves 0–3) and 3 (leaves 0 and 1): no row reaches node 3, and at node 1 zeros go right.
    right, on_path = codec.node_labels()
    assert right[2, 1] == 1
    assert not on_path[codec.encode(np.arange(12.0))["leaf"], 3].any()


def test_merged_ties_give_the_zeros_a_leaf_of_their_own() -> None:
    codec = fit([0.0] * 5 + list(range(1, 12)), leaves=8, ties="merge")
    # 16 rows: zeros take 5 > 16/8, then 11 rows are shared by 7 leaves: 2, 2, 2, 2, 1, 1, 1 as each share is filled.
    assert codec.edges.tolist() == [0, 1, 3, 5, 7, 9, 10, 11, 11]
    assert (codec.leaf_shares * 16).tolist() == [5, 2, 2, 2, 2, 1, 1, 1]
    assert codec.facts() == {"empty_leaves": 0, "largest_leaf_share": 5 / 16}


@settings(max_examples=60)
@given(TARGETS, LEAVES)
def test_merged_ties_leave_no_leaf_empty_and_split_no_value(train: list[float], leaves: int) -> None:
    if len(set(train)) < leaves:
        with pytest.raises(WatchtimeError, match=rf"as leaves \({leaves}\), found {len(set(train))}; take fewer"):
            fit(train, leaves=leaves, ties="merge")
        return
    codec = fit(train, leaves=leaves, ties="merge")
    assert codec.facts()["empty_leaves"] == 0
    assert set(codec.edges) <= set(train)
    assert np.all(np.diff(codec.edges[:-1]) > 0)
    sizes = np.rint(codec.leaf_shares * len(train))
    largest_tie = max(train.count(value) for value in train)
    # A leaf overshoots its even share by less than one value's rows.
    assert sizes.max() <= np.ceil(len(train) / leaves) + largest_tie - 1


@pytest.mark.parametrize("count", [64, 65, 100, 127])
def test_without_ties_both_rules_split_evenly(count: int) -> None:
    values = np.random.default_rng(count).permutation(count) + 0.5
    for ties in ("keep", "merge"):
        sizes = np.rint(fit(values, leaves=16, ties=ties).leaf_shares * count)
        assert sizes.max() - sizes.min() <= 1


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), LEAVES)
def test_path_matrices_give_the_leaf_probabilities_of_a_recursive_tree(seed: int, leaves: int) -> None:
    codec = fit([1.0], leaves=leaves)
    go_right = np.random.default_rng(seed).random(leaves - 1)

    def probabilities(node: int, here: float) -> list[float]:
        if node >= leaves - 1:
            return [here]
        left = probabilities(2 * node + 1, here * (1 - go_right[node]))
        return left + probabilities(2 * node + 2, here * go_right[node])

    ancestors, directions = codec.path_matrices()
    assert ancestors.shape == directions.shape == (leaves, leaves.bit_length() - 1)
    chosen = np.where(directions == 1, go_right[ancestors], 1 - go_right[ancestors])
    np.testing.assert_allclose(chosen.prod(axis=1), probabilities(0, 1.0))


@settings(max_examples=60)
@given(LEAVES)
def test_node_labels_and_path_matrices_agree(leaves: int) -> None:
    codec = fit([1.0, 2.0], leaves=leaves)
    right, on_path = codec.node_labels()
    ancestors, directions = codec.path_matrices()
    for leaf in range(leaves):
        assert np.flatnonzero(on_path[leaf]).tolist() == ancestors[leaf].tolist()
        assert right[leaf, ancestors[leaf]].tolist() == directions[leaf].tolist()


def test_every_size_of_tree_numbers_its_nodes_in_heap_order() -> None:
    for leaves in (2, 4, 8, 16, 32, 64, 128, 256):
        ancestors, directions = fit([1.0], leaves=leaves).path_matrices()
        steps = np.column_stack([ancestors, np.arange(leaves) + leaves - 1])
        np.testing.assert_array_equal(steps[:, 1:], 2 * steps[:, :-1] + 1 + directions)
        _, on_path = fit([1.0], leaves=leaves).node_labels()
        assert on_path.sum() == leaves * (leaves.bit_length() - 1)


def test_one_value_and_fewer_rows_than_leaves() -> None:
    codec = fit([3.0, 3.0], leaves=16)
    assert codec.reconstruct(np.array([0.0, 3.0, 9.0])).tolist() == [3, 3, 3]
    assert codec.facts() == {"empty_leaves": 15, "largest_leaf_share": 1.0}
    assert codec.standard_deviation == 0
    few = fit([1.0, 2.0, 4.0], leaves=64, leaf_value="mean")
    np.testing.assert_allclose(few.reconstruct(np.array([1.0, 2.0, 4.0])), [1, 2, 4])


def test_targets_outside_the_training_range_go_to_the_outer_leaves() -> None:
    codec = fit(range(10, 19), leaves=4)
    labels = codec.encode(np.array([0.0, 1e9]))
    assert labels["leaf"].tolist() == [0, 3]


# Nodes of a pruned tree


def leaves_below(node: int, leaves: int) -> list[int]:
    """The leaves below a node, by walking down to them."""
    if node >= leaves - 1:
        return [node - leaves + 1]
    return leaves_below(2 * node + 1, leaves) + leaves_below(2 * node + 2, leaves)


@settings(max_examples=60)
@given(TARGETS, LEAVES, st.sampled_from(["midpoint", "mean"]))
def test_nodes_against_the_rows_in_their_intervals(train: list[float], leaves: int, leaf_value: str) -> None:
    codec = fit(train, leaves=leaves, leaf_value=leaf_value)
    leaf = codec.leaf_of(np.array(train))
    rank = np.array([percentileofscore(train, value, kind="mean") / 100 for value in train])
    midpoints, means = codec.node_values("midpoint"), codec.node_values("mean")
    for node in range(2 * leaves - 1):
        below = leaves_below(node, leaves)
        rows = np.isin(leaf, below)
        first, stop = (ends[node] for ends in codec.node_leaves())
        assert list(range(first, stop)) == below
        low, high = codec.edges[below[0]], codec.edges[below[-1] + 1]
        if node >= leaves - 1:
            assert midpoints[node] == means[node] == codec.leaf_values[below[0]]
        else:
            assert midpoints[node] == pytest.approx((low + high) / 2)
            expected = np.array(train)[rows].mean() if rows.any() else (low + high) / 2
            assert means[node] == pytest.approx(expected)
        smaller = np.mean([value < below[0] for value in leaf])
        assert codec.node_ranks[node] == pytest.approx(rank[rows].mean() if rows.any() else smaller)


@settings(max_examples=60)
@given(TARGETS, LEAVES)
def test_right_widths_spread_a_nodes_mass_evenly_over_its_interval(train: list[float], leaves: int) -> None:
    codec = fit(train, leaves=leaves)
    right = codec.right_widths
    ancestors, directions = codec.path_matrices()
    spread = np.where(directions == 1, right[ancestors], 1 - right[ancestors]).prod(axis=1)
    widths = np.diff(codec.edges)
    even = widths / widths.sum() if widths.sum() > 0 else np.full(leaves, 1 / leaves)
    np.testing.assert_allclose(spread, even, atol=1e-9)


def test_nodes_by_hand() -> None:
    codec = fit([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 100.0], leaves=4)
    assert codec.edges.tolist() == [0, 2, 4, 6, 100]
    assert codec.node_values("midpoint").tolist() == [50, 2, 52, 1, 3, 5, 53]
    np.testing.assert_allclose(codec.node_values("mean"), [128 / 9, 1.5, 122 / 5, 1, 3, 5, 53])
    np.testing.assert_allclose(codec.node_ranks * 9, [4.5, 2, 6.5, 1, 3, 5, 7.5])
    np.testing.assert_allclose(codec.right_widths, [96 / 100, 2 / 4, 94 / 96])
