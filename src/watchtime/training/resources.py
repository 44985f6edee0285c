"""How much memory a process took."""

from __future__ import annotations

import resource
import sys


def peak_memory_mb(device: str) -> float:
    """Return the peak memory in MiB: of the CUDA device for ``cuda``, else of this process."""
    if device == "cuda":
        import torch

        return torch.cuda.max_memory_allocated() / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
