"""Checks that hold for the folder of every simulator."""

from __future__ import annotations

import hashlib
import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from watchtime.datasets.simulator.truth import Truth

SAMPLES = Path(__file__).parents[2] / "shared/data"


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def content_hash(folder: Path) -> str:
    """One hash of the CSV bytes and of the truth's arrays, whose container depends on the Python version."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.csv")):
        digest.update(path.read_bytes())
    law = Truth.load(folder / "truth.npz")
    for array in (law.weights, law.duration_ms, law.perturbed):
        digest.update(array.tobytes())
    return digest.hexdigest()


def simulate_without_vector_instructions(dataset: str, folder: Path, **sizes: int) -> None:
    """Simulate in a second process in which numpy uses no optional instructions of the processor."""
    internals: Any = importlib.import_module("numpy._core._multiarray_umath")
    optional = [name for name in internals.__cpu_dispatch__ if internals.__cpu_features__.get(name)]
    if not optional:
        pytest.skip("numpy finds no optional vector instructions on this processor")
    code = (
        "from numpy._core import _multiarray_umath as m; from pathlib import Path; import sys\n"
        f"assert not any(m.__cpu_features__[name] for name in {optional!r})\n"
        f"from watchtime.datasets.simulator.{dataset} import simulate\n"
        f"simulate(Path(sys.argv[1]), **{sizes!r})"
    )
    environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(optional)}
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, env=environment)


def header(path: Path) -> str:
    with path.open(encoding="utf-8") as stream:
        return stream.readline().rstrip("\n")


def assert_follows(law: Truth, seconds: npt.NDArray[np.float64]) -> None:
    """The targets are draws from the law, row by row, and not from the laws of other rows."""
    assert len(law) == len(seconds)
    rng = np.random.default_rng(0)

    def uniform_p_value(law: Truth) -> float:
        level = law.cdf(seconds)
        level = np.where(seconds == 0, law.weights[:, 0] * rng.random(len(law)), level)
        return float(stats.kstest(level[kept], "uniform").pvalue)

    kept = ~law.perturbed
    error = (seconds - law.mean())[kept]
    assert abs(error.mean()) < 4 * error.std() / len(error) ** 0.5
    assert uniform_p_value(law) > 1e-3
    assert uniform_p_value(law.select(rng.permutation(len(law)))) < 1e-9
