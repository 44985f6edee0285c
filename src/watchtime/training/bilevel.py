"""Training in which labels learn, too: every step moves them by what a tentative step of the recommender achieves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.func import functional_call

from watchtime.core.seeds import derive_seed
from watchtime.core.settings import EncoderSettings, TrainingSettings
from watchtime.encoders.perceptron import Inputs
from watchtime.losses.platform_objectives import OBJECTIVES
from watchtime.methods.network import Guide
from watchtime.methods.ranking import BilevelMethod
from watchtime.optimisers.adam import Adam
from watchtime.training.group import Group, Parameters
from watchtime.training.hold_out import HoldOut
from watchtime.training.meta_gradient import Bilevel, meta_gradient
from watchtime.training.network import Tower
from watchtime.training.resident import Labels, Part, ResidentRows

_LABELLER = "towers.0.head.labeller."


class BilevelGroup(Group):
    """One repetition of a ``BilevelMethod``, with an optimiser of its own for the labeller."""

    method: BilevelMethod

    def __init__(
        self,
        method: BilevelMethod,
        training_part: Part,
        hold_out: Part,
        encoder: EncoderSettings,
        training: TrainingSettings,
        seed: int,
        repetitions: Sequence[int],
    ) -> None:
        super().__init__(method, training_part.rows, encoder, training, seed, repetitions, stacked=False)
        self.hold_out = HoldOut(method, hold_out, derive_seed(seed, axis="hold-out", repetition=self.repetitions[0]))
        self.recommender = {name: one for name, one in self.parameters.items() if not name.startswith(_LABELLER)}
        self.labelling = {
            name.removeprefix(_LABELLER): one for name, one in self.parameters.items() if name.startswith(_LABELLER)
        }
        tower = self.template.towers[0]
        assert isinstance(tower, Tower)
        self.labeller: nn.Module = tower.head.get_submodule("labeller")
        # The head makes its labeller last, so that its parameters are the end of the buffer.
        self.label_optimiser = Adam(
            _end(self.flat, sum(one.numel() for one in self.labelling.values())),
            method.settings.label_rate,
        )
        recommender = _start(self.flat, sum(one.numel() for one in self.recommender.values()))
        self.optimiser = Adam(recommender, training.learning_rate, training.weight_decay)

    def step(self, rows: ResidentRows, labels: Labels, index: Tensor) -> Tensor:
        """Move the labels, then the recommender; return the loss against the new labels, [1]."""
        inputs = rows.gather(index)
        if self.training.unknown_rate:
            inputs = rows.drop_ids(inputs, self.training.unknown_rate, self.droppings, self.processes.portion(index))
        own = {name: value[index.squeeze(0)] for name, value in labels.items()}
        game = self._game(Inputs(*(one.squeeze(0) for one in inputs)), own)
        self.moment = replace(self.moment, step=self.moment.step + 1)
        recommender = {name: one.detach() for name, one in self.recommender.items()}
        labelling = {name: one.detach() for name, one in self.labelling.items()}

        found = meta_gradient(game, recommender, labelling, self.method.settings.tentative_rate)
        # The optimiser descends. What it moves is the memory of ``labelling``.
        _set_gradient(self.labelling, {name: -value for name, value in found.climb.items()})
        self.label_optimiser.step()

        (descent,) = found.pull(game.slope(found.outputs, labelling))
        _set_gradient(self.recommender, descent)
        self.optimiser.step()
        return game.fit(found.outputs, game.crafted(labelling, found.outputs)).detach()[None]

    def _game(self, inputs: Inputs, labels: Labels) -> Bilevel:
        """Return the two levels for a batch, and users drawn from the hold-out rows."""
        method, guide = self.method, Guide(labels, torch.empty(0), self.moment)
        places, candidates = self.hold_out.draw(self.samplings[0])
        judged = self.hold_out.rows.gather(places.flatten())

        def called(parameters: Parameters, *given: Any) -> Tensor:
            outputs: Tensor = functional_call(self.template, {**self.parameters, **parameters}, given)
            return outputs

        def merit(recommender: Parameters) -> Tensor:
            scores = called(recommender, judged)[..., 0].view(places.shape)
            return method.merit(method.objectives(scores, candidates))

        return Bilevel(
            recommended=lambda recommender: called(recommender, inputs, None, guide),
            crafted=lambda labelling, outputs: method.crafted(self.labeller, labelling, outputs, labels),
            fit=method.fit,
            merit=merit,
        )

    @torch.no_grad()
    def lists(self) -> dict[str, npt.NDArray[np.float64]]:
        """Return the objectives of all hold-out users, each [1]."""
        places, candidates = self.hold_out.everyone
        outputs = functional_call(self.template, self.parameters, (self.hold_out.rows.gather(places.flatten()),))
        found = self.method.objectives(outputs[..., 0].view(places.shape), candidates)
        return {name: np.array([float(value)]) for name, value in zip(OBJECTIVES, found, strict=True)}

    def state(self) -> dict[str, Tensor]:
        own = {f"label_optimiser/{key}": value for key, value in self.label_optimiser.state.items()}
        return super().state() | own

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        super().load_state(tensors)
        start = "label_optimiser/"
        self.label_optimiser.state = {
            name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)
        }


def _set_gradient(parameters: Parameters, gradient: Parameters) -> None:
    for name, one in parameters.items():
        assert one.grad is not None
        one.grad.copy_(gradient[name])


def _start(flat: Tensor, count: int) -> Tensor:
    return _part(flat, slice(0, count))


def _end(flat: Tensor, count: int) -> Tensor:
    return _part(flat, slice(len(flat) - count, None))


def _part(flat: Tensor, where: slice) -> Tensor:
    """Return a part of the buffer whose gradient is that part of the buffer's."""
    assert flat.grad is not None
    part = flat[where]
    part.grad = flat.grad[where]
    return part
