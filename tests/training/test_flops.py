"""Floating-point operations of one row's inference, counted by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import logs
from watchtime.core.settings import EncoderSettings
from watchtime.encoders.perceptron import InputShape
from watchtime.methods.network import Guide, GuidedHead, NetworkMethod
from watchtime.methods.vr import ValueRegression
from watchtime.training.flops import flops

# Three fields, two lists of two and five places, four numeric columns.
SHAPE = InputShape(table=1000, fields=3, lists=(2, 5), numeric=4)
ENCODER = EncoderSettings(embedding=8, layers=(32, 16))


def method(head: type[nn.Module] | None = None, outputs: int = 1) -> NetworkMethod:
    """Return VR with another head, made from the width that the encoder has."""
    found = ValueRegression(ValueRegression.Settings(), None, "watch_time")
    found.outputs = outputs
    if head is not None:
        found.head = head  # type: ignore[method-assign]
    return found


def perceptron(inputs: int, layers: tuple[int, ...]) -> int:
    """Return 2 Σ of the products of neighbouring widths."""
    widths = [inputs, *layers]
    return 2 * sum(wide * narrow for wide, narrow in pairwise(widths))


def test_a_perceptron_takes_two_operations_per_weight() -> None:
    assert flops(method(), SHAPE, ENCODER) == perceptron(5 * 8 + 4, (32, 16, 1)) == 3872
    assert flops(method(outputs=7), SHAPE, ENCODER) == perceptron(5 * 8 + 4, (32, 16, 7))
    without = ENCODER.model_copy(update={"numeric": False})
    assert flops(method(), SHAPE, without) == perceptron(5 * 8, (32, 16, 1))


def test_lookups_and_means_over_lists_are_free() -> None:
    """Neither the table's length nor the number of places counts."""
    assert flops(method(), replace(SHAPE, table=10**9, lists=(200, 500)), ENCODER) == flops(method(), SHAPE, ENCODER)
    bare = InputShape(table=10, fields=1, lists=(), numeric=0)
    assert flops(method(), bare, EncoderSettings(embedding=8, layers=(4,))) == perceptron(8, (4, 1))


def test_every_tower_counts() -> None:
    twin = method()
    twin.towers = 2
    assert flops(twin, SHAPE, ENCODER) == 2 * flops(method(), SHAPE, ENCODER)


class Attending(GuidedHead):
    """Five queries on three keys of width 16 in two heads of 8, and a product with a vector; a guide is not seen."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.keys = nn.Parameter(torch.zeros(1, 2, 3, 8))
        self.queries = nn.Parameter(torch.zeros(1, 2, 5, 8))
        self.vector = nn.Parameter(torch.zeros(width))

    def forward(self, hidden: Tensor, guide: Guide | None = None) -> Tensor:
        assert guide is None
        attended = functional.scaled_dot_product_attention(self.queries, self.keys, self.keys)
        return (hidden @ self.vector)[:, None] + attended.sum()


def test_attention_and_products_with_vectors_count() -> None:
    """Scores and weighted sums of attention take 2 · (2 heads · 5 · 3 · 8) operations each."""
    own = 2 * 16 + 2 * 2 * (2 * 5 * 3 * 8)
    assert flops(method(Attending), SHAPE, ENCODER) == perceptron(5 * 8 + 4, (32, 16)) + own


@pytest.mark.parametrize("name", [name for name, card in logs.catalog().methods.items() if card.family == "network"])
def test_every_network_is_counted_and_takes_more_than_its_encoder(name: str) -> None:
    log, _ = logs.encoded()
    model = logs.model(logs.spec(name))
    found, encoder = model.flops(log), model.spec.encoder
    assert found is not None
    # Three ids, the tags and, unless the method goes without it, the duration.
    columns = int(model.spec.features is None or "duration_seconds" in model.spec.features)
    assert found > perceptron(4 * encoder.embedding + columns, encoder.layers)


def test_statistics_and_trees_are_not_counted() -> None:
    log, _ = logs.encoded()
    for name, card in logs.catalog().methods.items():
        if card.family in ("trivial", "trees"):
            model = logs.model(logs.spec(name))
            assert model.flops(log) is None


def test_the_count_is_that_of_the_chosen_features() -> None:
    """Two of three fields, without list and number: 2 · 8 inputs are left."""
    log, encoding = logs.encoded()
    spec = logs.spec("vr", encoder={"embedding": 8, "layers": [4]}).model_copy(update={"features": ["user", "item"]})
    model = logs.model(spec, log, encoding.select(["user", "item"]))
    assert model.flops(log) == perceptron(2 * 8, (4, 1))
