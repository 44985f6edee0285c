"""Units and intervals between training quantiles, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from watchtime.labels.storage import fit_codec

TARGET = np.array([0.0, 0.0, 2.0, 4.0, 6.0, 20.0])


def fit(target: npt.ArrayLike, **options: Any) -> Any:
    return fit_codec("quantile_intervals", options, np.asarray(target, dtype=float))


@pytest.mark.parametrize(
    ("scale", "unit"), [("standard_deviation", (456 / 6 - (32 / 6) ** 2) ** 0.5), ("mean", 32 / 6), ("max", 20)]
)
def test_labels_are_targets_in_the_unit(scale: str, unit: float) -> None:
    codec = fit(TARGET, scale=scale)
    assert codec.unit == pytest.approx(unit)
    np.testing.assert_allclose(codec.encode(TARGET)["value"] * unit, TARGET)
    np.testing.assert_allclose(codec.reconstruct(TARGET), TARGET)


def test_intervals_lie_between_quantiles_without_equal_ones() -> None:
    """The quantiles at 1/5, …, 1 are 0 2 4 6 20; a target on an edge is in the interval below it."""
    codec = fit(TARGET, count=5)
    assert codec.edges.tolist() == [0, 2, 4, 6, 20]
    assert codec.interval_means.tolist() == pytest.approx([2 / 3, 4, 6, 20])
    assert codec.interval_shares.tolist() == pytest.approx([3 / 6, 1 / 6, 1 / 6, 1 / 6])
    assert codec.facts() == {"unit": codec.unit, "intervals": 4}
    intervals = codec.intervals
    assert intervals.mean(intervals.shares[None]).item() == pytest.approx(TARGET.mean())


def test_constant_targets_have_a_unit_and_an_interval() -> None:
    zero, four = fit(np.zeros(3)), fit(np.full(3, 4.0))
    assert (zero.unit, zero.edges.tolist(), zero.interval_means.tolist()) == (1, [0, 1], [0])
    assert (four.unit, four.edges.tolist(), four.interval_means.tolist()) == (1, [0, 4], [4])
