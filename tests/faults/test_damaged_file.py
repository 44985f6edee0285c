"""A damaged intermediate file is named by the step that reads it; made anew, the run ends with the same bytes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from project import METRICS, Project
from survivors import contents, forget_trainings

RUN = Path("results/tiny")
DATA = RUN / "data/kuairand_pure"
JOB = "kuairand_pure/watch_time/random_622/shared/vr/paper"
DATASET = ("--run", str(RUN), "--dataset", "kuairand_pure")
# A file, and a step that reads it. A step that fails leaves no seal on what it wrote before.
READ = {
    "metrics.parquet": (RUN / "metrics.parquet", ("verdicts", "--run", str(RUN))),
    "interactions.parquet": (DATA / "interactions.parquet", ("split", *DATASET, "--protocol", "random_622")),
    "users.parquet": (DATA / "users.parquet", ("encode", *DATASET, "--protocol", "random_622")),
    "part.npy": (DATA / "random_622/part.npy", ("encode", *DATASET, "--protocol", "random_622")),
    "numeric.npy": (DATA / "random_622/encoded/numeric.npy", ("train", "--run", str(RUN), "--job", JOB)),
    "encoding.json": (DATA / "random_622/encoded/encoding.json", ("train", "--run", str(RUN), "--job", JOB)),
    "codec": (RUN / "codecs", ("train", "--run", str(RUN), "--job", JOB)),
    "metrics.json": (RUN / "jobs" / JOB / "metrics.json", ("collect", "--run", str(RUN))),
    "history.parquet": (RUN / "jobs" / JOB / "history.parquet", ("collect", "--run", str(RUN))),
    "model.safetensors": (RUN / "jobs" / JOB / "model.safetensors", ("manifest", "--run", str(RUN))),
}


def damage(path: Path, how: str) -> None:
    whole = path.read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    path.write_bytes({"flipped": flipped, "truncated": whole[:middle], "empty": b""}[how])


SLOW = [pytest.param(how, marks=pytest.mark.slow) for how in ("truncated", "empty")]


@pytest.mark.parametrize("how", ["flipped", *SLOW])
def test_a_damaged_file_is_named_and_made_anew(finished: Project, expected: dict[str, str], how: str) -> None:
    for name, (place, step) in READ.items():
        # Both codecs, of which the job reads one.
        files = sorted((finished.root / place).rglob("*.npz")) if name == "codec" else [finished.root / place]
        whole = {path: path.read_bytes() for path in files}
        for path in files:
            damage(path, how)
        result = finished.step(*step)
        for path, content in whole.items():
            path.write_bytes(content)
        assert result.returncode == 2, (name, result.stderr)
        assert any(f"{path.relative_to(finished.root)}: the file is damaged" in result.stderr for path in files), name
        assert result.stderr.count("\n") == 1, name
    assert contents(finished.root).items() >= expected.items()


@pytest.mark.slow
def test_a_run_names_the_file_and_makes_it_anew_when_it_is_deleted(finished: Project, expected: dict[str, str]) -> None:
    """All that follows the interactions has still to be made."""
    forget_trainings(finished.root)
    shutil.rmtree(finished.root / DATA / "random_622")
    interactions = finished.root / DATA / "interactions.parquet"
    damage(interactions, "flipped")
    command = (METRICS, "--configfile", str(finished.configure()), "--cores", "2")
    result = finished.snakemake(*command)
    assert result.returncode != 0
    said = f"{DATA / 'interactions.parquet'}: the file is damaged: its bytes are not those that were written; delete it"
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    interactions.unlink()
    result = finished.snakemake(*command)
    assert result.returncode == 0, result.stderr
    assert contents(finished.root) == expected
