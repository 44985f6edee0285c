"""What a run does before its first job: its folder is held, and what killed processes left is cleared away."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from watchtime.core.files import remove_unfinished
from watchtime.core.plan import Plan
from watchtime.core.run_lock import await_jobs, hold_raw, hold_run


def start(plan: Plan, is_whole: Callable[[Path], bool]) -> None:
    """Hold the run's folder until this process ends, clear it, and write ``config.yaml``; all steps read it.

    ``is_whole`` tells of a folder of raw files that a rule makes whether it is there and will not be made anew. Jobs
    that outlived a killed Snakemake are awaited. Raises ``WatchtimeError`` where another run is at work there.
    """
    hold_run(plan.folder)
    made = [plan.raw_folder(name) for name, source in plan.config.datasets.items() if _is_made(plan, name)]
    for folder in made:
        hold_raw(folder, plan.folder, is_whole(folder))
    await_jobs(plan.folder)
    for folder in [plan.folder, *made]:
        remove_unfinished(folder)
        _no_later_than_now(folder)
    plan.write_config()


def _is_made(plan: Plan, dataset: str) -> bool:
    """Whether a rule makes the raw files of a data set."""
    return plan.is_simulated(dataset) or plan.config.datasets[dataset].download


def _no_later_than_now(folder: Path) -> None:
    """Set times that lie ahead to now: Snakemake fails a job whose input is newer than what it has just written."""
    now = time.time()
    for path in [folder, *folder.rglob("*")]:
        if path.exists() and path.stat().st_mtime > now:
            os.utime(path, (now, now))
