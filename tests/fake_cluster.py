"""Commands of a cluster that is not there, for tests of what profiles ask one for."""

from __future__ import annotations

import json
import sys
from pathlib import Path

# Notes its arguments in a line of JSON; the others of Slurm's commands say nothing.
SBATCH = """#!{python}
import json, sys
with open({notes!r}, "a") as notes:
    print(json.dumps(sys.argv[1:]), file=notes)
sys.exit(1)
"""

# Runs a job's container as a process of this machine, and keeps what it was asked for and how it ended.
KUBECTL = """#!{python}
import pathlib, subprocess, sys, uuid
import yaml
jobs = pathlib.Path({jobs!r})
if sys.argv[1] == "create":
    job = yaml.safe_load(sys.stdin)
    name = job["metadata"]["generateName"] + uuid.uuid4().hex
    container = job["spec"]["template"]["spec"]["containers"][0]
    status = subprocess.run(container["command"], cwd=container["workingDir"], capture_output=True).returncode
    (jobs / name).write_text(yaml.safe_dump({{"job": job, "status": status}}))
    print(f"job.batch/{{name}}")
elif sys.argv[1] == "get":
    status = yaml.safe_load((jobs / sys.argv[2].split("/")[1]).read_text())["status"]
    print("found /1" if status else "found 1/", end="")
"""


class FakeSlurm:
    """Slurm's commands in a folder of their own; sbatch takes no job."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._notes = folder, folder / "submissions.jsonl"
        self.folder.mkdir()
        _write(folder / "sbatch", SBATCH.format(python=sys.executable, notes=str(self._notes)))
        for name in ("sacct", "sacctmgr", "scancel", "scontrol", "sinfo", "squeue", "sshare"):
            _write(folder / name, "#!/bin/sh\n")

    def submissions(self) -> list[list[str]]:
        """Return the arguments of every call of sbatch, in order."""
        return [json.loads(line) for line in self._notes.read_text().splitlines()]


def fake_kubectl(folder: Path) -> Path:
    """Write a kubectl in the new folder ``folder``; return the folder in which every job leaves a file."""
    jobs = folder / "jobs"
    jobs.mkdir(parents=True)
    _write(folder / "kubectl", KUBECTL.format(python=sys.executable, jobs=str(jobs)))
    return jobs


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
