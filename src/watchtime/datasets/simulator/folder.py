"""A simulated folder: its files are written beside it and appear only when all of them are complete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from watchtime.core.faults import writing
from watchtime.core.files import scratch_folder


@contextmanager
def completed(folder: Path) -> Iterator[Path]:
    """Give an empty sibling of ``folder``; on success rename each of its files into ``folder``, else remove it.

    Other files that ``folder`` already holds stay untouched.
    """
    with writing(folder), scratch_folder(folder) as place:
        yield place
        for source in sorted(path for path in place.rglob("*") if path.is_file()):
            target = folder / source.relative_to(place)
            target.parent.mkdir(parents=True, exist_ok=True)
            source.chmod(0o644)
            source.replace(target)
