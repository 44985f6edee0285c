"""Training samples per second of the engine beside plain PyTorch loops of the same network.

    python benchmarks/train_throughput.py [--device cuda] [--fields 20] [--rows 131072] [--steps 60]

One process, one thread, one run. All loops see the same batches from the same starting weights, so their losses must
agree; the last column shows the largest relative difference to the DataLoader loop.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from watchtime.core.seeds import derive_seed
from watchtime.core.settings import EncoderSettings, TrainingSettings
from watchtime.datasets.encoded import EncodedLog
from watchtime.encoders.perceptron import Inputs
from watchtime.labels.storage import fit_codec
from watchtime.methods.base import build
from watchtime.methods.network import NetworkMethod
from watchtime.training.group import Group
from watchtime.training.network import initialised
from watchtime.training.resident import ResidentRows, on_device

# As many ids as KuaiRand-Pure has; the first seven are ProWTP's: user, item, author, music, duration, tab, activity.
CARDINALITIES = [25_000, 7_500, 6_000, 5_000, 20, 15, 8, 1_500, 400, 70, 24, 20, 12, 10, 8, 7, 6, 5, 4, 3]
NUMERIC = 5
NETWORKS = {
    "16, 128-64": EncoderSettings(embedding=16, layers=(128, 64)),
    "64, 256-128-64": EncoderSettings(embedding=64, layers=(256, 128, 64)),
}


class Case(NamedTuple):
    """One network, one batch size, and the data that all loops share."""

    method: NetworkMethod
    rows: ResidentRows
    labels: dict[str, Tensor]
    encoder: EncoderSettings
    training: TrainingSettings
    steps: int

    def group(self, repetitions: int, stacked: bool) -> Group:
        return Group(self.method, self.rows, self.encoder, self.training, 0, range(repetitions), stacked)

    def order(self) -> Tensor:
        """Return the row numbers of each step, [steps, batch], as the engine's first repetition draws them."""
        group = self.group(1, stacked=False)
        batches: list[Tensor] = []
        while len(batches) < self.steps:
            batches += list(group.epoch_order(len(self.rows))[:, 0])
        return torch.stack(batches[: self.steps])


def synthetic_log(rows: int, fields: int) -> EncodedLog:
    """Return rows with Zipf-like ids, some numeric columns and a long-tailed target."""
    draws = np.random.default_rng(0)
    ids = [1 + (size - 1) * draws.random(rows) ** 2 for size in CARDINALITIES[:fields]]
    return EncodedLog(
        fields=tuple(f"field{i}" for i in range(fields)),
        columns=tuple(f"column{i}" for i in range(NUMERIC)),
        categorical=np.column_stack(ids).astype(np.int32),
        numeric=draws.standard_normal((rows, NUMERIC)).astype(np.float32),
        multi_valued={},
        user=np.zeros(rows, dtype=np.int32),
        raw_row=np.arange(rows, dtype=np.uint32),
        targets={"watch_time": draws.gamma(0.5, 20.0, rows)},
    )


def engine_losses(case: Case, repetitions: int, stacked: bool) -> Iterator[list[float]]:
    """Yield after warm-up, then train ``steps`` steps and yield the mean losses of every repetition."""
    groups = [case.group(repetitions, True)] if stacked else [_only(case, one) for one in range(repetitions)]
    for group in groups:
        warm = _orders(group, case, 3)
        for index in warm:
            group.step(case.rows, case.labels, index)
    groups = [case.group(repetitions, True)] if stacked else [_only(case, one) for one in range(repetitions)]
    orders = [_orders(group, case, case.steps) for group in groups]
    _synchronise(case)
    yield []
    totals = []
    for group, order in zip(groups, orders, strict=True):
        total = torch.zeros(len(group.repetitions), device=case.rows.device)
        for index in order:
            total += group.step(case.rows, case.labels, index)
        totals += (total / case.steps).tolist()
    yield totals


def _only(case: Case, repetition: int) -> Group:
    return Group(case.method, case.rows, case.encoder, case.training, 0, [repetition], stacked=False)


def _orders(group: Group, case: Case, steps: int) -> list[Tensor]:
    order: list[Tensor] = []
    while len(order) < steps:
        order += list(group.epoch_order(len(case.rows)))
    return order[:steps]


class PerRow(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """A data set whose rows become tensors one by one."""

    def __init__(self, categorical: np.ndarray, numeric: np.ndarray, value: np.ndarray) -> None:
        self.categorical, self.numeric, self.value = categorical, numeric, value

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor, Tensor]:
        return (
            torch.tensor(self.categorical[row]),
            torch.tensor(self.numeric[row]),
            torch.tensor(self.value[row]),
        )


def plain_losses(case: Case, per_row: bool) -> Iterator[list[float]]:
    """The same as a plain loop: DataLoader, module call, backward, Adam, loss.item()."""
    device, batch = case.rows.device, case.training.batch
    columns = case.rows.categorical.cpu(), case.rows.numeric.cpu(), case.labels["value"].cpu()
    data: Dataset[tuple[Tensor, ...]] = (
        PerRow(*(column.numpy() for column in columns)) if per_row else TensorDataset(*columns)
    )
    seed = derive_seed(0, axis="initialisation", repetition=0)
    network: nn.Module = initialised(case.method, case.rows.shape, case.encoder, seed).to(device)
    optimiser = torch.optim.Adam(network.parameters(), lr=case.training.learning_rate)
    loader = DataLoader(data, batch_size=batch, sampler=case.order().flatten().tolist())
    _synchronise(case)
    yield []
    total, nothing = 0.0, torch.empty(batch, 0, dtype=torch.int32, device=device)
    for categorical, numeric, value in loader:
        outputs = network(Inputs(categorical.to(device), nothing, nothing.bool(), numeric.to(device)))
        loss = case.method.loss(outputs, {"value": value.to(device)})
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        total += loss.item()
    yield [total / case.steps]


def _synchronise(case: Case) -> None:
    if case.rows.device.type == "cuda":
        torch.cuda.synchronize()


def measure(case: Case, losses: Callable[[], Iterator[list[float]]], repetitions: int) -> tuple[float, list[float]]:
    """Return samples per second over all repetitions, and their mean losses; set-up and warm-up are not timed."""
    loop = losses()
    next(loop)
    started = time.perf_counter()
    result = next(loop)
    _synchronise(case)
    seconds = time.perf_counter() - started
    return repetitions * case.steps * case.training.batch / seconds, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rows", type=int, default=131_072)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--fields", type=int, default=7, choices=range(1, 21), metavar="1-20")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    device = torch.device(arguments.device)
    log = synthetic_log(arguments.rows, arguments.fields)
    target = log.target("watch_time")
    codec = fit_codec("scaled", {"scale": "standard_deviation"}, target)
    method = build("vr", {}, codec, "watch_time")
    rows = ResidentRows(log, dict(zip(log.fields, CARDINALITIES, strict=False)), device)
    labels = on_device(method.labels(target, target), device)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "one CPU thread"
    print(f"{name}; {arguments.fields} id fields, {rows.shape.table:,} ids, {arguments.steps} steps each")
    print(
        f"{'network':16} {'batch':>6}  {'loop':28} {'samples/s':>12} {'x DataLoader':>12} {'loss':>9}"
        f" {'difference':>10}"
    )
    for network, encoder in NETWORKS.items():
        for batch in (1024, 8192):
            training = TrainingSettings(batch=batch)
            run(Case(method, rows, labels, encoder, training, arguments.steps), network)


def run(case: Case, network: str) -> None:
    loops: dict[str, tuple[Callable[[], Iterator[list[float]]], int]] = {
        "DataLoader(TensorDataset)": (lambda: plain_losses(case, per_row=False), 1),
        "DataLoader, row by row": (lambda: plain_losses(case, per_row=True), 1),
        "engine": (lambda: engine_losses(case, 1, stacked=False), 1),
        "engine, 5 looped": (lambda: engine_losses(case, 5, stacked=False), 5),
        "engine, 5 stacked": (lambda: engine_losses(case, 5, stacked=True), 5),
    }
    first_rate, first_loss = 0.0, 0.0
    for name, (losses, repetitions) in loops.items():
        rate, result = measure(case, losses, repetitions)
        first_rate, first_loss = first_rate or rate, first_loss or result[0]
        difference = abs(result[0] / first_loss - 1)
        print(
            f"{network:16} {case.training.batch:6}  {name:28} {rate:12,.0f} {rate / first_rate:12.2f}"
            f" {result[0]:9.5f} {difference:10.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
