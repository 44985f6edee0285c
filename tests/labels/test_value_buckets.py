"""Sub-distributions, buckets and places in them, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from watchtime.labels.storage import fit_codec

TARGET = np.array([0.0, 0.0, 1.0, 2.0, 4.0, 8.0, 9.0])


def fit(target: npt.ArrayLike, **options: Any) -> Any:
    return fit_codec("value_buckets", {"sub_distributions": 2, "buckets": 2} | options, np.asarray(target, dtype=float))


def test_edges_are_quantiles_of_the_positive_targets() -> None:
    """The quantiles of 1, 2, 4, 8, 9 at the quarters are 2, 4, 8 and 9."""
    codec = fit(TARGET)
    assert codec.edges.tolist() == [0, 0, 2, 4, 8, 9]
    assert codec.interval_shares.tolist() == pytest.approx([2 / 7, 2 / 7, 1 / 7, 1 / 7, 1 / 7])
    assert codec.interval_means.tolist() == [0, 1.5, 4, 8, 9]


def test_a_target_is_a_place_in_a_bucket_of_a_sub_distribution() -> None:
    labels = fit(TARGET).encode(np.array([0.0, 1.0, 2.0, 3.0, 4.5, 9.0, 50.0]))
    assert labels["sub_distribution"].tolist() == [0, 1, 1, 1, 2, 2, 2]
    assert labels["bucket"].tolist() == [0, 0, 0, 1, 0, 1, 1]
    assert labels["bias"].tolist() == [0, 0.5, 1, 0.5, 0.125, 1, 1]


def test_every_target_up_to_the_largest_comes_back() -> None:
    target = np.append(0.0, np.random.default_rng(0).gamma(0.5, 30.0, 500))
    codec = fit(target, sub_distributions=3, buckets=5)
    np.testing.assert_allclose(codec.reconstruct(target), target, rtol=1e-12)
    assert codec.reconstruct(np.array([1e6]))[0] == target.max()
    rows = np.bincount(codec.encode(target)["sub_distribution"])
    assert rows[0] == 1
    assert np.ptp(rows[1:]) <= 1


def test_equal_quantiles_make_buckets_without_width_and_rows() -> None:
    codec = fit([0.0, 5.0, 5.0, 5.0, 5.0, 7.0])
    assert codec.edges.tolist() == [0, 0, 5, 5, 5, 7]
    assert codec.facts() == {"buckets_without_width": 2}
    assert codec.encode(np.array([5.0]))["bucket"].tolist() == [0]
    assert codec.interval_shares.tolist() == pytest.approx([1 / 6, 4 / 6, 0, 0, 1 / 6])


def test_a_log_without_payers_has_even_buckets() -> None:
    codec = fit(np.zeros(3))
    assert codec.edges.tolist() == [0, 0, 0.25, 0.5, 0.75, 1]
    assert codec.reconstruct(np.zeros(2)).tolist() == [0, 0]
