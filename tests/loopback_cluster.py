"""A real Slurm cluster of one node on this machine: munged, slurmctld and slurmd on loopback, all in one folder.

    python tests/loopback_cluster.py [--cpus 4] -- COMMAND …

runs a command in which sbatch, squeue and so on speak to the cluster, and takes everything down afterwards. It needs
Debian's packages slurm-wlm and munge, and root, since slurmd starts jobs as their users.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# Debian puts the daemons where only root looks for programs.
DAEMONS = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
SECONDS_TO_ANSWER = 60
MUNGE_FILES = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed", "log-file": "log"}

CONFIGURATION = """
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
ReturnToService=2
KillWait=5
GresTypes=gpu
NodeName=loopback NodeHostname={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes=loopback Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str | None:
    """Return why no cluster can be started here, or None."""
    absent = [name for name in ("munged", "slurmctld", "slurmd") if shutil.which(name, path=DAEMONS) is None]
    if absent:
        return f"{', '.join(absent)} not installed (apt-get install slurm-wlm munge)"
    return None if os.geteuid() == 0 else "only root can start a node"


class LoopbackCluster:
    """The daemons of a cluster whose every file lies in ``folder``."""

    def __init__(self, folder: Path, cpus: int) -> None:
        self.folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("bin", "state", "spool"):
            (folder / name).mkdir()
        controller_port, node_port = _free_ports(2)
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
        values = {"controller_port": controller_port, "node_port": node_port, "cpus": cpus, "memory": memory}
        text = CONFIGURATION.format(folder=folder, host=socket.gethostname().split(".")[0], **values)
        (folder / "slurm.conf").write_text(text)
        # GPUs that are not there: Slurm hands out their numbers.
        (folder / "gres.conf").write_text("Name=gpu File=/dev/null\nName=gpu File=/dev/zero\n")
        # Snakemake's executor takes SLURM_CONF from the steps of its jobs.
        srun = folder / "bin" / "srun"
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which("srun")} "$@"\n')
        srun.chmod(0o755)
        key = folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))

    def environment(self) -> dict[str, str]:
        """Return what makes Slurm's commands speak to this cluster."""
        path = os.pathsep.join([str(self.folder / "bin"), os.environ["PATH"]])
        return {"SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": path}

    def start(self) -> None:
        """Start all daemons and wait until the node takes jobs."""
        for name in ("munged", "slurmctld", "slurmd"):
            self.revive(name)
        self.wait_until(lambda: "idle" in self.command("sinfo", "--noheader", "--format=%T"), "the node is idle")

    def revive(self, name: str) -> None:
        """Start one daemon, as systemd does when it has ended."""
        files = [f"--{option}={self.folder}/munge.{end}" for option, end in MUNGE_FILES.items()]
        arguments = ["--foreground", "--force", *files] if name == "munged" else ["-D"]
        command = [str(shutil.which(name, path=DAEMONS)), *arguments]
        environment = {**os.environ, **self.environment()}
        with self._log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        if name == "munged":
            self.wait_until((self.folder / "munge.socket").exists, "munged listens")

    def kill(self, name: str) -> None:
        """End one daemon by SIGKILL, and it alone: what it has started goes on."""
        self._running[name].kill()
        self._running[name].wait()

    def command(self, *command: str) -> str:
        """Return what a command of Slurm's prints, nothing where it fails."""
        environment = {**os.environ, **self.environment()}
        return subprocess.run(command, env=environment, capture_output=True, text=True).stdout

    def processes(self) -> list[int]:
        """Return the processes of running jobs, the node's own among them not."""
        running = self.command("squeue", "--noheader", "--states=running", "--format=%i").split()
        lines = [line for job in running for line in self.command("scontrol", "listpids", job).splitlines()]
        return [int(line.split()[0]) for line in lines if line.split()[0].isdecimal()]

    def resume_node(self) -> bool:
        """Let the node take jobs again if Slurm has drained it: a restarted controller may start a job twice."""
        drained = "drain" in self.command("sinfo", "--noheader", "--format=%T")
        if drained:
            self.command("scontrol", "update", "nodename=loopback", "state=resume")
        return drained

    def wait_until(self, true: Callable[[], bool], what: str) -> None:
        """Return as soon as something is ``true``; raises TimeoutError, with what daemons last said, after a minute."""
        end = time.monotonic() + SECONDS_TO_ANSWER
        while not true():
            if time.monotonic() > end:
                logs = [line for name in self._running for line in self._log(name).read_text().splitlines()[-5:]]
                raise TimeoutError("\n".join([f"After {SECONDS_TO_ANSWER} s it is still not so that {what}:", *logs]))
            time.sleep(0.2)

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.out"

    def stop(self) -> None:
        """Cancel all jobs and end all daemons, whatever state they are in."""
        answering = {name for name, process in self._running.items() if process.poll() is None}
        try:
            if answering >= {"slurmctld", "slurmd"}:
                self.command("scancel", "--user=root")
                self.wait_until(lambda: not self.command("squeue", "--noheader").strip(), "all jobs have ended")
        finally:
            for name in ("slurmd", "slurmctld", "munged"):
                if (process := self._running.get(name)) is not None:
                    process.terminate()
                    process.wait()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


@contextmanager
def loopback_cluster(cpus: int = 2) -> Iterator[LoopbackCluster]:
    """Give a cluster that is gone afterwards, with its folder."""
    with tempfile.TemporaryDirectory(prefix="loopback-cluster-") as folder:
        cluster = LoopbackCluster(Path(folder), cpus)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cpus", type=int, default=os.cpu_count() or 1, help="the node's cores (all)")
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    if (reason := missing()) is not None:
        sys.exit(f"No cluster can be started here: {reason}.")
    # Leave by way of `finally` when terminated, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with loopback_cluster(given.cpus) as cluster:
        status = subprocess.run(given.command, env={**os.environ, **cluster.environment()}).returncode
    sys.exit(status)


if __name__ == "__main__":
    main()
