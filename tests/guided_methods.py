"""Methods that look at what a training step shows them, and trainings of them on the tiny log."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

import logs
from watchtime.core.seeds import derive_seed
from watchtime.core.settings import EncoderSettings, TrainingSettings
from watchtime.methods.network import Guide, GuidedHead, NetworkMethod
from watchtime.methods.vr import ValueRegression
from watchtime.training import engine
from watchtime.training.group import Group
from watchtime.training.network_fitting import part
from watchtime.training.resident import Part

CPU = engine.deterministic("cpu")
SEED, BATCH = 7, 64
ENCODER = EncoderSettings(embedding=4, layers=(16, 8))
FAST = {"batch": BATCH, "epochs": 2, "patience": 2, "learning_rate": 0.01, "unknown_rate": 0.1}


class Seen(NamedTuple):
    """One call of a head: its rows, whether a gradient is wanted, the guide, and a mask of torch's dropout."""

    rows: int
    gradient: bool
    guide: Guide | None
    mask: Tensor


class Watching(GuidedHead):
    """A linear layer behind dropout that notes what it is shown."""

    def __init__(self, width: int, seen: list[Seen]) -> None:
        super().__init__()
        self.linear, self.seen = nn.Linear(width, 1), seen

    def forward(self, hidden: Tensor, guide: Guide | None = None) -> Tensor:
        mask = functional.dropout(torch.ones_like(hidden), 0.5, training=guide is not None)
        self.seen.append(Seen(len(hidden), torch.is_grad_enabled(), guide, mask))
        outputs: Tensor = self.linear(hidden * mask)
        return outputs


class Watched(ValueRegression):
    draws = 3

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.seen: list[Seen] = []

    def head(self, width: int) -> nn.Module:
        return Watching(width, self.seen)


class Drawn(ValueRegression):
    """Every row's error has a random weight."""

    draws = 2

    def training_loss(self, outputs: Tensor, guide: Guide) -> Tensor:
        return (guide.draws.sum(-1) * (outputs[..., 0] - guide.labels["value"]) ** 2).mean()


class Shown(Drawn):
    """Its loss is one of the draws."""

    def training_loss(self, outputs: Tensor, guide: Guide) -> Tensor:
        return guide.draws[5, 1] + 0 * outputs.sum()


class Moving(ValueRegression):
    """The target moves with every step."""

    def training_loss(self, outputs: Tensor, guide: Guide) -> Tensor:
        return ((outputs[..., 0] - guide.moment.share * guide.labels["value"]) ** 2).mean()


class TwoValued(GuidedHead):
    """Two outputs per row in training, their mean in inference."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 2)

    def forward(self, hidden: Tensor, guide: Guide | None = None) -> Tensor:
        outputs: Tensor = self.linear(hidden)
        return outputs.mean(-1, keepdim=True) if guide is None else outputs


class Apart(ValueRegression):
    """Training moves both outputs to 3; the loss asks for 1."""

    def head(self, width: int) -> nn.Module:
        return TwoValued(width)

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        assert outputs.shape[-1] == 1
        return ((outputs - 1) ** 2).mean()

    def training_loss(self, outputs: Tensor, guide: Guide) -> Tensor:
        assert outputs.shape[-1] == 2
        return ((outputs - 3) ** 2).mean()


class Measuring(ValueRegression):
    """Its learning curve has the absolute error, too."""

    def measures(self, outputs: Tensor, labels: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"absolute_error": (outputs[..., 0] - labels["value"]).abs().mean()}


def built(kind: type[NetworkMethod]) -> Any:
    log, _ = logs.encoded()
    return kind(ValueRegression.Settings(), logs.codec(logs.spec("vr"), log), "watch_time")


def parts(method: NetworkMethod) -> tuple[Part, Part]:
    log, encoding = logs.encoded()
    both = (log.rows(np.flatnonzero(log.part == number)) for number in (0, 1))
    training, validation = (part(method, rows, "watch_time", encoding, CPU) for rows in both)
    return training, validation


def train(
    method: NetworkMethod,
    repetitions: Sequence[int] = (0,),
    stacked: bool = False,
    path: Path | None = None,
    **training: float,
) -> list[engine.Trained]:
    settings = TrainingSettings(**(FAST | training))
    return engine.train(method, *parts(method), ENCODER, settings, SEED, repetitions, stacked, path)


def bytes_of(trained: list[engine.Trained]) -> list[Any]:
    return [({name: value.numpy().tobytes() for name, value in one.parameters.items()}, one.history) for one in trained]


def group(method: NetworkMethod, repetitions: Sequence[int], stacked: bool = False) -> Group:
    rows = parts(method)[0].rows
    return Group(method, rows, ENCODER, TrainingSettings(**FAST), SEED, repetitions, stacked)


def batches(repetition: int, rows: int) -> Tensor:
    """Return the rows of the batches of the first epoch, [batches, batch]."""
    generator = torch.Generator().manual_seed(derive_seed(SEED, axis="batches", repetition=repetition))
    return torch.randperm(rows, generator=generator)[: rows // BATCH * BATCH].view(-1, BATCH)
