"""How the merit of a tentative step moves with the labels that the step was fitted to (LabelCraft, eqs. 5, 6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor
from torch.func import grad, jvp, vjp

from watchtime.training.group import Parameters


class Bilevel(NamedTuple):
    """A recommender with parameters θ and labels with parameters φ.

    ``recommended`` θ → outputs o · ``crafted`` (φ, o) → labels y, through which no gradient flows to o · ``fit``
    (o, y) → L · ``merit`` θ → M.
    """

    recommended: Callable[[Parameters], Tensor]
    crafted: Callable[[Parameters, Tensor], Tensor]
    fit: Callable[[Tensor, Tensor], Tensor]
    merit: Callable[[Parameters], Tensor]

    def slope(self, outputs: Tensor, labelling: Parameters) -> Tensor:
        """Return ∂L/∂o for the labels that φ crafts."""
        found: Tensor = grad(self.fit)(outputs, self.crafted(labelling, outputs))
        return found


class MetaGradient(NamedTuple):
    """``climb`` ∇_φ M(θ') · ``outputs`` o(θ) · ``pull`` from ∂L/∂o to ∇_θ L, to be used again."""

    climb: Parameters
    outputs: Tensor
    pull: Callable[[Tensor], tuple[Parameters]]


def meta_gradient(game: Bilevel, recommender: Parameters, labelling: Parameters, rate: float) -> MetaGradient:
    """Return ∇_φ M(θ − η ∇_θ L(θ, φ)), exactly, with η = ``rate``.

    It is −η ∇_φ ⟨∇_θ L(θ, φ), v⟩ with v = ∇M(θ') held fixed. L sees θ through the outputs alone, so that
    ⟨∇_θ L, v⟩ = ⟨∂L/∂o, J v⟩: one forward-mode pass gives J v, and no second-order graph of the recommender is made.
    """
    outputs, pull, *_ = vjp(game.recommended, recommender)
    (descent,) = pull(game.slope(outputs, labelling))
    tentative = {name: value - rate * descent[name] for name, value in recommender.items()}
    direction: Parameters = grad(game.merit)(tentative)
    _, along, *_ = jvp(game.recommended, (recommender,), (direction,))
    climb = grad(lambda parameters: (game.slope(outputs, parameters) * along).sum())(labelling)
    return MetaGradient({name: -rate * value for name, value in climb.items()}, outputs, pull)
