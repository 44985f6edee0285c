"""Seconds and peak memory of RQ-Reg's codebook for 12.5 million labels on one thread, beside scikit-learn's K-means.

    python benchmarks/residual_codebook.py [--rows N]

Synthetic watch times of KuaiRec's size: long-tailed, whole milliseconds, some skipped at once; and watch ratios, nearly
all of them distinct. Errors are those of all rows, once as a mean of |y − its codes|, once as the root of the mean
square, which K-means minimises. scikit-learn, whose time grows with the rows, fits a sample of 200,000 and knows little
of the tail. Each case runs in a fresh process, so that its peak memory is its own (with numpy, the codec
or scikit-learn, and the labels).
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.float64]

ROWS = 12_500_000
SAMPLE = 200_000
CASES = {
    "residual": "residual codebook 3 x 48",
    "ratio": "residual codebook 3 x 48, watch ratio",
    "medians": "residual codebook 3 x 32, medians first",
    "plain": "residual codebook 1 x 144 (K-means)",
    "sklearn": f"scikit-learn 3 x 48, {SAMPLE:,} rows",
    "sklearn_plain": f"scikit-learn 1 x 144, {SAMPLE:,} rows",
}
SETTINGS: dict[str, dict[str, Any]] = {
    "medians": {"size": 32, "first_level": "medians"},
    "plain": {"levels": 1, "size": 144},
}


class Result(NamedTuple):
    seconds: float
    errors: Labels


def measure(case: str, rows: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    generator = np.random.default_rng(0)
    label = np.floor(1000 * generator.lognormal(1.8, 1.1, rows) * (generator.random(rows) > 0.1)) / 1000
    if case == "ratio":
        label /= np.floor(1000 * generator.lognormal(2.3, 0.6, rows) + 1000) / 1000
    if case.startswith("sklearn"):
        result = _scikit_learn(label, *((1, 144) if case == "sklearn_plain" else (3, 48)))
    else:
        result = _codec(label, SETTINGS.get(case, {}))
    # Linux counts in KiB, macOS in bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    mean, root = np.abs(result.errors).mean(), np.sqrt(np.mean(result.errors**2))
    print(f"{CASES[case]:<42} {result.seconds:8.2f} {peak:8.0f} {mean:12.3e} {root:12.3e}", flush=True)


def _codec(label: Labels, settings: dict[str, Any]) -> Result:
    from watchtime.labels.storage import fit_codec

    start = time.perf_counter()
    codec = fit_codec("residual_codebook", settings, label)
    seconds = time.perf_counter() - start
    return Result(seconds, codec.reconstruct(label) - label)


def _scikit_learn(label: Labels, levels: int, size: int) -> Result:
    from sklearn.cluster import KMeans

    start = time.perf_counter()
    rest, books = np.random.default_rng(1).choice(label, SAMPLE), []
    for _ in range(levels):
        books.append(np.sort(KMeans(size, random_state=0).fit(rest[:, None]).cluster_centers_[:, 0]))
        rest = rest - _nearest(books[-1], rest)
    seconds = time.perf_counter() - start
    for book in books:
        label = label - _nearest(book, label)
    return Result(seconds, label)


def _nearest(book: Labels, label: Labels) -> Labels:
    return book[np.searchsorted((book[:-1] + book[1:]) / 2, label)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    rows = parser.parse_args().rows
    print(f"{rows:,} labels{'':<25} {'seconds':>8} {'MiB':>8} {'mean error':>12} {'root m. sq.':>12}", flush=True)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for case in CASES:
        subprocess.run([sys.executable, __file__, "--measure", case, str(rows)], check=True, env=environment)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], int(sys.argv[3]))
    else:
        main()
