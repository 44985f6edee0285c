"""A copy of the project in which its commands run as a user would run them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import yaml

from watchtime.core.catalog import find_root

CONFIG = {
    "name": "tiny",
    "datasets": {"kuairand_pure": {"simulator": {"rows": 2000, "users": 100, "items": 80}}},
    "tasks": ["watch_time"],
    "methods": ["training_constant", "vr/paper", "vr/released"],
    "artifacts": [],
    "repetitions": 2,
    "settings": {"vr": {"training": {"epochs": 2}}},
}
METRICS = "results/tiny/metrics.parquet"
JOB = re.compile(r"^(?:local)?rule (\w+):\n(?: {4}(?!wildcards).*\n)*(?: {4}wildcards: (.*)\n)?", flags=re.MULTILINE)


def with_rows(root: Path, paper: str, artifact: str, rows: dict[str, dict[str, str]]) -> None:
    """Give the folder ``root`` the project's catalogue and templates, with other rows of one artifact."""
    if (source := find_root()) != root:
        for name in ("config", "reports"):
            shutil.copytree(source / name, root / name)
    path = root / "config" / "papers" / f"{paper}.yaml"
    card = yaml.safe_load(path.read_text())
    card["artifacts"][artifact]["rows"] = rows
    path.write_text(yaml.safe_dump(card, sort_keys=False))


class Project:
    """A copy of the project in which `snakemake` runs as a user would run it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def copied(cls, root: Path) -> Project:
        """Copy what a run needs into the new folder ``root``."""
        for name in ("src", "config", "workflow", "profiles", "reports"):
            shutil.copytree(find_root() / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(find_root() / "Snakefile", root)
        return cls(root)

    def snakemake(self, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run snakemake in the project, or with ``--directory folder`` as its working folder."""
        words = self.words(*arguments, folder=folder)
        return subprocess.run(words, cwd=self.root, env=self.environment(), capture_output=True, text=True)

    def started(self, *arguments: str, folder: Path | None = None, quiet: bool = False) -> subprocess.Popen[str]:
        """Start snakemake as a terminal does, in a group of processes of its own; what it says is in ``stderr``."""
        return subprocess.Popen(
            self.words(*arguments, folder=folder),
            cwd=self.root,
            env=self.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if quiet else subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def words(self, *arguments: str, folder: Path | None = None) -> list[str]:
        place = [] if folder is None else ["--directory", str(folder)]
        return [sys.executable, "-m", "snakemake", *arguments, "--snakefile", str(self.root / "Snakefile"), *place]

    def step(self, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a watchtime command in the project, or in another working folder."""
        command = [sys.executable, "-m", "watchtime", *arguments]
        place = folder or self.root
        return subprocess.run(command, cwd=place, env=self.environment(), capture_output=True, text=True)

    @staticmethod
    def training(run: subprocess.Popen[str]) -> psutil.Process:
        """Wait until a run that was ``started`` trains, and return a training's process."""
        while run.poll() is None:
            with suppress(psutil.Error):
                for one in psutil.Process(run.pid).children(recursive=True):
                    if one.cmdline()[1:3] == [
                        shutil.which("watchtime", path=str(Path(sys.executable).parent)),
                        "train",
                    ]:
                        return one
            time.sleep(0.02)
        raise AssertionError("no training was started")

    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        return {**os.environ, "PATH": path, "PYTHONPATH": str(self.root / "src"), "OMP_NUM_THREADS": "1"}

    def configure(self, **changes: object) -> Path:
        path = self.root / "config" / "tiny.yaml"
        path.write_text(yaml.safe_dump({**CONFIG, **changes}))
        return path

    def planned(self, target: str = METRICS, **changes: object) -> list[str]:
        """Return the jobs of a dry run in order of their names, such as ``train vr/paper``."""
        result = self.snakemake(target, "--configfile", str(self.configure(**changes)), "--dry-run")
        assert result.returncode == 0, result.stderr
        text = result.stdout + result.stderr
        jobs = JOB.findall(text)
        assert bool(jobs) != ("Nothing to be done" in text)
        return sorted(" ".join([rule, *_shown(wildcards)]) for rule, wildcards in jobs)


def _shown(wildcards: str) -> list[str]:
    values = dict(pair.split("=") for pair in wildcards.split(", ")) if wildcards else {}
    if "method" in values:
        return [f"{values['method']}/{values['variant']}"]
    return [values["codec"].rsplit("-", 1)[0]] if "codec" in values else []
