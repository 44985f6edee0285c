"""One undisturbed run for all faults, and copies of it to disturb."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import disks
from project import METRICS, Project
from survivors import contents


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep all faults in one process, where they share the undisturbed run."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group("faults"))


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project with a finished run, which nobody changes."""
    project = Project.copied(tmp_path_factory.mktemp("undisturbed") / "clone")
    result = project.snakemake(METRICS, "--configfile", str(project.configure()), "--cores", "2")
    assert result.returncode == 0, result.stderr
    return project


@pytest.fixture(scope="session")
def expected(undisturbed: Project) -> dict[str, str]:
    """The contents of the undisturbed run."""
    return contents(undisturbed.root)


@pytest.fixture
def finished(undisturbed: Project, tmp_path: Path) -> Project:
    """A copy of the finished run."""
    shutil.copytree(undisturbed.root, tmp_path / "clone", copy_function=shutil.copy2)
    return Project(tmp_path / "clone")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own, where this user may mount one."""
    with disks.mounted(tmp_path / "disk", megabytes=64) as place:
        yield place
