"""The target as a path through a full binary tree whose leaves are intervals between training quantiles (TPM)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from watchtime.core import settings as core
from watchtime.core.errors import WatchtimeError
from watchtime.labels.base import Array, Codec, Floats, Integers
from watchtime.labels.intervals import Intervals, means_of, shares_of

Bits = npt.NDArray[np.int8]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class QuantileTree(Codec):
    """Leaf l of L holds [e_l, e_{l+1}); each of the L − 1 internal nodes asks whether y is in its right, larger half.

    **Edges** e_0 ≤ … ≤ e_L span the training targets. ``edges: quantiles`` with ``ties: keep`` takes the training
    quantiles at the levels l / L (linear interpolation). A value with more than 1 / L of the rows then repeats as an
    edge: the leaves between equal edges are empty and never true, the value itself is in the leaf after them, and
    the nodes that lead to empty leaves only ever learn "right". ``ties: merge`` gives every value to one leaf
    instead: from the left, each leaf takes whole values until it has its even share of the rows that are left, and
    starts at its smallest; no leaf is empty, and there must be at least L distinct targets.

    **Which leaf.** A target equal to an inner edge goes right. Targets below e_0 belong to leaf 0, those from
    e_L on to leaf L − 1 (``last_edge: include``, the paper); the released code gives rows with y ≥ e_L no weight
    at any node, so the largest label is not trained on (``last_edge: exclude``).

    **Leaf values** v_l are the midpoint of the leaf's edges (paper, released code) or the mean of its training
    targets, where it has any (``leaf_value: mean``).

    **Nodes** are in heap order: node i has the children 2i + 1 (left) and 2i + 2 (right), leaf l is L − 1 + l. Where a
    node of a pruned tree is a leaf itself, it predicts its midpoint or the mean of its training targets.

    **Readouts** from leaf probabilities are those of ``Intervals``.

    Labels: ``target`` float64 [rows], y itself for the loss on the mean; ``leaf`` int16 [rows], −1 for the rows that
    ``last_edge`` excludes. Which nodes learn what from a row follows from its leaf: ``node_labels()``.

    Source: TPM (Lin et al. 2023), section 3.2 of PTPM, and TPM's released code.
    """

    class Settings(core.Settings):
        """Shape of the tree: 16 leaves as TPM's released code, 32 as its re-implementations, 64 as PTPM."""

        leaves: Literal[2, 4, 8, 16, 32, 64, 128, 256] = 16
        edges: Literal["quantiles"] = "quantiles"
        ties: Literal["keep", "merge"] = "keep"
        leaf_value: Literal["midpoint", "mean"] = "midpoint"
        last_edge: Literal["include", "exclude"] = "include"

    name = "quantile_tree"
    readouts = ("mean", "median", "rank")
    settings: Settings
    edges: Floats
    """Leaf boundaries, [leaves + 1]."""
    leaf_means: Floats
    """Mean of the training targets in each leaf, its midpoint where there are none, [leaves]."""
    leaf_shares: Floats
    """Share of the training rows in each leaf, [leaves]."""
    standard_deviation: float
    """Of the training targets."""

    @classmethod
    def _fit(cls, settings: Settings, target: Floats, duration: Floats | None) -> Self:
        target = np.sort(target)
        if settings.ties == "merge":
            edges = _merged_edges(target, settings.leaves)
        else:
            edges = np.quantile(target, np.linspace(0.0, 1.0, settings.leaves + 1))
        leaf = _leaf_of(edges, target)
        return cls(
            settings=settings,
            edges=edges,
            leaf_means=means_of(leaf, target, (edges[:-1] + edges[1:]) / 2),
            leaf_shares=shares_of(leaf, settings.leaves),
            standard_deviation=float(np.std(target)),
        )

    @property
    def leaf_values(self) -> Floats:
        """What a leaf predicts, [leaves]."""
        return self.leaf_means if self.settings.leaf_value == "mean" else (self.edges[:-1] + self.edges[1:]) / 2

    @property
    def intervals(self) -> Intervals:
        """The leaves, from left to right."""
        return Intervals(self.edges, self.leaf_values, self.leaf_shares)

    def leaf_of(self, target: Floats) -> Integers:
        """Return the leaf of each target, [rows]."""
        return _leaf_of(self.edges, target)

    def node_leaves(self) -> tuple[Integers, Integers]:
        """Return the first leaf below each node and one past the last, both [2 · leaves − 1]."""
        node = np.arange(2 * self.settings.leaves - 1)
        level = np.frexp(node + 1)[1] - 1
        width = self.settings.leaves >> level
        first = (node + 1 - (1 << level)) * width
        return first, first + width

    def node_labels(self) -> tuple[Bits, Flags]:
        """Return ``right`` and ``on_path`` of a target in each leaf, both [leaves, leaves − 1], nodes in heap order.

        ``right`` is int8, 1 where the target is at least the node's middle edge; ``on_path`` is true where it is in
        the node's interval: only these nodes learn from it.
        """
        first, stop = (ends[: self.settings.leaves - 1] for ends in self.node_leaves())
        leaf = np.arange(self.settings.leaves)[:, None]
        right = leaf >= (first + stop) // 2
        return right.astype(np.int8), (leaf >= first) & (leaf < stop)

    def node_values(self, value: Literal["midpoint", "mean"]) -> Floats:
        """Return what each node predicts as a leaf, [2 · leaves − 1]; leaves of the full tree their own value.

        An internal node predicts the midpoint of its interval, or the mean of the training targets in it, its
        midpoint where there are none.
        """
        first, stop = self.node_leaves()
        values = (self.edges[first] + self.edges[stop]) / 2
        if value == "mean":
            shares, sums = self._below(self.leaf_shares), self._below(self.leaf_shares * self.leaf_means)
            values = np.divide(sums, shares, out=values, where=shares > 0)
        return np.append(values[: self.settings.leaves - 1], self.leaf_values)

    @property
    def node_ranks(self) -> Floats:
        """The mean over each node's training rows of P(Y < y) + P(Y = y) / 2 as for ``Intervals``, [2 · leaves − 1]."""
        before = np.append(0.0, np.cumsum(self.leaf_shares))[self.node_leaves()[0]]
        return before + self._below(self.leaf_shares) / 2

    @property
    def right_widths(self) -> Floats:
        """Share of an internal node's interval that its right child has, ½ where it has no width, [leaves − 1]."""
        first, stop = (ends[: self.settings.leaves - 1] for ends in self.node_leaves())
        low, middle, high = self.edges[first], self.edges[(first + stop) // 2], self.edges[stop]
        return np.divide(high - middle, high - low, out=np.full(len(first), 0.5), where=high > low)

    def path_matrices(self) -> tuple[Integers, Bits]:
        """Return each leaf's internal nodes and turns from the root down, both [leaves, depth].

        Ancestors are node numbers in heap order, a direction is 1 where the path goes right, so that with the
        probabilities r of going right, p_l = Π_j (r if direction else 1 − r) at ancestor j of leaf l.
        """
        depth = self.settings.leaves.bit_length() - 1
        level = np.arange(depth)
        leaf = np.arange(self.settings.leaves)[:, None]
        ancestors = (1 << level) - 1 + (leaf >> (depth - level))
        directions = (leaf >> (depth - 1 - level)) & 1
        return ancestors, directions.astype(np.int8)

    def facts(self) -> dict[str, int | float]:
        return {
            "empty_leaves": int(np.sum(self.leaf_shares == 0)),
            "largest_leaf_share": float(self.leaf_shares.max()),
        }

    def _encode(self, target: Floats, duration: Floats | None) -> dict[str, Array]:
        leaf = self.leaf_of(target).astype(np.int16)
        if self.settings.last_edge == "exclude":
            leaf[target >= self.edges[-1]] = -1
        return {"target": target, "leaf": leaf}

    def _reconstruct(self, target: Floats, duration: Floats | None) -> Floats:
        return self.leaf_values[self.leaf_of(target)]

    def _below(self, leaves: Floats) -> Floats:
        """Return the sum of [leaves] numbers over the leaves below each node, [2 · leaves − 1]."""
        first, stop = self.node_leaves()
        leaf = np.arange(len(leaves))
        return ((leaf >= first[:, None]) & (leaf < stop[:, None])) @ leaves


def _leaf_of(edges: Floats, target: Floats) -> Integers:
    return np.searchsorted(edges[1:-1], target, side="right")


def _merged_edges(target: Floats, leaves: int) -> Floats:
    """Return the smallest target of each leaf and, last, the largest of all; ``target`` is sorted."""
    values, counts = np.unique(target, return_counts=True)
    if len(values) < leaves:
        raise WatchtimeError(
            f"codec 'quantile_tree': ties: merge needs as many distinct training targets as leaves ({leaves}),"
            f" found {len(values)}; take fewer leaves or ties: keep."
        )
    rows = np.cumsum(counts)
    starts = [0]
    for remaining in range(leaves, 1, -1):
        taken = rows[starts[-1] - 1] if starts[-1] else 0
        share = taken + (rows[-1] - taken) / remaining
        after = int(np.searchsorted(rows, share)) + 1
        starts.append(min(after, len(values) - remaining + 1))
    return np.append(values[starts], values[-1])
