"""Adam on one tensor that holds all parameters."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.adam import adam


class Adam:
    """x ← (1 − η λ) x − η m̂ / (√v̂ + ε) with m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ), in step t = 1, 2, …

    m ← β₁ m + (1 − β₁) g and v ← β₂ v + (1 − β₂) g² are running means of the gradient g; β = 0.9, 0.999, ε = 1e-8,
    η is the learning rate, λ the weight decay. It is one kernel of torch over the flat tensor ``parameters`` and its
    gradient.

    The class torch.optim.Adam calls the same kernel, but loads torch's compiler first: 2 s that many a job of a demo
    does not train for.

    Source: Kingma & Ba, ICLR 2015; Loshchilov & Hutter, ICLR 2019.
    """

    def __init__(self, parameters: Tensor, learning_rate: float, weight_decay: float = 0.0) -> None:
        self.parameters, self.learning_rate, self.weight_decay = parameters, learning_rate, weight_decay
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
            lr=self.learning_rate,
            weight_decay=self.weight_decay,
            eps=1e-8,
            maximize=False,
        )


def in_one_tensor(module: nn.Module) -> Tensor:
    """Return one tensor that shares its memory, and its gradient's, with all parameters of a module."""
    learned = list(module.parameters())
    flat = torch.cat([one.detach().flatten() for one in learned])
    flat.grad = torch.zeros_like(flat)
    sizes = [one.numel() for one in learned]
    for one, piece, gradient in zip(learned, flat.split(sizes), flat.grad.split(sizes), strict=True):  # type: ignore[no-untyped-call]
        one.data, one.grad = piece.view(one.shape), gradient.view(one.shape)
    return flat
