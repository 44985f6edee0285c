"""What jobs of each rule took in finished runs, as the lines of `workflow/resources.yaml`.

    python benchmarks/rule_resources.py results/demo results/large

reads, in the folder in which they were made, what Snakemake's `benchmark:` files hold: peak memory in MiB, sampled
twice a second, and seconds. The first run is small: its greatest values are what a job takes whatever its input. What
jobs of the others took beyond that, divided by their input, is what every MiB adds. A run to compare with:

    snakemake --cores 2 --configfile benchmarks/large.yaml
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
    """Return the rule's line: its greatest values in the small run, and by how much they grew with the input.

    Where there is no input to grow with, those of all runs.
    """
    base = [*small, *(job for job in large if not small or not job.input)]
    values: dict[str, float] = {}
    for what in ("memory", "seconds"):
        values[what] = math.ceil(max(getattr(job, what) for job in base))
        sizes = [(job, job.input * (job.passes if what == "seconds" else 1)) for job in large if job.input]
        growth = max(((getattr(job, what) - values[what]) / size for job, size in sizes), default=0.0)
        if growth > 0.001:
            values[f"{what}_per_input"] = math.ceil(1000 * growth) / 1000
    return f"{rule}: {{{', '.join(f'{name}: {value:g}' for name, value in values.items())}}}"


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
