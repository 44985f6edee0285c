"""What a step's log begins with, and who holds it."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchtime.core.catalog import find_root
from watchtime.core.config import RunConfig, to_yaml
from watchtime.core.files import write_text
from watchtime.core.plan import Plan
from watchtime.core.seal import file_hash
from watchtime.core.step_log import head, is_held, is_starting, last_words

HOLDER = (
    "import sys, time; from watchtime.core import step_log; step_log.hold(); print('held', flush=True); time.sleep(60)"
)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    log = tmp_path / "step.log"
    with log.open("w") as stream:
        process = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, stderr=stream, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield log, process
    process.kill()
    process.wait()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_log_is_held_until_its_process_ends(holder: tuple[Path, subprocess.Popen[str]], end: signal.Signals) -> None:
    log, process = holder
    assert is_held(log)
    assert is_held(log), "looking takes nothing"
    os.kill(process.pid, end)
    process.wait()
    assert not is_held(log)


def test_who_looks_at_a_log_for_a_moment_keeps_no_step_from_holding_it(tmp_path: Path) -> None:
    log = tmp_path / "step.log"
    with log.open("w") as stream, log.open() as looked:
        fcntl.flock(looked, fcntl.LOCK_SH)
        process = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, stderr=stream, text=True)
        time.sleep(0.8)
        fcntl.flock(looked, fcntl.LOCK_UN)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
    assert is_held(log)
    process.kill()
    process.wait()


def test_a_terminal_and_a_pipe_are_held_by_nobody() -> None:
    code = "from watchtime.core import step_log; step_log.hold(); step_log.begin(None, None, [])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stderr == ""


def test_an_empty_log_is_that_of_a_starting_step_for_a_minute(tmp_path: Path) -> None:
    log = tmp_path / "step.log"
    log.touch()
    assert is_starting(log)
    os.utime(log, (time.time() - 90,) * 2)
    assert not is_starting(log)
    log.write_text("a word")
    assert not is_starting(log)


def test_a_log_names_command_configuration_seed_and_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    datasets = {"kuairand_pure": {}, "kuairec": {"simulator": {"rows": 5000}}}
    config = RunConfig.model_validate({"name": "one", "seed": 7, "datasets": datasets})
    write_text("results/one/config.yaml", to_yaml(config))
    plan = Plan.load(Path("results/one/config.yaml"), find_root())
    job = next(key for key in plan.jobs if key.startswith("kuairec/"))
    lines = head(plan.folder, plan, ["train", "--run", "results/one", "--job", job])
    assert lines[0] == f"$ watchtime train --run results/one --job {job}"
    digest = file_hash("results/one/config.yaml")[:16]
    assert lines[1] == f"configuration: results/one/config.yaml, sha256 {digest}; root seed: 7"
    (data,) = lines[2:]
    assert data.startswith(f"data: kuairec from {plan.raw_folder('kuairec')}, identity ")
    both = head(plan.folder, plan, ["collect", "--run", "results/one"])[2:]
    assert [line.split()[1] for line in both] == ["kuairand_pure", "kuairec"]
    assert both[1] == data
    assert both[0].split()[-1] != data.split()[-1]


def test_last_words_are_what_stands_below_the_head(tmp_path: Path) -> None:
    log = tmp_path / "step.log"
    log.write_text("$ watchtime collect\nconfiguration: a\ndata: b\n\none\ntwo\nthree\n")
    assert last_words(log, 2) == ["two", "three"]
    log.write_text("$ watchtime collect\nconfiguration: a\ndata: b\n")
    assert last_words(log, 2) == []
