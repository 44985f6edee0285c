"""Encoded rows that live on the device: an epoch is a permutation there and one gather per batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.fields import MultiValued
from watchtime.encoders.perceptron import Inputs, InputShape
from watchtime.training.processes import Portion

Labels = dict[str, Tensor]


class ResidentRows:
    """The inputs of one log on one device, their ids shifted into one embedding table.

    ``cardinalities`` are those of the encoding: categorical fields, then multi-valued ones. ``events`` is how many of a
    user's past events count, the latest; a log without histories has places for them in which nothing happened.
    """

    def __init__(
        self, log: EncodedLog, cardinalities: Mapping[str, int], device: torch.device, events: int = 0
    ) -> None:
        fields = len(cardinalities) - len(log.multi_valued)
        sizes = np.array(list(cardinalities.values()), dtype=np.int64)
        starts = (np.cumsum(sizes) - sizes).astype(np.int32)
        lists = [_padded(field, start) for field, start in zip(log.multi_valued.values(), starts[fields:], strict=True)]
        places = tuple(ids.shape[1] for ids, _ in lists)
        self.device = device
        width = log.numeric.shape[1] + sum(one.matrix.shape[1] for one in log.vectors.values())
        self.past = _Past(log, starts, events, device) if log.history and events else None
        event_fields = self.past.fields if self.past else ()
        self.shape = InputShape(int(sizes.sum()), fields, places, width, events, event_fields)
        self.unknown = _on(starts[:fields], device)
        unknown = [np.repeat(starts[fields:], places), np.repeat(starts[list(event_fields)], events)]
        self.unknown_in_lists = _on(np.concatenate(unknown), device)
        self.categorical = _on(log.categorical + starts[:fields], device)
        self.numeric = _on(log.numeric, device)
        self.pointers = [_on(field.pointer, device) for field in log.multi_valued.values()]
        self.vectors = [(_on(one.pointer, device), _on(one.matrix, device)) for one in log.vectors.values()]
        self.lists = [(_on(ids, device), _on(present, device)) for ids, present in lists]

    def __len__(self) -> int:
        return len(self.categorical)

    def gather(self, index: Tensor) -> Inputs:
        """Return the inputs of the rows ``index``, whose shape leads every tensor."""
        rows = index.flatten()
        inputs = self._inputs(
            self.categorical.index_select(0, rows),
            self._numbers(self.numeric.index_select(0, rows), [one.index_select(0, rows) for one, _ in self.vectors]),
            [pointer.index_select(0, rows) for pointer in self.pointers],
            self.past.of(rows) if self.past else None,
        )
        return Inputs(*(tensor.view(*index.shape, tensor.shape[-1]) for tensor in inputs))

    def slab(self, start: int, stop: int) -> Inputs:
        """Return the inputs of consecutive rows without an index."""
        pointers = [pointer[start:stop] for pointer in self.pointers]
        numbers = self._numbers(self.numeric[start:stop], [one[start:stop] for one, _ in self.vectors])
        past = self.past.of(slice(start, stop)) if self.past else None
        return self._inputs(self.categorical[start:stop], numbers, pointers, past)

    def drop_ids(self, inputs: Inputs, rate: float, generators: Sequence[torch.Generator], portion: Portion) -> Inputs:
        """Replace each id, in lists too, by its field's unknown id with probability ``rate``.

        Inputs are those of the ``portion``, with a leading repetition axis, and each repetition has its own random
        stream.
        """

        def dropped(ids: Tensor, unknown: Tensor) -> Tensor:
            return torch.where(portion.uniform(generators, *ids.shape[2:]) < rate, unknown, ids)

        return inputs._replace(
            ids=dropped(inputs.ids, self.unknown), list_ids=dropped(inputs.list_ids, self.unknown_in_lists)
        )

    def _numbers(self, numeric: Tensor, pointers: list[Tensor]) -> Tensor:
        """Return the numeric columns, and beside them the vectors that each row points to."""
        if not pointers:
            return numeric
        found = [matrix.index_select(0, one) for (_, matrix), one in zip(self.vectors, pointers, strict=True)]
        return torch.cat([numeric, *found], -1)

    def _inputs(
        self, categorical: Tensor, numeric: Tensor, pointers: list[Tensor], past: tuple[Tensor, Tensor] | None
    ) -> Inputs:
        pairs = [
            (ids.index_select(0, rows), present.index_select(0, rows))
            for (ids, present), rows in zip(self.lists, pointers, strict=True)
        ]
        pairs += [past] if past else []
        if not pairs:
            nothing = categorical[:, :0]
            return Inputs(categorical, nothing, nothing.bool(), numeric)
        ids, present = (torch.cat(parts, -1) for parts in zip(*pairs, strict=True))
        return Inputs(categorical, ids, present, numeric)


class _Past:
    """The latest events before every row, the latest first."""

    def __init__(self, log: EncodedLog, starts: npt.NDArray[np.int32], events: int, device: torch.device) -> None:
        assert log.history is not None
        self.fields = tuple(log.fields.index(name) for name in log.history.fields)
        own = starts[list(self.fields)]
        # The last row stands where nothing happened.
        ids = np.concatenate([log.history.events + own, own[None]])
        self.ids, self.start, self.stop = (_on(one, device) for one in (ids, log.history.start, log.history.stop))
        self.back = torch.arange(1, events + 1, device=device)

    def of(self, rows: Tensor | slice) -> tuple[Tensor, Tensor]:
        """Return the shifted ids of the rows' past events, field by field, and which places have one."""
        places = self.stop[rows].unsqueeze(-1) - self.back
        there = places >= self.start[rows].unsqueeze(-1)
        ids = self.ids[torch.where(there, places, len(self.ids) - 1)].transpose(-1, -2).flatten(-2)
        return ids, there.repeat(1, len(self.fields))


@dataclass(frozen=True)
class Part:
    """The rows of one part of the split with their labels, on the device."""

    rows: ResidentRows
    labels: Labels


def on_device(labels: Mapping[str, npt.NDArray[Any]], device: torch.device) -> Labels:
    """Return labels as tensors: floats in single precision, everything else as it is."""
    tensors = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in labels.items()}
    return {name: (value.float() if value.is_floating_point() else value).to(device) for name, value in tensors.items()}


def _on(array: npt.NDArray[Any], device: torch.device) -> Tensor:
    return torch.from_numpy(np.array(array, order="C")).to(device)


def _padded(field: MultiValued, start: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """Return the distinct lists as rows of one matrix of shifted ids, and which of its places hold an id."""
    lengths = np.diff(field.offsets)
    longest = max(int(lengths.max(initial=0)), 1)
    present = np.arange(longest) < lengths[:, None]
    ids = np.full(present.shape, start, dtype=np.int32)
    ids[present] = field.values + start
    return ids, present
