"""Too little memory: one sentence, nothing half written, and the run goes on when there is enough."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from project import METRICS, Project
from survivors import VR, contents, forget_trainings, said_of_a_failed_training, unfinished
from watchtime.core.faults import KILLED, sentences


@pytest.mark.parametrize("ask", [lambda: np.empty(2**58), lambda: torch.empty(2**58), lambda: bytearray(2**62)])
def test_memory_that_is_not_there_is_told(ask: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(ask)
    with pytest.raises(SystemExit) as end, sentences():
        ask()
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("watchtime: there is not enough memory (")
    assert said.endswith("then the same command goes on from here.\n")


@pytest.mark.slow
def test_a_training_that_needs_too_much_memory_says_so_and_runs_with_less(
    finished: Project, expected: dict[str, str]
) -> None:
    """A batch of the evaluation that no machine can hold."""
    said = said_of_a_failed_training(finished, expected, {"evaluation_batch": 2**45})
    assert "watchtime: there is not enough memory (" in said


@pytest.mark.slow
def test_a_job_that_the_system_killed_is_told_and_made_anew(finished: Project, expected: dict[str, str]) -> None:
    """As the kernel does where memory ends: SIGKILL to one process."""
    forget_trainings(finished.root, VR)
    command = (METRICS, "--configfile", str(finished.configure()), "--cores", "1")
    first = finished.started(*command)
    finished.training(first).kill()
    _, said = first.communicate()
    assert first.returncode != 0
    assert KILLED in said
    assert "Traceback" not in said
    result = finished.snakemake(*command)
    assert result.returncode == 0, result.stderr
    assert contents(finished.root) == expected
    assert unfinished(finished.root) == []
