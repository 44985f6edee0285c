"""Seconds and peak memory of exact XAUC and XGAUC for 2,500,000 rows on one core: `python benchmarks/xauc.py`.

Each case runs in a fresh process, so that its peak memory is its own (with numpy and the input arrays).
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time

ROWS = 2_500_000
USERS = 25_000
CASES = {
    "continuous": "XAUC strict, no ties",
    "ties": "XAUC strict, whole seconds and 100 distinct predictions",
    "row_order": "XAUC tpm, whole seconds and 100 distinct predictions",
    "users": f"XGAUC strict, whole seconds, {USERS:,} users",
}


def measure(case: str) -> None:
    import numpy as np

    from watchtime.evaluation.xauc import xauc
    from watchtime.evaluation.xgauc import xgauc

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    generator = np.random.default_rng(0)
    target = generator.exponential(20.0, ROWS)
    prediction = target + generator.exponential(60.0, ROWS)
    user = generator.integers(0, USERS, ROWS)
    if case != "continuous":
        target = np.floor(target)
    if case in ("ties", "row_order"):
        prediction = np.floor(np.minimum(prediction, 396.0) / 4.0)
    start = time.perf_counter()
    if case == "users":
        value = xgauc(target, prediction, user).value
    else:
        value = xauc(target, prediction, "tpm" if case == "row_order" else "strict")
    seconds = time.perf_counter() - start
    # Linux counts in KiB, macOS in bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    print(f"{CASES[case]:<56} {value:.6f} {seconds:8.2f} s {peak:8.0f} MiB", flush=True)


def main() -> None:
    print(f"{ROWS:,} rows")
    for case in CASES:
        subprocess.run([sys.executable, __file__, case], check=True)


if __name__ == "__main__":
    measure(sys.argv[1]) if len(sys.argv) == 2 else main()
