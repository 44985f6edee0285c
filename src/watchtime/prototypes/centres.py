"""Prototypes as K-means centres of representations (ProWTP, table 3)."""

from __future__ import annotations

from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from watchtime.core.seeds import derive_seed
from watchtime.labels.base import Floats


def centres(representations: Floats, number: int, seed: int) -> Floats:
    """Return ``number`` K-means centres of ``representations`` [rows, width], [number, width].

    Starts are those of k-means++. Where there are fewer distinct rows than centres, some centres are equal.
    """
    clustering = KMeans(number, n_init=1, random_state=derive_seed(seed, axis="centres") % 2**32)
    # Sums of several threads depend on their number.
    with threadpool_limits(1):
        found: Floats = clustering.fit(representations).cluster_centers_
    return found
