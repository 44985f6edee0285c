"""Who works in a run's folder: one Snakemake at a time, and its jobs.

Locks are files in ``results/.locks``, locked (flock) for as long as a process lives. The kernel lets go of them when it
has ended, in whatever way, so that no lock is ever left over.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

from watchtime.core.errors import WatchtimeError
from watchtime.core.faults import writing

LOCKS = ".locks"
# Kept open, and so locked, until this process ends.
_held: list[int] = []


def hold_run(run: Path) -> None:
    """Keep every other Snakemake out of a run's folder; raises ``WatchtimeError`` that says who is in there."""
    _hold(run.parent / LOCKS / run.name, fcntl.LOCK_EX, f"{run}: another run works in this folder")


def hold_raw(raw: Path, run: Path, is_whole: bool) -> None:
    """Hold a folder of raw files for a run: with other runs that read it where it is whole, else alone, to make it.

    Raises ``WatchtimeError`` where another run is to make it, or reads what this one would make anew.
    """
    operation = fcntl.LOCK_SH if is_whole else fcntl.LOCK_EX
    _hold(run.parent / LOCKS / f"{raw.name}.raw", operation, f"{raw}: another run makes or reads these files")


def join_run(run: Path) -> None:
    """Hold a run's folder as one of its jobs, beside all others."""
    handle = _opened(_jobs(run))
    fcntl.flock(handle, fcntl.LOCK_SH)
    _held.append(handle)


def await_jobs(run: Path) -> None:
    """Wait until no job is left in a run's folder: jobs outlive a Snakemake that was killed alone.

    What is waited for is told on standard error.
    """
    handle = _opened(_jobs(run))
    try:
        if not _taken(handle, fcntl.LOCK_EX):
            numbers = ", ".join(map(str, _lockers(handle)))
            print(
                f"watchtime: {run}: waiting for jobs of an earlier start that are still at work"
                + (f" (processes {numbers}; killed trainings go on from their checkpoints)." if numbers else "."),
                file=sys.stderr,
            )
            fcntl.flock(handle, fcntl.LOCK_EX)
    finally:
        os.close(handle)


def _jobs(run: Path) -> Path:
    place = run.absolute()
    return place.parent / LOCKS / f"{place.name}.jobs"


def _hold(path: Path, operation: int, sentence: str) -> None:
    handle = _opened(path)
    if not _taken(handle, operation):
        holder = _holder(handle)
        os.close(handle)
        raise WatchtimeError(f"{sentence} ({holder}); wait until it has ended, or end it.")
    own = {"host": socket.gethostname(), "process": os.getpid(), "since": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"}
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps(own).encode(), 0)
    _held.append(handle)


def _holder(handle: int) -> str:
    """Return who wrote last into a lock's file; it may be written this moment."""
    try:
        return "on {host}, process {process}, since {since}".format(**json.loads(os.pread(handle, 1000, 0)))
    except (ValueError, KeyError, TypeError):
        return "it has just started"


def _opened(path: Path) -> int:
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)


def _taken(handle: int, operation: int) -> bool:
    try:
        fcntl.flock(handle, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lockers(handle: int) -> list[int]:
    """Return the processes that lock an open file, as far as this system tells."""
    try:
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return []
    # 1: FLOCK ADVISORY WRITE 4242 fe:00:131 0 EOF; a line of one who waits has an arrow more.
    entries = [fields for line in lines if len(fields := line.split()) == 8 and fields[1] == "FLOCK"]
    inode = os.fstat(handle).st_ino
    return sorted(int(fields[4]) for fields in entries if int(fields[5].rsplit(":", 1)[1]) == inode)
