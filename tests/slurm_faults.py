"""Faults in runs on a real Slurm cluster: what is killed, what goes on by itself, and whether results stay the same.

    python tests/slurm_faults.py [--faults 20] [--seed 1] [--folder FOLDER]

runs the smallest configuration undisturbed on this machine, then through `profiles/slurm` on a loopback cluster, where
it kills processes at random moments, as often as `--faults` says. What Slurm and Snakemake do not mend is started again
with the commands of the README. The exit status is 0 if every run ended with the manifest of the undisturbed one, and a
record of every file.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from loopback_cluster import LoopbackCluster, loopback_cluster, missing
from project import Project

CONFIGURATION = {"methods": ["training_constant", "vr/paper"]}
# Faults are so many seconds apart, and a killed daemon is away for so many.
SECONDS_BETWEEN, SECONDS_AWAY = (3.0, 20.0), (1.0, 6.0)
# A run in which nothing has happened for so long has forgotten a job.
SECONDS_TO_HANG = 150.0
# So many more starts than faults mean that no start helps.
STARTS_TO_SPARE = 5
SLURM = ["--profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "1"]


@dataclass
class Fault:
    """One killed process, and what it took to go on."""

    kind: str
    started_again: bool = False


class FaultyRuns:
    """Runs of one project on a cluster, disturbed until ``faults`` processes were killed."""

    def __init__(self, project: Project, cluster: LoopbackCluster, faults: int, draw: random.Random) -> None:
        self.project, self.cluster, self.draw = project, cluster, draw
        self.kill: dict[str, Callable[[], bool]] = {
            "process of a job": self._kill_job,
            "slurmd": lambda: self._kill_daemon("slurmd"),
            "slurmctld": lambda: self._kill_daemon("slurmctld"),
            "snakemake": self._kill_snakemake,
        }
        kinds = [*self.kill] * math.ceil(faults / len(self.kill))
        draw.shuffle(kinds)
        self.planned, self.done = kinds[:faults], list[Fault]()
        self.log = project.root / "cluster.log"
        self.snakemake: subprocess.Popen[bytes]
        self.begun = time.monotonic()

    def run(self) -> None:
        """Run from nothing to the manifest, with faults on the way."""
        for name in ("results", "data"):
            shutil.rmtree(self.project.root / name, ignore_errors=True)
        self._start()
        starts, since = 1, len(self.done)
        while (status := self._ended_within(self.draw.uniform(*SECONDS_BETWEEN))) != 0:
            blamed = self.done[since:]
            if status is not None:
                self.say(f"snakemake has ended with {status}")
            elif self._has_hung():
                self.say("nothing happens any more")
                self._kill_snakemake()
            elif self._disturb() == "snakemake":
                blamed = self.done[-1:]
            else:
                continue
            for fault in blamed:
                fault.started_again = True
            starts, since = starts + 1, len(self.done)
            if starts > len(self.done) + STARTS_TO_SPARE:
                raise TimeoutError(f"{self.log}: no manifest after {starts - 1} starts.")
            self._start_again()

    def say(self, what: str) -> None:
        print(f"{time.monotonic() - self.begun:6.0f} s  {what}", flush=True)

    def _start(self) -> None:
        self.say("snakemake started")
        command = [sys.executable, "-m", "snakemake", *SLURM, "--configfile", "config/tiny.yaml"]
        with self.log.open("ab") as log:
            self.snakemake = subprocess.Popen(
                command, cwd=self.project.root, env=self.project.environment(), stdout=log, stderr=log
            )

    def _start_again(self) -> None:
        """What the README says of a run that has ended before its time."""
        # So long does it take to type; what a killed Snakemake was about to submit is in the queue by then.
        time.sleep(2)
        if self.cluster.resume_node():
            self.say("the node was drained, its administrator resumes it")
        command = ["profiles/slurm/clear", "--configfile", "config/tiny.yaml"]
        subprocess.run(
            command, cwd=self.project.root, env=self.project.environment(), check=True, timeout=300, capture_output=True
        )
        self._start()

    def _ended_within(self, seconds: float) -> int | None:
        """Return the exit status of Snakemake, None if it still runs."""
        try:
            return self.snakemake.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def _disturb(self) -> str | None:
        """Kill what is next, if anything is; return what it was."""
        if not self.planned or not self.kill[self.planned[0]]():
            return None
        self.done.append(Fault(self.planned.pop(0)))
        self.say(f"killed: {self.done[-1].kind}")
        return self.done[-1].kind

    def _kill_job(self) -> bool:
        """Kill one process of a running job, be it Snakemake's own or the step's; there may be none just now."""
        processes = self.cluster.processes()
        if not processes:
            return False
        try:
            os.kill(self.draw.choice(processes), signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def _kill_daemon(self, name: str) -> bool:
        self.cluster.kill(name)
        time.sleep(self.draw.uniform(*SECONDS_AWAY))
        self.cluster.revive(name)
        return True

    def _kill_snakemake(self) -> bool:
        self.snakemake.kill()
        self.snakemake.wait()
        return True

    def _has_hung(self) -> bool:
        """Whether neither Snakemake nor a job has written anything for long."""
        written = [self.log, *(self.project.root / "results").rglob("*")]
        return time.time() - max(path.stat().st_mtime for path in written if path.exists()) > SECONDS_TO_HANG

    def table(self) -> str:
        """Return how many faults of each kind there were, and after how many the run went on by itself."""
        lines = ["killed             times  went on by itself  started again"]
        for kind in self.kill:
            faults = [fault for fault in self.done if fault.kind == kind]
            again = sum(fault.started_again for fault in faults)
            lines.append(f"{kind:<17} {len(faults):>6} {len(faults) - again:>18} {again:>14}")
        return "\n".join(lines)


def unrecorded(project: Project) -> list[str]:
    """Return the files that Snakemake has no record of, so that it would not see when their code or settings change."""
    summary = project.snakemake("--summary", "--configfile", "config/tiny.yaml").stdout
    rows = [line.split("\t") for line in summary.splitlines()[1:]]
    return [row[0] for row in rows if row[3] == "-"]


def hashes(project: Project) -> dict[str, str | None]:
    """Return the files of the run's manifest with their hashes, None for those that hold measured time."""
    files = json.loads((project.root / "results" / "tiny" / "manifest.json").read_text())["files"]
    return {name: None if about["varies"] else about["sha256"] for name, about in files.items()}


def differing(one: dict[str, str | None], other: dict[str, str | None]) -> list[str]:
    return sorted(name for name in one.keys() | other.keys() if one.get(name, "") != other.get(name, ""))


def undisturbed(root: Path) -> dict[str, str | None]:
    """Return the hashes of a run on this machine, without a cluster."""
    project = Project.copied(root)
    result = project.snakemake("--configfile", str(project.configure(**CONFIGURATION)), "--cores", "2")
    if result.returncode != 0:
        sys.exit(result.stderr[-4000:])
    return hashes(project)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the projects are copied to (a temporary folder)")
    given = parser.parse_args()
    if (reason := missing()) is not None:
        sys.exit(f"No cluster can be started here: {reason}.")
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        sys.exit("Snakemake's executor for Slurm is not installed: pip install --editable '.[slurm]'.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory() as temporary, loopback_cluster() as cluster:
        os.environ.update(cluster.environment())
        folder = given.folder or Path(temporary)
        expected = undisturbed(folder / "undisturbed")
        project = Project.copied(folder / "disturbed")
        project.configure(**CONFIGURATION)
        runs, count, different = FaultyRuns(project, cluster, given.faults, random.Random(given.seed)), 0, set[str]()
        while runs.planned:
            runs.run()
            found = [*differing(expected, hashes(project)), *unrecorded(project)]
            count, different = count + 1, different | set(found)
            runs.say(f"a run has ended, its manifest is {'another: ' + ', '.join(found) if found else 'the same'}")
    print(
        f"\n{runs.table()}\n\n{count} runs of {len(expected)} files, {len(different)} of them different or unrecorded"
    )
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
