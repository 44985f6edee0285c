"""The kept malformed inputs: ``python -m malformed.corpus`` writes them, with PYTHONPATH=src:tests, from their recipes.

Below ``files`` lies ``<kind>/<target>/<case>``: the case takes the place of the file ``target`` in a folder that is
otherwise in order (``readers.py`` makes one of each kind), and the command that reads it must refuse it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from malformed import archives, catalogue, configurations, results, tables

FILES = Path(__file__).parent / "files"


def made() -> dict[str, bytes]:
    """Return every kept input under its path below ``files``."""
    parts = (module.cases() for module in (archives, catalogue, configurations, results, tables))
    return {path: content for part in parts for path, content in part.items()}


def kept() -> list[str]:
    """Return the paths of all that is kept, sorted."""
    return sorted(path.relative_to(FILES).as_posix() for path in FILES.rglob("*") if path.is_file())


def write() -> None:
    """Write the corpus anew."""
    shutil.rmtree(FILES, ignore_errors=True)
    for name, content in made().items():
        path = FILES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    write()
