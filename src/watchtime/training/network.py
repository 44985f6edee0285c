"""One network of a method: an embedding table and towers of shared encoder and own head."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from watchtime.core.settings import EncoderSettings
from watchtime.encoders.perceptron import Inputs, InputShape, Vectors
from watchtime.encoders.shared import shared_encoder
from watchtime.methods.network import Guide, GuidedHead, NetworkMethod

TABLE = "table"


class Tower(nn.Module):
    """An encoder and a head: [batch] rows to [batch, outputs]."""

    def __init__(self, method: NetworkMethod, shape: InputShape, settings: EncoderSettings) -> None:
        super().__init__()
        self.encoder = shared_encoder(shape, settings)
        self.head = method.head(self.encoder.width)

    def forward(self, vectors: Vectors, inputs: Inputs, guide: Guide | None) -> Tensor:
        hidden = self.encoder(vectors, inputs)
        guided = guide is not None and isinstance(self.head, GuidedHead)
        outputs: Tensor = self.head(hidden, guide) if guided else self.head(hidden)
        return outputs


class Network(nn.Module):
    """The towers of a method side by side: [batch] rows to [batch, towers × outputs].

    The table holds the towers' embeddings side by side, [ids, towers × embedding], and starts at N(0, 0.05²), so
    that ids seen once stay near the unknown id.
    """

    def __init__(self, method: NetworkMethod, shape: InputShape, settings: EncoderSettings) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(shape.table, method.towers * settings.embedding) * 0.05)
        self.towers = nn.ModuleList(Tower(method, shape, settings) for _ in range(method.towers))

    def heads(self) -> list[nn.Module]:
        return [tower.head for tower in self.towers if isinstance(tower, Tower)]

    def forward(self, inputs: Inputs, vectors: Vectors | None = None, guide: Guide | None = None) -> Tensor:
        """Return the outputs, of inference without a ``guide``; ``vectors`` may have been looked up already."""
        if vectors is None:
            vectors = looked_up(self.table, inputs)
        if len(self.towers) == 1:
            outputs: Tensor = self.towers[0](vectors, inputs, guide)
            return outputs
        parts = zip(*(part.chunk(len(self.towers), -1) for part in vectors), strict=True)
        pairs = zip(self.towers, parts, strict=True)
        return torch.cat([tower(Vectors(*part), inputs, guide) for tower, part in pairs], -1)


def looked_up(table: Tensor, inputs: Inputs) -> Vectors:
    """Return the rows of ``table`` [ids, width] that stand for the ids of ``inputs``."""
    return Vectors(*(nn.functional.embedding(ids, table) for ids in (inputs.ids, inputs.list_ids)))


def initialised(method: NetworkMethod, shape: InputShape, settings: EncoderSettings, seed: int) -> Network:
    """Return a network whose starting weights follow from ``seed`` alone, on every device."""
    torch.manual_seed(seed)
    return Network(method, shape, settings)


def template(method: NetworkMethod, shape: InputShape, settings: EncoderSettings) -> Network:
    """Return a network without weights, to be called with parameters from outside; its own table has one row.

    It is made on the CPU, because random numbers on the meta device load torch's compiler.
    """
    with torch.random.fork_rng(devices=[]):
        return Network(method, replace(shape, table=1), settings).to("meta")
