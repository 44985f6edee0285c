"""Adam on one tensor, which is what the engine keeps all parameters in."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim.adam import adam

from watchtime.core.settings import TrainingSettings


class Adam:
    """x ← (1 − η λ) x − η m̂ / (√v̂ + ε) with m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ), in step t = 1, 2, …

    m ← β₁ m + (1 − β₁) g and v ← β₂ v + (1 − β₂) g² are running means of the gradient g; β = 0.9, 0.999, ε = 1e-8,
    η is the learning rate, λ the weight decay. It is one kernel of torch over the flat tensor ``parameters`` and its
    gradient.

    The class torch.optim.Adam calls the same kernel, but loads torch's compiler first: 2 s that many a job of a demo
    does not train for.

    Source: Kingma & Ba, ICLR 2015; Loshchilov & Hutter, ICLR 2019.
    """

    def __init__(self, parameters: Tensor, training: TrainingSettings) -> None:
        self.parameters, self.training = parameters, training
        self.state = {
            "step": torch.zeros((), device=parameters.device),
            "exp_avg": torch.zeros_like(parameters),
            "exp_avg_sq": torch.zeros_like(parameters),
        }

    def zero_gradient(self) -> None:
        """Set the gradient to 0 where it lies, since the parameters' own gradients are views of it."""
        assert self.parameters.grad is not None
        self.parameters.grad.zero_()

    def step(self) -> None:
        """Take one step along the gradient."""
        assert self.parameters.grad is not None
        adam(
            [self.parameters],
            [self.parameters.grad],
            [self.state["exp_avg"]],
            [self.state["exp_avg_sq"]],
            [],
            [self.state["step"]],
            fused=True,
            decoupled_weight_decay=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=self.training.learning_rate,
            weight_decay=self.training.weight_decay,
            eps=1e-8,
            maximize=False,
        )
