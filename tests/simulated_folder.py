"""Checks that hold for the folder of every simulator."""

from __future__ import annotations

import hashlib
import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from watchtime.core.errors import WatchtimeError
from watchtime.datasets.simulator.truth import Truth

SAMPLES = Path(__file__).parents[2] / "shared/data"

Simulate = Callable[..., None]


def simulated_once(simulate: Simulate, **sizes: int) -> object:
    """Return a fixture: the folder of one simulation, which the tests of a file share."""

    @pytest.fixture(scope="module")
    def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
        folder = tmp_path_factory.mktemp("simulated")
        simulate(folder, **sizes)
        return folder

    return folder


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def content_hash(folder: Path, task: str = "watch_time") -> str:
    """One hash of the raw files' bytes and of the truth's arrays, whose container depends on the Python version."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "truth.npz"):
        digest.update(path.read_bytes())
    law = Truth.load(folder / "truth.npz", task)
    for array in (law.weights, law.scale, law.perturbed):
        digest.update(array.tobytes())
    return digest.hexdigest()


def assert_pinned(folder: Path, content: str, files: int) -> None:
    """The folder has the bytes of this simulator version; where they change on purpose, the version changes too."""
    assert content_hash(folder) == content
    assert len(hashes(folder)) == files


def assert_bytes_follow_from_the_arguments(
    folder: Path, scratch: Path, simulate: Simulate, sizes: dict[str, int]
) -> None:
    """The arguments of ``folder`` give its bytes once more, and another seed gives others in every file."""
    assert_same_arguments_same_bytes(folder, scratch / "again", simulate, sizes)
    assert_another_seed_other_bytes(folder, scratch / "other", simulate, sizes)


def assert_same_arguments_same_bytes(folder: Path, scratch: Path, simulate: Simulate, sizes: dict[str, int]) -> None:
    simulate(scratch, **sizes)
    assert hashes(scratch) == hashes(folder)


def assert_another_seed_other_bytes(folder: Path, scratch: Path, simulate: Simulate, sizes: dict[str, int]) -> None:
    simulate(scratch, **{**sizes, "seed": sizes["seed"] + 1})
    ours, other = hashes(folder), hashes(scratch)
    assert other.keys() == ours.keys()
    assert all(other[name] != ours[name] for name in ours)


def assert_processor_does_not_matter(folder: Path, scratch: Path, dataset: str, sizes: dict[str, int]) -> None:
    """The arguments of ``folder`` give its bytes where numpy uses no optional instructions of the processor."""
    run_without_vector_instructions(
        f"from pathlib import Path\n"
        f"from watchtime.datasets.simulator.{dataset} import simulate\n"
        f"simulate(Path({str(scratch)!r}), **{sizes!r})"
    )
    assert hashes(scratch) == hashes(folder)


def run_without_vector_instructions(code: str) -> str:
    """Return what a second process prints in which numpy uses no optional instructions of the processor."""
    internals: Any = importlib.import_module("numpy._core._multiarray_umath")
    optional = [name for name in internals.__cpu_dispatch__ if internals.__cpu_features__.get(name)]
    if not optional:
        pytest.skip("numpy finds no optional vector instructions on this processor")
    check = (
        "from numpy._core import _multiarray_umath as m\n"
        f"assert not any(m.__cpu_features__[name] for name in {optional!r})\n"
    )
    environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(optional)}
    command = [sys.executable, "-c", check + code]
    return subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout


def header(path: Path) -> str:
    with path.open(encoding="utf-8") as stream:
        return stream.readline().rstrip("\n")


def assert_official_headers(folder: Path, headers: dict[str, str], sample: Path) -> None:
    """Files have the given first lines, and every file of the real sample, where it is there, has its twin's."""
    for name, expected in headers.items():
        assert header(folder / name) == expected, name
    if not sample.exists():
        pytest.skip(f"the real sample {sample} is not beside the project")
    for path in sample.iterdir():
        with path.open(encoding="utf-8") as real, (folder / path.name).open(encoding="utf-8") as ours:
            assert ours.readline() == real.readline(), path.name


def refuse_size(folder: Path, simulate: Simulate, sizes: dict[str, int], key: str, value: int) -> None:
    """Check that simulating with one impossible size fails with its name and writes nothing."""
    with pytest.raises(WatchtimeError, match=rf"simulator: {key}: found {value}, allowed: \d"):
        simulate(folder, **{**sizes, key: value})
    assert not list(folder.iterdir())


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
