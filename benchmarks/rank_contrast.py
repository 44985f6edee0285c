"""Seconds and peak memory of Rank-N-Contrast, forward and backward on one core: `python benchmarks/rank_contrast.py`.

Vectors are those of RQ-Reg at size paper, 3 × 512 wide. Beside it stands the direct version, which subtracts every
vector from every other one and walks through the batch column by column. Each case runs in a fresh process, so that
its peak memory is its own (with torch and the inputs); the direct version is left out where memory is too small.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time

import torch
from torch import Tensor

from watchtime.losses.rank_contrast import rank_contrast

WIDTH = 3 * 512
BATCHES = (256, 1024)
REPEATS = 3


def direct(vectors: Tensor, target: Tensor, temperature: float) -> Tensor:
    """Return the same loss from all differences, [batch, batch, width], with a loop over the batch."""
    rows = len(target)
    others = ~torch.eye(rows, dtype=torch.bool)
    similarity = -(vectors[:, None] - vectors[None]).norm(dim=-1)[others].view(rows, rows - 1) / temperature
    gaps = (target[:, None] - target).abs()[others].view(rows, rows - 1)
    total = vectors.new_zeros(())
    for place in range(rows - 1):
        farther = torch.where(gaps >= gaps[:, place, None], similarity, -torch.inf)
        total = total + (farther.logsumexp(1) - similarity[:, place]).sum()
    return total / (rows * (rows - 1))


def measure(version: str, batch: int) -> None:
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(batch, WIDTH, generator=generator, requires_grad=True)
    target = torch.rand(batch, generator=generator) * 100
    loss = rank_contrast if version == "sorted" else direct
    seconds = []
    for _ in range(REPEATS if version == "sorted" else 1):
        start = time.perf_counter()
        value = loss(vectors, target, 2.0)
        value.backward()  # type: ignore[no-untyped-call]
        seconds.append(time.perf_counter() - start)
    # Linux counts in KiB, macOS in bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    print(f"{version:<8} batch {batch:>5}  {value.item():.6f} {min(seconds):8.2f} s {peak:8.0f} MiB", flush=True)


def main() -> None:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for batch in BATCHES:
        for version in ("sorted", "direct"):
            # Differences, their gradient and the norm's intermediate.
            needed = 3 * batch**2 * WIDTH * 4
            if version == "direct" and needed > memory / 2:
                print(f"{version:<8} batch {batch:>5}  not run: it needs about {needed / 2**30:.0f} GiB", flush=True)
                continue
            subprocess.run([sys.executable, __file__, version, str(batch)], check=True)


if __name__ == "__main__":
    measure(sys.argv[1], int(sys.argv[2])) if len(sys.argv) == 3 else main()
