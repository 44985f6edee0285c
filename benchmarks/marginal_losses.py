"""What every network of a run learned beyond the marginal distribution of its target.

    python benchmarks/marginal_losses.py results/kuairand_pure_sample

For every network job of a finished run: the validation loss of its best epoch, mean over repetitions, beside that of
the same method trained on the same rows without any feature (one repetition), which can learn the marginal alone; and
the test XAUC of its default and its best readout beside user + item mean's.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import polars as pl

from watchtime.core.catalog import find_root
from watchtime.core.files import read_json
from watchtime.core.job import JobSpec
from watchtime.core.plan import Plan
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.encoding import Encoding
from watchtime.labels import storage
from watchtime.training.engine import deterministic
from watchtime.training.fitting import fit
from watchtime.training.model import Model, chosen


def marginal_loss(plan: Plan, spec: JobSpec) -> float:
    """Return the best validation loss of the job's method without features."""
    blind = spec.model_copy(update={"features": [], "repetitions": 1})
    folder, codec = plan.encoded_folder(spec.dataset, spec.protocol), plan.codec_file(spec)
    encoding = chosen(Encoding.load(folder / "encoding.json"), blind.features)
    model = Model(blind, encoding, storage.load(codec) if codec else None, [])
    fitted = fit(model, EncodedLog.load(folder), deterministic(spec.device), None, "")
    return min(float(row["validation"]) for row in fitted.history)


def learned_loss(plan: Plan, spec: JobSpec) -> float:
    """Return the validation loss of the best epoch, mean over repetitions."""
    history = pl.read_parquet(plan.job_folder(spec) / "history.parquet")
    best = history.group_by("repetition").agg(pl.col("validation").min())["validation"]
    return float(best.to_numpy().mean())


def xauc(plan: Plan, spec: JobSpec) -> dict[str, float]:
    """Return strict XAUC of every readout, mean over repetitions."""
    values: dict[str, list[float]] = {}
    measured: dict[str, Any] = read_json(plan.job_folder(spec) / "metrics.json")
    for one in measured["values"]:
        if (one["metric"], one["convention"]) == ("xauc", "strict"):
            values.setdefault(one["readout"], []).append(one["value"])
    return {readout: sum(found) / len(found) for readout, found in values.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    plan = Plan.load(parser.parse_args().run / "config.yaml", find_root())
    print(f"{'job':60} {'loss':>9} {'marginal':>9} {'XAUC':>7} {'best':>13} {'user+item':>9}")
    for spec in plan.jobs.values():
        if spec.family != "network":
            continue
        key = "/".join([spec.dataset, spec.task, spec.protocol, spec.regime, "user_item_mean", "default"])
        plain = max(xauc(plan, plan.jobs[key]).values()) if key in plan.jobs else float("nan")
        scores = xauc(plan, spec)
        readout = max(scores, key=lambda name: scores[name])
        name = f"{spec.dataset}/{spec.protocol}/{spec.method}/{spec.variant}"
        print(
            f"{name:60} {learned_loss(plan, spec):9.4f} {marginal_loss(plan, spec):9.4f} "
            f"{scores[spec.readouts[0]]:7.4f} {scores[readout]:6.4f} {readout[:6]:>6} {plain:9.4f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
