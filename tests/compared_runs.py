"""Two handmade runs that are compared, each with notebooks, an environment and a manifest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest

from handmade_run import write_run
from watchtime.core.files import write_json, write_text
from watchtime.core.manifest import write_manifest
from watchtime.differences.compared import compared
from watchtime.differences.section import Section

# nbformat has no annotations.
NBFORMAT: Any = nbformat
SQUARE = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20" fill="{}"/></svg>'


def write_compared(place: Path, name: str, *, colour: str = "#336699", printed: str = "as ever", **run: Any) -> Path:
    """Write ``results/<name>`` below ``place`` and return its folder."""
    chosen = {"methods": ["vr/paper", "d2q/paper", "training_constant"], "artifacts": [], **run}
    with working_in(place / f"folder-of-{name}"):
        write_run(Path.cwd(), **chosen)
        folder = Path("results/demo").rename(Path("results") / name).resolve()
    config = folder / "config.yaml"
    write_text(config, config.read_text(encoding="utf-8").replace("name: demo", f"name: {name}"))
    write_json(folder / "environment.json", {"code": "0123", "packages": {"numpy": "2.0"}})
    cells = [("one", f"results/{name}", printed), ("two", "draw()", SQUARE.format(colour))]
    notebook = NBFORMAT.v4.new_notebook(cells=[_cell(*cell) for cell in cells])
    write_text(folder / "notebooks" / "prowtp" / "table1.ipynb", NBFORMAT.writes(notebook))
    write_manifest(folder)
    return folder


@contextmanager
def working_in(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield


def _cell(name: str, source: str, shown: str) -> Any:
    kind = "image/svg+xml" if shown.startswith("<svg") else "text/markdown"
    output = NBFORMAT.v4.new_output("display_data", data={kind: shown})
    return NBFORMAT.v4.new_code_cell(source, id=name, outputs=[output])


def sections(first: Path, second: Path) -> dict[str, Section]:
    return {section.title: section for section in compared(first, second)}


def rename_in_manifest(folder: Path, name: str, **changes: Any) -> None:
    """Change what the manifest says of one file."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["files"][name] |= changes
    write_json(path, manifest)
