"""Samples per second of training and inference, parameters and peak memory of every network method, beside VR's.

    python benchmarks/methods.py [--device cuda] [--size small] [--methods vr gr rqreg] [--rows 32768] [--steps 20]

One thread; every method and variant runs in a process of its own, one after the other, so that peak memory is its own
(the interpreter and torch take about 300 MiB of it). Rows are synthetic: seven id fields of KuaiRand's sizes and a
long-tailed target in milliseconds. GR's inference is timed without its cache, too: all steps anew for every token.
With ``--methods vr/widened tpm/widened cread/widened gr`` all have as many parameters as GR (GR, section 4.2.1).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor
from train_throughput import CARDINALITIES, synthetic_log

from watchtime.core.catalog import Catalog, find_root
from watchtime.core.config import DatasetSource, RunConfig
from watchtime.core.job import JobSpec, resolve
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.encoding import Encoding
from watchtime.datasets.fields import CategoricalField
from watchtime.datasets.protocols import TRAINING
from watchtime.decoders.base import State
from watchtime.decoders.transformer import TransformerDecoder
from watchtime.labels.storage import fit_codec
from watchtime.methods.base import build
from watchtime.training import engine
from watchtime.training.flops import flops
from watchtime.training.group import Group
from watchtime.training.network import TABLE
from watchtime.training.resident import ResidentRows, on_device
from watchtime.training.resources import peak_memory_mb
from watchtime.training.widening import widened

FIELDS = 7
WIDTHS = (11, 6, 12, 6, 11, 11, 9)
DURATION = 30.0
BESIDE, TASK = "vr", "watch_time"


class Recomputing(TransformerDecoder):
    """The decoder without a cache: a step goes through all inputs so far."""

    def begin(self, vector: Tensor) -> State:
        return (vector, vector.unsqueeze(-2)[:, :0])

    def step(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        vector, before = state
        together = torch.cat([before, inputs.unsqueeze(-2)], -2)
        return self(together, vector)[:, -1], (vector, together)


def cases(names: list[str], size: str) -> Iterator[JobSpec]:
    """Yield VR, and the first variant of every network method, or what names such as ``gr/released`` ask for."""
    catalog = Catalog.load(find_root())
    networks = [name for name, card in catalog.methods.items() if card.family == "network" and TASK in card.tasks]
    config = RunConfig(datasets={"kuairand_pure": DatasetSource()}, size=size)
    for name in dict.fromkeys([BESIDE, *(names or networks)]):
        method, _, variant = name.partition("/")
        chosen = variant or next(iter(catalog.methods[method].variants))
        yield resolve(catalog, config, "kuairand_pure", "watch_time", "random_622", method, chosen)


def log_of(rows: int) -> EncodedLog:
    """Return synthetic rows whose target has whole milliseconds."""
    log = synthetic_log(rows, FIELDS)
    log.targets["watch_time"][:] = np.round(log.targets["watch_time"], 3)
    return replace(log, part=np.full(rows, TRAINING, dtype=np.int8))


def encoding_of(log: EncodedLog) -> Encoding:
    """Return what an encoding would have to know of the synthetic fields: how many ids they have."""
    sizes = zip(log.fields, CARDINALITIES, strict=False)
    values = {name: tuple(map(str, range(1, size))) for name, size in sizes}
    fields = [CategoricalField(name=name, side="context", column=name, values=ids) for name, ids in values.items()]
    return Encoding(categorical=tuple(fields), numeric=(), multi_valued=())


def measured(spec: JobSpec, rows: int, steps: int, device: str) -> dict[str, Any]:
    """Return the numbers of one method; the first steps and slabs warm up and are not timed."""
    place, log = engine.deterministic(device), log_of(rows)
    spec = widened(spec, log, encoding_of(log)) if spec.like else spec
    target, duration = log.target("watch_time"), np.full(rows, DURATION)
    codec = fit_codec(spec.codec.name, spec.codec.settings, target, duration) if spec.codec else None
    method = build(spec.method, spec.settings, codec, "watch_time")
    resident = ResidentRows(log, encoding_of(log).cardinalities, place)
    labels = on_device(method.labels(target, duration), place)
    group = Group(method, resident, spec.encoder, spec.training, 0, [0], stacked=False)
    order = torch.cat([group.epoch_order(rows) for _ in range(1 + (steps + 3) // max(rows // spec.training.batch, 1))])
    group.begin_epoch(0, len(order))
    for index in order[:3]:
        group.step(resident, labels, index)
    training = _seconds(lambda: [group.step(resident, labels, index) for index in order[3 : 3 + steps]], place)
    parameters = group.repetition(group.parameters, 0)

    def infer() -> None:
        size = spec.training.evaluation_batch
        for slab in engine.outputs(method, resident, spec.encoder, size, parameters):
            method.readouts(slab.astype(np.float64), np.full(len(slab), DURATION))

    def infer_without_cache() -> None:
        with patch.multiple(TransformerDecoder, begin=Recomputing.begin, step=Recomputing.step):
            infer()

    infer()
    memory = peak_memory_mb(device)
    ways = [infer, infer_without_cache] if spec.method == "gr" else [infer]
    # In turn, so that what else the machine does slows all ways alike.
    inference = np.median([[rows / _seconds(way, place) for way in ways] for _ in range(3)], axis=0)
    numbers = {
        "parameters": sum(value.numel() for name, value in parameters.items() if name != TABLE),
        "flops": flops(method, resident.shape, spec.encoder),
        "training": steps * spec.training.batch / training,
        "inference": inference[0],
        "memory": memory,
    }
    return numbers | ({"steps": method.steps, "without cache": inference[1]} if len(ways) > 1 else {})


def _seconds(work: Any, device: torch.device) -> float:
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def _child(pipe: Any, spec: str, rows: int, steps: int, device: str) -> None:
    pipe.send(measured(JobSpec.model_validate_json(spec), rows, steps, device))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--size", default="small", choices=["tiny", "small", "paper"])
    parser.add_argument("--methods", nargs="*", default=[], metavar="METHOD[/VARIANT]")
    parser.add_argument("--rows", type=int, default=32_768)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--json", action="store_true", help="one JSON object per line instead of a table")
    arguments = parser.parse_args()
    spawn, beside = multiprocessing.get_context("spawn"), None
    name = torch.cuda.get_device_name() if arguments.device == "cuda" else "one CPU thread"
    print(f"{name}; size {arguments.size}, {FIELDS} id fields; parameters and FLOPs without the embedding table")
    heads = ("training/s", "x", "inference/s", "x", "parameters", "FLOPs/row", "peak MiB")
    print(f"{'method':32}", *(f"{head:>{width}}" for head, width in zip(heads, WIDTHS, strict=True)))
    for spec in cases(arguments.methods, arguments.size):
        receiver, sender = spawn.Pipe(duplex=False)
        job = (sender, spec.model_dump_json(), arguments.rows, arguments.steps, arguments.device)
        process = spawn.Process(target=_child, args=job)
        process.start()
        numbers = receiver.recv()
        process.join()
        beside = beside or numbers
        if arguments.json:
            print(json.dumps({"method": spec.method, "variant": spec.variant, **numbers}), flush=True)
            continue
        _print(f"{spec.method}/{spec.variant}", numbers, beside)


def _print(name: str, numbers: dict[str, Any], beside: dict[str, Any]) -> None:
    training, inference = (numbers[what] / beside[what] for what in ("training", "inference"))
    cells = [f"{numbers['training']:,.0f}", f"{training:.2f}", f"{numbers['inference']:,.0f}", f"{inference:.2f}"]
    cells += [f"{numbers[what]:,.0f}" for what in ("parameters", "flops", "memory")]
    print(f"{name:32}", *(f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS, strict=True)), flush=True)
    if "without cache" in numbers:
        gain = numbers["inference"] / numbers["without cache"]
        without = f"without the cache, {numbers['steps']} steps: {numbers['without cache']:,.0f}/s"
        print(f"  inference {without}; the cache is {gain:.2f} x faster")


if __name__ == "__main__":
    main()
