"""The manifest of a run: every file with its hash, and nothing that is not part of the run."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from watchtime.core.errors import WatchtimeError
from watchtime.core.files import read_json, write_text
from watchtime.core.manifest import write_manifest


def test_the_manifest_names_every_file_of_the_run(tmp_path: Path) -> None:
    pages = ("reports/p/table1.pdf", "reports/p/time.pdf", "notebooks/p/time.ipynb")
    for name in ("config.yaml", "jobs/a/metrics.json", "jobs/a/resources.json", *pages):
        write_text(tmp_path / name, f"contents of {name}")
    for name in ("logs/x.log", "benchmarks/x.jsonl", ".snakemake_timestamp", "data/.snakemake_timestamp"):
        write_text(tmp_path / name, "not part of the run")
    write_manifest(tmp_path, measured_pages=["p/time"])
    manifest = read_json(tmp_path / "manifest.json")
    assert manifest["run"] == tmp_path.name
    assert {name: entry["varies"] for name, entry in manifest["files"].items()} == {
        "config.yaml": False,
        "jobs/a/metrics.json": False,
        "jobs/a/resources.json": True,
        "notebooks/p/time.ipynb": True,
        "reports/p/table1.pdf": False,
        "reports/p/time.pdf": True,
    }
    for name, entry in manifest["files"].items():
        contents = f"contents of {name}".encode()
        assert (entry["bytes"], entry["sha256"]) == (len(contents), hashlib.sha256(contents).hexdigest())


def test_a_second_manifest_is_the_same_bytes(tmp_path: Path) -> None:
    write_text(tmp_path / "config.yaml", "x")
    write_manifest(tmp_path)
    before = (tmp_path / "manifest.json").read_bytes()
    write_manifest(tmp_path)
    assert (tmp_path / "manifest.json").read_bytes() == before


def test_a_run_that_is_not_there_gets_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(WatchtimeError, match=r"none: the run's folder does not exist\.$"):
        write_manifest(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []
