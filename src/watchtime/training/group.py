"""The repetitions that train side by side: one for the looped mode, all of them for the stacked mode.

Stacked parameters carry a leading repetition axis and the loss is mapped over it by ``torch.vmap``; the sum of the
repetitions' losses has block-diagonal gradients, so both modes do the same arithmetic on every repetition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.func import functional_call

from watchtime.core.seeds import derive_seed
from watchtime.core.settings import EncoderSettings, TrainingSettings
from watchtime.encoders.perceptron import Inputs, Vectors
from watchtime.methods.network import Guide, Moment, NetworkMethod, Representations
from watchtime.optimisers.adam import Adam
from watchtime.training.network import TABLE, Network, initialised, template
from watchtime.training.processes import ALONE, Portion, Processes
from watchtime.training.resident import Labels, ResidentRows

Parameters = dict[str, Tensor]


class Group:
    """Parameters, optimiser and random streams of the repetitions ``repetitions``.

    ``representations`` gives what ``NetworkMethod.prepare`` may ask for, by repetition; a method that asks cannot do
    without. ``rows`` are those that this one of the ``processes`` holds.
    """

    def __init__(
        self,
        method: NetworkMethod,
        rows: ResidentRows,
        encoder: EncoderSettings,
        training: TrainingSettings,
        seed: int,
        repetitions: Sequence[int],
        stacked: bool,
        representations: Callable[[int], Representations] | None = None,
        processes: Processes = ALONE,
    ) -> None:
        self.method, self.training, self.stacked = method, training, stacked
        self.processes = processes
        self.repetitions, self.seed = list(repetitions), seed
        self.device = device = rows.device
        networks = [
            initialised(method, rows.shape, encoder, derive_seed(seed, axis="initialisation", repetition=repetition))
            for repetition in repetitions
        ]
        for repetition, network in zip(repetitions, networks, strict=True):
            _prepare(method, network, seed, repetition, representations)
        self.template = template(method, rows.shape, encoder)
        self.flat, self.parameters = _in_one_buffer(networks, stacked, device)
        # The same seed gives the same weights, but for rounding where machines differ.
        processes.first(self.flat)
        self.table = self.parameters[TABLE]
        self.layers = {name: value for name, value in self.parameters.items() if name != TABLE}
        self.starts = torch.arange(len(networks), dtype=torch.int32, device=device)[:, None, None] * rows.shape.table
        self.batches = [_generator(seed, "batches", repetition, device) for repetition in repetitions]
        self.droppings = [_generator(seed, "unknown ids", repetition, device) for repetition in repetitions]
        self.samplings = [_generator(seed, "sampling", repetition, device) for repetition in repetitions]
        self.moment = Moment(0, 1, training.epochs)
        self.optimiser = Adam(self.flat, training.learning_rate, training.weight_decay)

    def begin_epoch(self, epoch: int, batches: int) -> None:
        """Set where the training stands, and the stream from which torch's own dropout draws."""
        self.moment = Moment(epoch * batches, self.training.epochs * batches, self.training.epochs)
        own = {"process": self.processes.rank} if self.processes.rank else {}
        torch.manual_seed(derive_seed(self.seed, axis="dropout", repetition=self.repetitions[0], epoch=epoch, **own))

    def epoch_order(self, rows: int) -> Tensor:
        """Return this epoch's row numbers, [batches, repetitions, batch]; the ragged tail waits for another epoch."""
        size = min(self.training.batch, rows)
        count = rows // size
        orders = [torch.randperm(rows, generator=one, device=one.device)[: count * size] for one in self.batches]
        return torch.stack([order.view(count, size) for order in orders], 1)

    def step(self, rows: ResidentRows, labels: Labels, index: Tensor) -> Tensor:
        """Take one optimiser step on the rows ``index`` [repetitions, batch] of all processes.

        Returns the losses [repetitions], whose sum over the processes is that of the batch.
        """
        portion = self.processes.portion(index)
        self.optimiser.zero_gradient()
        losses = self._descent(rows, labels, portion)
        self.moment = replace(self.moment, step=self.moment.step + 1)
        assert self.flat.grad is not None
        assert self.table.grad is not None
        self.processes.total(self.flat.grad)
        if self.training.embedding_decay:
            self.table.grad.add_(self.table.detach(), alpha=self.training.embedding_decay)
        self.optimiser.step()
        return losses

    def _descent(self, rows: ResidentRows, labels: Labels, portion: Portion) -> Tensor:
        """Add the portion's part of the batch's gradient to the buffer; return its part of the losses, [repetitions].

        The looked-up vectors are the leaves of the backward pass and their gradients are added into one lasting
        buffer: a dense gradient of the table made anew for every batch costs more than the perceptron.
        """
        inputs = rows.gather(portion.rows)
        if self.training.unknown_rate:
            inputs = rows.drop_ids(inputs, self.training.unknown_rate, self.droppings, portion)
        # Without .long() index_add_ is five times slower.
        places = [(ids + self.starts).flatten().long() for ids in (inputs.ids, inputs.list_ids)]
        vectors = Vectors(self._looked_up(places[0], inputs.ids), self._looked_up(places[1], inputs.list_ids))
        draws = portion.uniform(self.samplings, self.method.draws)
        if not portion.share:
            # A mean over no rows is no number.
            return torch.zeros(len(self.repetitions), device=self.device)
        own = {name: _at(value, portion.rows) for name, value in labels.items()}
        losses = self._training_losses(inputs, vectors, own, draws)
        # Of a sum: for a gradient that is given, torch loads all of sympy, which takes longer than a short training.
        (losses.sum() * portion.share).backward()  # type: ignore[no-untyped-call]
        assert self.table.grad is not None
        for place, vector in zip(places, vectors, strict=True):
            if vector.grad is not None:
                self._flat(self.table.grad).index_add_(0, place, vector.grad.flatten(0, -2))
        return losses.detach() * portion.share

    def shared_losses(self, inputs: Inputs, labels: Labels) -> dict[str, Tensor]:
        """Return the loss of every repetition as ``validation``, and the method's measures, each [repetitions]."""
        if self.stacked:
            losses: dict[str, Tensor] = torch.vmap(self._judged, in_dims=(0, None, None))(
                self.parameters, inputs, labels
            )
            return losses
        return {name: value[None] for name, value in self._judged(self.parameters, inputs, labels).items()}

    def lists(self) -> dict[str, npt.NDArray[np.float64]]:
        """Return what else the learning curve notes of the lists that rows are ranked to, each [repetitions]."""
        return {}

    def repetition(self, parameters: Parameters, place: int) -> Parameters:
        """Return the parameters of the repetition at ``place`` without the leading axis."""
        return {name: value.detach()[place] if self.stacked else value.detach() for name, value in parameters.items()}

    def _training_losses(self, inputs: Inputs, vectors: Vectors, labels: Labels, draws: Tensor) -> Tensor:
        """Return what every repetition minimises, [repetitions], from rows and draws with that leading axis."""
        if self.stacked:
            losses: Tensor = torch.vmap(self._training_loss)(self.layers, inputs, vectors, labels, draws)
            return losses
        # squeeze, since the backward pass of [0] would copy the gradient into zeros of the whole shape.
        only, looked_up = Inputs(*(one.squeeze(0) for one in inputs)), Vectors(*(one.squeeze(0) for one in vectors))
        own = {name: one.squeeze(0) for name, one in labels.items()}
        return self._training_loss(self.layers, only, looked_up, own, draws.squeeze(0))[None]

    def _training_loss(
        self, parameters: Parameters, inputs: Inputs, vectors: Vectors, labels: Labels, draws: Tensor
    ) -> Tensor:
        guide = Guide(labels, draws, self.moment)
        outputs = functional_call(self.template, parameters, (inputs, vectors, guide))
        return self.method.training_loss(outputs, guide)

    def _judged(self, parameters: Parameters, inputs: Inputs, labels: Labels) -> dict[str, Tensor]:
        outputs = functional_call(self.template, parameters, (inputs,))
        return {"validation": self.method.loss(outputs, labels), **self.method.measures(outputs, labels)}

    @torch.no_grad()
    def _looked_up(self, places: Tensor, ids: Tensor) -> Tensor:
        """Return the vectors of ids [repetitions, batch, places] as a leaf of the backward pass."""
        vectors = self._flat(self.table).index_select(0, places).view(*ids.shape, self.table.shape[-1])
        return vectors.requires_grad_()

    def state(self) -> dict[str, Tensor]:
        """Return all that changes from step to step, for a checkpoint."""
        tensors = {"parameters": self.flat}
        tensors |= {f"optimiser/{key}": value for key, value in self.optimiser.state.items()}
        return tensors | {f"generator/{name}": one.get_state() for name, one in self._generators().items()}

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Take back what ``state`` returned."""
        self.flat.copy_(tensors["parameters"])
        start = "optimiser/"
        self.optimiser.state = {
            name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)
        }
        for name, generator in self._generators().items():
            generator.set_state(tensors[f"generator/{name}"].cpu())

    def _generators(self) -> dict[str, torch.Generator]:
        streams = {"batches": self.batches, "droppings": self.droppings, "samplings": self.samplings}
        return {f"{axis}/{place}": one for axis, stream in streams.items() for place, one in enumerate(stream)}

    @staticmethod
    def _flat(table: Tensor) -> Tensor:
        """Return the tables of all repetitions below one another, [repetitions × ids, width]."""
        return table.view(-1, table.shape[-1])


def _at(value: Tensor, index: Tensor) -> Tensor:
    return value.index_select(0, index.flatten()).view(*index.shape, *value.shape[1:])


def _prepare(
    method: NetworkMethod,
    network: Network,
    seed: int,
    repetition: int,
    representations: Callable[[int], Representations] | None,
) -> None:
    def without(name: str) -> npt.NDArray[np.float64]:
        raise ValueError(f"no rows are at hand to train '{name}' on")

    own = derive_seed(seed, axis="preparation", repetition=repetition)
    for head in network.heads():
        method.prepare(head, own, representations(repetition) if representations else without)


def _in_one_buffer(networks: Sequence[nn.Module], stacked: bool, device: torch.device) -> tuple[Tensor, Parameters]:
    """Return one flat tensor, and every parameter that learns as a leaf that shares its memory and its gradient's.

    One tensor is all that the optimiser and a checkpoint have to know. Parameters without gradient are constants.
    """
    named = [dict(network.named_parameters()) for network in networks]
    values = {name: torch.stack([one[name] for one in named]) if stacked else named[0][name] for name in named[0]}
    learned = {name: value for name, value in values.items() if named[0][name].requires_grad}
    flat = torch.cat([value.detach().flatten() for value in learned.values()]).to(device)
    flat.grad = torch.zeros_like(flat)
    sizes = [value.numel() for value in learned.values()]
    parameters = {name: value.detach().to(device) for name, value in values.items() if name not in learned}
    for (name, value), piece, gradient in zip(
        learned.items(), torch.split(flat, sizes), torch.split(flat.grad, sizes), strict=True
    ):
        parameters[name] = piece.view(value.shape).requires_grad_()
        parameters[name].grad = gradient.view(value.shape)
    return flat, parameters


def _generator(seed: int, axis: str, repetition: int, device: torch.device) -> torch.Generator:
    return torch.Generator(device).manual_seed(derive_seed(seed, axis=axis, repetition=repetition))
