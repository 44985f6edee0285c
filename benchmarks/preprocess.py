"""Rows per second and peak memory from raw files to split and encoded columns, at the size of the official files.

`python benchmarks/preprocess.py [kuairec | criteo_ssc | valued_shoppers] [--rows N] [--folder PLACE]`. Synthetic raw
files are written below PLACE (by default a temporary folder; up to 10 GB) and removed afterwards. They are written, and
each step runs, in a fresh process, so that its peak memory is its own: Linux hands that of a process on to those that
it starts. Steps use two cores. Without --rows, Valued Shoppers has 50 million of its 350 million rows, and half of them
once more, for the extrapolation.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import large_raw_files
from large_raw_files import SIZES

PROTOCOLS = {"kuairec": "random_811", "criteo_ssc": "random_712", "valued_shoppers": "random_712"}
FULL = {"valued_shoppers": 349_655_789}
STEPS = ("interactions", "split", "encode")
CORES = 2


def measure(step: str, dataset: str, raw: Path, output: Path) -> None:
    """Run one step as `watchtime` does and print its seconds and its peak memory in MiB."""
    from watchtime.core.catalog import Catalog, find_root
    from watchtime.datasets import prepare

    catalog = Catalog.load(find_root())
    card, protocol = catalog.datasets[dataset].under({}), catalog.protocols[PROTOCOLS[dataset]]
    part = output / "part.npy"
    start = time.perf_counter()
    if step == "interactions":
        prepare.prepare_interactions(dataset, raw, card.read_options({}), card.rules, card, output)
    elif step == "split":
        prepare.prepare_split(output / "interactions.parquet", protocol, None, card, 1, part, output / "split.json")
    else:
        prepare.prepare_encoding(output, part, card, output / "encoded")
    seconds = time.perf_counter() - start
    # Linux counts in KiB, macOS in bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    print(f"{seconds} {peak}")


def report(dataset: str, rows: int, place: Path) -> tuple[float, float]:
    """Write raw files, run all steps, print a line for each, and return the seconds and the highest peak in MiB."""
    raw, output = place / "raw", place / "output"
    writer = [sys.executable, large_raw_files.__file__, dataset, str(raw), "--rows", str(rows)]
    subprocess.run(writer, check=True)
    size = sum(path.stat().st_size for path in raw.rglob("*") if path.is_file())
    print(f"{dataset}: {rows:,} rows, {size / 1e9:.2f} GB of raw files")
    seconds, peaks = [], []
    environment = {**os.environ, "POLARS_MAX_THREADS": str(CORES), "OMP_NUM_THREADS": "1"}
    for step in STEPS:
        command = [sys.executable, __file__, "--measure", step, dataset, str(raw), str(output)]
        printed = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.split()
        seconds.append(float(printed[0]))
        peaks.append(float(printed[1]))
        print(f"  {step:<14} {seconds[-1]:8.1f} s {rows / seconds[-1]:12,.0f} rows/s {peaks[-1]:8.0f} MiB", flush=True)
    print(f"  {'together':<14} {sum(seconds):8.1f} s {rows / sum(seconds):12,.0f} rows/s {max(peaks):8.0f} MiB")
    return sum(seconds), max(peaks)


def extrapolate(dataset: str, rows: int, place: Path) -> None:
    """Measure half the rows and all of them, and print what a straight line says of the official file."""
    (half, low), (whole, high) = (report(dataset, count, place) for count in (rows // 2, rows))
    steps = (FULL[dataset] - rows) / (rows - rows // 2)
    print(
        f"{dataset}: twice the rows take {whole / half:.2f} times as long and {high / low:.2f} times the memory; "
        f"{FULL[dataset]:,} rows would take {(whole + steps * (whole - half)) / 60:.0f} min "
        f"and {(high + steps * max(high - low, 0.0)) / 1024:.1f} GiB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="*", help=f"of {', '.join(SIZES)}; all by default")
    parser.add_argument("--rows", type=int, help="instead of the official number")
    parser.add_argument("--folder", type=Path, help="where the files go while they are needed")
    options = parser.parse_args()
    for dataset in options.datasets or SIZES:
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            rows = options.rows or SIZES[dataset]
            (extrapolate if dataset in FULL else report)(dataset, rows, Path(name))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], sys.argv[3], Path(sys.argv[4]), Path(sys.argv[5]))
    else:
        main()
