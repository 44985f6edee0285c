"""Two runs started in one folder: the second one says who is there, and the first one is not disturbed."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from project import METRICS, Project
from survivors import contents, forget_trainings, unfinished, works_in_the_run


def at_work(project: Project, run: subprocess.Popen[str]) -> int:
    """Wait until a run holds its folder and return the number of its process as it is told there."""
    place = project.root / "results/.locks/tiny"
    before = place.read_text()
    while place.read_text() in ("", before):
        assert run.poll() is None
        time.sleep(0.05)
    return int(json.loads(place.read_text())["process"])


@pytest.mark.slow
def test_the_second_run_says_who_is_there(finished: Project, expected: dict[str, str]) -> None:
    forget_trainings(finished.root)
    command = (METRICS, "--configfile", str(finished.configure()), "--cores", "1")
    first = finished.started(*command)
    process = at_work(finished, first)
    assert process == first.pid
    looked = finished.snakemake(*command, "--dry-run")
    second = finished.snakemake(*command)
    _, said = first.communicate()
    assert looked.returncode == 0, looked.stderr
    assert second.returncode == 2, second.stderr
    assert (
        f"watchtime: results/tiny: another run works in this folder (on {os.uname().nodename}, process {process}"
        in (second.stderr)
    )
    assert "wait until it has ended, or end it." in second.stderr
    assert "Traceback" not in second.stderr
    assert first.returncode == 0, said
    assert contents(finished.root) == expected


@pytest.mark.slow
def test_jobs_that_outlive_a_killed_snakemake_are_awaited(finished: Project, expected: dict[str, str]) -> None:
    """A training that is stopped stands for one that takes long."""
    forget_trainings(finished.root)
    leftover = finished.root / "results/tiny/.metrics.parquet.abcdefgh.unfinished"
    command = (METRICS, "--configfile", str(finished.configure()), "--cores", "2")
    first = finished.started(*command, quiet=True)
    training = finished.training(first)
    while not works_in_the_run(training.pid, finished.root):
        time.sleep(0.02)
    training.suspend()
    first.kill()
    first.wait()
    leftover.write_text("half")
    second = finished.started(*command)
    assert second.stderr is not None
    said: list[str] = []
    while not said or "waiting for jobs" not in said[-1]:
        said.append(second.stderr.readline())
        assert said[-1], said
    assert said[-1].startswith("watchtime: results/tiny: waiting for jobs of an earlier start that are still at work")
    assert str(training.pid) in said[-1]
    assert leftover.exists()
    training.resume()
    _, rest = second.communicate()
    assert second.returncode == 0, rest
    assert contents(finished.root) == expected
    assert unfinished(finished.root) == []


@pytest.mark.slow
def test_another_run_beside_it_is_no_obstacle(finished: Project, tmp_path: Path) -> None:
    """It reads the same simulated log."""
    other = finished.snakemake(
        "results/other/data/kuairand_pure/interactions.parquet",
        "--configfile",
        str(finished.configure(name="other")),
        "--cores",
        "1",
    )
    assert other.returncode == 0, other.stderr
