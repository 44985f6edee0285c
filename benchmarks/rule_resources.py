"""What jobs of each rule took in finished runs, as the lines of `workflow/resources.yaml`.

    python benchmarks/rule_resources.py results/demo results/large results/large_files

reads, in the folder in which they were made, what Snakemake's `benchmark:` files hold: peak memory in MiB, sampled
twice a second, and seconds. The first run is small: its greatest values are what a job takes whatever its input. Those
of the others count at their input: memory lies on straight lines between them and goes on beyond them; time is what
every MiB adds. Runs to compare with:

    snakemake --cores 2 --configfile benchmarks/large.yaml
    benchmarks/large_files.yaml, whose head says how its files are made
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from watchtime.core import pages
from watchtime.core.catalog import find_root
from watchtime.core.envelope import envelope
from watchtime.core.job import JobSpec
from watchtime.core.plan import Plan


@dataclass(frozen=True)
class Job:
    rule: str
    memory: float
    seconds: float
    input: float
    """MiB, 0 where the rule has none to grow with."""
    passes: int
    """How often it went through its input."""

    @property
    def read(self) -> float:
        """MiB in all."""
        return self.input * self.passes


def jobs(run: Path) -> Iterator[Job]:
    """Give every job of a run whose benchmark is there."""
    plan, folder = Plan.load(run / "config.yaml", find_root()), run / "benchmarks"
    for path in sorted(folder.rglob("*.jsonl")):
        rule, *parts = path.relative_to(folder).with_suffix("").parts
        took = json.loads(path.read_text().splitlines()[-1])
        if not isinstance(took["max_rss"], float):
            continue
        passes = _passes(plan.jobs["/".join(parts)]) if rule == "train" else 1
        yield Job(rule, took["max_rss"], took["s"], _mebibytes(_inputs(plan, rule, parts)), passes)


def _inputs(plan: Plan, rule: str, parts: list[str]) -> list[Path]:
    """Return the files and folders that a job's memory and time grow with, by what its benchmark file is called."""
    data = plan.folder.joinpath("data", *parts[:1])
    if rule == "interactions":
        return [plan.raw_folder(parts[0])]
    if rule == "split":
        return [data / "interactions.parquet"]
    if rule == "encode":
        return [*data.glob("*.parquet")]
    if rule in ("codec", "train"):
        return [data / parts[2] / "encoded"]
    if rule == "analyse":
        return pages.analysis_inputs(plan, "/".join(parts))
    return pages.page_inputs(plan, "/".join(parts)) if rule in ("artifact", "paper") else []


def _mebibytes(paths: list[Path]) -> float:
    files = [file for path in paths for file in (path.rglob("*") if path.is_dir() else [path])]
    return sum(file.stat().st_size for file in files) / 2**20


def _passes(spec: JobSpec) -> int:
    return spec.training.epochs * spec.repetitions * (1 + spec.search_trials)


def line(rule: str, small: list[Job], large: list[Job]) -> str:
    """Return the rule's line: memory by MiB of input, seconds, and what every MiB adds to them.

    The small run's memory stands at 0. Time grows as that of the jobs that read more than any of the small run, but for
    what its shortest job took: processes start, and files are opened.
    """
    memory = envelope(
        [*((0, math.ceil(job.memory)) for job in small), *((int(job.input), math.ceil(job.memory)) for job in large)]
    )
    shortest = min((job.seconds for job in small), default=0.0)
    most = max((job.read for job in small), default=0.0)
    rates = [(job.seconds - shortest) / job.read for job in large if job.read > most]
    growth = max(rates, default=0.0)
    said = [
        f"memory: {{{', '.join(f'{place}: {taken}' for place, taken in memory.items())}}}",
        f"seconds: {math.ceil(max(job.seconds for job in small or large))}",
        *([f"seconds_per_input: {math.ceil(1000 * growth) / 1000:g}"] if growth > 0.001 else []),
    ]
    return f"{rule}: {{{', '.join(said)}}}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("small", type=Path)
    parser.add_argument("large", type=Path, nargs="*")
    given = parser.parse_args()
    small, large = list(jobs(given.small)), [job for run in given.large for job in jobs(run)]
    for rule in dict.fromkeys(job.rule for job in [*small, *large]):
        print(line(rule, *([job for job in some if job.rule == rule] for some in (small, large))))


if __name__ == "__main__":
    main()
