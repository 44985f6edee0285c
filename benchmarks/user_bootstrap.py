"""Seconds of intervals over users beside those of the metrics themselves: `python benchmarks/user_bootstrap.py`.

A job of three repetitions is timed, which draws users once, for the intervals of its first repetition. The first cases
are as large as the test rows of the default run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from watchtime.evaluation.metrics import evaluate, metrics_about
from watchtime.evaluation.user_bootstrap import UserDraws

CASES = [
    ("watch_time", 8_000, 1_300),
    ("label", 4_000, 180),
    ("ltv", 6_000, 3_000),
    ("watch_time", 1_000_000, 25_000),
    ("ltv", 1_000_000, 1_000_000),
]
REPETITIONS = 3
TRIES = 20


def measure(task: str, rows: int, users: int) -> None:
    generator = np.random.default_rng(0)
    target = np.floor(generator.exponential(20.0, rows))
    prediction = target + generator.exponential(60.0, rows)
    user = generator.integers(0, users, rows) if users < rows else np.arange(rows)
    beside: dict[str, Any] = {"full_watch": target}
    if task == "label":
        beside = {"duration": target, "positive": (target > 5).astype(int)}
    count = len(np.unique(user))
    run = partial(evaluate, target, prediction, user, metrics=list(metrics_about(task)), **beside)

    def job(intervals: bool) -> None:
        draws = UserDraws(count, seed=1) if intervals else None
        for repetition in range(REPETITIONS):
            run(draws=draws if repetition == 0 else None)

    tries = TRIES if rows < 100_000 else 1
    plain, more = seconds(partial(job, False), tries), seconds(partial(job, True), tries)
    print(
        f"{task:<10} {rows:>9,} rows {users:>9,} users: metrics {plain:6.3f} s, with intervals {more:6.3f} s, "
        f"{100 * (more - plain) / plain:5.1f} % more",
        flush=True,
    )


def seconds(run: Callable[[], object], tries: int) -> float:
    """Return the least processor time of several tries."""
    found = []
    for _ in range(tries):
        start = time.process_time()
        run()
        found.append(time.process_time() - start)
    return min(found)


if __name__ == "__main__":
    for case in CASES:
        measure(*case)
