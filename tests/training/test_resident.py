"""Rows on the device: vectors of a table stand beside the numeric columns, past events in the lists of their row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

import logs
from watchtime.datasets.fields import VectorTable
from watchtime.training.resident import ResidentRows


def test_vectors_are_gathered_beside_the_numbers() -> None:
    plain, encoding = logs.encoded()
    draws = np.random.default_rng(3)
    matrix = draws.random((5, 4)).astype(np.float32)
    pointer = draws.integers(0, 5, len(plain)).astype(np.int32)
    log = replace(plain, vectors={"taste": VectorTable(pointer, matrix)})
    rows = ResidentRows(log, encoding.cardinalities, torch.device("cpu"))
    bare = ResidentRows(plain, encoding.cardinalities, torch.device("cpu"))
    assert rows.shape.numeric == bare.shape.numeric + 4
    index = torch.tensor([[7, 0], [3, 7]])
    for inputs, without, chosen in (
        (rows.gather(index), bare.gather(index), index.numpy()),
        (rows.slab(5, 9), bare.slab(5, 9), np.arange(5, 9)),
    ):
        assert torch.equal(inputs.ids, without.ids)
        assert np.array_equal(inputs.numeric[..., :-4], without.numeric)
        assert np.array_equal(inputs.numeric[..., -4:], matrix[pointer[chosen]])


def test_past_events_are_the_latest_of_the_row_itself() -> None:
    """Field by field, the latest first; places before a user's first event are empty."""
    log, encoding = logs.encoded()
    assert log.history is not None
    places = [log.fields.index(name) for name in log.history.fields]
    cardinalities = list(encoding.cardinalities.values())
    first_ids = np.array([sum(cardinalities[:place]) for place in places])
    events, index = 4, torch.tensor([[3, 200], [41, 77]])
    rows = ResidentRows(log, encoding.cardinalities, torch.device("cpu"), events)
    lengths = log.history.stop - log.history.start
    short = np.flatnonzero((lengths > 0) & (lengths < events))[:3]
    assert len(short), "a row with fewer events than places is what this test is about"
    index = torch.cat([index, torch.from_numpy(short)[None, :2]])
    inputs = rows.gather(index)
    for batch, row in np.ndindex(*index.shape):
        number = int(index[batch, row])
        own = log.history.events[log.history.start[number] : log.history.stop[number]][::-1][:events] + first_ids
        ids, present = (
            one[batch, row, -events * len(places) :].reshape(len(places), events)
            for one in (inputs.list_ids, inputs.present)
        )
        assert present.tolist() == [[place < len(own) for place in range(events)]] * len(places)
        assert ids[:, : len(own)].T.tolist() == own.tolist()
