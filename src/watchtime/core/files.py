"""Files that are either whole or absent: everything is written beside its place and then renamed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchtime.core.errors import WatchtimeError
from watchtime.core.faults import writing
from watchtime.core.seal import about_to_write, intact

if TYPE_CHECKING:
    import polars

# What a killed process leaves of a file or folder ends so.
UNFINISHED = ".unfinished"


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside ``path``; rename it onto ``path`` on success, remove it on failure.

    Raises ``WatchtimeError`` where the disk is full or may not be written.
    """
    target = Path(path)
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=UNFINISHED)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            temporary.chmod(0o644)
            about_to_write(target)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``path``; it takes the place of ``path`` on success and goes on failure.

    Raises ``WatchtimeError`` where the disk is full or may not be written.
    """
    with writing(path), scratch_folder(path) as outer:
        temporary = outer / "new"
        temporary.mkdir()
        yield temporary
        about_to_write(path)
        if path.exists():
            path.rename(outer / "old")
        temporary.rename(path)


@contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder beside ``path`` for as long as this lasts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.", suffix=UNFINISHED) as folder:
        yield Path(folder)


def remove_unfinished(folder: Path) -> None:
    """Remove what killed processes left of a folder and of all below it; no other process may be writing there."""
    for path in [*folder.parent.glob(f".{folder.name}.*{UNFINISHED}"), *sorted(folder.rglob(f".*{UNFINISHED}"))]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write ``value`` as indented JSON with sorted keys; NaN and infinity are refused."""
    write_text(path, json.dumps(value, sort_keys=True, indent=2, allow_nan=False) + "\n")


def write_parquet(path: str | os.PathLike[str], frame: polars.DataFrame) -> None:
    """Write a frame as Parquet whose bytes depend on its rows alone, however they lie in memory."""
    with replacing(path) as temporary:
        frame.rechunk().write_parquet(temporary, compression="zstd", statistics=False)


def read_parquet(path: str | os.PathLike[str]) -> polars.DataFrame:
    """Return a Parquet file of the run; raises ``WatchtimeError`` where it is missing or damaged."""
    from polars import read_parquet as read
    from polars.exceptions import PolarsError

    try:
        return read(intact(path), glob=False)
    except FileNotFoundError:
        raise WatchtimeError(f"{path}: the file does not exist.") from None
    except PolarsError:
        raise WatchtimeError(f"{path}: not a whole Parquet file.") from None


def read_json(path: str | os.PathLike[str]) -> Any:
    """Return what a JSON file holds; raises ``WatchtimeError`` where it holds none, NaN or infinity."""
    try:
        return json.loads(intact(path).read_text(encoding="utf-8"), parse_constant=_refused)
    except FileNotFoundError:
        raise WatchtimeError(f"{path}: the file does not exist.") from None
    except OSError as error:
        raise WatchtimeError(f"{path}: the file cannot be read ({error.strerror}).") from None
    except (RecursionError, ValueError) as error:
        raise WatchtimeError(f"{path}: not a JSON file ({error}).") from None


def _refused(name: str) -> None:
    raise ValueError(f"found {name}")


def from_here(path: Path) -> Path:
    """Return ``path`` relative to the working folder where it lies in it, so that a moved clone stays up to date."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys and no spaces: equal values give equal text, different values different text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def settings_hash(value: Any) -> str:
    """Return the sha256 of the canonical JSON of ``value``."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
