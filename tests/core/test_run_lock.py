"""Locks of a run's folder hold while their process lives, and not a moment longer."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from watchtime.core.errors import WatchtimeError
from watchtime.core.run_lock import await_jobs, hold_raw, hold_run

RUN = Path("results/demo")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@contextmanager
def another(call: str) -> Iterator[subprocess.Popen[str]]:
    """Run a call of this module in another process, which then waits; it is killed at the end."""
    code = (
        f"from pathlib import Path; from watchtime.core.run_lock import *; {call}; print('held', flush=True); input()"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


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


def test_jobs_are_awaited(capsys: pytest.CaptureFixture[str]) -> None:
    with another("join_run(Path('results/demo'))") as first, another("join_run(Path('results/demo'))") as second:
        waiting = threading.Thread(target=await_jobs, args=(RUN,))
        waiting.start()
        said = ""
        while not said:
            said = capsys.readouterr().err
        first.kill()
        first.wait()
        waiting.join(0.2)
        assert waiting.is_alive()
        second.kill()
        waiting.join(10)
        assert not waiting.is_alive()
        numbers = ", ".join(map(str, sorted([first.pid, second.pid])))
    assert said.startswith(f"watchtime: {RUN}: waiting for jobs of an earlier start that are still at work")
    assert not Path("/proc/locks").exists() or f"(processes {numbers};" in said


def test_a_run_without_jobs_is_not_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    await_jobs(RUN)
    assert capsys.readouterr().err == ""
