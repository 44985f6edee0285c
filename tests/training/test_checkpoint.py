"""A killed training goes on where it was and ends with the bytes of one that was never killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

import logs
from watchtime.core.job import JobSpec
from watchtime.core.progress import Progress
from watchtime.training import checkpoint, engine
from watchtime.training.fitting import fit
from watchtime.training.group import Group
from watchtime.training.resident import Part

CPU = engine.deterministic("cpu")
SETTINGS = {"batch": 64, "epochs": 5, "patience": 5, "learning_rate": 0.01, "unknown_rate": 0.1}


Result = tuple[list[dict[str, bytes]], list[dict[str, float | int]]]


class Killed(Exception):
    """Stands for the end of the process."""


@pytest.fixture(autouse=True)
def _save_every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "SECONDS_BETWEEN", 0.0)


def train(job: JobSpec, path: Path | None, fingerprint: str = "this training") -> Result:
    """Return the final parameters as bytes and the learning curves of every repetition."""
    model = logs.model(job)
    fitted = fit(model, logs.encoded()[0], path, fingerprint)
    return [{name: array.tobytes() for name, array in state.items()} for state in model.states], fitted.history


def killed_after(epochs: int, job: JobSpec, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Train until ``epochs`` epochs have been saved and the next one was computed, then die."""
    advance, done = Progress.advance, 0

    def count(self: Progress, steps: int, note: str = "") -> None:
        nonlocal done
        advance(self, steps, note)
        done += note != ""
        if done > epochs:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "advance", count)
        with pytest.raises(Killed):
            train(job, path)


def job(stacked: bool = False, method: str = "tpm", **training: float) -> JobSpec:
    together = "stacked" if stacked else "looped"
    return logs.spec(method, training=SETTINGS | training, repetitions=2, seeds_together=together)


def saved_epoch(path: Path) -> int:
    with safe_open(path, framework="pt") as file:
        return int(json.loads(file.metadata()["progress"])["next_epoch"])


@pytest.mark.parametrize("stacked", [False, True])
@pytest.mark.parametrize("epochs", [1, 4])
def test_a_killed_training_ends_with_the_same_bytes(
    stacked: bool, epochs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint"
    killed_after(epochs, job(stacked), path, monkeypatch)
    assert saved_epoch(tmp_path / "checkpoint.0.safetensors") == epochs
    assert train(job(stacked), path) == train(job(stacked), None)


def test_a_training_that_was_killed_twice_ends_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second kill falls into the second repetition of the looped mode."""
    path = tmp_path / "checkpoint"
    killed_after(2, job(), path, monkeypatch)
    killed_after(5, job(), path, monkeypatch)
    assert saved_epoch(tmp_path / "checkpoint.1.safetensors") == 2
    assert train(job(), path) == train(job(), None)


def test_the_best_epoch_survives_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With this learning rate the validation loss rises from epoch 1 on: resumed epochs do not replace the best."""
    spec = job(learning_rate=0.1, patience=3)
    expected, history = train(spec, None)
    losses = [row["validation"] for row in history if row["repetition"] == 0]
    assert min(losses) < losses[-1]
    killed_after(losses.index(min(losses)) + 2, spec, tmp_path / "checkpoint", monkeypatch)
    assert train(spec, tmp_path / "checkpoint") == (expected, history)


def test_resuming_trains_only_what_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, spec = tmp_path / "checkpoint", job(stacked=True)
    killed_after(3, spec, path, monkeypatch)
    epochs, epoch = [], engine._epoch

    def counted(group: Group, part: Part, number: int) -> object:
        epochs.append(group)
        return epoch(group, part, number)

    monkeypatch.setattr(engine, "_epoch", counted)
    train(spec, path)
    assert len(epochs) == 2


def test_a_checkpoint_of_another_training_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "checkpoint"
    killed_after(2, job(learning_rate=0.1), path, monkeypatch)
    assert train(job(), path, "another training") == train(job(), None)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("damage", ["truncated", "empty", "foreign", "text", "flipped"])
def test_a_damaged_checkpoint_is_told_and_ignored(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "checkpoint"
    killed_after(2, job(stacked=True), path, monkeypatch)
    file = tmp_path / "checkpoint.0.safetensors"
    whole = file.read_bytes()
    if damage == "foreign":
        save_file({"a": torch.zeros(3)}, file)
    else:
        flipped = whole[:-1] + bytes([whole[-1] ^ 1])
        damaged = {"truncated": whole[: len(whole) // 2], "empty": b"", "text": b"not a checkpoint", "flipped": flipped}
        file.write_bytes(damaged[damage])
    assert train(job(stacked=True), path) == train(job(stacked=True), None)
    assert capsys.readouterr().err == f"watchtime: {file}: a damaged checkpoint; training starts again.\n"


def test_a_kill_while_saving_leaves_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, spec = tmp_path / "checkpoint", job(stacked=True)

    def half(tensors: dict[str, Tensor], file: Path, metadata: dict[str, str]) -> None:
        if json.loads(metadata["progress"])["next_epoch"] == 3:
            file.write_bytes(b"half")
            raise Killed
        save_file(tensors, file, metadata=metadata)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save_file", half)
        with pytest.raises(Killed):
            train(spec, path)
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.0.safetensors"]
    assert saved_epoch(tmp_path / "checkpoint.0.safetensors") == 2
    assert train(spec, path) == train(spec, None)


def test_checkpoints_are_not_written_more_often_than_they_should(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "SECONDS_BETWEEN", 3600.0)
    train(job(stacked=True), tmp_path / "checkpoint")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_killed_process_resumes(tmp_path: Path) -> None:
    """kill -9 of ``watchtime train`` in the middle; the command run again gives the files of an unkilled run."""
    training = SETTINGS | {"epochs": 20, "patience": 20, "batch": 16}
    key = "kuairand_pure/watch_time/random_622/shared/tpm/paper"
    for name in ("killed", "whole"):
        logs.write_run(tmp_path / name, ["tpm"], repetitions=1, settings={"tpm": {"training": training}})
    command = [
        sys.executable,
        "-c",
        "from watchtime.training import checkpoint; checkpoint.SECONDS_BETWEEN = 0; from watchtime.cli import main; "
        f"main(['train', '--run', 'results/tiny', '--job', '{key}'])",
    ]
    folders = {name: tmp_path / name / "results/tiny/jobs" / key for name in ("killed", "whole")}
    first = subprocess.Popen(command, cwd=tmp_path / "killed", env=os.environ | {"OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 120
    state = folders["killed"] / "checkpoint.0.safetensors"
    while not (state.exists() and saved_epoch(state) >= 3):
        assert first.poll() is None, "training ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    assert not (folders["killed"] / "model.safetensors").exists()
    for name in ("killed", "whole"):
        subprocess.run(command, cwd=tmp_path / name, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    files = ["history.parquet", "metrics.json", "model.safetensors", "predictions.parquet"]
    for file in files:
        assert (folders["killed"] / file).read_bytes() == (folders["whole"] / file).read_bytes(), file
    assert sorted(path.name for path in folders["killed"].iterdir()) == sorted([*files, "resources.json"])
