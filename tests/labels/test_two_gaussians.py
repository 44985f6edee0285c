"""The mixture of two Gaussians against scikit-learn's, which sees every row, and by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.mixture import GaussianMixture

from watchtime.labels.two_gaussians import TwoGaussians, _best_cut

DRAWS = np.random.default_rng(0)
SAMPLES = {
    "two peaks": np.concatenate([DRAWS.normal(3, 1, 300), DRAWS.normal(20, 4, 500)]),
    "skewed": DRAWS.gamma(0.7, 20.0, 600),
    "tied": np.round(DRAWS.gamma(1.5, 4.0, 600)),
    "mass at zero": np.where(DRAWS.random(400) < 0.3, 0.0, DRAWS.gamma(4.0, 3.0, 400)),
}


def fit(
    rows: npt.NDArray[np.float64], floor: float = 1e-6, tolerance: float = 1e-12, iterations: int = 20_000
) -> TwoGaussians:
    values, counts = np.unique(rows, return_counts=True)
    return TwoGaussians.fit(values, counts.astype(float), floor, tolerance, iterations)


@pytest.mark.parametrize("floor", [1e-6, 0.5])
@pytest.mark.parametrize("name", SAMPLES)
def test_it_is_scikit_learns_mixture_of_the_rows(name: str, floor: float) -> None:
    rows = SAMPLES[name]
    ours = fit(rows, floor)
    known = GaussianMixture(2, tol=1e-12, reg_covar=floor, max_iter=20_000, random_state=0).fit(rows[:, None])
    order = np.argsort(known.means_[:, 0])
    np.testing.assert_allclose(ours.means, known.means_[order, 0], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(ours.weights, known.weights_[order], rtol=1e-4)
    np.testing.assert_allclose(ours.variances, known.covariances_[order, 0, 0], rtol=1e-3)


def test_a_count_is_a_repetition() -> None:
    rows = SAMPLES["tied"]
    alone = TwoGaussians.fit(np.sort(rows), np.ones(len(rows)), 1e-6, 1e-12, 1000)
    for ours, other in zip(fit(rows, iterations=1000), alone, strict=True):
        np.testing.assert_allclose(ours, other, rtol=1e-9)


def test_one_iteration_by_hand() -> None:
    """0 0 2 | 9 11: the halves' means 2/3 and 10, their variances 8/9 and 1 with the floor on top."""
    found = fit(np.array([0.0, 0, 2, 9, 11]), floor=0.25, iterations=1)
    np.testing.assert_allclose(found.weights, [0.6, 0.4])
    np.testing.assert_allclose(found.means, [2 / 3, 10])
    np.testing.assert_allclose(found.variances, [8 / 9 + 0.25, 1.25])


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(0, 1e4), st.integers(1, 9)), min_size=2, max_size=30, unique_by=lambda one: one[0]))
def test_the_cut_leaves_the_smallest_sum_of_squares(pairs: list[tuple[float, int]]) -> None:
    values, counts = np.array(sorted(pairs), dtype=float).T
    rows = np.repeat(values, counts.astype(int))

    def squares(cut: int) -> float:
        halves = rows[rows < values[cut]], rows[rows >= values[cut]]
        return float(sum(((half - half.mean()) ** 2).sum() for half in halves))

    best = min(squares(cut) for cut in range(1, len(values)))
    assert squares(_best_cut(values, counts)) <= best * (1 + 1e-9) + 1e-6


@pytest.mark.parametrize("rows", [[4.0], [0.0, 0.0], [1e9, 1e9, 1e9]])
def test_one_value_is_both_means(rows: list[float]) -> None:
    found = fit(np.array(rows), floor=0.1)
    assert found.means.tolist() == [rows[0], rows[0]]
    assert found.variances.tolist() == [0.1, 0.1]


@pytest.mark.parametrize("rows", [[0.0, 1e9], [0.0, 1e-9], [1.0, np.nextafter(1.0, 2)], [0.0, 1e-9, 1e9, 1e9]])
def test_extreme_values_have_finite_mixtures_in_order(rows: list[float]) -> None:
    found = fit(np.array(rows), iterations=200)
    assert all(np.isfinite(each).all() for each in found)
    assert rows[0] <= found.means[0] <= found.means[1] <= rows[-1]
