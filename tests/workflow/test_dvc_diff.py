"""What `dvc` tells of two commits: the results of a run that a user adds once, and the configuration."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from handmade_run import by_order, write_run
from watchtime.core.catalog import find_root
from watchtime.core.job import JobSpec

pytestmark = pytest.mark.slow

RESULTS = ("results/demo/scores.json", "results/demo/scores.csv")
METHODS = ["training_constant", "vr/paper", "tpm/paper"]


def command(folder: Path, *words: str) -> str:
    program = (
        [sys.executable, "-m", "dvc"] if words[0] == "dvc" else ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    )
    result = subprocess.run([*program, *words[1:]], cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


def better(spec: JobSpec, readout: str, metric: str, convention: str, repetition: int) -> float:
    """Return values in which VR's alone are other ones."""
    value = by_order(spec, readout, metric, convention, repetition)
    return value + 0.125 if spec.method == "vr" else value


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository of git and DVC with two commits, between which a user ran another configuration."""
    folder = tmp_path_factory.mktemp("committed")
    for name in (".gitignore", ".dvcignore", "dvc.yaml"):
        shutil.copy(find_root() / name, folder)
    command(folder, "git", "init", "--quiet")
    command(folder, "dvc", "init", "--quiet")
    (folder / "config").mkdir()
    for repetitions, scores in ((3, by_order), (4, better)):
        (folder / "config" / "demo.yaml").write_text(f"name: demo\nrepetitions: {repetitions}\n")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            write_run(folder, methods=METHODS, artifacts=[], scores=scores, repetitions=repetitions)
        command(folder, "git", "add", ".")
        # As the README says: once, since git ignores the folder of results but not files that it knows.
        if repetitions == 3:
            command(folder, "git", "add", "--force", *RESULTS)
        command(folder, "git", "commit", "--quiet", "--all", "--message", f"run: {repetitions}")
    return folder


def test_only_the_scores_of_a_run_are_committed(committed: Path) -> None:
    known = command(committed, "git", "ls-files").split()
    assert [name for name in known if name.startswith("results/")] == sorted(RESULTS)
    assert command(committed, "git", "status", "--short") == ""


def test_metrics_differ_where_scores_do(committed: Path) -> None:
    found = json.loads(command(committed, "dvc", "metrics", "diff", "HEAD~1", "HEAD", "--json"))[RESULTS[0]]
    xauc = found["kuairand_pure/watch_time/random_622.vr/paper/mean.xauc"]
    assert xauc["diff"] == pytest.approx(0.125, abs=1e-3)
    assert "tpm/paper" in command(committed, "dvc", "metrics", "show", "--md")


def test_parameters_differ_where_the_configuration_does(committed: Path) -> None:
    found = json.loads(command(committed, "dvc", "params", "diff", "HEAD~1", "HEAD", "--json"))
    assert found == {"config/demo.yaml": {"repetitions": {"old": 3, "new": 4, "diff": 1}}}


def test_plots_show_both_commits(committed: Path) -> None:
    found = json.loads(command(committed, "dvc", "plots", "diff", "HEAD~1", "HEAD", "--json", "--split"))
    (plots,) = found["data"].values()
    assert {plot["content"]["encoding"]["x"]["field"] for plot in plots} == {"xauc"}
    assert {revision for plot in plots for revision in plot["revisions"]} == {"HEAD~1", "HEAD"}
    rows = [row for plot in plots for row in plot["anchor_definitions"]["<DVC_METRIC_DATA>"]]
    values = {(row["rev"], row["line"].split("/", 3)[3]): float(row["xauc"]) for row in rows}
    assert set(values) == {
        (revision, line)
        for revision in ("HEAD~1", "HEAD")
        for line in ("training_constant/mean", "training_constant/median", "vr/paper", "tpm/paper")
    }
    assert values["HEAD", "vr/paper"] - values["HEAD~1", "vr/paper"] == pytest.approx(0.125, abs=1e-3)
    command(committed, "dvc", "plots", "diff", "HEAD~1", "HEAD", "--out", "dvc_plots")
    assert (committed / "dvc_plots" / "index.html").is_file()
    assert command(committed, "git", "status", "--short") == ""
