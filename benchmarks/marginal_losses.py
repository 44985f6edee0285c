"""What every network of a run learned beyond the marginal distribution of its target.

    python benchmarks/marginal_losses.py results/kuairand_pure_sample

For every network job of a finished run: the validation loss of its best epoch, mean and highest over repetitions;
beside it the lowest loss that outputs reach which are the same for all rows, fitted to the training rows, so that they
know the marginal distribution alone; and the test XAUC of the job's default and its best readout beside user + item
mean's. No network without features has a lower loss than free constants, but where its outputs are tied, a higher one.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor

from watchtime.core.catalog import find_root
from watchtime.core.files import read_json
from watchtime.core.job import JobSpec
from watchtime.core.plan import Plan
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.protocols import TRAINING, VALIDATION
from watchtime.labels import storage
from watchtime.methods.base import build
from watchtime.methods.network import NetworkMethod
from watchtime.training.model import durations
from watchtime.training.resident import Labels, on_device

STEPS, BATCH, RATE = 1000, 4096, 0.2


def marginal_loss(plan: Plan, spec: JobSpec) -> float:
    """Return the validation loss of the constant outputs that have the lowest loss on the training rows."""
    log = EncodedLog.load(plan.encoded_folder(spec.dataset, spec.protocol))
    codec = plan.codec_file(spec)
    method: NetworkMethod = build(spec.method, spec.settings, storage.load(codec) if codec else None, spec.task)
    training, validation = (_labels(method, log, spec.task, part) for part in (TRAINING, VALIDATION))
    constants = torch.zeros(method.towers * method.outputs, requires_grad=True)
    optimiser = torch.optim.Adam([constants], lr=RATE)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimiser, 0.01 ** (1 / STEPS))
    rows, draws = len(next(iter(training.values()))), torch.Generator().manual_seed(0)
    for _ in range(STEPS):
        index = torch.randint(rows, (BATCH,), generator=draws)
        optimiser.zero_grad()
        method.loss(constants.expand(BATCH, -1), {name: value[index] for name, value in training.items()}).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        return _mean_loss(method, constants, validation)


def _labels(method: NetworkMethod, log: EncodedLog, task: str, part: int) -> Labels:
    rows = log.rows(np.flatnonzero(log.part == part))
    return on_device(method.labels(rows.target(task), durations(rows)), torch.device("cpu"))


def _mean_loss(method: NetworkMethod, constants: Tensor, labels: Labels) -> float:
    total, rows = 0.0, len(next(iter(labels.values())))
    for start in range(0, rows, BATCH):
        slab = {name: value[start : start + BATCH] for name, value in labels.items()}
        size = min(BATCH, rows - start)
        total += float(method.loss(constants.expand(size, -1), slab)) * size
    return total / rows


def learned_losses(plan: Plan, spec: JobSpec) -> list[float]:
    """Return the validation loss of the best epoch of every repetition."""
    history = pl.read_parquet(plan.job_folder(spec) / "history.parquet")
    best = history.group_by("repetition", maintain_order=True).agg(pl.col("validation").min())["validation"]
    return best.to_list()


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
    torch.set_num_threads(1)
    print(f"{'job':60} {'loss':>9} {'highest':>9} {'marginal':>9} {'XAUC':>7} {'best':>13} {'user+item':>9}")
    for spec in plan.jobs.values():
        if spec.family != "network":
            continue
        key = "/".join([spec.dataset, spec.task, spec.protocol, spec.regime, "user_item_mean", "default"])
        plain = max(xauc(plan, plan.jobs[key]).values()) if key in plan.jobs else float("nan")
        scores = xauc(plan, spec)
        readout = max(scores, key=lambda name: scores[name])
        name = f"{spec.dataset}/{spec.protocol}/{spec.method}/{spec.variant}"
        learned = learned_losses(plan, spec)
        print(
            f"{name:60} {sum(learned) / len(learned):9.4f} {max(learned):9.4f} {marginal_loss(plan, spec):9.4f} "
            f"{scores[spec.readouts[0]]:7.4f} {scores[readout]:6.4f} {readout[:6]:>6} {plain:9.4f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
