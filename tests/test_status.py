"""How far a run is: on a folder written by hand, and on a workflow in which a step fails and one is killed."""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from project import Project
from watchtime.cli import main
from watchtime.core.catalog import find_root
from watchtime.core.config import RunConfig, to_yaml
from watchtime.core.files import write_text
from watchtime.core.plan import Plan
from watchtime.core.workflow import Step, steps
from watchtime.status import run_states, status_lines

CONFIG = {"name": "one", "datasets": {"kuairand_pure": {}}, "artifacts": [], "methods": ["vr/paper"]}


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.chdir(tmp_path)
    write_text("results/one/config.yaml", to_yaml(RunConfig.model_validate(CONFIG)))
    return Plan.load(Path("results/one/config.yaml"), find_root())


def write(step: Step, log: str, age: float = 0) -> None:
    write_text(step.log, log)
    os.utime(step.log, (time.time() - age,) * 2)


def finish(step: Step) -> None:
    write(step, "$ watchtime\n")
    for path in step.outputs:
        if path.suffix:
            write_text(path, "")
        else:
            path.mkdir(parents=True)


def test_every_step_has_its_state(plan: Plan) -> None:
    one, other, third, fourth, fifth, *rest = steps(plan)
    for step in (one, other):
        finish(step)
    write(third, "$ watchtime split\ndata: a\nwatchtime: the disk is full.\n")
    write(fourth, "")
    write(fifth, "")
    with fifth.log.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        states = [state for _, state in run_states(plan.folder, find_root())]
    assert states == ["done", "done", "failed", "running", "running", *["waiting"] * len(rest)]
    os.utime(fourth.log, (0, 0))
    states = [state for _, state in run_states(plan.folder, find_root())]
    assert states[3:5] == ["failed", "running"]


def test_a_step_without_one_of_its_files_is_not_done(plan: Plan) -> None:
    step = next(one for one in steps(plan) if one.rule == "train")
    finish(step)
    step.outputs[-1].unlink()
    assert dict(run_states(plan.folder, find_root()))[step] == "failed"


def test_a_failure_is_told_with_its_last_words_and_how_it_runs_again(plan: Plan) -> None:
    step = next(one for one in steps(plan) if one.rule == "train")
    write(step, "\n".join(["$ watchtime train", *(f"line {number}" for number in range(19)), "watchtime: line 19"]))
    lines = status_lines(plan.folder, run_states(plan.folder, find_root()))
    assert lines[0] == f"results/one: {len(steps(plan))} steps: 1 failed, {len(steps(plan)) - 1} waiting"
    told = lines[lines.index(f"failed: {step.title} ({step.log})") + 1 :]
    assert told[:-1] == [*(f"  | line {number}" for number in range(10, 19)), "  | watchtime: line 19"]
    assert told[-1] == f"  again: {step.rerun}"
    write(step, "$ watchtime train\n")
    lines = status_lines(plan.folder, run_states(plan.folder, find_root()))
    killed = "  (no last word: the process was killed, or the machine stopped)"
    assert killed in lines
    write(step, "$ watchtime train\nwaiting for a GPU\n")
    lines = status_lines(plan.folder, run_states(plan.folder, find_root()))
    assert lines[lines.index(killed) - 1] == "  | waiting for a GPU"
    write(step, "$ watchtime train\nTraceback (most recent call last):\nValueError: no\n")
    assert killed not in status_lines(plan.folder, run_states(plan.folder, find_root()))


def test_the_command_tells_by_its_status_whether_something_failed(plan: Plan) -> None:
    result = CliRunner().invoke(main, ["status", "results/one"])
    assert (result.exit_code, result.stderr) == (0, "")
    write(steps(plan)[0], "no")
    assert CliRunner().invoke(main, ["status", "results/one"]).exit_code == 1
    result = CliRunner().invoke(main, ["status", "results/two"])
    said = "watchtime: results/two: no run was started here: there is no config.yaml.\n"
    assert (result.exit_code, result.stderr) == (2, said)


def test_a_run_that_was_moved_is_refused(plan: Plan) -> None:
    plan.folder.rename("results/two")
    result = CliRunner().invoke(main, ["status", "results/two"])
    assert result.exit_code == 2
    assert result.stderr.startswith("watchtime: results/two: its configuration is that of results/one, seen from ")


# A real workflow


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.copied(tmp_path_factory.mktemp("status") / "project")


def watchtime(project: Project, *arguments: str) -> tuple[int, str]:
    command, environment = ["watchtime", *arguments], project.environment()
    result = subprocess.run(command, cwd=project.root, env=environment, capture_output=True, text=True)
    return result.returncode, result.stdout + result.stderr


def test_the_steps_are_those_of_the_workflow(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Snakemake's own list of outputs, rules and logs."""
    path = project.configure(artifacts=["gr/figure3", "gr/table1"], methods=["vr/paper"])
    result = project.snakemake("all", "--configfile", str(path), "--summary")
    assert result.returncode == 0, result.stderr
    rows = [line.split("\t") for line in result.stdout.splitlines() if "\t" in line]
    place = {name: number for number, name in enumerate(rows[0])}
    listed = {(row[place["output_file"]], row[place["rule"]]) for row in rows[1:]}
    monkeypatch.chdir(project.root)
    plan = Plan.from_workflow({}, [str(path)], project.root)
    assert {(str(output), step.rule) for step in steps(plan) for output in step.outputs} == listed
    shown = project.snakemake("all", "--configfile", str(path), "--dry-run")
    lines = re.findall(r"^    log: (.*)$", shown.stdout + shown.stderr, re.MULTILINE)
    logs = {name for line in lines for name in line.split(", ")}
    assert {name for name in logs if name.endswith(".log")} == {str(step.log) for step in steps(plan)}


@pytest.mark.slow
def test_a_failed_step_is_told_and_runs_again_by_what_is_told(project: Project) -> None:
    path = project.configure(settings={"vr": {"training": {"learning_rate": 1e30, "epochs": 2}}})
    project.snakemake("results/tiny/metrics.parquet", "--configfile", str(path), "--cores", "2")
    job = "kuairand_pure/watch_time/random_622/shared/vr/paper"
    code, told = watchtime(project, "status", "results/tiny")
    assert code == 1
    assert f"failed: train {job} (" in told
    assert "  | watchtime: " in told
    assert "loss is" in told
    log = (project.root / "results" / "tiny" / "logs" / "train" / f"{job}.log").read_text()
    assert log.startswith(f"$ watchtime train --run results/tiny --job {job} ")
    assert "configuration: results/tiny/config.yaml, sha256 " in log
    assert "; root seed: " in log
    assert "data: kuairand_pure from data/simulated/kuairand_pure-" in log
    # Under a setting with which it works, the command that is told runs it.
    path = project.configure(settings={"vr": {"training": {"epochs": 2}}})
    watchtime(project, "start", str(path))
    again = next(line for line in told.splitlines() if "again: " in line and "vr/paper" in line)
    assert again.split()[1] == "snakemake"
    subprocess.run(shlex.split(again)[1:], cwd=project.root, env=project.environment(), check=True)
    assert f"train {job}" not in watchtime(project, "status", "results/tiny")[1]


@pytest.mark.slow
def test_a_running_and_a_killed_step_are_told(project: Project) -> None:
    path = project.configure(name="killed", settings={"vr": {"training": {"epochs": 100_000, "patience": 100_000}}})
    target = "results/killed/jobs/kuairand_pure/watch_time/random_622/shared/vr/paper/metrics.json"
    command = [sys.executable, "-m", "snakemake", target, "--configfile", str(path), "--cores", "1"]
    run = subprocess.Popen(command, cwd=project.root, env=project.environment(), stderr=subprocess.DEVNULL)
    try:
        log = project.root / "results/killed/logs/train/kuairand_pure/watch_time/random_622/shared/vr/paper.log"
        while not (log.is_file() and log.stat().st_size):
            assert run.poll() is None
            time.sleep(0.1)
        code, told = watchtime(project, "status", "results/killed")
        assert (code, "running: train kuairand_pure/watch_time/random_622/shared/vr/paper\n" in told) == (0, True)
        for one in psutil.Process(run.pid).children(recursive=True):
            if one.is_running() and "--job" in one.cmdline():
                one.kill()
        run.wait()
    finally:
        run.kill()
    code, told = watchtime(project, "status", "results/killed")
    assert code == 1
    assert "no last word" in told
