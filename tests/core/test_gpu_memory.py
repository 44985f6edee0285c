"""How much GPU memory jobs ask for: nothing on the CPU, an estimate by size and rows, or what they took before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import logs
from watchtime.core.files import write_json
from watchtime.core.gpu_memory import CONTEXT, analysis_gpu_memory, job_gpu_memory
from watchtime.core.plan import Plan

VR = "kuairand_pure/watch_time/random_622/shared/vr/paper"
CONSTANT = "kuairand_pure/watch_time/random_622/shared/training_constant/mean"


def asked(root: Path, monkeypatch: pytest.MonkeyPatch, key: str = VR, **options: Any) -> tuple[Plan, int]:
    monkeypatch.chdir(root)
    plan = logs.write_run(root, ["vr/paper", "training_constant/mean"], **({"device": "cuda"} | options))
    return plan, job_gpu_memory(plan, plan.jobs[key])


def test_only_networks_on_a_gpu_ask_for_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(tmp_path, monkeypatch, CONSTANT)[1] == 0
    assert asked(tmp_path, monkeypatch, device="cpu")[1] == 0
    plan, _ = asked(tmp_path, monkeypatch)
    assert (plan.jobs[CONSTANT].device, plan.jobs[CONSTANT].gpus) == ("cpu", 0)


def test_an_estimate_goes_by_size_rows_and_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, tiny = asked(tmp_path, monkeypatch)
    sizes = plan.catalog.sizes
    assert sizes["tiny"].vram_mb + CONTEXT <= tiny <= sizes["tiny"].vram_mb + CONTEXT + 2
    assert asked(tmp_path, monkeypatch, size="paper")[1] - tiny == sizes["paper"].vram_mb - sizes["tiny"].vram_mb
    assert asked(tmp_path, monkeypatch, processes=2)[1] - tiny == sizes["tiny"].vram_mb + CONTEXT
    (plan.encoded_folder("kuairand_pure", "random_622") / "more.npy").write_bytes(bytes(10 * 2**20))
    assert job_gpu_memory(plan, plan.jobs[VR]) == tiny + 20


def test_what_was_measured_with_these_settings_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, estimate = asked(tmp_path, monkeypatch)
    spec = plan.jobs[VR]
    folder = plan.job_folder(spec)
    write_json(folder / "metrics.json", {"settings": spec.hash})
    write_json(folder / "resources.json", {"device": "cuda", "peak_memory_mb": 400.0})
    assert job_gpu_memory(plan, spec) == 500 + CONTEXT
    write_json(folder / "resources.json", {"device": "cpu", "peak_memory_mb": 400.0})
    assert job_gpu_memory(plan, spec) == estimate
    write_json(folder / "resources.json", {"device": "cuda", "peak_memory_mb": 400.0})
    write_json(folder / "metrics.json", {"settings": "of another run"})
    assert job_gpu_memory(plan, spec) == estimate


def test_an_analysis_asks_for_what_its_largest_job_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, _ = asked(tmp_path, monkeypatch)
    shown = Plan(plan.config.model_copy(update={"artifacts": ["gr/figure3"]}), plan.catalog)
    largest = max(job_gpu_memory(shown, shown.jobs[key]) for key in shown.artifact_keys("gr/figure3"))
    assert analysis_gpu_memory(shown, "gr/figure3") == largest > 0
    on_cpu = Plan(shown.config.model_copy(update={"device": "cpu"}), plan.catalog)
    assert analysis_gpu_memory(on_cpu, "gr/figure3") == 0
