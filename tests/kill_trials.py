"""Kills runs at random moments with SIGKILL, resumes them, and compares every byte with an undisturbed run.

``python tests/kill_trials.py --trials 50`` prints a table; its exit status is 1 where any run did not survive.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from project import METRICS, Project
from survivors import contents, unfinished

TARGETS = (METRICS, "results/tiny/reports/across_papers.pdf")
METHODS = ["training_constant/median", "vr/paper"]
# Snakemake waits so long after its last job.
QUICKLY = ("--max-jobs-per-timespan", "500/1s")
VICTIMS = ("everything", "snakemake alone", "one job")
MOST_STARTS = 3


@dataclass(frozen=True)
class Trial:
    """Who was killed how many seconds after the start, how often the run was started, and what differs in the end."""

    victim: str
    seconds: float
    starts: int
    wrong: list[str]


class Trials:
    """Trials of one workflow, each in a folder of its own below ``root``."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root, self.seed = root, seed
        self.project = Project.copied(root / "clone")
        config = str(self.project.configure(methods=METHODS))
        self.arguments = [*TARGETS, "--configfile", config, "--cores", "2", *QUICKLY]
        started = time.monotonic()
        self._resume(root / "undisturbed", 1)
        self.seconds = time.monotonic() - started
        self.undisturbed = contents(root / "undisturbed")

    def trials(self, count: int) -> Iterator[Trial]:
        """Yield what became of every run."""
        for number in range(count):
            yield self._trial(self.root / f"trial-{number}", random.Random(f"{self.seed}/{number}"))

    def _trial(self, folder: Path, draws: random.Random) -> Trial:
        victim = draws.choice(VICTIMS)
        while (moment := self._killed(folder, victim, draws)) is None:
            shutil.rmtree(folder)
        starts = self._resume(folder, MOST_STARTS)
        found = contents(folder)
        names = sorted(found.keys() | self.undisturbed.keys())
        wrong = [name for name in names if found.get(name) != self.undisturbed.get(name)] + unfinished(folder)
        if not wrong:
            shutil.rmtree(folder)
        return Trial(victim, moment, 1 + starts, wrong)

    def _killed(self, folder: Path, victim: str, draws: random.Random) -> float | None:
        """Start a run and kill the victim at a random moment; None where the run ended before."""
        started = time.monotonic()
        moment = draws.uniform(0, self.seconds)
        first = self.project.started(*self.arguments, folder=folder, quiet=True)
        main = psutil.Process(first.pid)
        with suppress(subprocess.TimeoutExpired):
            first.wait(moment)
        while first.poll() is None:
            victims = list(_victims(main, victim, draws))
            for one in victims:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            if victims:
                moment = time.monotonic() - started
                first.wait()
                return moment
            time.sleep(0.01)
        return None

    def _resume(self, folder: Path, most: int) -> int:
        """Start the run until it ends, and return how often that was."""
        for start in range(1, most + 1):
            result = self.project.snakemake(*self.arguments, folder=folder)
            if result.returncode == 0:
                return start
        raise RuntimeError(f"{folder}: the run does not end after {most} starts:\n{result.stderr}")


def _victims(main: psutil.Process, victim: str, draws: random.Random) -> Iterator[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        if victim == "snakemake alone":
            yield main
            return
        if victim == "everything":
            main.suspend()
            yield from [main, *main.children(recursive=True)]
            return
        jobs = [one for one in main.children(recursive=True) if _is_job(one)]
        if jobs:
            yield draws.choice(jobs)


def _is_job(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return any(Path(word).name == "watchtime" for word in process.cmdline()[:2])
    return False


def table(trials: list[Trial]) -> str:
    """Return one line per victim: trials, survivals, and how often runs were started in all."""
    lines = ["| killed | trials | survived | starts |", "|---|---|---|---|"]
    for victim in (*VICTIMS, "all"):
        chosen = [one for one in trials if victim in (one.victim, "all")]
        survived = sum(not one.wrong for one in chosen)
        lines.append(f"| {victim} | {len(chosen)} | {survived} | {sum(one.starts for one in chosen)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kill-trials-") as folder:
        made = Trials(Path(folder), options.seed)
        print(f"undisturbed: {made.seconds:.1f} s, {len(made.undisturbed)} files", flush=True)
        done = []
        for number, one in enumerate(made.trials(options.trials), 1):
            done.append(one)
            end = f"differs: {', '.join(one.wrong)}" if one.wrong else "same bytes"
            print(f"{number}: {one.victim} at {one.seconds:.1f} s, {one.starts} starts: {end}", flush=True)
    print(table(done))
    sys.exit(any(one.wrong for one in done))


if __name__ == "__main__":
    main()
