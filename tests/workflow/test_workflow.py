"""The workflow through the real `snakemake` command, in a copy of the project, on a tiny simulated log."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from project import CONFIG, METRICS, Project
from survivors import unfinished
from watchtime.core.catalog import find_root
from watchtime.core.manifest import LEFT_OUT, MEASURED_TIME
from watchtime.core.step_log import last_words

VR = ["train vr/paper", "train vr/released"]
CONSTANT = ["train training_constant/mean", "train training_constant/median"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project with one finished run on two cores."""
    project = Project.copied(tmp_path_factory.mktemp("clone") / "watchtime")
    result = project.snakemake(METRICS, "--configfile", str(project.configure()), "--cores", "2")
    assert result.returncode == 0, result.stderr
    return project


@pytest.fixture
def edited(project: Project) -> Iterator[Project]:
    """The project, whose files are put back afterwards."""
    files = [path for folder in ("src/watchtime", "config") for path in (project.root / folder).rglob("*.*")]
    texts = {path: path.read_bytes() for path in files if path.is_file()}
    yield project
    for path, text in texts.items():
        path.write_bytes(text)


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def test_the_copy_is_what_runs(project: Project) -> None:
    code = "import watchtime; from watchtime.core.catalog import find_root; print(watchtime.__file__, find_root())"
    for folder in (project.root, project.root.parent):
        command = [sys.executable, "-c", code]
        result = subprocess.run(command, cwd=folder, env=project.environment(), capture_output=True, text=True)
        assert result.stdout.split() == [str(project.root / "src" / "watchtime" / "__init__.py"), str(project.root)]


def test_a_run_leaves_its_files_and_nothing_half_written(project: Project) -> None:
    run = project.root / "results" / "tiny"
    for name in ("config.yaml", "metrics.parquet", "history.parquet", "resources.parquet", "environment.json"):
        assert (run / name).stat().st_size > 0
    jobs = sorted((run / "jobs").rglob("metrics.json"))
    assert [path.parent.relative_to(run / "jobs") for path in jobs] == [
        Path("kuairand_pure/watch_time/random_622/shared") / job.removeprefix("train ") for job in [*CONSTANT, *VR]
    ]
    for job in jobs:
        names = {"history.parquet", "metrics.json", "model.safetensors", "predictions.parquet", "resources.json"}
        assert {path.name for path in job.parent.iterdir()} == names
    assert unfinished(project.root) == []
    logs = list((run / "logs").rglob("*.log"))
    assert all(path.read_text().startswith("$ watchtime ") for path in logs)
    assert [path for path in logs if last_words(path, 1)] == []


def test_a_second_run_has_nothing_to_do(project: Project) -> None:
    result = project.snakemake(METRICS, "--configfile", str(project.configure()), "--cores", "1")
    assert result.returncode == 0
    assert "Nothing to be done" in result.stderr


def test_touching_files_reruns_nothing(project: Project) -> None:
    """Whatever a job reads becomes newer than what it wrote."""
    run = project.root / "results" / "tiny"
    inputs = [run / "jobs", run / "codecs", run / "data", *(project.root / name for name in ("data", "src", "config"))]
    before = {path: path.stat().st_mtime for folder in inputs for path in [folder, *folder.rglob("[!.]*")]}
    try:
        for minutes, path in enumerate(before, start=1):
            os.utime(path, times=(time.time() + 60 * minutes,) * 2)
        assert project.planned() == []
    finally:
        for path, moment in before.items():
            os.utime(path, times=(moment, moment))


def test_a_moved_clone_is_up_to_date(project: Project) -> None:
    elsewhere = project.root.with_name("moved")
    project.root.rename(elsewhere)
    try:
        assert Project(elsewhere).planned() == []
    finally:
        elsewhere.rename(project.root)


def test_raw_files_that_are_gone_or_new_rerun_nothing(project: Project) -> None:
    """As `dvc checkout` does, which writes the same files again, without Snakemake's own mark."""
    data, aside = project.root / "data", project.root / "aside"
    data.rename(aside)
    assert project.planned() == []
    shutil.copytree(aside, data, ignore=shutil.ignore_patterns(".*"), copy_function=shutil.copyfile)
    shutil.rmtree(aside)
    for path in data.rglob("*"):
        path.touch()
    assert project.planned() == []


def test_editing_a_method_reruns_its_jobs_and_nothing_else(edited: Project) -> None:
    append(edited.root / "src" / "watchtime" / "methods" / "vr.py", "# edited\n")
    assert edited.planned() == ["collect", *VR]


def test_editing_a_method_that_does_not_run_reruns_nothing(edited: Project) -> None:
    append(edited.root / "src" / "watchtime" / "methods" / "tpm.py", "# edited\n")
    append(edited.root / "src" / "watchtime" / "labels" / "quantile_tree.py", "# edited\n")
    append(edited.root / "src" / "watchtime" / "cli.py", "# edited\n")
    assert edited.planned() == []


def test_editing_a_codec_reruns_it_and_the_methods_that_use_it(edited: Project) -> None:
    append(edited.root / "src" / "watchtime" / "labels" / "scaled.py", "# edited\n")
    assert edited.planned() == ["codec scaled", "codec scaled", "collect", *VR]


def test_editing_the_engine_reruns_all_training_but_no_data(edited: Project) -> None:
    append(edited.root / "src" / "watchtime" / "training" / "engine.py", "# edited\n")
    assert edited.planned() == ["collect", *CONSTANT, *VR]


def test_editing_the_loader_reruns_all_that_follows_the_raw_files(edited: Project) -> None:
    append(edited.root / "src" / "watchtime" / "datasets" / "kuairand_pure.py", "# edited\n")
    everything = ["codec scaled", "codec scaled", "collect", "encode", "interactions", "split", *CONSTANT, *VR]
    assert edited.planned() == everything


def test_a_setting_of_one_method_reruns_its_jobs_only(project: Project) -> None:
    assert project.planned(settings={"vr": {"training": {"epochs": 3}}}) == ["collect", *VR]
    assert project.planned(settings={**CONFIG["settings"], "training_constant": {}}) == []  # type: ignore[dict-item]


def test_a_setting_of_a_codec_refits_it(project: Project) -> None:
    changed = {"vr": {"training": {"epochs": 2}, "codec": {"multiplier": 3.0}}}
    assert project.planned(settings=changed) == ["codec scaled", "codec scaled", "collect", *VR]


def test_a_variants_default_reruns_that_variant_only(edited: Project) -> None:
    path = edited.root / "config" / "methods" / "vr.yaml"
    path.write_text(path.read_text().replace("scale: max, multiplier: 20.0", "scale: max, multiplier: 10.0"))
    assert edited.planned() == ["codec scaled", "collect", "train vr/released"]


def test_another_method_adds_its_own_jobs_only(project: Project) -> None:
    methods = ["training_constant", "vr/paper", "vr/released", "user_item_mean"]
    assert project.planned(methods=methods) == ["collect", "train user_item_mean/default"]


def test_another_protocol_splits_the_same_interactions(project: Project) -> None:
    planned = project.planned(protocols=["random_622", "random_811"])
    assert planned == ["codec scaled", "codec scaled", "collect", "encode", "split", *CONSTANT, *VR]


def test_other_shares_of_a_protocol_split_again(edited: Project) -> None:
    path = edited.root / "config" / "protocols.yaml"
    path.write_text(path.read_text().replace("shares: [6, 2, 2]", "shares: [5, 3, 2]"))
    assert edited.planned() == ["codec scaled", "codec scaled", "collect", "encode", "split", *CONSTANT, *VR]


def test_other_row_rules_leave_the_raw_files(project: Project) -> None:
    source = {"simulator": CONFIG["datasets"]["kuairand_pure"]["simulator"], "rules": {"largest_ratio": 5.0}}  # type: ignore[index]
    planned = project.planned(datasets={"kuairand_pure": source})
    assert "interactions" in planned
    assert "simulate" not in planned


def test_another_run_shares_the_simulated_log(project: Project) -> None:
    planned = project.planned("results/other/metrics.parquet", name="other")
    assert "interactions" in planned
    assert "simulate" not in planned


def test_another_seed_of_the_simulator_simulates_again(project: Project) -> None:
    assert "simulate" in project.planned(datasets={"kuairand_pure": {"simulator": {"rows": 2000, "seed": 2}}})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("methods: [vrr]", "methods: unknown method 'vrr', did you mean 'vr'?"),
        ("sise: tiny\nrepetitions: many", "repetitions: found 'many', allowed: a whole number."),
        ("name: a\nname: b", "the mapping that begins in line 1 has the key 'name' twice."),
        ("settings: {vr: {training: {epochs: 0}}}", "settings.vr.training: epochs: found 0, allowed: 1 or more."),
        ("methods: []\nartifacts: []\ndatasets: {kuairand_pure: {}}", "methods: nothing can run (the list is empty)."),
        ("- a", "Config file must be given as JSON or YAML with keys at top level."),
        ("a: [", "Config file is not valid JSON or YAML."),
        ("a: !!python/object/apply:os.mkdir [made]", "Config file is not valid JSON or YAML."),
    ],
    ids=lambda value: value.split("\n")[0].replace("/", " "),
)
def test_a_mistake_in_the_configuration_is_told_without_a_traceback(
    project: Project, tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "mistake.yaml"
    path.write_text(text)
    result = project.snakemake(METRICS, "--configfile", str(path), "--cores", "1", folder=tmp_path)
    assert result.returncode != 0
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "results").exists()
    assert not (tmp_path / "made").exists()


def test_a_failed_job_shows_its_sentence(project: Project, tmp_path: Path) -> None:
    target = "results/tiny/jobs/kuairand_pure/watch_time/random_622/shared/vr/paper/metrics.json"
    shutil.copytree(project.root / "data", tmp_path / "data")
    shutil.copytree(project.root / "results", tmp_path / "results")
    (tmp_path / target).unlink()
    config = tmp_path / "run.yaml"
    config.write_text(yaml.safe_dump({**CONFIG, "settings": {"vr": {"output": "round"}}}))
    result = project.snakemake(target, "--configfile", str(config), "--cores", "1", folder=tmp_path)
    assert result.returncode != 0
    assert "output: found 'round', allowed: 'linear' or 'sigmoid'" in result.stderr
    assert not (tmp_path / target).exists(), "Snakemake removes what a failed job left"


def test_the_workflow_is_drawn_and_has_no_lint(project: Project) -> None:
    config = str(project.configure())
    graph = project.snakemake(METRICS, "--configfile", config, "--rulegraph", "mermaid-js")
    assert graph.returncode == 0
    rules = set(re.findall(r"id\d+\[(\w+)\]", graph.stdout))
    assert rules == {"simulate", "interactions", "split", "encode", "codec", "train", "collect"}
    lint = project.snakemake("--configfile", config, "--lint")
    assert "Congratulations, your workflow is in a good condition!" in lint.stdout + lint.stderr


def test_the_workflow_is_formatted() -> None:
    root = find_root()
    command = [str(Path(sys.executable).with_name("snakefmt")), "--check", "Snakefile", "workflow"]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_two_runs_are_the_same_bytes_on_one_core_and_on_two(project: Project, tmp_path: Path) -> None:
    config = str(project.configure())
    result = project.snakemake(METRICS, "--configfile", config, "--cores", "1", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    one, other = contents(project.root / "results" / "tiny"), contents(tmp_path / "results" / "tiny")
    assert one.keys() == other.keys()
    assert {Path(name).name for name in one} >= {"metrics.parquet", "predictions.parquet", "model.safetensors"}
    assert [name for name in one if one[name] != other[name]] == []
    assert contents(project.root / "data") == contents(tmp_path / "data")


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file but logs, benchmarks, Snakemake's own marks and what holds measured time."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("[!.]*")
        if path.is_file() and path.name not in MEASURED_TIME and path.relative_to(folder).parts[0] not in LEFT_OUT
    }
