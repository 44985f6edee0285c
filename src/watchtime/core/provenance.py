"""What identifies given raw files without reading them: what DVC recorded of them, else their names and sizes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from watchtime.core.errors import WatchtimeError
from watchtime.core.files import read_json
from watchtime.core.yaml_files import read_yaml

POINTER = Path("data.dvc")
CACHE = Path(".dvc/cache/files/md5")


def recorded(files: Iterable[Path]) -> dict[str, Any]:
    """Return the md5 that ``data.dvc`` holds of each file below ``data/``, and the size of every other one.

    A file that was changed since ``dvc add`` has another size or is changed unseen: ``dvc status`` tells.
    """
    known = _known()
    return {str(path): known.get(_below_data(path)) or path.stat().st_size for path in files}


def _below_data(path: Path) -> str:
    place = Path(os.path.relpath(path))
    return place.relative_to(POINTER.stem).as_posix() if place.parts[0] == POINTER.stem else ""


def _known() -> dict[str, str]:
    """Return path and md5 of every file in the directory that ``data.dvc`` points to, where its list is cached."""
    try:
        digest = read_yaml(POINTER)["outs"][0]["md5"]
        listed = read_json(CACHE / digest[:2] / digest[2:])
        return {entry["relpath"]: f"md5:{entry['md5']}" for entry in listed}
    except (WatchtimeError, OSError, KeyError, IndexError, TypeError, ValueError):
        return {}
