"""Units, and intervals with an atom at 0, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from watchtime.labels.storage import fit_codec

TARGET = np.array([0.0, 0.0, 0.0, 0.0, 2.0, 4.0, 6.0, 20.0])


def fit(target: npt.ArrayLike, **options: Any) -> Any:
    return fit_codec("positive_values", options, np.asarray(target, dtype=float))


@pytest.mark.parametrize(("scale", "unit"), [("mean_positive", 8.0), ("none", 1.0)])
def test_labels_are_targets_in_the_unit(scale: str, unit: float) -> None:
    codec = fit(TARGET, scale=scale)
    assert codec.unit == unit
    np.testing.assert_array_equal(codec.encode(TARGET)["value"], TARGET / unit)
    np.testing.assert_array_equal(codec.reconstruct(TARGET), TARGET)
    assert codec.largest_log == pytest.approx(np.log(20 / unit))


def test_zeros_do_not_move_the_unit() -> None:
    assert fit(np.append(TARGET, np.zeros(1000))).unit == 8.0


def test_intervals_are_the_atom_at_0_and_those_between_quantiles_of_the_positive() -> None:
    """The quantiles of 2, 4, 6, 20 at 1/3, 2/3, 1 are 4, 6, 20; a target on an edge is in the interval below it."""
    codec = fit(TARGET, count=3)
    assert codec.edges.tolist() == [0, 0, 4, 6, 20]
    assert codec.interval_means.tolist() == [0, 3, 6, 20]
    assert codec.interval_shares.tolist() == [1 / 2, 1 / 4, 1 / 8, 1 / 8]
    assert codec.positive_share == 0.5
    assert codec.facts() == {"unit": 8.0, "intervals": 4, "positive_share": 0.5}
    assert codec.intervals.mean(codec.intervals.shares[None]).item() == pytest.approx(TARGET.mean())
    assert codec.intervals.ranks[0] == 0.25


def test_equal_quantiles_are_merged() -> None:
    assert fit([0.0, 3.0, 3.0, 3.0, 3.0, 9.0], count=4).edges.tolist() == [0, 0, 3, 9]


@pytest.mark.parametrize(("target", "edges", "share"), [(np.zeros(3), [0, 0, 1], 0), (np.full(3, 4.0), [0, 0, 4], 1)])
def test_logs_of_one_kind_have_a_unit_and_intervals(target: Any, edges: list[float], share: float) -> None:
    codec = fit(target)
    assert (codec.unit, codec.edges.tolist()) == (target[0] or 1, edges)
    assert codec.positive_share == share
    assert codec.largest_log == 0
