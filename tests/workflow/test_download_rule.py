"""A data set that the workflow fetches by itself, from a server on this machine."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

import tiny_kuairand as tiny
from download_server import running
from project import Project

pytestmark = pytest.mark.slow
INTERACTIONS = "results/tiny/data/kuairand_pure/interactions.parquet"
SOURCE = """sources:
  - {{url: "{url}", checksum: "md5:{md5}", unpack: {{"KuaiRand-Pure/data/": "data/"}}}}
"""


def archive(folder: Path) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        tar.add(folder / "data", "KuaiRand-Pure/data")
    return stream.getvalue()


def test_the_workflow_fetches_verifies_and_reads_a_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    project = Project.copied(tmp_path / "watchtime")
    content = archive(tiny.write_folder(tmp_path / "raw"))
    card = project.root / "config" / "datasets" / "kuairand_pure.yaml"
    plain = card.read_text().split("sources:")[0]
    config = str(project.configure(datasets={"kuairand_pure": {"download": True}}))
    with running() as server:
        url = server.serve("/set.tar.gz", content)

        def run(md5: str) -> str:
            card.write_text(plain + SOURCE.format(url=url, md5=md5))
            result = project.snakemake(INTERACTIONS, "--configfile", config, "--cores", "1")
            return "" if result.returncode == 0 else result.stdout + result.stderr

        assert run("0" * 32)
        log = (project.root / "results/tiny/logs/download/kuairand_pure.log").read_text().splitlines()
        assert [line.split()[0] for line in log] == ["$", "configuration:", "data:", "watchtime:"]
        assert "checksum" in log[-1]
        assert not (project.root / INTERACTIONS).exists()
        assert run(hashlib.md5(content).hexdigest()) == ""
        asked = len(server.asked)
        assert "Nothing to be done" in project.snakemake(INTERACTIONS, "--configfile", config, "--cores", "1").stderr
        assert len(server.asked) == asked
    assert (project.root / INTERACTIONS).is_file()
    fetched = project.root / "data" / "official" / "kuairand_pure" / "data" / tiny.SECOND_LOG
    assert fetched.read_text() == (tmp_path / "raw" / "data" / tiny.SECOND_LOG).read_text()
