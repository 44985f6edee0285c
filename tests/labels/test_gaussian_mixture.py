"""The mixture of Gaussians against scikit-learn's, which sees every row, and by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from sklearn import mixture

from watchtime.labels.gaussian_mixture import GaussianMixture
from watchtime.labels.one_dimensional_clusters import cluster, nearest

DRAWS = np.random.default_rng(0)
SAMPLES = {
    "two peaks": np.concatenate([DRAWS.normal(3, 1, 300), DRAWS.normal(20, 4, 500)]),
    "skewed": DRAWS.gamma(0.7, 20.0, 600),
    "tied": np.round(DRAWS.gamma(1.5, 4.0, 600)),
    "mass at zero": np.where(DRAWS.random(400) < 0.3, 0.0, DRAWS.gamma(4.0, 3.0, 400)),
}


def fit(
    rows: npt.NDArray[np.float64],
    components: int = 2,
    floor: float = 1e-6,
    tolerance: float = 1e-12,
    iterations: int = 20_000,
) -> GaussianMixture:
    values, counts = np.unique(rows, return_counts=True)
    return GaussianMixture.fit(values, counts.astype(float), components, floor, tolerance, iterations)


def scikit_learns(
    rows: npt.NDArray[np.float64], components: int, floor: float, iterations: int
) -> mixture.GaussianMixture:
    """Return its mixture from the best K-means clusters: weights, means and precisions of the rows in each."""
    clusters = nearest(cluster(rows, components), rows)
    parts = [rows[clusters == one] for one in range(components)]
    return mixture.GaussianMixture(
        components,
        tol=0.0,
        reg_covar=floor,
        max_iter=iterations,
        weights_init=[len(part) / len(rows) for part in parts],
        means_init=[[part.mean()] for part in parts],
        precisions_init=[[[1 / (part.var() + floor)]] for part in parts],
    ).fit(rows[:, None])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("components", [1, 2, 3, 5])
@pytest.mark.parametrize("floor", [1e-6, 0.5])
@pytest.mark.parametrize("name", SAMPLES)
def test_it_is_scikit_learns_mixture_of_the_rows(name: str, floor: float, components: int) -> None:
    """After as many iterations: where components are more than peaks, what either ends with is a flat ridge."""
    rows = SAMPLES[name]
    ours = fit(rows, components, floor, tolerance=-1.0, iterations=41)
    known = scikit_learns(rows, components, floor, iterations=40)
    order = np.argsort(known.means_[:, 0])
    np.testing.assert_allclose(ours.means, known.means_[order, 0], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(ours.weights, known.weights_[order], rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(ours.variances, known.covariances_[order, 0, 0], rtol=1e-6)


def test_a_count_is_a_repetition() -> None:
    rows = SAMPLES["tied"]
    alone = GaussianMixture.fit(np.sort(rows), np.ones(len(rows)), 2, 1e-6, 1e-12, 1000)
    for ours, other in zip(fit(rows, iterations=1000), alone, strict=True):
        np.testing.assert_allclose(ours, other, rtol=1e-9)


def test_one_iteration_by_hand() -> None:
    """0 0 2 | 9 11: the halves' means 2/3 and 10, their variances 8/9 and 1 with the floor on top."""
    found = fit(np.array([0.0, 0, 2, 9, 11]), floor=0.25, iterations=1)
    np.testing.assert_allclose(found.weights, [0.6, 0.4])
    np.testing.assert_allclose(found.means, [2 / 3, 10])
    np.testing.assert_allclose(found.variances, [8 / 9 + 0.25, 1.25])


@pytest.mark.parametrize("rows", [[4.0], [0.0, 0.0], [1e9, 1e9, 1e9]])
def test_one_value_is_both_means(rows: list[float]) -> None:
    found = fit(np.array(rows), floor=0.1)
    assert found.means.tolist() == [rows[0], rows[0]]
    assert found.variances.tolist() == [0.1, 0.1]


def test_fewer_values_than_components_are_means_and_the_last_one_several_times() -> None:
    found = fit(np.array([1.0, 1, 1, 5]), components=4, floor=0.1)
    assert found.means.tolist() == [1.0, 5.0, 5.0, 5.0]
    assert found.weights.tolist() == pytest.approx([0.75, 1 / 12, 1 / 12, 1 / 12])


@pytest.mark.parametrize("rows", [[0.0, 1e9], [0.0, 1e-9], [1.0, np.nextafter(1.0, 2)], [0.0, 1e-9, 1e9, 1e9]])
def test_extreme_values_have_finite_mixtures_in_order(rows: list[float]) -> None:
    found = fit(np.array(rows), iterations=200)
    assert all(np.isfinite(each).all() for each in found)
    assert rows[0] <= found.means[0] <= found.means[1] <= rows[-1]
