"""Runs killed with SIGKILL at random moments, resumed by the same command, end with the bytes of an undisturbed one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from kill_trials import Trials
from project import METRICS, Project


@pytest.mark.slow
def test_raw_files_of_a_killed_start_are_made_anew_with_all_that_follows(tmp_path: Path) -> None:
    """Snakemake looks no further than an `ancient` input that will be made anew."""
    project = Project.copied(tmp_path / "clone")
    first = project.started(METRICS, "--configfile", str(project.configure()), "--cores", "1", quiet=True)
    while not list(project.root.glob("results/tiny/logs/simulate/*.log")):
        assert first.poll() is None
        time.sleep(0.01)
    first.kill()
    first.wait()
    while not list(project.root.glob("data/simulated/kuairand_pure-*/truth.npz")):
        time.sleep(0.01)
    assert {"simulate", "interactions", "train vr/paper", "collect"} <= set(project.planned())


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_runs_end_with_the_same_bytes(tmp_path: Path) -> None:
    """``python tests/kill_trials.py --trials 50`` does more of it."""
    for trial in Trials(tmp_path, seed=0).trials(5):
        assert trial.wrong == [], trial
