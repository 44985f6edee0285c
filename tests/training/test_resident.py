"""Rows on the device: vectors of a table stand beside the numeric columns of the rows that point to them."""

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
