"""Runs killed with SIGKILL at random moments, resumed by the same command, end with the bytes of an undisturbed one."""

from __future__ import annotations

from pathlib import Path

import pytest

from kill_trials import Trials


@pytest.mark.slow
def test_killed_runs_end_with_the_same_bytes(tmp_path: Path) -> None:
    """``python tests/kill_trials.py --trials 50`` does more of it."""
    for trial in Trials(tmp_path, seed=0).trials(5):
        assert trial.wrong == [], trial
