"""GPUs handed out by lock files, with devices that are not there: never twice, in turn, and free when a holder dies."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import slot_holder
from watchtime.core.errors import WatchtimeError
from watchtime.training import slots
from watchtime.training.slots import Slots

MEMORY = {"0": 8000, "1": 8000, "3": 4000}


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "SECONDS_BETWEEN", 0.01)


def holder(folder: Path, count: int, each: int, seconds: float) -> subprocess.Popen[bytes]:
    given = [folder / "slots", json.dumps(MEMORY), folder / "journal", count, each, seconds]
    return subprocess.Popen([sys.executable, slot_holder.__file__, *map(str, given)])


def journal(folder: Path) -> list[dict[str, Any]]:
    path = folder / "journal"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def wait_for(condition: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.01)


# Many processes


def test_forty_processes_never_share_what_one_holds_alone_nor_exceed_a_memory(tmp_path: Path) -> None:
    """Random demands on three GPUs; the journal's lines are in the order in which they were written."""
    draws = random.Random(0)
    demands = [
        (draws.choice([1, 1, 1, 2]), draws.choice([0, 500, 1500, 3000, 4000, 7000]), draws.uniform(0, 0.05))
        for _ in range(40)
    ]
    demands = [(1 if each > 4000 else count, each, seconds) for count, each, seconds in demands]
    processes = [holder(tmp_path, *demand) for demand in demands]
    assert [process.wait(60) for process in processes] == [0] * 40

    lines = journal(tmp_path)
    assert [sum(line["what"] == what for line in lines) for what in ("got", "left")] == [40, 40]
    held: dict[str, dict[int, int]] = {gpu: {} for gpu in MEMORY}
    together = 0
    for line in lines:
        for gpu in line["gpus"]:
            if line["what"] == "left":
                del held[gpu][line["by"]]
                continue
            held[gpu][line["by"]] = line["each"] or MEMORY[gpu]
            assert sum(held[gpu].values()) <= MEMORY[gpu]
            assert len(held[gpu]) == 1 or all(each < MEMORY[gpu] for each in held[gpu].values())
            together = max(together, len(held[gpu]))
    assert together > 1, "small jobs share a GPU"
    assert {gpu for line in lines for gpu in line["gpus"]} == set(MEMORY)
    assert [path.name for path in (tmp_path / "slots").iterdir()] == ["lock"]


# One after the other


class Waiting(threading.Thread):
    """A claim made in this process; ``got`` once it is granted, until ``leave`` is set."""

    def __init__(self, folder: Path, memory: dict[str, int], count: int, each: int | None) -> None:
        super().__init__(daemon=True)
        self.slots, self.count, self.each = Slots(folder, memory), count, each
        self.got, self.leave, self.said = threading.Event(), threading.Event(), list[str]()
        self.gpus: list[str] = []
        self.start()

    def run(self) -> None:
        with self.slots.held(self.count, self.each, self.said.append) as (self.gpus, _):
            self.got.set()
            self.leave.wait(20)


def test_who_came_first_is_served_first_and_nobody_starves(tmp_path: Path) -> None:
    """A job that needs the whole GPU is not passed by small ones that would fit beside what runs."""
    first = Waiting(tmp_path, {"0": 8000}, 1, 5000)
    assert first.got.wait(5)
    whole = Waiting(tmp_path, {"0": 8000}, 1, None)
    wait_for(lambda: whole.said)
    small = Waiting(tmp_path, {"0": 8000}, 1, 1000)
    assert not small.got.wait(0.3)
    first.leave.set()
    assert whole.got.wait(5)
    assert not small.got.wait(0.3)
    whole.leave.set()
    assert small.got.wait(5)
    small.leave.set()
    assert first.said == []
    assert whole.said == ["waiting for a GPU of its own"]
    assert small.said == ["waiting for a GPU with 1000 MiB of memory"]


def test_several_gpus_come_at_once(tmp_path: Path) -> None:
    """Two jobs that each held one of two GPUs and waited for the other would wait for ever."""
    one = Waiting(tmp_path, {"0": 8, "1": 8}, 1, None)
    assert one.got.wait(5)
    pairs = [Waiting(tmp_path, {"0": 8, "1": 8}, 2, None) for _ in range(2)]
    assert not any(pair.got.wait(0.2) for pair in pairs)
    one.leave.set()
    wait_for(lambda: any(pair.got.is_set() for pair in pairs))
    assert sum(pair.got.is_set() for pair in pairs) == 1
    for pair in pairs:
        pair.leave.set()
    wait_for(lambda: all(pair.got.is_set() for pair in pairs))
    assert {tuple(sorted(pair.gpus)) for pair in pairs} == {("0", "1")}


def test_the_emptiest_gpu_is_taken(tmp_path: Path) -> None:
    found = [Waiting(tmp_path, MEMORY, 1, 3000) for _ in range(1)]
    for _ in range(4):
        assert found[-1].got.wait(5)
        found.append(Waiting(tmp_path, MEMORY, 1, 3000))
    assert found[-1].got.wait(5)
    assert [one.gpus[0] for one in found] == ["0", "1", "0", "1", "3"]
    for one in found:
        one.leave.set()


# The dead


def test_a_killed_holder_frees_its_gpu_at_once_and_a_killed_waiter_its_place(tmp_path: Path) -> None:
    running = holder(tmp_path, 3, 0, 60)
    wait_for(lambda: journal(tmp_path))
    waiting = holder(tmp_path, 1, 0, 60)
    wait_for(lambda: len(list((tmp_path / "slots").glob("*.claim"))) == 2)
    mine = Waiting(tmp_path / "slots", MEMORY, 3, None)
    assert not mine.got.wait(0.2)
    waiting.kill()
    running.kill()
    killed = time.monotonic()
    assert mine.got.wait(5)
    assert time.monotonic() - killed < 1
    mine.leave.set()
    assert {running.wait(5), waiting.wait(5)} == {-signal.SIGKILL}


def test_a_claim_lasts_as_long_as_any_process_that_holds_it(tmp_path: Path) -> None:
    """Its processes go on for a moment when the one that started them is killed, and so does what they hold."""
    code = (
        "import subprocess, sys, time; from pathlib import Path; from watchtime.training.slots import Slots\n"
        f"with Slots(Path({str(tmp_path / 'slots')!r}), {MEMORY}).held(3, None) as (_, claim):\n"
        "    code = 'import sys, time; from pathlib import Path; from watchtime.training.slots import join; '\n"
        "    code += 'join(Path(sys.argv[1])); print(1, flush=True); time.sleep(60)'\n"
        "    child = subprocess.Popen([sys.executable, '-c', code, str(claim)], stdout=subprocess.PIPE)\n"
        "    child.stdout.readline(); print(child.pid, flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait(5)
    mine = Waiting(tmp_path / "slots", MEMORY, 1, None)
    assert not mine.got.wait(0.3)
    os.kill(child, signal.SIGKILL)
    assert mine.got.wait(5)
    mine.leave.set()


# Mistakes


def test_what_no_waiting_can_bring_is_refused(tmp_path: Path) -> None:
    said = r"^a GPU with 9000 MiB of memory was asked for, this machine has \(MiB by id\): 0: 8000, 1: 8000, 3: 4000\.$"
    with pytest.raises(WatchtimeError, match=said), Slots(tmp_path, MEMORY).held(1, 9000):
        pass
    with pytest.raises(WatchtimeError, match=r"^4 GPUs of its own"), Slots(tmp_path, MEMORY).held(4, None):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    said = r"/file: GPUs cannot be claimed here \(File exists\)\.$"
    with pytest.raises(WatchtimeError, match=said), Slots(tmp_path / "file", MEMORY).held(1, None):
        pass
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(WatchtimeError, match=r"the folder is another user's\.$"), Slots(tmp_path, MEMORY).held(1, None):
        pass
