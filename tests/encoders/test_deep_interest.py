"""The attention over past events against a loop, and what must not matter to it."""

from __future__ import annotations

import torch
from torch import Tensor

from watchtime.core.settings import EncoderSettings, HistorySettings
from watchtime.encoders.deep_interest import DeepInterestEncoder
from watchtime.encoders.perceptron import Inputs, InputShape, Vectors

EVENTS, WIDTH, BATCH = 4, 3, 6
SHAPE = InputShape(table=40, fields=3, lists=(2,), numeric=2, events=EVENTS, event_fields=(0, 2))
SETTINGS = EncoderSettings(embedding=WIDTH, layers=(7, 5), history=HistorySettings(events=EVENTS, attention=6))


def case() -> tuple[DeepInterestEncoder, Vectors, Inputs]:
    torch.manual_seed(2)
    encoder = DeepInterestEncoder(SHAPE, SETTINGS).double()
    places = SHAPE.places
    vectors = Vectors(torch.randn(BATCH, 3, WIDTH).double(), torch.randn(BATCH, places, WIDTH).double())
    happened = torch.arange(EVENTS) < torch.tensor([0, 1, 2, 3, 4, 4])[:, None]
    present = torch.cat([torch.rand(BATCH, 2) < 0.7, happened, happened], -1)
    ids = torch.zeros(BATCH, 3, dtype=torch.int32)
    return encoder, vectors, Inputs(ids, torch.zeros(BATCH, places, dtype=torch.int32), present, torch.randn(BATCH, 2))


def prelu(values: Tensor, slope: Tensor) -> Tensor:
    return values.clamp(min=0) + slope * values.clamp(max=0)


def looped(encoder: DeepInterestEncoder, vectors: Vectors, inputs: Inputs, row: int) -> Tensor:
    """Return h of one row, event by event."""
    lists, events = vectors.lists[row, :2], vectors.lists[row, 2:]
    known = [lists[place] for place in range(2) if inputs.present[row, place]]
    pooled = torch.stack(known).mean(0) if known else torch.zeros(WIDTH, dtype=torch.float64)
    candidate = torch.cat([vectors.fields[row, 0], vectors.fields[row, 2]])
    interest = torch.zeros_like(candidate)
    for event in range(EVENTS):
        if inputs.present[row, 2 + event]:
            past = torch.cat([events[event], events[EVENTS + event]])
            pair = torch.cat([past, candidate, past - candidate, past * candidate])
            hidden = prelu(encoder.attention(pair), encoder.attention_slope)
            interest = interest + encoder.weight(hidden) * past
    hidden = torch.cat([vectors.fields[row].flatten(), pooled, interest, inputs.numeric[row].double()])
    for layer, slope in zip(encoder.layers, encoder.slopes, strict=True):
        hidden = prelu(layer(hidden), slope)
    return hidden


def test_it_is_the_sum_over_events() -> None:
    encoder, vectors, inputs = case()
    found = encoder(vectors, inputs)
    for row in range(BATCH):
        torch.testing.assert_close(found[row], looped(encoder, vectors, inputs, row))


def test_what_stands_in_a_place_without_an_event_does_not_matter() -> None:
    encoder, vectors, inputs = case()
    absent = (~inputs.present[:, 2:]).unsqueeze(-1)
    changed = torch.cat([vectors.lists[:, :2], vectors.lists[:, 2:] + 5 * absent], 1)
    torch.testing.assert_close(encoder(Vectors(vectors.fields, changed), inputs), encoder(vectors, inputs))


def test_the_order_of_events_does_not_matter() -> None:
    encoder, vectors, inputs = case()
    order = torch.tensor([0, 1, 5, 4, 3, 2, 9, 8, 7, 6])
    turned = inputs._replace(present=inputs.present[:, order])
    moved = Vectors(vectors.fields, vectors.lists[:, order])
    torch.testing.assert_close(encoder(moved, turned), encoder(vectors, inputs))
