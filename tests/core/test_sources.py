"""Which source files a step depends on: all that it imports from this package, and no more."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from watchtime.core import sources
from watchtime.core.catalog import Catalog, find_root
from watchtime.core.sources import PACKAGE, exists, source_files

METHODS = list(Catalog.load(find_root()).methods)


def closure(*modules: str) -> set[str]:
    """Return the files of the modules' closure, relative to the package."""
    return {str(path.resolve().relative_to(PACKAGE)) for path in source_files(*modules)}


def job(method: str) -> set[str]:
    return closure("training.job", f"methods.{method}")


@pytest.mark.parametrize("method", METHODS)
def test_a_method_depends_on_its_own_file_and_on_no_other_method(method: str) -> None:
    others = {f"methods/{other}.py" for other in METHODS if other != method}
    assert f"methods/{method}.py" in job(method)
    assert not job(method) & others


@pytest.mark.parametrize("method", METHODS)
def test_a_method_depends_on_all_that_training_uses(method: str) -> None:
    assert closure("training.job") <= job(method)
    assert {"training/engine.py", "methods/base.py", "datasets/encoded.py", "core/seeds.py"} <= job(method)


def test_what_python_really_imports_is_in_the_closure() -> None:
    """A fresh interpreter imports nothing else of this package, apart from packages, which are empty."""
    code = (
        "import sys, watchtime.training.job, watchtime.methods.tpm\n"
        "print(*[m.__file__ for name, m in sys.modules.items() if name.startswith('watchtime')])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = {str(Path(file).resolve().relative_to(PACKAGE)) for file in printed.split()}
    assert {file for file in loaded if not file.endswith("__init__.py")} <= job("tpm")


def test_training_does_not_depend_on_reports_and_the_command_line() -> None:
    assert not any(
        file.startswith("reporting/") or file in ("cli.py", "listing.py") for file in closure("training.job")
    )


def test_data_do_not_depend_on_methods_labels_and_training() -> None:
    files = closure("steps", "datasets.kuairand_pure")
    assert "datasets/prepare.py" in files
    assert not any(file.startswith(("methods/", "labels/", "training/", "evaluation/", "encoders/")) for file in files)


def test_the_codec_step_depends_on_its_own_codec_only() -> None:
    files = closure("labels.fitting", "labels.quantile_tree")
    assert {"labels/storage.py", "labels/quantile_tree.py"} <= files
    assert not {"labels/scaled.py", "labels/duration_quantiles.py"} & files


def test_no_file_of_the_package_imports_relatively() -> None:
    """Relative imports would escape the closure."""
    for path in PACKAGE.rglob("*.py"):
        levels = [node.level for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        assert not any(levels), path


def test_packages_import_nothing() -> None:
    for path in PACKAGE.rglob("__init__.py"):
        assert len(ast.parse(path.read_text()).body) == 1, f"{path}: a docstring and nothing else"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of its own in place of this one."""
    files = {
        "core/__init__.py": "",
        "core/base.py": "",
        "core/names.py": "import os\nfrom watchtime.core import base\n",
        "methods/__init__.py": "",
        "methods/one.py": "from watchtime.core.names import something\n",
        "methods/two.py": "import watchtime.methods.one as first\n",
        "methods/late.py": "def f():\n    from watchtime.core.base import x\n",
        "methods/round.py": "from watchtime.methods import trip\n",
        "methods/trip.py": "from watchtime.methods import round\n",
        "methods/text.py": "'import watchtime.core.base'\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(sources, "PACKAGE", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("methods.one", ["core/__init__.py", "core/base.py", "core/names.py", "methods/one.py"]),
        ("methods.two", ["core/__init__.py", "core/base.py", "core/names.py", "methods/one.py", "methods/two.py"]),
        ("methods.late", ["core/base.py", "methods/late.py"]),
        ("methods.round", ["methods/__init__.py", "methods/round.py", "methods/trip.py"]),
        ("methods.text", ["methods/text.py"]),
    ],
)
def test_the_closure_of_a_small_package(package: Path, module: str, expected: list[str]) -> None:
    assert source_files(module) == [Path(file) for file in expected]


def test_a_closure_lists_every_file_once_in_order(package: Path) -> None:
    files = source_files("methods.two", "methods.one", "methods.two")
    assert files == sorted(set(files))


def test_a_module_exists_where_its_file_does(package: Path) -> None:
    assert exists("methods.one")
    assert exists("methods")
    assert not exists("methods.three")
    assert not exists("nowhere.one")
