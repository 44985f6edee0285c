"""The manifest of a run: every file that it left, with its hash; comparing two runs starts here."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from watchtime.core.errors import WatchtimeError
from watchtime.core.files import write_json
from watchtime.core.seal import SEALS, file_hash, intact

MEASURED_TIME = ("resources.json", "resources.parquet", "environment.json")
PAGES = ("reports", "notebooks")
LEFT_OUT = ("logs", "benchmarks", SEALS)


def page_name(name: Path) -> str:
    """Return the page of a file below ``reports`` or ``notebooks``, such as ``prowtp/table1``."""
    return Path(*name.parts[1:]).with_suffix("").as_posix()


def write_manifest(
    run: Path, belongs: Callable[[Path], bool] = lambda name: True, measured_pages: Collection[str] = ()
) -> None:
    """Write ``manifest.json``: name, size and sha256 of every file but logs, benchmarks and the manifest itself.

    ``belongs`` tells of a file's name below the run's folder whether it is part of the run as it is configured now;
    what an earlier configuration left is not named. Files that hold measured time or name the machine are marked,
    since they differ between equal runs; so are the PDFs and notebooks of ``measured_pages``, which show it.
    """
    if not run.is_dir():
        raise WatchtimeError(f"{run}: the run's folder does not exist.")
    files = {}
    for path in sorted(run.rglob("*")):
        name = path.relative_to(run)
        if not path.is_file() or name.parts[0] in LEFT_OUT or name.name.startswith(".") or str(name) == "manifest.json":
            continue
        if not belongs(name):
            continue
        files[str(name)] = {
            "bytes": path.stat().st_size,
            "sha256": file_hash(intact(path)),
            "varies": path.name in MEASURED_TIME or (name.parts[0] in PAGES and page_name(name) in measured_pages),
        }
    write_json(run / "manifest.json", {"run": run.name, "files": files})
