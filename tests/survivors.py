"""What two runs must have in common after a fault: the bytes of every file that holds no measured time."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from project import CONFIG, METRICS, Project

JOBS = "results/tiny/jobs"
VR = "kuairand_pure/watch_time/random_622/shared/vr"
MEASURED = ("resources.json", "resources.parquet", "environment.json")


def contents(folder: Path) -> dict[str, str]:
    """Return the sha256 of every file of the runs and the simulated logs below a working folder.

    Logs, benchmarks and hidden files are left out, and what holds measured time.
    """
    places = [(path, path.relative_to(folder).parts) for name in ("results", "data") for path in files(folder / name)]
    return {
        str(Path(*parts)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path, parts in places
        if path.name not in MEASURED
        if not any(part.startswith(".") for part in parts)
        if not (parts[0] == "results" and parts[2] in ("logs", "benchmarks"))
    }


def unfinished(folder: Path) -> list[str]:
    """Return the hidden files and folders of the runs below a working folder that no finished run leaves."""
    expected = (".snakemake_timestamp", ".seals", ".locks")
    hidden = [path for path in folder.glob("[rd]*/**/.*") if path.name not in expected]
    return sorted(str(path.relative_to(folder)) for path in hidden)


def forget_trainings(folder: Path, jobs: str = "") -> None:
    """Remove the jobs of a finished tiny run, or those below ``jobs``, and the table that is made of them."""
    shutil.rmtree(folder / JOBS / jobs)
    (folder / METRICS).unlink()


def said_of_a_failed_training(finished: Project, expected: dict[str, str], setting: dict[str, object]) -> str:
    """Return what is said where a training setting makes VR fail: nothing is left of it, and the next run ends well."""
    forget_trainings(finished.root, VR)
    training = CONFIG["settings"]["vr"]["training"] | setting  # type: ignore[index]
    config = finished.configure(settings={"vr": {"training": training}})
    failed = finished.snakemake(METRICS, "--configfile", str(config), "--cores", "1")
    assert failed.returncode != 0
    assert "Traceback" not in failed.stderr
    assert not list((finished.root / JOBS / VR).rglob("*.*"))
    assert unfinished(finished.root) == []
    result = finished.snakemake(METRICS, "--configfile", str(finished.configure()), "--cores", "2")
    assert result.returncode == 0, result.stderr
    assert contents(finished.root) == expected
    return failed.stderr


def works_in_the_run(process: int, folder: Path) -> bool:
    """Whether a process holds the folder of the tiny run as one of its jobs, as Linux tells."""
    jobs = folder / "results" / ".locks" / "tiny.jobs"
    if not jobs.exists():
        return False
    lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    inode = str(jobs.stat().st_ino)
    return any(str(process) in fields and any(field.endswith(f":{inode}") for field in fields) for fields in lines)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
