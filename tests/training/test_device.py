"""Which GPUs a process sees: those it was given, or those that it waited for; with devices that are not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from watchtime.core.errors import WatchtimeError
from watchtime.training.device import gpus, reserved


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without nvidia-smi on which torch would find GPUs; returns where its slot list lies."""
    folder = tmp_path / "slots"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("WATCHTIME_SLOTS", str(folder))
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "WATCHTIME_GPUS", "WATCHTIME_CLAIM"):
        monkeypatch.delenv(name, raising=False)
    return folder


def test_a_process_sees_the_gpu_that_it_holds(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHTIME_GPUS", "2:8000, 5:8000")
    with reserved("cuda", memory=3000):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "2"
        assert os.environ["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
        assert Path(os.environ["WATCHTIME_CLAIM"]).parent == machine
    assert "CUDA_VISIBLE_DEVICES" not in os.environ
    assert "WATCHTIME_CLAIM" not in os.environ


def test_memory_is_that_of_all_gpus_together(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WATCHTIME_GPUS", "2:8000,5:8000")
    with reserved("cuda", count=2, memory=9001):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "2,5"
    assert capsys.readouterr().err == "watchtime: GPU 2, 5, 4501 MiB of memory\n"


def test_what_somebody_else_chose_stands(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    monkeypatch.setenv("WATCHTIME_GPUS", "2:8000")
    with reserved("cuda", memory=3000):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "7"
    assert not machine.exists()


def test_the_cpu_needs_no_turn(machine: Path) -> None:
    with reserved("cpu", count=3, memory=1):
        assert not machine.exists()


def test_nvidia_smi_lists_the_gpus(tmp_path: Path) -> None:
    assert gpus() == {}
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nprintf '0, 24564\\n1, 24564\\n2, [N/A]\\n'\n")
    program.chmod(0o755)
    assert gpus() == {"0": 24564, "1": 24564}
    program.write_text("#!/bin/sh\necho NVIDIA-SMI has failed\nexit 9\n")
    assert gpus() == {}


def test_mistakes_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WatchtimeError, match=r"^device: nvidia-smi lists no GPU to hand out; name them in"):
        reserved("cuda").__enter__()
    monkeypatch.setenv("WATCHTIME_GPUS", "0=24000")
    with pytest.raises(WatchtimeError, match=r"^WATCHTIME_GPUS: found '0=24000', a list such as 0:24000,1:24000 was"):
        reserved("cuda").__enter__()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.delenv("WATCHTIME_GPUS")
    with pytest.raises(WatchtimeError, match=r"no CUDA device; set device: cpu\.$"):
        reserved("cuda").__enter__()
