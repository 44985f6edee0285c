"""How much GPU memory a job asks for: what it took before, or an estimate."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from watchtime.core.errors import WatchtimeError
from watchtime.core.files import read_json
from watchtime.core.job import JobSpec
from watchtime.core.plan import Plan

# What a process takes of a GPU before its first tensor, MiB: an estimate.
CONTEXT = 600
# Torch keeps more memory than its tensors take at their peak.
MARGIN = 1.25


def job_gpu_memory(plan: Plan, spec: JobSpec) -> int:
    """Return the MiB that a job asks for on all its GPUs together, 0 without any.

    A job that has run on a GPU with the same settings asks for its measured peak and a quarter more. Else its size
    says what it takes beside its rows (``config/sizes.yaml``), and rows take twice what their columns take on disk,
    since labels lie beside them. Each process takes ``CONTEXT`` on top.
    """
    if not spec.gpus:
        return 0
    measured = _measured(plan.job_folder(spec), spec)
    if measured is not None:
        return math.ceil((MARGIN * measured + CONTEXT) * spec.gpus)
    rows = 2 * _mebibytes(plan.encoded_folder(spec.dataset, spec.protocol))
    return math.ceil((plan.catalog.sizes[spec.size].vram_mb + CONTEXT) * spec.gpus + rows)


def analysis_gpu_memory(plan: Plan, artifact: str) -> int:
    """Return the MiB that an artifact's analysis asks for on its GPU: what the largest of its jobs does."""
    default = CONTEXT if plan.config.device == "cuda" else 0
    keys = [key for key in plan.artifact_keys(artifact) if plan.jobs[key].gpus]
    return max((math.ceil(job_gpu_memory(plan, plan.jobs[key]) / plan.jobs[key].gpus) for key in keys), default=default)


def _measured(folder: Path, spec: JobSpec) -> float | None:
    """Return the peak of the first process in MiB, where the job has run on a GPU with these settings."""
    try:
        metrics: dict[str, Any] = read_json(folder / "metrics.json")
        resources: dict[str, Any] = read_json(folder / "resources.json")
    except WatchtimeError:
        return None
    same = metrics.get("settings") == spec.hash and resources.get("device") == "cuda"
    return float(resources["peak_memory_mb"]) if same else None


def _mebibytes(folder: Path) -> float:
    """Return the size of a folder's files, 0 where it does not exist yet."""
    return sum(path.stat().st_size for path in folder.glob("*.npy")) / 2**20
