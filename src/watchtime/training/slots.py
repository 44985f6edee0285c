"""GPUs handed out among the processes of one machine, by lock files that die with whoever holds them."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from watchtime.core.errors import WatchtimeError

SECONDS_BETWEEN = 0.2
_LOCK, _CLAIM = "lock", ".claim"


@dataclass(frozen=True)
class _Claim:
    """``gpus`` are those it holds, none while it waits; ``memory`` in MiB on each of them, None for all there is."""

    number: int
    memory: int | None
    gpus: list[str]


class Slots:
    """The GPUs of a machine, their memory in MiB by id, and the claims on them, one file each in ``folder``.

    **What holds a claim.** Its file is locked (flock) by the processes it stands for. The kernel lets go of a lock
    when they have ended, in whatever way, so a file that nobody locks is a claim of the dead: it counts for nothing
    and is removed. Claims are read and granted under one more lock, ``folder/lock``, by one process at a time.

    **What is guaranteed.** The claims on a GPU never ask for more than its memory, and a claim without ``memory`` has
    it alone. Claims are granted in the order in which they were made, so none waits for ever while smaller ones pass;
    all GPUs of a claim at once, so no two wait for one another. Whether a process keeps to what it asked for is not
    seen, and neither are processes that make no claim.

    The folder is the user's own, on a disk of the machine: locks of network folders may be forgotten.
    """

    def __init__(self, folder: Path, memory: Mapping[str, int]) -> None:
        self.folder, self.memory = folder, memory

    @contextmanager
    def held(
        self, count: int, memory: int | None, report: Callable[[str], None] = lambda _: None
    ) -> Iterator[tuple[list[str], Path]]:
        """Wait for ``count`` GPUs with ``memory`` MiB each, and hold them; gives their ids and the claim's file.

        ``report`` is told once if there is something to wait for. Raises ``WatchtimeError`` where no waiting helps.
        """
        self._check(count, memory)
        number, path, handle = self._enter(memory)
        # Cleaners of temporary folders leave a locked folder alone.
        kept = os.open(self.folder, os.O_RDONLY)
        fcntl.flock(kept, fcntl.LOCK_SH)
        try:
            gpus = self._granted(number, handle, count, memory)
            if gpus is None:
                report(f"waiting for {_asked(count, memory)}")
            while gpus is None:
                time.sleep(SECONDS_BETWEEN)
                gpus = self._granted(number, handle, count, memory)
            yield gpus, path
        finally:
            path.unlink(missing_ok=True)
            os.close(handle)
            os.close(kept)

    def _check(self, count: int, memory: int | None) -> None:
        fitting = [gpu for gpu, total in self.memory.items() if memory is None or memory <= total]
        if len(fitting) < count:
            have = ", ".join(f"{gpu}: {total}" for gpu, total in self.memory.items())
            raise WatchtimeError(f"{_asked(count, memory)} was asked for, this machine has (MiB by id): {have}.")

    def _enter(self, memory: int | None) -> tuple[int, Path, int]:
        """Make a claim that waits, behind all others; return its number, its file and what keeps it locked."""
        with self._alone():
            number = 1 + max((claim.number for claim in self._claims()), default=0)
            path = self.folder / f"{number}{_CLAIM}"
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            fcntl.flock(handle, fcntl.LOCK_SH)
            _write(handle, memory, [])
        return number, path, handle

    def _granted(self, number: int, handle: int, count: int, memory: int | None) -> list[str] | None:
        """Return the GPUs of the claim ``number`` if it is the first in the line and there are enough."""
        with self._alone():
            others = [claim for claim in self._claims() if claim.number != number]
            if any(claim.number < number and not claim.gpus for claim in others):
                return None
            free = {gpu: total - self._taken(gpu, others) for gpu, total in self.memory.items()}
            needed = {gpu: total if memory is None else memory for gpu, total in self.memory.items()}
            # The emptiest first: jobs that share a GPU slow each other down.
            fitting = sorted((gpu for gpu in free if free[gpu] >= needed[gpu]), key=lambda gpu: -free[gpu])
            if len(fitting) < count:
                return None
            _write(handle, memory, fitting[:count])
            return fitting[:count]

    def _taken(self, gpu: str, claims: list[_Claim]) -> int:
        return sum(self.memory[gpu] if one.memory is None else one.memory for one in claims if gpu in one.gpus)

    def _claims(self) -> list[_Claim]:
        """Return the claims of the living, and remove those of the dead."""
        found = []
        for path in self.folder.glob(f"*{_CLAIM}"):
            try:
                handle = os.open(path, os.O_RDWR)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
            except BlockingIOError:
                values = json.loads(os.pread(handle, os.fstat(handle).st_size, 0))
                found.append(_Claim(int(path.stem), **values))
            finally:
                os.close(handle)
        return found

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep all other processes from the claims; what cannot be read or written is told in one sentence."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.folder.stat().st_uid != os.getuid():
                raise WatchtimeError(f"{self.folder}: GPUs cannot be claimed here, the folder is another user's.")
            handle = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield
            finally:
                os.close(handle)
        except OSError as error:
            raise WatchtimeError(f"{self.folder}: GPUs cannot be claimed here ({error.strerror}).") from None


def join(claim: Path) -> None:
    """Hold the claim of the process that started this one, too, until this process has ended."""
    handle = os.open(claim, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_SH)


def _write(handle: int, memory: int | None, gpus: list[str]) -> None:
    """Write in place, since a renamed file would not be the locked one; nobody reads it in between."""
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps({"memory": memory, "gpus": gpus}).encode(), 0)


def _asked(count: int, memory: int | None) -> str:
    gpus = f"{count} GPUs" if count > 1 else "a GPU"
    return f"{gpus} with {memory} MiB of memory" if memory is not None else f"{gpus} of its own"
