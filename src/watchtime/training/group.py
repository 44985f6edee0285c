"""The repetitions that train side by side: one for the looped mode, all of them for the stacked mode.

Stacked parameters carry a leading repetition axis and the loss is mapped over it by ``torch.vmap``; the sum of the
repetitions' losses has block-diagonal gradients, so both modes do the same arithmetic on every repetition.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.func import functional_call

from watchtime.core.seeds import derive_seed
from watchtime.core.settings import EncoderSettings, TrainingSettings
from watchtime.encoders.perceptron import Inputs
from watchtime.methods.base import NetworkMethod
from watchtime.training.network import initialised, template
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
        device = rows.device
        networks = [
            initialised(method, rows.shape, encoder, derive_seed(seed, axis="initialisation", repetition=repetition))
            for repetition in repetitions
        ]
        self.template = template(method, rows.shape, encoder)
        named = [dict(network.named_parameters()) for network in networks]
        self.parameters = {name: _leaf([one[name] for one in named], stacked, device) for name in named[0]}
        self.batches = [_generator(seed, "batches", repetition, device) for repetition in repetitions]
        self.droppings = [_generator(seed, "unknown ids", repetition, device) for repetition in repetitions]
        tables = [value for name, value in self.parameters.items() if name.endswith(".table")]
        layers = [value for name, value in self.parameters.items() if not name.endswith(".table")]
        self.optimiser = torch.optim.Adam(
            [{"params": tables, "weight_decay": training.embedding_decay}, {"params": layers}],
            lr=training.learning_rate,
            fused=True,
        )

    def epoch_order(self, rows: int) -> Tensor:
        """Return this epoch's row numbers, [batches, repetitions, batch]; the ragged tail waits for another epoch."""
        size = min(self.training.batch, rows)
        count = rows // size
        orders = [torch.randperm(rows, generator=one, device=one.device)[: count * size] for one in self.batches]
        return torch.stack([order.view(count, size) for order in orders], 1)

    def step(self, rows: ResidentRows, labels: Labels, index: Tensor) -> Tensor:
        """Take one optimiser step on the rows ``index`` [repetitions, batch]; return the losses [repetitions]."""
        inputs = rows.gather(index)
        if self.training.unknown_rate:
            inputs = rows.drop_ids(inputs, self.training.unknown_rate, self.droppings)
        losses = self.losses(self.parameters, inputs, {name: value[index] for name, value in labels.items()})
        self.optimiser.zero_grad(set_to_none=True)
        losses.sum().backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return losses.detach()

    def losses(self, parameters: Parameters, inputs: Inputs, labels: Labels) -> Tensor:
        """Return the loss of every repetition, [repetitions], from inputs and labels with that leading axis."""
        if self.stacked:
            losses: Tensor = torch.vmap(self._loss)(parameters, inputs, labels)
            return losses
        return self._loss(parameters, _only(inputs), {name: value[0] for name, value in labels.items()})[None]

    def shared_losses(self, parameters: Parameters, inputs: Inputs, labels: Labels) -> Tensor:
        """Return the loss of every repetition, [repetitions], on the same rows."""
        if self.stacked:
            losses: Tensor = torch.vmap(self._loss, in_dims=(0, None, None))(parameters, inputs, labels)
            return losses
        return self._loss(parameters, inputs, labels)[None]

    def repetition(self, parameters: Parameters, place: int) -> Parameters:
        """Return the parameters of the repetition at ``place`` without the leading axis."""
        return {name: value.detach()[place] if self.stacked else value.detach() for name, value in parameters.items()}

    def _loss(self, parameters: Parameters, inputs: Inputs, labels: Labels) -> Tensor:
        return self.method.loss(functional_call(self.template, parameters, (inputs,)), labels)


def _leaf(values: list[Tensor], stacked: bool, device: torch.device) -> Tensor:
    value = torch.stack(values) if stacked else values[0]
    return value.detach().to(device).requires_grad_()


def _only(inputs: Inputs) -> Inputs:
    return Inputs(inputs.categorical[0], inputs.numeric[0], tuple(ids[0] for ids in inputs.lists))


def _generator(seed: int, axis: str, repetition: int, device: torch.device) -> torch.Generator:
    return torch.Generator(device).manual_seed(derive_seed(seed, axis=axis, repetition=repetition))
