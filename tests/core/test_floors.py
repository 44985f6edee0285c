"""The floors of the package as CONTRIBUTING.md lists them: nothing imports what stands above it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchtime.core.catalog import find_root

ROOT = find_root()
PACKAGE = ROOT / "src" / "watchtime"
# The first list is the whole package's, the second that of its largest part.
PARTS = {"watchtime": (0, PACKAGE), "watchtime.reporting": (1, PACKAGE / "reporting")}
ENTRIES = {"__init__", "__main__"}


def floors(part: str) -> dict[str, int]:
    """Return the names of a part's modules and packages with the line of the list that they stand in, the top one 0."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Where things are")[1]
    block = re.findall(r"^```\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)[PARTS[part][0]]
    lists = [line[:25].replace(",", " ").replace("/", " ").split() for line in block.splitlines()]
    return {name: line for line, names in enumerate(lists) for name in names}


def imports(part: str) -> Iterator[tuple[Path, str, str]]:
    """Give every file of a part with the floor that it stands on and one that it imports from."""
    folder = PARTS[part][1]
    for path in sorted(folder.rglob("*.py")):
        own = path.relative_to(folder).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            if names == [part]:
                assert isinstance(node, ast.ImportFrom)
                names = [f"{part}.{alias.name}" for alias in node.names]
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            for name in names:
                if name.startswith(f"{part}."):
                    yield path, own, name.removeprefix(f"{part}.").split(".")[0]


@pytest.mark.parametrize("part", PARTS)
def test_every_module_stands_on_a_floor(part: str) -> None:
    there = {path.stem for path in PARTS[part][1].iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert set(floors(part)) == there - ENTRIES


@pytest.mark.parametrize("part", PARTS)
def test_nothing_imports_what_stands_above_it(part: str) -> None:
    floor = floors(part)
    found = [
        f"{path.relative_to(PACKAGE)} imports {other}"
        for path, own, other in imports(part)
        if own not in ENTRIES and own != other and floor[other] < floor[own]
    ]
    assert not found
