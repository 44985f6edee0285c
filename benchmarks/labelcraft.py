"""What a step of LabelCraft costs beside a plain forward and backward pass over the same rows.

    python benchmarks/labelcraft.py [--batch 4096] [--users 500] [--rows 100] [--events 20] [--repeats 5]

One thread. A step moves the labels by the merit of a tentative step on the hold-out rows (users × rows), then the
recommender. "plain" is the mean of all scores of the same training and hold-out rows and its gradient; the two are
timed in turn, medians are printed. Parts are timed by themselves. Synthetic rows of five id fields, of which three tell
of a past event which item it was of; embeddings of 12, layers of 200 and 80, an attention unit of 36. Memory is the
peak of the process, of which the interpreter and torch take about 300 MiB.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, grad, jvp, vjp

from watchtime.core.catalog import Catalog, find_root
from watchtime.core.config import DatasetSource, RunConfig
from watchtime.core.job import resolve
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.history import History
from watchtime.encoders.perceptron import Inputs
from watchtime.methods.base import build
from watchtime.training import engine
from watchtime.training.bilevel import BilevelGroup
from watchtime.training.network_fitting import labels_of
from watchtime.training.resident import Part, ResidentRows, on_device
from watchtime.training.resources import peak_memory_mb

# As many ids as WeChat21 has after LabelCraft's 120-core, in its code: users, items, durations, tags, devices.
CARDINALITIES = {"user": 15_076, "item": 12_993, "duration_level": 63, "tag": 80, "device": 3}
EVENT = ("item", "duration_level", "tag")


def synthetic_log(users: int, rows: int) -> EncodedLog:
    """Return ``rows`` rows of each user, with long-tailed times, rare feedback and histories of earlier rows."""
    draws, count = np.random.default_rng(0), users * rows
    user = np.repeat(np.arange(users, dtype=np.int32), rows)
    ids = np.column_stack([1 + (size - 1) * draws.random(count) ** 2 for size in CARDINALITIES.values()])
    categorical = ids.astype(np.int32)
    categorical[:, 0] = 1 + user
    fields = tuple(CARDINALITIES)
    own = categorical[:, [fields.index(name) for name in EVENT]]
    time_of_row = np.tile(np.arange(rows), users)
    return EncodedLog(
        fields=fields,
        columns=(),
        categorical=categorical,
        numeric=np.empty((count, 0), dtype=np.float32),
        multi_valued={},
        user=user,
        raw_row=np.arange(count, dtype=np.uint32),
        targets={"watch_time": draws.gamma(0.5, 20.0, count)},
        duration=draws.gamma(2.0, 15.0, count) + 1,
        positive_feedback=(draws.random(count) < 0.05).astype(np.int8),
        history=History.of(EVENT, own, user, time_of_row, np.ones(count, dtype=np.bool_)),
    )


def made(arguments: argparse.Namespace) -> tuple[BilevelGroup, Part]:
    """Return a group that trains on the synthetic rows and is judged by them."""
    options = {
        "labelcraft": {
            "training": {"batch": arguments.batch, "unknown_rate": 0.0},
            "encoder": {"history": {"events": arguments.events, "attention": 36}},
            "hold_out_users": arguments.users,
            "hold_out_rows": arguments.rows,
        }
    }
    config = RunConfig(datasets={"wechat21": DatasetSource()}, size="small", settings=options)
    spec = resolve(Catalog.load(find_root()), config, "wechat21", "label", "days_12_1_1", "labelcraft", "paper")
    method, log = build(spec.method, spec.settings, None, spec.task), synthetic_log(arguments.users, arguments.rows)
    device = engine.deterministic("cpu")
    rows = ResidentRows(log, CARDINALITIES, device, spec.encoder.events)
    part = Part(rows, on_device(labels_of(method, log, "label"), device))
    return BilevelGroup(method, part, part, spec.encoder, spec.training, 0, [0]), part


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--users", type=int, default=500)
    parser.add_argument("--rows", type=int, default=100, help="hold-out rows per user")
    parser.add_argument("--events", type=int, default=20, help="past events that the recommender sees")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    group, part = made(arguments)
    index = group.epoch_order(len(part.rows))[0]
    places, candidates = group.hold_out.draw(group.samplings[0])
    held_out, batch = (part.rows.gather(one.flatten()) for one in (places, index))
    recommender = {name: one.detach() for name, one in group.recommender.items()}

    def scores(inputs: Inputs) -> Callable[[dict[str, Tensor]], Tensor]:
        return lambda parameters: functional_call(group.template, {**group.parameters, **parameters}, (inputs,))

    together = Inputs(*(torch.cat(pair) for pair in zip(batch, held_out, strict=True)))
    predicted = scores(held_out)(recommender)[..., 0].detach().view(places.shape)

    def backward(inputs: Inputs) -> None:
        outputs, pull, *_ = vjp(scores(inputs), recommender)
        pull(torch.ones_like(outputs))

    ways: dict[str, Callable[[], object]] = {
        "plain forward and backward, all rows": lambda: backward(together),
        "whole step": lambda: group.step(part.rows, part.labels, index),
        "training rows, forward and backward": lambda: backward(batch),
        "training rows, forward mode": lambda: jvp(scores(batch), (recommender,), (recommender,)),
        "hold-out rows, forward and backward": lambda: backward(held_out),
        "soft lists and their gradient": lambda: grad(
            lambda given: group.method.merit(group.method.objectives(given, candidates))
        )(predicted),
        "gather of all rows": lambda: (part.rows.gather(places.flatten()), part.rows.gather(index.flatten())),
    }
    seconds = {name: list[float]() for name in ways}
    for repeat in range(arguments.repeats + 1):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            if repeat:
                seconds[name].append(time.perf_counter() - started)
    medians = {name: float(np.median(values)) for name, values in seconds.items()}
    plain = next(iter(medians.values()))
    print(f"{arguments.batch} training rows, {places.numel()} hold-out rows, one thread")
    print(f"{'':40}{'ms':>10}{'× plain':>10}")
    for name, value in medians.items():
        print(f"{name:40}{1e3 * value:10.0f}{value / plain:10.2f}")
    print(f"peak memory {peak_memory_mb('cpu'):.0f} MiB")


if __name__ == "__main__":
    main()
