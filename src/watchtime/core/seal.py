"""What the bytes of a run's files were when a step wrote them: damage is told, and nothing is computed from it.

The sha256 of ``<run>/a/b`` stands in ``<run>/.seals/a/b``. A file without a seal is taken as it is.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from watchtime.core.errors import WatchtimeError
from watchtime.core.faults import writing

SEALS = ".seals"
_DIGITS = 64


class _Step:
    """The run in which this process is a step, if it is one, and what it wrote so far."""

    run: Path | None = None
    written: list[Path] = []


def file_hash(path: str | os.PathLike[str]) -> str:
    """Return the sha256 of a file's bytes."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def begin_step(run: Path) -> None:
    """Note from now on what is written below the folder ``run``."""
    _Step.run, _Step.written = run.resolve(), []


def end_step() -> None:
    """Seal what was written since ``begin_step``; nothing where there was none."""
    run, places, _Step.run = _Step.run, _Step.written, None
    for place in places:
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if run and path.is_relative_to(run) and path.is_file():
                seal = run / SEALS / path.relative_to(run)
                with writing(seal):
                    seal.parent.mkdir(parents=True, exist_ok=True)
                    seal.write_text(file_hash(path))


def about_to_write(path: Path) -> None:
    """Take away the seal of a file or folder that will be replaced: a kill between the two leaves no wrong one."""
    path = path.resolve()
    if _Step.run:
        _Step.written.append(path)
    seal = _seal(path)
    if seal is None:
        return
    if seal.is_dir():
        shutil.rmtree(seal)
    else:
        seal.unlink(missing_ok=True)


def intact(path: str | os.PathLike[str]) -> Path:
    """Return ``path``; raises ``WatchtimeError`` where its bytes are not those that were sealed."""
    place = Path(path)
    seal = _seal(place.resolve())
    if seal is None or not seal.is_file() or not place.is_file():
        return place
    digest = seal.read_text(errors="replace")
    if len(digest) == _DIGITS and digest != file_hash(place):
        raise WatchtimeError(
            f"{place}: the file is damaged: its bytes are not those that were written; delete it and start the run "
            "again, which makes it anew."
        )
    return place


def _seal(path: Path) -> Path | None:
    """Return where the seal of a file would be, None outside of runs that have seals."""
    for folder in path.parents:
        if (folder / SEALS).is_dir():
            return folder / SEALS / path.relative_to(folder)
    return None
