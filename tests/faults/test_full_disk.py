"""A disk without room: every kind of file says so, nothing is half written, and the run goes on when there is room."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save_file

from disks import fill
from project import METRICS, Project
from survivors import contents, forget_trainings, unfinished
from watchtime.core.errors import WatchtimeError
from watchtime.core.files import replacing, replacing_folder, write_json, write_parquet
from watchtime.datasets.encoded import write_array

NOISE = np.random.default_rng(0).random(100_000)


def tensors(path: Path) -> None:
    with replacing(path) as temporary:
        save_file({"a": NOISE}, temporary)


def archive(path: Path) -> None:
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, a=NOISE)


def folder(path: Path) -> None:
    with replacing_folder(path) as temporary:
        np.save(temporary / "a.npy", NOISE)


def streamed(path: Path) -> None:
    with replacing(path) as temporary:
        pl.LazyFrame({"a": NOISE}).sink_parquet(temporary)


WRITERS: dict[str, Callable[[Path], None]] = {
    "parquet": lambda path: write_parquet(path, pl.DataFrame({"a": NOISE})),
    "streamed parquet": streamed,
    "json": lambda path: write_json(path, NOISE.tolist()),
    "array": lambda path: write_array(path, NOISE),
    "archive": archive,
    "tensors": tensors,
    "folder": folder,
}


@pytest.mark.parametrize("kind", WRITERS)
def test_every_kind_of_file_is_named_and_whole_or_absent(disk: Path, kind: str) -> None:
    (disk / "old").mkdir()
    fill(disk, leave=50_000)
    before = sorted(disk.rglob("*"))
    with pytest.raises(WatchtimeError, match=rf"^{disk}/file: the disk is full; make room, and the same command goes"):
        WRITERS[kind](disk / "file")
    assert sorted(disk.rglob("*")) == before


@pytest.mark.slow
def test_a_run_that_filled_its_disk_goes_on_when_there_is_room(
    undisturbed: Project, expected: dict[str, str], disk: Path
) -> None:
    """The log and its columns are there; models and predictions have no room."""
    project = undisturbed
    command = (METRICS, "--configfile", str(project.configure()), "--cores", "1")
    for name in ("data", "results", ".snakemake"):
        shutil.copytree(project.root / name, disk / name)
    forget_trainings(disk)
    filler = fill(disk, leave=150_000)
    result = project.snakemake(*command, folder=disk)
    assert result.returncode != 0
    assert ": the disk is full; make room, and the same command goes on from here." in result.stderr
    assert "Traceback" not in result.stderr
    assert unfinished(disk) == []
    filler.unlink()
    result = project.snakemake(*command, folder=disk)
    assert result.returncode == 0, result.stderr
    assert contents(disk) == expected
