"""What a machine refuses a step, room, rights or memory, told in a sentence; so is an interruption."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from watchtime.core.errors import WatchtimeError, plain

_FAILED, _INTERRUPTED = 2, 130
GO_ON = "the same command goes on from here"
KILLED = (
    "watchtime: the job was killed, by hand or by the system for want of memory; start the same command again, if need "
    "be with fewer jobs at a time (--cores)."
)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)
_LEAST_FREE = 2**20
# Torch and the C++ library raise RuntimeErrors, which only their text tells from others.
_OUT_OF_MEMORY = ("can't allocate memory", "out of memory", "bad allocation", "bad_alloc")


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Raise a ``WatchtimeError`` that names ``target`` where its disk is full or its folder may not be written."""
    try:
        yield
    except WatchtimeError:
        raise
    except Exception as error:
        reason = _reason_against_writing(error, target.parent)
        if reason is None:
            raise
        raise WatchtimeError(f"{target}: {reason}.") from None


@contextmanager
def sentences() -> Iterator[None]:
    """End the process where a user's mistake or a fault ends what it does, with one sentence on standard error.

    Status 2, and 130 after an interruption. The program's own errors keep their traceback.
    """
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        sentence = told(error)
        if sentence is None:
            raise
        print("\n".join(map(plain, f"watchtime: {sentence}".split("\n"))), file=sys.stderr)
        sys.exit(_INTERRUPTED if isinstance(error, KeyboardInterrupt) else _FAILED)


def told(error: BaseException) -> str | None:
    """Return the sentence of a user's mistake or a fault, None of an error that is the program's own."""
    if isinstance(error, WatchtimeError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return f"interrupted; nothing is left half written, and {GO_ON}."
    if _is_out_of_memory(error):
        cause = " ".join(str(error).split())[:200] or type(error).__name__
        return (
            f"there is not enough memory ({cause}); run fewer jobs at a time (--cores), or set a smaller "
            f"training.batch or training.evaluation_batch; then {GO_ON}."
        )
    if isinstance(error, OSError) and error.filename is not None:
        name = os.fsdecode(error.filename)
        return f"{name}: {_reason_against_writing(error, Path(name).parent) or error.strerror}."
    return None


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(words in str(error) for words in _OUT_OF_MEMORY)
    )


def _reason_against_writing(error: Exception, folder: Path) -> str | None:
    if _is_about(error, _FULL) or (_has_no_number(error) and _free(folder) < _LEAST_FREE):
        return f"the disk is full; make room, and {GO_ON}"
    if _is_about(error, _FORBIDDEN):
        return f"this user may not write here, or the disk is read-only; allow it, and {GO_ON}"
    return None


def _is_about(error: Exception, numbers: tuple[int, ...]) -> bool:
    """Whether an error has one of these system numbers; libraries in Rust have it in their text alone."""
    number = error.errno if isinstance(error, OSError) else None
    return number in numbers or any(f"(os error {one})" in str(error) for one in numbers)


def _has_no_number(error: Exception) -> bool:
    """Whether an error says of a failed write only how many bytes are missing, as NumPy's do."""
    return isinstance(error, OSError) and error.errno is None


def _free(folder: Path) -> float:
    """Return the bytes that are left for this user on the disk of a folder, infinity where nobody knows."""
    try:
        room = os.statvfs(folder)
    except OSError:
        return float("inf")
    return room.f_bavail * room.f_frsize
