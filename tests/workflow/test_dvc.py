"""Provenance with the real `dvc` command: what is pushed comes back byte for byte, and nothing runs again."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from project import METRICS, Project
from watchtime.core.catalog import find_root

pytestmark = pytest.mark.slow

OWN = {"file": "data/own/log.parquet", "duration": "duration", "time": "timestamp"}
DATASETS = {
    "kuairand_pure": {"simulator": {"rows": 2000, "users": 100, "items": 80}},
    "own_log": {"log": OWN},
}


class Versioned(Project):
    """A copy of the project that is a repository of git and DVC, with a folder as its remote."""

    def command(self, *words: str) -> str:
        result = subprocess.run(
            [sys.executable, "-m", *words] if words[0] == "dvc" else list(words),
            cwd=self.root,
            env=self.environment(),
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    def run(self) -> str:
        """Run the workflow and return what it said."""
        result = self.snakemake(METRICS, "--configfile", str(self.configure(datasets=DATASETS)), "--cores", "2")
        assert result.returncode == 0, result.stderr
        return result.stderr


@pytest.fixture(scope="module")
def versioned(tmp_path_factory: pytest.TempPathFactory) -> Versioned:
    project = Versioned.copied(tmp_path_factory.mktemp("versioned") / "watchtime")
    assert isinstance(project, Versioned)
    shutil.copy(find_root() / ".dvcignore", project.root)
    (project.root / ".gitignore").write_text("/data\n/results\n.snakemake\n")
    project.command("git", "init", "--quiet")
    project.command("dvc", "init", "--quiet")
    project.command("dvc", "remote", "add", "--quiet", "--default", "store", str(project.root.parent / "store"))
    write_own_log(project.root / "data" / "own" / "log.parquet", rows=400)
    return project


def write_own_log(path: Path, rows: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    row = pl.int_range(rows)
    pl.select(
        user=row % 17,
        item=row % 13,
        watch_time=(row % 29).cast(pl.Float64),
        duration=10.0 + row % 13,
        timestamp=1_650_000_000 + row * 60,
    ).write_parquet(path)


def contents(folder: Path) -> dict[str, str]:
    """Return the hash of every file below a folder but Snakemake's own marks."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".snakemake_timestamp")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_push_wipe_and_pull_restore_the_data_and_rerun_nothing(versioned: Versioned) -> None:
    data = versioned.root / "data"
    versioned.command("dvc", "add", "--quiet", "data")
    versioned.run()
    versioned.command("dvc", "add", "--quiet", "data")
    before = contents(data)
    assert len(before) > 6
    assert "own/log.parquet" in before
    assert "Nothing to be done" in versioned.run()

    versioned.command("dvc", "push", "--quiet")
    shutil.rmtree(data)
    shutil.rmtree(versioned.root / ".dvc" / "cache")
    versioned.command("dvc", "pull", "--quiet")
    assert contents(data) == before
    assert "up to date" in versioned.command("dvc", "status")
    assert "Nothing to be done" in versioned.run()


def test_a_changed_own_log_reruns_what_stands_on_it_alone(versioned: Versioned) -> None:
    write_own_log(versioned.root / "data" / "own" / "log.parquet", rows=401)
    versioned.command("dvc", "add", "--quiet", "data")
    said = versioned.run()
    assert "dataset=own_log" in said
    assert "dataset=kuairand_pure" not in said
