"""Ctrl-C: everything ends, nothing is half written, and the same command goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress

import psutil
import pytest

from project import METRICS, Project
from survivors import contents, forget_trainings, unfinished, works_in_the_run

JOB = "kuairand_pure/watch_time/random_622/shared/vr/paper"


def all_at_work(project: Project, snakemake: int) -> bool:
    """Whether jobs are at work and none is still starting Python, which ends in a traceback of its own."""
    with suppress(psutil.Error):
        jobs = [one for one in psutil.Process(snakemake).children(recursive=True) if "--job" in one.cmdline()]
        return bool(jobs) and all(works_in_the_run(one.pid, project.root) for one in jobs)
    return False


@pytest.mark.slow
def test_an_interrupted_run_ends_and_goes_on(finished: Project, expected: dict[str, str]) -> None:
    """A terminal sends the signal to all processes of the run."""
    forget_trainings(finished.root)
    command = (METRICS, "--configfile", str(finished.configure()), "--cores", "2")
    first = finished.started(*command)
    while not all_at_work(finished, first.pid):
        time.sleep(0.01)
    os.killpg(first.pid, signal.SIGINT)
    _, said = first.communicate(timeout=60)
    assert first.returncode != 0
    assert "Traceback" not in said
    assert unfinished(finished.root) == []
    result = finished.snakemake(*command)
    assert result.returncode == 0, result.stderr
    assert contents(finished.root) == expected


def test_an_interrupted_step_says_so(finished: Project) -> None:
    """The signal comes as soon as it holds the run's folder."""
    command = ["watchtime", "train", "--run", "results/tiny", "--job", JOB]
    step = subprocess.Popen(
        command,
        cwd=finished.root,
        env=finished.environment(),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not works_in_the_run(step.pid, finished.root) and step.poll() is None:
        time.sleep(0.01)
    step.send_signal(signal.SIGINT)
    _, said = step.communicate(timeout=60)
    assert step.returncode == 130
    assert said == "watchtime: interrupted; nothing is left half written, and the same command goes on from here.\n"
    assert unfinished(finished.root) == []
