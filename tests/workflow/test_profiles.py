"""What the profiles for clusters ask a cluster for, told by commands that note it, and that their values hold."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path

import pytest
import yaml

from fake_cluster import FakeSlurm, fake_kubectl
from project import METRICS, Project
from tiny_kuairand import SECOND_LOG, write_folder
from watchtime.core.catalog import find_root
from watchtime.core.envelope import at

PROFILES = find_root() / "workflow" / "profiles"
TRAINED = "results/tiny/jobs/kuairand_pure/watch_time/random_622/shared/vr/paper/metrics.json"
RESOURCES = yaml.safe_load((find_root() / "workflow" / "resources.yaml").read_text())


def needs(plugin: str, extra: str) -> pytest.MarkDecorator:
    absent = importlib.util.find_spec(f"snakemake_executor_plugin_{plugin}") is None
    return pytest.mark.skipif(absent, reason=f"Snakemake's executor {plugin} is not installed (the extra '{extra}')")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which all is ready to train."""
    project = Project.copied(tmp_path_factory.mktemp("clone") / "watchtime")
    result = project.snakemake(METRICS, "--until", "codec", "--configfile", str(project.configure()), "--cores", "1")
    assert result.returncode == 0, result.stderr
    return project


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    """Slurm's commands, which come first where programs are looked for."""
    fake = FakeSlurm(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(fake.folder), prepend=os.pathsep)
    return fake


def asked(project: Project, config: Path) -> dict[str, tuple[int, int]]:
    """Return the memory in MiB and the minutes that a job of each rule asks for, as a dry run tells."""
    given = ["--configfile", str(config), "--cores", "1", "--dry-run", "--forceall"]
    result = project.snakemake("all", *given)
    assert result.returncode == 0, result.stderr
    pattern = re.compile(
        r"^rule (\w+):\n(?: {4}(?!resources).*\n)* {4}resources: .*runtime=(\d+), .*mem_mb=(\d+)", re.M
    )
    found = pattern.findall(result.stdout + result.stderr)
    return {rule: (int(memory), int(minutes)) for rule, minutes, memory in found}


@pytest.mark.parametrize("name", sorted(path.name for path in PROFILES.iterdir() if path.name != "default"))
def test_no_profile_sets_what_the_default_one_sets(name: str) -> None:
    """Snakemake finds profiles/default by itself, and what that says wins."""
    profile, default = (yaml.safe_load((PROFILES / one / "profile.yaml").read_text()) for one in (name, "default"))
    assert profile.keys() & default.keys() == set()


@pytest.mark.slow
def test_every_rule_asks_for_more_than_it_was_measured_to_take(fitted: Project) -> None:
    found = asked(fitted, fitted.configure())
    assert found.keys() >= {"simulate", "interactions", "split", "encode", "codec", "train"}
    for rule, (memory, minutes) in found.items():
        assert memory > 1.5 * RESOURCES[rule]["memory"][0]
        assert minutes > 2 * RESOURCES[rule]["seconds"] / 60


@pytest.mark.slow
def test_raw_files_that_are_given_count_as_those_that_are_made(fitted: Project, tmp_path: Path) -> None:
    """They are no inputs of the workflow. The log is long and never read here."""
    raw = write_folder(tmp_path / "raw")
    config = fitted.configure(datasets={"kuairand_pure": {"folder": str(raw)}})
    small = asked(fitted, config)["interactions"]
    os.truncate(raw / "data" / SECOND_LOG, 2**32)
    large = asked(fitted, config)["interactions"]
    assert large[0] > 1.5 * at(RESOURCES["interactions"]["memory"], 4096) > small[0]
    assert large[1] > small[1]


@pytest.mark.slow
@needs("slurm", "slurm")
def test_slurm_is_asked_for_what_a_job_needs_and_for_more_after_a_failure(fitted: Project, slurm: FakeSlurm) -> None:
    """As the README has it: the profile by its name, the rest in the configuration."""
    configured = ["--configfile", str(fitted.configure(device="cuda", processes=2))]
    result = fitted.snakemake(TRAINED, "--profile", "workflow/profiles/slurm", *configured)
    assert result.returncode != 0
    submissions = slurm.submissions()
    assert len(submissions) == 4, "three more attempts"
    for one in submissions:
        assert {"--requeue", "--gpus=2", "--cpus-per-task=2", "--nodes=1"} <= set(one)
    for name in ("--mem", "-t"):
        values = [int(one[one.index(name) + 1]) for one in submissions]
        assert values == [attempt * values[0] for attempt in (1, 2, 3, 4)]


@pytest.mark.slow
@needs("slurm", "slurm")
def test_what_a_site_asks_for_stands_in_the_profile(fitted: Project, slurm: FakeSlurm) -> None:
    """The lines that the profile has as comments are right where they stand."""
    path = fitted.root / "profiles" / "slurm" / "profile.yaml"
    before = path.read_text()
    path.write_text(re.sub(r"^# ( +- |[a-z-]+:$)", r"\1", before, flags=re.M))
    try:
        fitted.snakemake(
            TRAINED, "--profile", "profiles/slurm", "--configfile", str(fitted.configure()), "--retries", "0"
        )
    finally:
        path.write_text(before)
    (submission,) = slurm.submissions()
    assert submission[submission.index("-A") + 1] == "mine"
    assert submission[submission.index("-p") + 1] == "gpu"
    assert "--qos=long" in submission
    assert not any(one.startswith("--gpus") for one in submission), "networks train on the CPU here"


@pytest.mark.slow
@needs("cluster_generic", "kubernetes")
def test_kubernetes_jobs_ask_for_what_they_need_and_their_end_is_seen(
    fitted: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = fake_kubectl(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    given = ["--profile", "profiles/kubernetes", "--configfile", str(fitted.configure())]
    result = fitted.snakemake(TRAINED, *given, "--seconds-between-status-checks", "1")
    assert result.returncode == 0, result.stderr
    assert (fitted.root / TRAINED).is_file()
    (told,) = (yaml.safe_load(path.read_text()) for path in jobs.iterdir())
    container = told["job"]["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "python:3.11"
    assert container["resources"]["requests"]["cpu"] == 1
    assert int(container["resources"]["limits"]["memory"].removesuffix("Mi")) > 1.5 * RESOURCES["train"]["memory"][0]
    assert told["job"]["spec"]["activeDeadlineSeconds"] > 600


@pytest.mark.slow
@needs("cluster_generic", "kubernetes")
def test_a_kubernetes_job_that_fails_gets_more_memory_and_then_fails_the_run(
    fitted: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = fake_kubectl(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    configured = str(fitted.configure(device="cuda", settings={"vr": {"training": {"epochs": 1}}}))
    given = ["--profile", "profiles/kubernetes", "--configfile", configured, "--retries", "1"]
    result = fitted.snakemake(TRAINED, *given, "--seconds-between-status-checks", "1")
    assert result.returncode != 0, "there is no GPU"
    assert "Missing" not in result.stderr, "the job's end is told by Kubernetes, not by files that do not come"
    told = [yaml.safe_load(path.read_text()) for path in jobs.iterdir()]
    containers = [one["job"]["spec"]["template"]["spec"]["containers"][0] for one in told]
    memory = sorted(int(one["resources"]["limits"]["memory"].removesuffix("Mi")) for one in containers)
    assert len(memory) == 2
    assert memory[1] == 2 * memory[0]
    assert {one["resources"]["limits"]["nvidia.com/gpu"] for one in containers} == {1}
