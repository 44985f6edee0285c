"""Whether the device that a run asks for is there."""

from __future__ import annotations

from watchtime.core.errors import WatchtimeError


def require(device: str) -> None:
    """Raise ``WatchtimeError`` where CUDA is asked for and absent; the CPU is always there, and torch is not loaded."""
    if device != "cuda":
        return
    import torch

    if not torch.cuda.is_available():
        raise WatchtimeError("device: found 'cuda', but this machine has no CUDA device; set device: cpu.")
