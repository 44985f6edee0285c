"""How near every method comes to the known distribution of a simulated log as the log grows.

    python benchmarks/growth.py [--rows 10000 30000 90000] [--size tiny] [--methods tpm/paper gr/paper]

One run of the workflow per number of rows, ``results/growth_<size>_<rows>``, of the same users, items and days; what
has run before is not run again. Per method and readout, means over repetitions on the test rows:

* ``mean``, ``median``, ``rank``: the root mean square distance to the oracle's readout of the same name, in seconds,
  or in shares of the training rows for ``rank``;
* other readouts, of which there is no oracle: how far the mean absolute error is above that of the oracle's median;
* strict XAUC, which is highest for the oracle's ``rank``.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from watchtime.core.catalog import find_root
from watchtime.core.config import DatasetSource, RunConfig, SimulatorSettings, to_yaml
from watchtime.core.files import write_text
from watchtime.core.job import JobSpec
from watchtime.core.plan import Plan
from watchtime.evaluation.xauc import xauc

DATASET, PROTOCOL = "kuairand_pure", "random_622"
ORACLES = ("mean", "median", "rank")
Row = tuple[str, str, str]


def finished(rows: int, size: str, methods: list[str], cores: str) -> Plan:
    """Run the workflow on a log of ``rows`` rows and return its plan."""
    config = RunConfig(
        name=f"growth_{size}_{rows}",
        datasets={DATASET: DatasetSource(simulator=SimulatorSettings(rows=rows))},
        protocols=[PROTOCOL],
        size=size,
        methods=["oracle", *methods],
        artifacts=[],
        repetitions=3,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        write_text(path, to_yaml(config))
        subprocess.run(["snakemake", "--quiet", "--cores", cores, "--configfile", str(path), "--", "all"], check=True)
        return Plan.load(path, find_root())


def distances(plan: Plan) -> dict[Row, float]:
    """Return the numbers of one run under (method/variant, readout, measure)."""
    predictions = {
        key: pl.read_parquet(plan.job_folder(spec) / "predictions.parquet") for key, spec in plan.jobs.items()
    }
    oracle = next(predictions[key] for key, spec in plan.jobs.items() if spec.family == "oracle")
    return {
        (f"{spec.method}/{spec.variant}", readout, measure): value
        for key, spec in plan.jobs.items()
        for readout in spec.readouts
        for measure, value in _measured(predictions[key], spec, readout, oracle).items()
    }


def _measured(predictions: pl.DataFrame, spec: JobSpec, readout: str, oracle: pl.DataFrame) -> dict[str, float]:
    target = predictions["target"].to_numpy()
    columns = [predictions[f"{readout}.{one}"].to_numpy() for one in range(spec.repetitions)]
    order = float(np.mean([xauc(target, one) for one in columns]))
    if readout in ORACLES:
        best = oracle[f"{readout}.0"].to_numpy()
        return {"distance": float(np.mean([np.sqrt(np.mean((one - best) ** 2)) for one in columns])), "XAUC": order}
    least = np.abs(oracle["median.0"].to_numpy() - target).mean()
    return {"MAE above": float(np.mean([np.abs(one - target).mean() for one in columns]) - least), "XAUC": order}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="*", type=int, default=[10_000, 30_000, 90_000])
    parser.add_argument("--size", default="tiny", choices=["tiny", "small", "paper"])
    parser.add_argument(
        "--methods",
        nargs="*",
        metavar="METHOD[/VARIANT]",
        default=["tpm/paper", "cread/paper", "ordinal_regression/paper", "ptpm/paper", "gr/paper", "rqreg/paper"],
    )
    parser.add_argument("--cores", default="all")
    asked = parser.parse_args()
    runs = [distances(finished(rows, asked.size, asked.methods, asked.cores)) for rows in asked.rows]
    print(f"{'method':28} {'readout':11} {'measure':10}", *(f"{rows:>10,}" for rows in asked.rows))
    for row in runs[0]:
        method, readout, measure = row
        print(f"{method:28} {readout:11} {measure:10}", *(f"{run[row]:10.4f}" for run in runs))


if __name__ == "__main__":
    main()
