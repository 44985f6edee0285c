"""What the machine refuses is one sentence; the program's own errors stay what they are."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from watchtime.core.errors import WatchtimeError
from watchtime.core.faults import sentences, told, writing

FULL = "the disk is full; make room, and the same command goes on from here"
CLOSED = "this user may not write here, or the disk is read-only; allow it, and the same command goes on from here"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), FULL),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), FULL),
        (RuntimeError("I/O error: No space left on device (os error 28)"), FULL),
        (OSError(errno.EROFS, "Read-only file system"), CLOSED),
        (PermissionError(errno.EACCES, "Permission denied", "x"), CLOSED),
    ],
)
def test_a_write_that_is_refused_names_its_file(tmp_path: Path, error: Exception, reason: str) -> None:
    with pytest.raises(WatchtimeError) as found, writing(tmp_path / "file"):
        raise error
    assert str(found.value) == f"{tmp_path / 'file'}: {reason}."


@pytest.mark.parametrize(
    "error", [ValueError("x"), IsADirectoryError(errno.EISDIR, "x"), WatchtimeError("x"), OSError("8 requested")]
)
def test_other_errors_of_a_write_pass(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error)) as found, writing(tmp_path / "file"):
        raise error
    assert found.value is error


@pytest.mark.parametrize(
    ("error", "sentence", "status"),
    [
        (WatchtimeError("a: mistake."), "a: mistake.", 2),
        (
            KeyboardInterrupt(),
            "interrupted; nothing is left half written, and the same command goes on from here.",
            130,
        ),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "a/b"), "a/b: No such file or directory.", 2),
        (OSError(errno.ENOSPC, "No space left on device", "a/b"), f"a/b: {FULL}.", 2),
    ],
)
def test_a_fault_ends_with_its_sentence(
    capsys: pytest.CaptureFixture[str], error: BaseException, sentence: str, status: int
) -> None:
    with pytest.raises(SystemExit) as end, sentences():
        raise error
    assert end.value.code == status
    assert capsys.readouterr().err == f"watchtime: {sentence}\n"


@pytest.mark.parametrize("error", [ValueError("x"), RuntimeError("x"), BrokenPipeError(errno.EPIPE, "Broken pipe")])
def test_the_programs_own_errors_are_not_told(error: Exception) -> None:
    assert told(error) is None
    with pytest.raises(type(error)), sentences():
        raise error
