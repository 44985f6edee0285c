"""What distances between embeddings tell of the values that they stand for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import pdist, squareform
from scipy.stats import rankdata
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from watchtime.analyses.token_frequencies import spread_sample
from watchtime.core.seeds import derive_seed
from watchtime.labels.base import Floats, Integers
from watchtime.training.model import State

VALUES = 400
"""Target values at most whose embeddings are looked at."""
PERPLEXITY = 30
"""Of t-SNE, about the number of neighbours that it keeps: scikit-learn's default, as no paper states one."""
RANDOM = "random"
"""The row of embeddings that nobody trained: what sharing tokens alone makes of distances."""


def value_grid(target: Floats) -> Floats:
    """Return the distinct values among ``VALUES`` targets at even steps of their order, ascending."""
    return np.unique(spread_sample(target, VALUES))


def token_table(state: State) -> Floats:
    """Return the token embeddings E [vocabulary, width] of a trained network with one tower."""
    return state["towers.0.head.embeddings"].astype(np.float64)


def random_table(table: Floats, seed: int, repetition: int) -> Floats:
    """Return an E of independent N(0, 1) in the shape of ``table``; its scale changes no order of distances."""
    generator = np.random.default_rng(derive_seed(seed, axis="random_embeddings", repetition=repetition))
    return generator.standard_normal(table.shape)


def projected(points: Floats, seed: int) -> npt.NDArray[np.float32]:
    """Return t-SNE's two coordinates [points, 2] of ``points`` [points, width], by exact gradients from PCA.

    Fewer than four points, or points that are all equal, have no neighbourhoods to show and all lie at 0.
    """
    if len(points) < 4 or not np.ptp(points, axis=0).any():
        return np.zeros((len(points), 2), dtype=np.float32)
    random_state = derive_seed(seed, axis="projection") % 2**32
    perplexity = min(PERPLEXITY, (len(points) - 1) / 3)
    projection = TSNE(2, perplexity=perplexity, init="pca", method="exact", random_state=random_state, n_jobs=1)
    # Sums of several threads depend on their number.
    with threadpool_limits(1):
        return np.asarray(projection.fit_transform(points), dtype=np.float32)


def distances(points: Floats) -> Floats:
    """Return ‖e_i − e_j‖₂ [points, points]."""
    return squareform(pdist(points))


def distance_correlation(values: Floats, apart: Floats) -> float:
    """Return the mean over i of Spearman's correlation, over j ≠ i, between |y_i − y_j| and ``apart`` [i, j].

    ``values`` y [n]. Each value is an anchor as in Rank-N-Contrast, so that large targets do not decide for all. Where
    all others are equally far, nothing is ordered, and the correlation is 0.
    """
    number = len(values)
    others = ~np.eye(number, dtype=np.bool_)
    pair = [np.abs(values[:, None] - values), apart]
    ranks = [rankdata(one[others].reshape(number, number - 1), axis=1) for one in pair]
    first, second = (one - one.mean(1, keepdims=True) for one in ranks)
    norms = np.sqrt((first**2).sum(1) * (second**2).sum(1))
    products = (first * second).sum(1)
    return float(np.mean(np.divide(products, norms, out=np.zeros(number), where=norms > 0)))


def nearest(apart: Floats) -> Integers:
    """Return which other point is nearest to each, the first of equally near ones."""
    others = apart.copy()
    np.fill_diagonal(others, np.inf)
    return others.argmin(1)
