"""The repetitions that train side by side: one for the looped mode, all of them for the stacked mode.

Stacked parameters carry a leading repetition axis and the loss is mapped over it by ``torch.vmap``; the sum of the
repetitions' losses has block-diagonal gradients, so both modes do the same arithmetic on every repetition.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call

from watchtime.core.seeds import derive_seed
from watchtime.core.settings import EncoderSettings, TrainingSettings
from watchtime.encoders.perceptron import Inputs
from watchtime.methods.base import NetworkMethod
from watchtime.training.network import TABLE, initialised, template
from watchtime.training.resident import Labels, ResidentRows

Parameters = dict[str, Tensor]


class Group:
    """Parameters, optimiser and random streams of the repetitions ``repetitions``."""

    def __init__(
        self,
        method: NetworkMethod,
        rows: ResidentRows,
        encoder: EncoderSettings,
        training: TrainingSettings,
        seed: int,
        repetitions: Sequence[int],
        stacked: bool,
    ) -> None:
        self.method, self.training, self.stacked = method, training, stacked
        self.repetitions = list(repetitions)
        self.device = device = rows.device
        networks = [
            initialised(method, rows.shape, encoder, derive_seed(seed, axis="initialisation", repetition=repetition))
            for repetition in repetitions
        ]
        self.template = template(method, rows.shape, encoder)
        named = [dict(network.named_parameters()) for network in networks]
        self.parameters = {name: _leaf([one[name] for one in named], stacked, device) for name in named[0]}
        self.layers = {name: value for name, value in self.parameters.items() if name != TABLE}
        self.table = self.parameters[TABLE]
        self.table.grad = torch.zeros_like(self.table)
        self.starts = torch.arange(len(networks), dtype=torch.int32, device=device)[:, None, None] * rows.shape.table
        self.batches = [_generator(seed, "batches", repetition, device) for repetition in repetitions]
        self.droppings = [_generator(seed, "unknown ids", repetition, device) for repetition in repetitions]
        tables: dict[str, Any] = {"params": [self.table], "weight_decay": training.embedding_decay}
        layers: dict[str, Any] = {"params": list(self.layers.values())}
        self.optimiser = torch.optim.Adam([tables, layers], lr=training.learning_rate, fused=True)

    def epoch_order(self, rows: int) -> Tensor:
        """Return this epoch's row numbers, [batches, repetitions, batch]; the ragged tail waits for another epoch."""
        size = min(self.training.batch, rows)
        count = rows // size
        orders = [torch.randperm(rows, generator=one, device=one.device)[: count * size] for one in self.batches]
        return torch.stack([order.view(count, size) for order in orders], 1)

    def step(self, rows: ResidentRows, labels: Labels, index: Tensor) -> Tensor:
        """Take one optimiser step on the rows ``index`` [repetitions, batch]; return the losses [repetitions].

        The looked-up vectors are the leaves of the backward pass and their gradients are added into one lasting
        buffer: a dense gradient of the table made anew for every batch costs more than the perceptron.
        """
        inputs = rows.gather(index)
        if self.training.unknown_rate:
            inputs = rows.drop_ids(inputs, self.training.unknown_rate, self.droppings)
        places = (inputs.ids + self.starts).flatten().long()
        with torch.no_grad():
            vectors = self._flat(self.table).index_select(0, places).view(*inputs.ids.shape, -1)
        vectors.requires_grad_()
        for layer in self.layers.values():
            layer.grad = None
        losses = self._losses(inputs, vectors, {name: _at(value, index) for name, value in labels.items()})
        losses.sum().backward()  # type: ignore[no-untyped-call]
        assert self.table.grad is not None
        assert vectors.grad is not None
        self._flat(self.table.grad.zero_()).index_add_(0, places, vectors.grad.flatten(0, -2))
        self.optimiser.step()
        return losses.detach()

    def shared_losses(self, inputs: Inputs, labels: Labels) -> Tensor:
        """Return the loss of every repetition, [repetitions], on the same rows."""
        if self.stacked:
            losses: Tensor = torch.vmap(self._loss, in_dims=(0, None, None, None))(
                self.parameters, inputs, None, labels
            )
            return losses
        return self._loss(self.parameters, inputs, None, labels)[None]

    def repetition(self, parameters: Parameters, place: int) -> Parameters:
        """Return the parameters of the repetition at ``place`` without the leading axis."""
        return {name: value.detach()[place] if self.stacked else value.detach() for name, value in parameters.items()}

    def _losses(self, inputs: Inputs, vectors: Tensor, labels: Labels) -> Tensor:
        """Return the loss of every repetition, [repetitions], from rows with that leading axis."""
        if self.stacked:
            losses: Tensor = torch.vmap(self._loss)(self.layers, inputs, vectors, labels)
            return losses
        only = Inputs(*(tensor[0] for tensor in inputs))
        return self._loss(self.layers, only, vectors[0], {name: value[0] for name, value in labels.items()})[None]

    def _loss(self, parameters: Parameters, inputs: Inputs, vectors: Tensor | None, labels: Labels) -> Tensor:
        return self.method.loss(functional_call(self.template, parameters, (inputs, vectors)), labels)

    @staticmethod
    def _flat(table: Tensor) -> Tensor:
        """Return the tables of all repetitions below one another, [repetitions × ids, width]."""
        return table.view(-1, table.shape[-1])


def _at(value: Tensor, index: Tensor) -> Tensor:
    return value.index_select(0, index.flatten()).view(*index.shape, *value.shape[1:])


def _leaf(values: list[Tensor], stacked: bool, device: torch.device) -> Tensor:
    value = torch.stack(values) if stacked else values[0]
    return value.detach().to(device).requires_grad_()


def _generator(seed: int, axis: str, repetition: int, device: torch.device) -> torch.Generator:
    return torch.Generator(device).manual_seed(derive_seed(seed, axis=axis, repetition=repetition))
