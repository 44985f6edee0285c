"""The log of a step: who writes it holds it, and it begins with what the step depends on.

A rule sends a step's standard error to its log. The step locks that file until its process ends, in whatever way, and
so does every process that it starts; whoever finds the lock free knows that nobody is at work there any more. On a disk
that several machines share, that holds where locks are shared, too, as on NFS and Lustre with flock.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import stat
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from watchtime.core.files import settings_hash
from watchtime.core.plan import Plan
from watchtime.core.seal import file_hash

_STANDARD_ERROR = 2
# For so many seconds an empty log may be that of a step whose process has not come to hold it yet.
_STARTING = 60
_TRIES, _PAUSE = 10, 0.1
_DIGITS = 16


def hold() -> None:
    """Lock the file that standard error goes to, where it is one, for as long as this process and its children live."""
    for _ in range(_TRIES if _is_a_log() else 0):
        try:
            fcntl.flock(_STANDARD_ERROR, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Somebody looks whether it is held, for a moment; or two steps share a file.
            time.sleep(_PAUSE)
        except OSError:
            # The disk knows no locks: nobody can be told that this step runs.
            return
        else:
            return


def begin(run: Path, plan: Plan, arguments: Sequence[str]) -> None:
    """Write to the log which command this is, and with which configuration, seed and data."""
    if _is_a_log():
        print("\n".join(head(run, plan, arguments)), file=sys.stderr, flush=True)


def head(run: Path, plan: Plan, arguments: Sequence[str]) -> list[str]:
    """Return the first lines of the log of a step of the run in the folder ``run``."""
    config = run / "config.yaml"
    named = {word for argument in arguments for word in argument.split("/")}
    datasets = [name for name in plan.config.datasets if name in named] or list(plan.config.datasets)
    return [
        f"$ {shlex.join(['watchtime', *arguments])}",
        f"configuration: {config}, sha256 {file_hash(config)[:_DIGITS]}; root seed: {plan.config.seed}",
        *(f"data: {name} from {plan.raw_folder(name)}, identity {_identity(plan, name)}" for name in datasets),
    ]


def _identity(plan: Plan, dataset: str) -> str:
    return settings_hash(plan.raw_identity(dataset))[:_DIGITS]


def is_held(log: Path) -> bool:
    """Whether a process is at work on a log."""
    with log.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def is_starting(log: Path) -> bool:
    """Whether a process may be about to hold a log: it is new and nothing stands in it."""
    found = log.stat()
    return found.st_size == 0 and time.time() - found.st_mtime < _STARTING


def last_words(log: Path, count: int) -> list[str]:
    """Return the last lines that a step wrote below the head of its log."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line for line in _below_head(lines) if line.strip()][-count:]


def has_ended_itself(log: Path) -> bool:
    """Whether a step that failed said so itself: in a sentence, or with the traceback of an error of its own."""
    lines = log.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()
    return bool(lines) and (lines[-1].startswith("watchtime: ") or any(line.startswith("Traceback ") for line in lines))


def _below_head(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if not line.startswith(("$ watchtime ", "configuration: ", "data: "))]


def _is_a_log() -> bool:
    """Whether standard error goes to a file: not to a terminal, to a pipe, or to what a caller put in its place."""
    try:
        return sys.stderr.fileno() == _STANDARD_ERROR and stat.S_ISREG(os.fstat(_STANDARD_ERROR).st_mode)
    except OSError:
        return False
