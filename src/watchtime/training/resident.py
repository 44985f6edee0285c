"""Encoded rows that live on the device: an epoch is a permutation there and one gather per batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.fields import MultiValued
from watchtime.encoders.perceptron import Inputs, InputShape

Labels = dict[str, Tensor]


class ResidentRows:
    """The inputs of one log on one device, their ids shifted into one embedding table."""

    def __init__(self, log: EncodedLog, cardinalities: Mapping[str, int], device: torch.device) -> None:
        fields = len(cardinalities) - len(log.multi_valued)
        sizes = np.array(list(cardinalities.values()), dtype=np.int64)
        starts = np.cumsum(sizes) - sizes
        self.device = device
        self.unknown = torch.from_numpy(starts.astype(np.int32)).to(device)
        self.categorical = torch.from_numpy(log.categorical + starts[:fields].astype(np.int32)).to(device)
        self.numeric = torch.from_numpy(np.ascontiguousarray(log.numeric)).to(device)
        self.pointers = [torch.from_numpy(field.pointer).to(device) for field in log.multi_valued.values()]
        self.lists = [
            torch.from_numpy(_padded(field, start)).to(device)
            for field, start in zip(log.multi_valued.values(), starts[fields:], strict=True)
        ]
        self.shape = InputShape(int(sizes.sum()), fields, self.numeric.shape[1], len(self.lists))

    def __len__(self) -> int:
        return len(self.categorical)

    def gather(self, index: Tensor) -> Inputs:
        """Return the inputs of the rows ``index``, whose shape leads every tensor."""
        lists = tuple(table[pointer[index]] for table, pointer in zip(self.lists, self.pointers, strict=True))
        return Inputs(self.categorical[index], self.numeric[index], lists)

    def slab(self, start: int, stop: int) -> Inputs:
        """Return the inputs of consecutive rows without an index."""
        lists = tuple(table[pointer[start:stop]] for table, pointer in zip(self.lists, self.pointers, strict=True))
        return Inputs(self.categorical[start:stop], self.numeric[start:stop], lists)

    def drop_ids(self, inputs: Inputs, rate: float, generators: Sequence[torch.Generator]) -> Inputs:
        """Replace each id, in lists too, by its field's unknown id with probability ``rate``.

        Inputs have a leading repetition axis, and each repetition its own random stream.
        """

        def dropped(ids: Tensor, unknown: Tensor) -> Tensor:
            draws = torch.stack([torch.rand(ids.shape[1:], generator=one, device=one.device) for one in generators])
            return torch.where((draws < rate) & (ids >= 0), unknown, ids)

        fields = self.shape.categorical
        lists = tuple(dropped(ids, unknown) for ids, unknown in zip(inputs.lists, self.unknown[fields:], strict=True))
        return Inputs(dropped(inputs.categorical, self.unknown[:fields]), inputs.numeric, lists)


def on_device(labels: Mapping[str, npt.NDArray[Any]], device: torch.device) -> Labels:
    """Return labels as tensors: floats in single precision, everything else as it is."""
    tensors = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in labels.items()}
    return {name: (value.float() if value.is_floating_point() else value).to(device) for name, value in tensors.items()}


def _padded(field: MultiValued, start: int) -> npt.NDArray[np.int32]:
    """Return the distinct lists as rows of one matrix, shifted ids first and -1 after them."""
    lengths = np.diff(field.offsets)
    longest = max(int(lengths.max(initial=0)), 1)
    present = np.arange(longest) < lengths[:, None]
    matrix = np.full(present.shape, -1, dtype=np.int32)
    matrix[present] = field.values + np.int32(start)
    return matrix
