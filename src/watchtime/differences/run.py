"""One of two runs that are compared: what its manifest names, read where it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from watchtime.core.config import RunConfig, load_config
from watchtime.core.errors import WatchtimeError, first_words
from watchtime.core.files import read_json
from watchtime.datasets.download.member_names import normal_name


@dataclass(frozen=True)
class ComparedRun:
    """A run that has ended; ``files`` are those of its manifest, by their names below ``folder``."""

    folder: Path
    config: RunConfig
    files: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, folder: Path) -> ComparedRun:
        """Read the manifest and the configuration; raises ``WatchtimeError`` where the run has not ended."""
        if not folder.is_dir():
            raise WatchtimeError(f"{folder}: the run's folder does not exist.")
        path = folder / "manifest.json"
        if not path.is_file():
            raise WatchtimeError(f"{folder}: manifest.json is not there; only a run that has ended can be compared.")
        manifest = read_json(path)
        files = manifest.get("files") if isinstance(manifest, dict) else None
        if not isinstance(files, dict) or not all(isinstance(one, dict) and "sha256" in one for one in files.values()):
            raise WatchtimeError(f"{path}: found no files with their sha256, as a manifest has.")
        for name in files:
            _check_name(path, name)
        return cls(folder, load_config(folder / "config.yaml"), files)

    def hash(self, name: str) -> str | None:
        """The sha256 of a file, None where the manifest does not name it."""
        file = self.files.get(name)
        return file["sha256"] if file else None

    def varies(self, name: str) -> bool:
        """Whether a file differs between equal runs: it holds measured time or names the machine."""
        return bool(self.files[name].get("varies"))

    def path(self, name: str) -> Path:
        """Return where a named file lies; raises ``WatchtimeError`` where it is gone."""
        path = self.folder / name
        if not path.is_file():
            raise WatchtimeError(f"{path}: manifest.json names the file and it does not exist.")
        return path

    @contextmanager
    def reading(self, name: str) -> Iterator[Path]:
        """Give the place of a named file; what goes wrong inside is told as a fault of its content."""
        path = self.path(name)
        try:
            yield path
        except WatchtimeError:
            raise
        except pl.exceptions.PanicException as error:
            raise WatchtimeError(f"{path}: not what a run writes there ({first_words(error)}).") from None
        except Exception as error:  # notebooks and tables of strangers fail in every way that their libraries have
            raise WatchtimeError(f"{path}: not what a run writes there ({first_words(error)}).") from None

    def json(self, name: str) -> dict[str, Any]:
        """Return the mapping in a JSON file."""
        with self.reading(name) as path:
            value = read_json(path)
            if not isinstance(value, dict):
                raise WatchtimeError(f"{path}: a mapping of keys to values was expected, found {type(value).__name__}.")
            return value

    @cached_property
    def jobs(self) -> dict[str, dict[str, Any]]:
        """The settings of every job of the run, resolved, under its key."""
        places = [name for name in self.files if name.startswith("jobs/") and name.endswith("/metrics.json")]
        return {Path(name).parent.relative_to("jobs").as_posix(): self._job(name) for name in places}

    def _job(self, name: str) -> dict[str, Any]:
        spec = self.json(name).get("job")
        if not isinstance(spec, dict):
            raise WatchtimeError(f"{self.path(name)}: the settings of the job are missing.")
        return spec


def _check_name(manifest: Path, name: str) -> None:
    """Refuse a name that could lead out of the run's folder."""
    try:
        if normal_name(name) != name:
            raise ValueError("is not in its shortest form")
    except ValueError as error:
        raise WatchtimeError(f"{manifest}: files: {name!r} {error}.") from None


def shared(one: ComparedRun, other: ComparedRun, start: str, end: str = "") -> list[str]:
    """Return the names of files that both runs have, below ``start``."""
    return [name for name in one.files if name.startswith(start) and name.endswith(end) and name in other.files]


def changed(one: ComparedRun, other: ComparedRun, names: list[str]) -> list[str]:
    """Return the names of files that both have and that differ, but for those that differ between equal runs."""
    return [name for name in names if one.hash(name) != other.hash(name) and not one.varies(name)]


def alone(one: ComparedRun, other: ComparedRun) -> Iterator[tuple[str, str]]:
    """Yield the name of every file that one run alone has, with what a diff says of it."""
    for said, own, than in (("only in A", one, other), ("only in B", other, one)):
        yield from ((name, said) for name in own.files if name not in than.files)
