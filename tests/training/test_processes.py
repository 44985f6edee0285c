"""A step that several processes share: their parts of losses and gradients add up to those of the whole batch."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

import logs
from watchtime.core.errors import WatchtimeError
from watchtime.core.job import JobSpec
from watchtime.training import engine
from watchtime.training.group import Group
from watchtime.training.network_fitting import part
from watchtime.training.processes import ALONE, Processes
from watchtime.training.resident import Part

CPU = engine.deterministic("cpu")
BATCH = 96
job = partial(
    logs.spec, encoder={"embedding": 4, "layers": [16, 8]}, training={"batch": BATCH, "unknown_rate": 0.1, "epochs": 2}
)
NETWORKS = {name: card for name, card in logs.catalog().methods.items() if card.family == "network"}
VARIANTS = [(name, variant) for name, card in NETWORKS.items() for variant in card.variants]
TASKS = {name: "ltv" if "ltv" in card.tasks else "watch_time" for name, card in NETWORKS.items()}


class Apart(Processes):
    """A process whose sums are taken by the test."""

    def total(self, tensor: Tensor) -> Tensor:
        return tensor

    first = total


@pytest.fixture
def in_double_precision() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def is_separable(method: str, variant: str) -> bool:
    return NETWORKS[method].is_separable(logs.spec(method, variant, NETWORKS[method].tasks[0]).settings)


def rows_of(spec: JobSpec, processes: Processes) -> Part:
    """Return the training rows that a process holds, in double precision, no two of them with equal inputs."""
    log, encoding = logs.encoded()
    own = processes.own(np.flatnonzero(log.part == 0))
    held = part(logs.model(spec).method, log.rows(own), spec.task, encoding, CPU)
    noise = torch.rand((len(log), held.rows.numeric.shape[1]), generator=torch.Generator().manual_seed(0))
    held.rows.numeric = held.rows.numeric.double() + noise[own] / 100
    labels = {name: value.double() if value.is_floating_point() else value for name, value in held.labels.items()}
    return Part(held.rows, labels)


def step(spec: JobSpec, processes: Processes) -> tuple[Tensor, Tensor]:
    """Return a process's part of the first batch's loss and gradient."""
    held = rows_of(spec, processes)
    group = Group(
        logs.model(spec).method, held.rows, spec.encoder, spec.training, spec.seed, [0], False, processes=processes
    )
    order = group.epoch_order(int(np.sum(logs.encoded()[0].part == 0)))
    group.begin_epoch(0, len(order))
    loss = group._descent(held.rows, held.labels, processes.portion(order[0]))
    assert group.flat.grad is not None
    return loss, group.flat.grad


def shared_and_whole(method: str, variant: str) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Return the loss and the gradient of three processes together, and those of one."""
    spec = job(method, variant, TASKS[method])
    parts = [step(spec, Apart(rank, 3)) for rank in range(3)]
    return tuple(torch.stack(one).sum(0) for one in zip(*parts, strict=True)), step(spec, ALONE)


@pytest.mark.usefixtures("in_double_precision")
@pytest.mark.parametrize(("method", "variant"), [one for one in VARIANTS if is_separable(*one)])
def test_the_parts_of_a_step_add_up_to_the_whole(method: str, variant: str) -> None:
    """Every network that its card calls separable, with ids dropped and numbers drawn. Found: 1e-13, allowed 1e-9."""
    (loss, gradient), (whole_loss, whole_gradient) = shared_and_whole(method, variant)
    torch.testing.assert_close(loss, whole_loss, rtol=1e-9, atol=0)
    scale = float(whole_gradient.abs().max())
    torch.testing.assert_close(gradient, whole_gradient, rtol=0, atol=1e-9 * scale)


@pytest.mark.usefixtures("in_double_precision")
@pytest.mark.parametrize(
    ("method", "variant"),
    [("cwm", "released"), ("gr", "schedule_released"), ("mdan", "paper"), ("ptpm", "paper"), ("rqreg", "paper")],
)
def test_what_looks_at_rows_together_is_not_called_separable(method: str, variant: str) -> None:
    assert not is_separable(method, variant)
    (loss, _), (whole, _) = shared_and_whole(method, variant)
    assert not torch.allclose(loss, whole, rtol=1e-4, atol=0)


@pytest.mark.usefixtures("in_double_precision")
def test_a_process_that_holds_no_row_of_a_batch_adds_nothing() -> None:
    spec = job("vr", training={"batch": 1})
    parts = [step(spec, Apart(rank, 3)) for rank in range(3)]
    assert sorted(float(gradient.abs().sum()) > 0 for _, gradient in parts) == [False, False, True]
    assert all(torch.isfinite(loss).all() for loss, _ in parts)


def test_every_row_is_held_once() -> None:
    index = np.arange(10) * 7
    held = [Processes(rank, 3).own(index) for rank in range(3)]
    assert sorted(np.concatenate(held)) == list(index)
    order = torch.arange(10).flip(0)[None]
    for rank, own in enumerate(held):
        portion = Processes(rank, 3).portion(order)
        assert own[portion.rows[0].numpy()].tolist() == (order[0][portion.places] * 7).tolist()
    with pytest.raises(WatchtimeError, match=r"^processes: found 3, but a part of the split has 2 rows\.$"):
        Processes(0, 3).own(np.arange(2))
