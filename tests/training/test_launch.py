"""Trainings in two processes on the CPU, by the command, by the configuration and by torchrun."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psutil
import pytest
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

import logs
from watchtime.core.errors import WatchtimeError
from watchtime.core.plan import Plan
from watchtime.training.job import train
from watchtime.training.launch import _cause

TRAINING = {"batch": 64, "epochs": 6, "patience": 1, "learning_rate": 0.01, "unknown_rate": 0.1}
METHODS = {"vr": "paper", "tpm": "paper", "gr": "paper"}
# torchrun would take --run for an option of its own but for the dashes.
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "--"]


def key(method: str) -> str:
    return f"kuairand_pure/watch_time/random_622/shared/{method}/{METHODS[method]}"


def written(root: Path, monkeypatch: pytest.MonkeyPatch, training: dict[str, Any] = TRAINING, **options: Any) -> Plan:
    root.mkdir(exist_ok=True)
    monkeypatch.chdir(root)
    settings = {method: {"training": training} for method in METHODS}
    names = [f"{method}/{variant}" for method, variant in METHODS.items()]
    return logs.write_run(root, names, settings=settings, repetitions=2, **options)


def command(method: str, *options: str, before: list[str] | None = None) -> list[str]:
    return [
        sys.executable,
        *(before or ["-m"]),
        "watchtime",
        "train",
        "--run",
        "results/tiny",
        "--job",
        key(method),
        *options,
    ]


def started(line: list[str]) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(Path(logs.__file__).parents[1] / "src"), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths}
    return subprocess.Popen(line, env=environment, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str], seconds: float = 120) -> tuple[int, str]:
    try:
        _, said = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        for one in [*psutil.Process(process.pid).children(recursive=True), process]:
            one.kill()
        raise
    return process.returncode, said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "how"), [("vr", "command"), ("tpm", "configuration"), ("gr", "torchrun")], ids=["vr", "tpm", "gr"]
)
def test_two_processes_train_what_one_trains(
    method: str, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same epochs in both repetitions; losses and predictions but for rounding.

    Found: losses 3e-7 (relative), predictions 4e-6 of their deviation; allowed: 1e-5 and 1e-4.
    """
    alone = written(tmp_path / "one", monkeypatch)
    train(alone, key(method))
    folder = alone.job_folder(alone.jobs[key(method)])
    expected = {name: pl.read_parquet(folder / f"{name}.parquet") for name in ("history", "predictions")}

    written(tmp_path / "two", monkeypatch, processes=2 if how == "configuration" else 1)
    lines = {
        "command": command(method, "--processes", "2"),
        "configuration": command(method),
        "torchrun": command(method, before=TORCHRUN),
    }
    status, said = finish(started(lines[how]))
    assert status == 0, said
    assert how == "torchrun" or said == ""
    names = ["history.parquet", "metrics.json", "model.safetensors", "predictions.parquet", "resources.json"]
    assert sorted(path.name for path in folder.iterdir()) == names
    history, predictions = (pl.read_parquet(folder / f"{name}.parquet") for name in expected)
    assert history.select("repetition", "epoch").equals(expected["history"].select("repetition", "epoch"))
    for column in ("training", "validation"):
        np.testing.assert_allclose(history[column], expected["history"][column], rtol=1e-5)
    for name in (f"{readout}.{place}" for readout in alone.jobs[key(method)].readouts for place in (0, 1)):
        one, two = (frame[name].to_numpy() for frame in (expected["predictions"], predictions))
        # An arg-max of a tie within rounding may jump.
        assert np.quantile(np.abs(one - two), 0.99) < 1e-4 * one.std()


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_when_one_process_is_killed_all_end_with_a_sentence(
    rank: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = written(tmp_path / "run", monkeypatch, TRAINING | {"epochs": 100_000, "patience": 100_000})
    process = started(command("vr", "--processes", "2"))
    children = together(process.pid)
    time.sleep(2)
    children[rank].kill()
    status, said = finish(process, 60)
    assert status == 2
    assert said.splitlines()[-1] == f"watchtime: process {rank} of 2 was ended by SIGKILL, so all of them were ended."
    assert "Traceback" not in said
    assert not any(child.is_running() for child in children)
    folder = plan.job_folder(plan.jobs[key("vr")])
    assert not folder.exists() or list(folder.iterdir()) == []


SAVING = """
import sys
from watchtime.cli import main
from watchtime.training import checkpoint
checkpoint.SECONDS_BETWEEN = 0.0
main()
"""


@pytest.mark.slow
def test_a_killed_training_goes_on_and_ends_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a checkpoint after every epoch, which process 0 writes and both read."""
    (tmp_path / "saving.py").write_text(SAVING)
    before = [*TORCHRUN[:-2], "--", str(tmp_path / "saving.py")]
    line = [sys.executable, *before, "train", "--run", "results/tiny", "--job", key("vr")]
    ends: list[dict[str, bytes]] = []
    for name in ("whole", "killed"):
        plan = written(tmp_path / name, monkeypatch, TRAINING | {"epochs": 20, "patience": 20})
        folder = plan.job_folder(plan.jobs[key("vr")])
        if name == "killed":
            process = started(line)
            children = together(process.pid)
            end = time.monotonic() + 60
            while not list(folder.glob("checkpoint.1.*")):
                assert time.monotonic() < end, "the second repetition begins"
                time.sleep(0.01)
            children[1].kill()
            status, said = finish(process, 60)
            assert status == 1
            assert "process 0 of 2: another process of this training has ended." in said
            assert not (folder / "metrics.json").exists()
        status, said = finish(started(line))
        assert status == 0, said
        kept = ("history.parquet", "predictions.parquet", "metrics.json", "model.safetensors")
        ends.append({file: (folder / file).read_bytes() for file in kept})
    assert ends[0] == ends[1]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_when_the_command_ends_so_do_its_processes(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path / "run", monkeypatch, TRAINING | {"epochs": 100_000, "patience": 100_000})
    process = started(command("vr", "--processes", "2"))
    children = together(process.pid)
    time.sleep(2)
    process.send_signal(number)
    status, said = finish(process, 60)
    assert status in (-number, 128 + number)
    assert "Traceback" not in said
    psutil.wait_procs(children, timeout=30)
    assert not any(child.is_running() for child in children)


@pytest.mark.parametrize(
    ("codes", "first"),
    [([2, -9], 1), ([-9, -15], 0), ([-15, 2], 1), ([2, 1], 0)],
    ids=["killed", "ended", "failed", "both"],
)
def test_the_one_that_others_miss_is_named(codes: list[int], first: int, tmp_path: Path) -> None:
    """The agent may find several ended at once, in the same second: who was killed, not who noticed or was ended."""
    failures = {rank: ProcessFailure(rank, 1000 + rank, code, str(tmp_path)) for rank, code in enumerate(codes)}
    assert _cause(ChildFailedError("train", failures))[0] == first


def together(parent: int) -> list[psutil.Process]:
    """Return the two processes that a command has started, process 0 first, once they have joined each other."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = [one for one in psutil.Process(parent).children() if "RANK" in one.environ()]
        connected = [one for one in found if len(one.net_connections()) > 1]
        if len(connected) == 2:
            return sorted(found, key=lambda one: int(one.environ()["RANK"]))
        time.sleep(0.1)
    raise AssertionError("two processes were expected")


def test_what_cannot_be_shared_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plan = logs.write_run(tmp_path, ["training_constant/mean", "rqreg/paper"])
    keys = [f"kuairand_pure/watch_time/random_622/shared/{name}" for name in ("training_constant/mean", "rqreg/paper")]
    with pytest.raises(WatchtimeError, match=r"found 2, but method 'training_constant' trains no network\.$"):
        train(plan, keys[0], processes=2)
    said = (
        r"^processes: found 2, but rqreg/paper trains in one: its training looks at rows together, .* cannot share\.$"
    )
    with pytest.raises(WatchtimeError, match=said):
        train(plan, keys[1], processes=2)
