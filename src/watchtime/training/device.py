"""Which device a step computes on: whether it is there, and which of a machine's GPUs are its own."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from watchtime.core.errors import WatchtimeError
from watchtime.training.slots import Slots, join

VISIBLE = "CUDA_VISIBLE_DEVICES"
# The GPUs to hand out, such as 0:24000,1:24000 (MiB by id), where they are not all that nvidia-smi lists.
GPUS = "WATCHTIME_GPUS"
# The folder of the slot list, where it is not one of the user's own below the system's temporary folder.
FOLDER = "WATCHTIME_SLOTS"
# The claim of the process that started this one.
CLAIM = "WATCHTIME_CLAIM"


def require(device: str) -> None:
    """Raise ``WatchtimeError`` where CUDA is asked for and absent; the CPU is always there, and torch is not loaded."""
    if device != "cuda":
        return
    import torch

    if not torch.cuda.is_available():
        raise WatchtimeError("device: found 'cuda', but this machine has no CUDA device; set device: cpu.")


@contextmanager
def reserved(device: str, count: int = 1, memory: int | None = None) -> Iterator[None]:
    """Make the device this process's own while the body runs: ``count`` GPUs with ``memory`` MiB on all together.

    Only CUDA is reserved. Where ``CUDA_VISIBLE_DEVICES`` is given, as Slurm gives it, somebody has chosen already, and
    that choice stands. Else GPUs are waited for in the line of ``Slots`` and named there, before torch looks at them.
    Without ``memory`` they are held alone. Raises ``WatchtimeError`` where there is no GPU.
    """
    if device != "cuda" or VISIBLE in os.environ:
        if CLAIM in os.environ:
            join(Path(os.environ[CLAIM]))
        require(device)
        yield
        return
    memory_by_id = gpus()
    if not memory_by_id:
        require(device)
        raise WatchtimeError(f"device: nvidia-smi lists no GPU to hand out; name them in {GPUS} or {VISIBLE}.")
    each = None if memory is None else math.ceil(memory / count)
    with Slots(_folder(), memory_by_id).held(count, each, _tell) as (ids, claim):
        _tell(f"GPU {', '.join(ids)}" + (f", {each} MiB of memory" if each is not None else ""))
        # Without the order, torch counts from the fastest GPU and nvidia-smi by the bus.
        own = {VISIBLE: ",".join(ids), "CUDA_DEVICE_ORDER": "PCI_BUS_ID", CLAIM: str(claim)}
        os.environ.update(own)
        try:
            require(device)
            yield
        finally:
            for name in own:
                os.environ.pop(name, None)


def torchrun_processes() -> int | None:
    """Return as one of how many processes torchrun, or what sets the same variables, started this one; else None."""
    return int(os.environ["WORLD_SIZE"]) if "RANK" in os.environ and "WORLD_SIZE" in os.environ else None


def gpus() -> dict[str, int]:
    """Return the memory in MiB of the GPUs to hand out, by id: those that the environment names, or all."""
    given = os.environ.get(GPUS)
    if given is None:
        return _listed()
    try:
        return {name.strip(): int(size) for name, size in (one.split(":") for one in given.split(","))}
    except ValueError:
        raise WatchtimeError(f"{GPUS}: found '{given}', a list such as 0:24000,1:24000 was expected.") from None


def _listed() -> dict[str, int]:
    """Return what nvidia-smi lists, nothing where it is absent; torch may not look before a GPU is chosen."""
    if shutil.which("nvidia-smi") is None:
        return {}
    command = ["nvidia-smi", "--query-gpu=index,memory.total", "--format=csv,noheader,nounits"]
    found = subprocess.run(command, capture_output=True, text=True)
    pairs = (line.split(",") for line in found.stdout.splitlines() if found.returncode == 0)
    return {gpu.strip(): int(size) for gpu, size in pairs if size.strip().isdigit()}


def _folder() -> Path:
    return Path(os.environ.get(FOLDER) or Path(tempfile.gettempdir()) / f"watchtime-gpus-{os.getuid()}")


def _tell(text: str) -> None:
    print(f"watchtime: {text}", file=sys.stderr, flush=True)
