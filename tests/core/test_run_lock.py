"""Locks of a run's folder hold while their process lives, and not a moment longer."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE

import pytest

from watchtime.core.errors import WatchtimeError
from watchtime.core.run_lock import await_jobs, hold_raw, hold_run

RUN = Path("results/demo")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@contextmanager
def started(call: str) -> Iterator[subprocess.Popen[str]]:
    """Run a call of this module in another process, which says so when it is done and waits; it is killed at the end.

    What it says is read from its pipes: a thread of this process would share ``sys.stderr`` with the test.
    """
    imports = "from pathlib import Path; from watchtime.core.run_lock import *"
    code = f"{imports}; {call}; print('done', flush=True); input()"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def another(call: str) -> Iterator[subprocess.Popen[str]]:
    """Run a call of this module in another process, and wait until it is done."""
    with started(call) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "done\n"
        yield process


def test_a_run_is_held_by_one_process_and_says_by_which() -> None:
    with another("hold_run(Path('results/demo'))") as other:
        with pytest.raises(WatchtimeError) as error:
            hold_run(RUN)
        said = str(error.value)
        assert said.startswith(
            f"{RUN}: another run works in this folder (on {socket.gethostname()}, process {other.pid},"
        )
        assert " UTC); wait until it has ended, or end it." in said
        hold_run(Path("results/other"))


def test_a_killed_process_holds_nothing() -> None:
    with another("hold_run(Path('results/demo'))"):
        pass
    hold_run(RUN)
    assert f'"process": {os.getpid()}' in Path("results/.locks/demo").read_text()


def test_raw_files_are_made_by_one_run_and_read_by_many() -> None:
    raw, run, said = Path("data/simulated/log-1"), Path("results/other"), "another run makes or reads these files"
    with another("hold_raw(Path('data/simulated/log-1'), Path('results/demo'), False)"):
        with pytest.raises(WatchtimeError, match=rf"^{raw}: {said} \(on "):
            hold_raw(raw, run, True)
        hold_raw(Path("data/simulated/log-2"), run, False)
    with another("hold_raw(Path('data/simulated/log-1'), Path('results/demo'), True)"):
        with pytest.raises(WatchtimeError, match=said):
            hold_raw(raw, run, False)
        hold_raw(raw, run, True)


def test_jobs_are_awaited() -> None:
    join, wait = "join_run(Path('results/demo'))", "await_jobs(Path('results/demo'))"
    with another(join) as first, another(join) as second, started(wait) as waiting:
        assert waiting.stdout is not None
        assert waiting.stderr is not None
        said = waiting.stderr.readline()
        first.kill()
        first.wait()
        assert not select.select([waiting.stdout], [], [], 0.2)[0]
        second.kill()
        assert waiting.stdout.readline() == "done\n"
        numbers = ", ".join(map(str, sorted([first.pid, second.pid])))
    assert said.startswith(f"watchtime: {RUN}: waiting for jobs of an earlier start that are still at work")
    assert not Path("/proc/locks").exists() or f"(processes {numbers};" in said


def test_a_run_without_jobs_is_not_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    await_jobs(RUN)
    assert capsys.readouterr().err == ""
