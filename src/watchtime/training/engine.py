"""The training loop of every network: epochs on resident rows, early stopping on validation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.func import functional_call

from watchtime.core.errors import WatchtimeError
from watchtime.core.progress import Progress
from watchtime.core.settings import EncoderSettings, TrainingSettings
from watchtime.encoders.perceptron import Inputs
from watchtime.encoders.shared import shared_encoder
from watchtime.methods.base import build
from watchtime.methods.network import NetworkMethod, Representations
from watchtime.methods.ranking import BilevelMethod, RankingMethod
from watchtime.training.bilevel import BilevelGroup
from watchtime.training.checkpoint import Checkpoint
from watchtime.training.device import require
from watchtime.training.group import Group, Parameters
from watchtime.training.lists import lists_judged
from watchtime.training.network import TABLE, looked_up, template
from watchtime.training.processes import ALONE, Processes
from watchtime.training.resident import Part, ResidentRows


class Diverged(WatchtimeError):
    """A validation loss that is not a finite number."""


@dataclass
class Best:
    """The best epoch of one repetition so far."""

    loss: float = math.inf
    epoch: int = -1
    parameters: Parameters = field(default_factory=dict)
    stopped: bool = False


@dataclass(frozen=True)
class Trained:
    """What training leaves of one repetition: the parameters of its best epoch and its learning curve."""

    repetition: int
    parameters: Parameters
    history: list[dict[str, float | int]]


def deterministic(device: str) -> torch.device:
    """Return the device, set so that the same config gives the same bytes on the CPU.

    Raises ``WatchtimeError`` where CUDA is asked for and absent.
    """
    require(device)
    torch.set_num_threads(1)
    if device == "cuda":
        return torch.device("cuda")
    # use_deterministic_algorithms(True) does the same, but loads torch's compiler to tell it.
    torch.set_deterministic_debug_mode("error")
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return torch.device("cpu")


def train(
    method: NetworkMethod,
    training_part: Part,
    validation_part: Part,
    encoder: EncoderSettings,
    training: TrainingSettings,
    seed: int,
    repetitions: Sequence[int],
    stacked: bool = False,
    checkpoint: Path | None = None,
    fingerprint: str = "",
    hold_out: Part | None = None,
    processes: Processes = ALONE,
) -> list[Trained]:
    """Train every repetition and return the best epoch of each, in order; ``hold_out`` judges labels that learn.

    An interrupted call with the same ``checkpoint`` and ``fingerprint`` goes on where it was and ends with the same
    bytes. Each of several ``processes`` gives the rows that it holds, and all return the same.
    """

    def representations(repetition: int) -> Representations:
        def of(name: str) -> npt.NDArray[np.float64]:
            other = build(name, {}, method.codec, method.task)
            (trained,) = train(other, training_part, validation_part, encoder, training, seed, [repetition])
            return represented(training_part.rows, encoder, training.evaluation_batch, trained.parameters)

        return of

    groups = [list(repetitions)] if stacked else [[one] for one in repetitions]
    trained: list[Trained] = []
    with Progress(len(repetitions) * training.epochs, "epochs") as progress:
        for members in groups:
            group: Group
            if isinstance(method, BilevelMethod):
                assert hold_out is not None
                group = BilevelGroup(method, training_part, hold_out, encoder, training, seed, members)
            else:
                group = Group(
                    method, training_part.rows, encoder, training, seed, members, stacked, representations, processes
                )
            place = checkpoint.with_suffix(f".{members[0]}.safetensors") if checkpoint else None
            saved = Checkpoint(place, fingerprint)
            trained += _train_group(group, training_part, validation_part, saved, progress)
    return trained


def _train_group(
    group: Group, training_part: Part, validation_part: Part, checkpoint: Checkpoint, progress: Progress
) -> list[Trained]:
    best = [Best() for _ in group.repetitions]
    history: list[dict[str, float | int]] = []
    first = _begun(group, checkpoint, checkpoint.restore(group, best, history))
    for epoch in range(first, group.training.epochs):
        if all(one.stopped for one in best):
            break
        train_losses = _epoch(group, training_part, epoch)
        ranked = isinstance(group.method, RankingMethod)
        judged = lists_judged(group, validation_part) if ranked else _validation(group, validation_part)
        _record(group, best, history, epoch, train_losses, judged)
        progress.advance(len(group.repetitions), f"validation loss {np.min(judged['validation']):.4g}")
        if group.processes.rank == 0:
            checkpoint.save(group, best, history, epoch + 1)
    progress.skip_to_multiple(len(group.repetitions) * group.training.epochs)
    return [
        Trained(repetition, one.parameters, [row for row in history if row["repetition"] == repetition])
        for repetition, one in zip(group.repetitions, best, strict=True)
    ]


def _begun(group: Group, checkpoint: Checkpoint, epoch: int) -> int:
    """Return the epoch to begin with. Raises ``WatchtimeError`` where process 0 trains something else or elsewhere."""
    here = [float(epoch), *map(float, checkpoint.fingerprint.encode())]
    if group.processes.agreed(*here) != here:
        raise WatchtimeError(
            f"process {group.processes.rank} has other data, settings or checkpoints than process 0; all machines need "
            "the same files."
        )
    return epoch


def _epoch(group: Group, part: Part, epoch: int) -> npt.NDArray[np.float64]:
    order = group.epoch_order(_count(group, part))
    group.begin_epoch(epoch, len(order))
    total = torch.zeros(len(group.repetitions), device=part.rows.device)
    for index in order:
        total += group.step(part.rows, part.labels, index)
    return np.asarray((group.processes.total(total) / len(order)).tolist())


def _count(group: Group, part: Part) -> int:
    """Return how many rows all processes hold of a part."""
    return int(group.processes.total(torch.tensor(len(part.rows), device=part.rows.device)))


@torch.no_grad()
def _validation(group: Group, part: Part) -> dict[str, npt.NDArray[np.float64]]:
    """Return the loss as ``validation`` and the method's measures, means over all rows, each [repetitions]."""
    totals: dict[str, Tensor] = {}
    size = group.training.evaluation_batch
    for start in range(0, len(part.rows), size):
        stop = min(start + size, len(part.rows))
        labels = {name: value[start:stop] for name, value in part.labels.items()}
        for name, value in group.shared_losses(part.rows.slab(start, stop), labels).items():
            totals[name] = totals.get(name, 0) + value.double() * (stop - start)
    count, shared = _count(group, part), group.processes
    # To the last bit those of process 0, so that all stop in the same epoch.
    return {name: np.asarray((shared.first(shared.total(one)) / count).tolist()) for name, one in totals.items()}


def _record(
    group: Group,
    best: list[Best],
    history: list[dict[str, float | int]],
    epoch: int,
    train_losses: npt.NDArray[np.float64],
    judged: dict[str, npt.NDArray[np.float64]],
) -> None:
    for place, (one, repetition) in enumerate(zip(best, group.repetitions, strict=True)):
        if one.stopped:
            continue
        loss = float(judged["validation"][place])
        if not math.isfinite(loss):
            raise Diverged(
                f"repetition {repetition}, epoch {epoch}: the validation loss is {loss}; a smaller "
                f"training.learning_rate than {group.training.learning_rate} may help."
            )
        measured = {name: float(values[place]) for name, values in judged.items()}
        history.append({"repetition": repetition, "epoch": epoch, "training": float(train_losses[place]), **measured})
        if loss < one.loss:
            one.loss, one.epoch = loss, epoch
            one.parameters = {name: value.clone() for name, value in group.repetition(group.parameters, place).items()}
        one.stopped = epoch - one.epoch >= group.training.patience


@torch.no_grad()
def outputs(
    method: NetworkMethod, rows: ResidentRows, encoder: EncoderSettings, size: int, parameters: Parameters
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the network's outputs, ``size`` rows at a time, each [size, outputs], the last one shorter.

    The last slab is filled up for the network, so that every slab has one shape and is computed by the same kernels.
    """
    network = template(method, rows.shape, encoder)
    parameters = {name: value.to(rows.device) for name, value in parameters.items()}
    for inputs, count in _slabs(rows, size):
        yield functional_call(network, parameters, (inputs,)).cpu().numpy()[:count]


@torch.no_grad()
def represented(
    rows: ResidentRows, encoder: EncoderSettings, size: int, parameters: Parameters
) -> npt.NDArray[np.float64]:
    """Return h(x) of the rows, what the encoder of a method's first tower hands to its head, [rows, width]."""
    with torch.device("meta"):
        first = shared_encoder(rows.shape, encoder)
    table = parameters[TABLE][:, : encoder.embedding].to(rows.device)
    start = "towers.0.encoder."
    own = {name.removeprefix(start): one.to(rows.device) for name, one in parameters.items() if name.startswith(start)}
    slabs = [
        functional_call(first, own, (looked_up(table, inputs), inputs))[:count].double().cpu().numpy()
        for inputs, count in _slabs(rows, size)
    ]
    return np.concatenate(slabs)


def _slabs(rows: ResidentRows, size: int) -> Iterator[tuple[Inputs, int]]:
    """Yield ``size`` consecutive rows at a time and how many of them count; the last slab repeats the last row."""
    for start in range(0, len(rows), size):
        index = torch.arange(start, start + size, device=rows.device).clamp(max=len(rows) - 1)
        yield rows.gather(index), min(size, len(rows) - start)
