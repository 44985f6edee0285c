"""Which source files a step depends on, so that editing one method reruns that method's jobs and nothing else."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from watchtime.core.files import from_here, settings_hash
from watchtime.core.seal import file_hash

PACKAGE = Path(__file__).resolve().parents[1]


def source_files(*modules: str) -> list[Path]:
    """Return the files of the given modules (``training.job``) and of all that they import from this package."""
    return _closure([_file(module) for module in modules])


def script_sources(script: Path) -> list[Path]:
    """Return the files of this package that a script outside it imports, and of all that these import."""
    return _closure(list(_imports(script)))


def code_hash(files: Iterable[Path], below: Path = PACKAGE) -> str:
    """Return one hash of source files, of their places below a folder and their bytes.

    Rules have it as a parameter. As inputs, a hundred files of every waiting job would be looked at for every job that
    ends, and an edit that an old time hides would go unseen.
    """
    return settings_hash({str(path.resolve().relative_to(below.resolve())): _hash(path) for path in files})


def _closure(waiting: list[Path]) -> list[Path]:
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imports(path)
    return sorted(map(from_here, found))


def exists(module: str) -> bool:
    """Whether this package has the module, such as ``datasets.simulator.kuairand_pure``."""
    return _file(module).is_file()


_hash = cache(file_hash)


@cache
def _imports(path: Path) -> tuple[Path, ...]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    inside = [name.removeprefix("watchtime.") for name in sorted(names) if name.startswith("watchtime.")]
    return tuple(path for path in map(_file, inside) if path.is_file())


def _file(module: str) -> Path:
    path = PACKAGE.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
