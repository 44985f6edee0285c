"""The processes that train one model together: each holds every n-th row, and sums are those of all rows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy.typing as npt
import torch
from torch import Tensor, distributed

from watchtime.core.errors import WatchtimeError
from watchtime.training.device import torchrun_processes


class Portion(NamedTuple):
    """The part of a batch of ``size`` that a process holds: ``rows`` of its own, at ``places`` of the batch."""

    rows: Tensor
    """[repetitions, rows]."""
    places: Tensor | slice
    size: int

    @property
    def share(self) -> float:
        """Share of the batch's rows, by which a mean over them counts in the mean over the batch."""
        return self.rows.shape[1] / self.size

    def uniform(self, generators: Sequence[torch.Generator], *shape: int) -> Tensor:
        """Return numbers in [0, 1), [repetitions, rows, …]: of those drawn for the whole batch, these rows' own."""
        draws = (torch.rand((self.size, *shape), generator=one, device=one.device) for one in generators)
        return torch.stack([one[self.places] for one in draws])


@dataclass(frozen=True)
class Processes:
    """Process ``rank`` of ``count``: it holds the rows rank, rank + count, rank + 2 count, … of every part.

    All draw the same batches and the same random numbers from the same seeds, and each computes the rows of a batch
    that it holds. Sums over rows are added up among them, so that losses and gradients are those of the whole batch but
    for the order of summation, and all processes take the same steps. Rows are never sent.
    """

    rank: int = 0
    count: int = 1

    def own(self, index: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return which of a part's rows are held here; raises ``WatchtimeError`` where there is none for each."""
        if len(index) < self.count:
            raise WatchtimeError(f"processes: found {self.count}, but a part of the split has {len(index)} rows.")
        return index[self.rank :: self.count]

    def portion(self, index: Tensor) -> Portion:
        """Return what of a batch, row numbers [repetitions, batch], is held here; parts need one repetition."""
        if self.count == 1:
            return Portion(index, slice(None), index.shape[1])
        places = (index[0] % self.count == self.rank).nonzero().squeeze(-1)
        return Portion(index[:, places] // self.count, places, index.shape[1])

    def total(self, tensor: Tensor) -> Tensor:
        """Return the sum of a tensor over all processes, in its place; with one process, the tensor."""
        if self.count > 1:
            with self._connected():
                distributed.all_reduce(tensor)
        return tensor

    def first(self, tensor: Tensor) -> Tensor:
        """Return what process 0 has, in the tensor's place."""
        if self.count > 1:
            with self._connected():
                distributed.broadcast(tensor, src=0)
        return tensor

    def agreed(self, *numbers: float) -> list[float]:
        """Return the numbers that process 0 has."""
        if self.count == 1:
            return list(numbers)
        device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
        return list(self.first(torch.tensor(numbers, dtype=torch.float64, device=device)).tolist())

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """Tell in one sentence that another process is gone: without it there is nothing to go on with."""
        gone = WatchtimeError(f"process {self.rank} of {self.count}: another process of this training has ended.")
        if os.getppid() != _PARENT:
            raise gone
        try:
            yield
        except RuntimeError:
            raise gone from None


ALONE = Processes()
_PARENT = os.getppid()


@contextmanager
def together(device: str) -> Iterator[Processes]:
    """Connect the processes that torchrun has started; a process that it has not is alone."""
    if not torchrun_processes():
        yield ALONE
        return
    if device == "cuda":
        _choose_gpu()
    distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    yield Processes(distributed.get_rank(), distributed.get_world_size())
    distributed.destroy_process_group()


def _choose_gpu() -> None:
    place, there = int(os.environ.get("LOCAL_RANK", 0)), torch.cuda.device_count()
    if place >= there:
        raise WatchtimeError(f"processes: each needs a GPU of its own, and this machine shows {there} of them.")
    torch.cuda.set_device(place)
