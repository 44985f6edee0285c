"""What the workflow asks for where networks train on GPUs: ids are no business of Snakemake's, memory is counted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from project import METRICS, Project


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a dry run with the profile says of every training, by method and variant."""
    project = Project.copied(tmp_path_factory.mktemp("clone") / "watchtime")
    given = ["--profile", "profiles/gpu", "--configfile", str(project.configure(device="cuda", processes=2))]
    result = project.snakemake(METRICS, *given, "--cores", "4", "--dry-run", "--printshellcmds")
    assert result.returncode == 0, result.stderr
    blocks = re.findall(r"^rule train:\n((?: {4}.*\n)+)", result.stdout + result.stderr, flags=re.MULTILINE)
    shells = re.findall(r"^.*(watchtime train .*)$", result.stdout + result.stderr, flags=re.MULTILINE)
    assert len(blocks) == len(shells) == 4
    return {shell.split("/shared/")[1].split()[0]: block + shell for block, shell in zip(blocks, shells, strict=True)}


def test_a_network_asks_for_a_core_and_a_gpu_per_process(planned: dict[str, str]) -> None:
    assert "threads: 2\n" in planned["vr/paper"]
    assert re.search(r"nodes=1, gpu=2, vram_mb=3200\b", planned["vr/paper"])
    assert "--vram-mb 3200 " in planned["vr/paper"]


def test_what_is_no_network_asks_for_none(planned: dict[str, str]) -> None:
    assert re.search(r"gpu=0, vram_mb=0\b", planned["training_constant/mean"])
    assert "threads: 2\n" not in planned["training_constant/mean"]


def test_the_profile_has_no_more_than_its_own_keys() -> None:
    """All others come from profiles/default, which Snakemake reads beside it."""
    profile = Path(__file__).parents[2] / "profiles" / "gpu" / "profile.yaml"
    keys = [line for line in profile.read_text().splitlines() if line and not line.startswith(("#", " "))]
    assert keys == ["resources:"]
