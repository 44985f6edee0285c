"""Runs on a real Slurm cluster, where one can be started: killed processes, cancelled jobs, GPUs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from loopback_cluster import loopback_cluster, missing
from project import Project
from watchtime.core.catalog import find_root

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.xdist_group("slurm"),
    pytest.mark.skipif(missing() is not None, reason=f"no Slurm cluster can be started here: {missing()}"),
]

ASKS_FOR_A_GPU = """
import os
from watchtime.training import device
device.require = lambda _: None  # the GPUs are not there
with device.reserved("cuda", 1, 1000):
    print(os.environ["CUDA_VISIBLE_DEVICES"], os.path.exists(os.environ["WATCHTIME_SLOTS"]))
"""


def test_runs_with_killed_processes_end_with_the_manifest_of_an_undisturbed_one(tmp_path: Path) -> None:
    pytest.importorskip("snakemake_executor_plugin_slurm", reason="the extra 'slurm' is not installed")
    script = find_root() / "tests" / "slurm_faults.py"
    # With this seed the controller is spared: it takes minutes until a lost one is noticed.
    command = [sys.executable, str(script), "--faults", "3", "--seed", "5", "--folder", str(tmp_path)]
    result = subprocess.run(command, env=Project(find_root()).environment(), capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 of them different or unrecorded" in result.stdout


def test_jobs_of_a_killed_run_are_cancelled_and_those_of_other_folders_are_not(tmp_path: Path) -> None:
    mine, other = tmp_path / "my run", tmp_path / "my run of old"
    with loopback_cluster() as cluster:
        environment = {**os.environ, **cluster.environment()}
        for folder in (mine, mine, other):
            folder.mkdir(exist_ok=True)
            command = ["sbatch", "--mem=10", "--wrap=sleep 1000"]
            subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
        cancel = find_root() / "profiles" / "slurm" / "cancel"
        subprocess.run([cancel], cwd=mine, env=environment, check=True, timeout=60)
        left = cluster.command("squeue", "--noheader", "--Format=WorkDir:400").split("\n")
        assert [line.strip() for line in left if line] == [str(other)]
        cluster.kill("slurmctld")
        cut_off = subprocess.run([cancel], cwd=mine, env=environment, capture_output=True, timeout=60)
        assert cut_off.returncode != 0, "who cannot be asked has not said that nothing is left"
        cluster.revive("slurmctld")


def test_jobs_train_on_the_gpu_that_slurm_gives_them_and_claim_no_slot(tmp_path: Path) -> None:
    (tmp_path / "job.py").write_text(ASKS_FOR_A_GPU)
    with loopback_cluster() as cluster:
        environment = {**Project(find_root()).environment(), **cluster.environment()}
        environment["WATCHTIME_SLOTS"] = str(tmp_path / "slots")
        # Both at once: the node has two, and the second job must not get the first one's.
        step = f"{sys.executable} job.py; sleep 3"
        for name in ("one", "two"):
            command = ["sbatch", "--gpus=1", "--mem=500", f"--output={name}", f"--wrap={step}"]
            subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
        cluster.wait_until(lambda: not cluster.command("squeue", "--noheader").strip(), "both jobs have ended")
    assert {(tmp_path / name).read_text() for name in ("one", "two")} == {"0 False\n", "1 False\n"}
    assert os.environ.get("CUDA_VISIBLE_DEVICES") is None
