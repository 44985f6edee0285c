"""One network of a method: its towers of shared encoder and own head."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from watchtime.core.settings import EncoderSettings
from watchtime.encoders.perceptron import Inputs, InputShape, PerceptronEncoder
from watchtime.methods.base import NetworkMethod


class Tower(nn.Module):
    """An encoder and a head: [batch] rows to [batch, outputs]."""

    def __init__(self, method: NetworkMethod, shape: InputShape, settings: EncoderSettings) -> None:
        super().__init__()
        self.encoder = PerceptronEncoder(shape, settings)
        self.head = method.head(self.encoder.width)

    def forward(self, inputs: Inputs) -> Tensor:
        outputs: Tensor = self.head(self.encoder(inputs))
        return outputs


class Network(nn.Module):
    """The towers of a method side by side: [batch] rows to [batch, towers × outputs]."""

    def __init__(self, method: NetworkMethod, shape: InputShape, settings: EncoderSettings) -> None:
        super().__init__()
        self.towers = nn.ModuleList(Tower(method, shape, settings) for _ in range(method.towers))

    def forward(self, inputs: Inputs) -> Tensor:
        return torch.cat([tower(inputs) for tower in self.towers], -1)


def initialised(method: NetworkMethod, shape: InputShape, settings: EncoderSettings, seed: int) -> Network:
    """Return a network whose starting weights follow from ``seed`` alone, on every device."""
    torch.manual_seed(seed)
    return Network(method, shape, settings)


def template(method: NetworkMethod, shape: InputShape, settings: EncoderSettings) -> Network:
    """Return a network without weights, to be called with parameters from outside."""
    with torch.device("meta"):
        return Network(method, shape, settings)
