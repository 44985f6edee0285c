"""A simulated folder: its files are written beside it and appear only when all of them are complete."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def completed(folder: Path) -> Iterator[Path]:
    """Give an empty sibling of ``folder``; on success rename each of its files into ``folder``, else remove it.

    Other files that ``folder`` already holds stay untouched.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        yield place
        for source in sorted(path for path in place.rglob("*") if path.is_file()):
            target = folder / source.relative_to(place)
            target.parent.mkdir(parents=True, exist_ok=True)
            source.chmod(0o644)
            source.replace(target)
    finally:
        shutil.rmtree(place)
