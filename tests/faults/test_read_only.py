"""A folder that may not be written: one sentence, and the run goes on when it may."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from disks import set_read_only
from project import METRICS, Project
from survivors import contents, forget_trainings, unfinished


@pytest.mark.slow
def test_a_run_on_a_read_only_disk_says_so_and_goes_on_when_it_may_write(
    undisturbed: Project, expected: dict[str, str], disk: Path, tmp_path: Path
) -> None:
    """Only the results lie on the disk. Where a job's old output is there, Snakemake itself names it."""
    project, place = undisturbed, tmp_path / "place"
    command = (METRICS, "--configfile", str(project.configure()), "--cores", "1")
    for name in ("data", ".snakemake"):
        shutil.copytree(project.root / name, place / name)
    shutil.copytree(project.root / "results", disk / "results")
    forget_trainings(disk)
    old = disk / "results/tiny/history.parquet"
    for path in (disk / "results/tiny").iterdir():
        if path.is_file() and path.name not in (old.name, "config.yaml"):
            path.unlink()
    (place / "results").symlink_to(disk / "results")
    set_read_only(disk, True)
    step = project.step("collect", "--run", "results/tiny", folder=place)
    protected = project.snakemake(*command, folder=place)
    set_read_only(disk, False)
    old.unlink()
    set_read_only(disk, True)
    run = project.snakemake(*command, folder=place)
    set_read_only(disk, False)
    said = "this user may not write here, or the disk is read-only; allow it, and the same command goes on from here."
    for result in (step, run):
        assert result.returncode == 2, result.stderr
        assert result.stderr.count(said) == 1
        assert "Traceback" not in result.stderr
    assert protected.returncode != 0
    assert "Write-protected output files for rule collect" in protected.stderr
    assert "Traceback" not in protected.stderr
    result = project.snakemake(*command, folder=place)
    assert result.returncode == 0, result.stderr
    assert contents(disk) | contents(place) == expected
    assert unfinished(disk) == []
