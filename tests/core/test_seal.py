"""What a step wrote is sealed at its end; other bytes in its place are refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from watchtime.core.errors import WatchtimeError
from watchtime.core.files import read_json, read_parquet, replacing_folder, write_json, write_parquet, write_text
from watchtime.core.seal import begin_step, end_step, intact


@pytest.fixture(autouse=True)
def _no_step() -> Iterator[None]:
    yield
    end_step()


def sealed(run: Path) -> Path:
    """Return a file of a run that a step wrote and sealed."""
    begin_step(run)
    write_text(run / "a" / "b.txt", "what was written")
    end_step()
    return run / "a" / "b.txt"


def test_what_was_written_is_intact(tmp_path: Path) -> None:
    path = sealed(tmp_path / "run")
    assert intact(path) == path
    assert (tmp_path / "run/.seals/a/b.txt").is_file()


@pytest.mark.parametrize("damage", ["what was writteN", "what was", ""])
def test_other_bytes_are_refused(tmp_path: Path, damage: str) -> None:
    path = sealed(tmp_path / "run")
    path.write_text(damage)
    said = (
        rf"^{path}: the file is damaged: its bytes are not those that were written; delete it and start the run again"
    )
    with pytest.raises(WatchtimeError, match=said):
        intact(path)


def test_a_seal_goes_with_what_it_seals(tmp_path: Path) -> None:
    """A file that is written again outside of a step, or whose step was killed, has no seal: it is taken as it is."""
    path = sealed(tmp_path / "run")
    write_text(path, "written by hand")
    assert intact(path).read_text() == "written by hand"
    path.write_text("edited")
    assert intact(path).read_text() == "edited"


def test_a_seal_that_was_not_written_to_its_end_is_none(tmp_path: Path) -> None:
    path = sealed(tmp_path / "run")
    (tmp_path / "run/.seals/a/b.txt").write_text("")
    assert intact(path) == path


def test_every_file_of_a_folder_is_sealed(tmp_path: Path) -> None:
    begin_step(tmp_path)
    with replacing_folder(tmp_path / "encoded") as temporary:
        np.save(temporary / "x.npy", np.arange(3))
        write_json(temporary / "deep" / "y.json", 1)
    end_step()
    for name in ("x.npy", "deep/y.json"):
        path = tmp_path / "encoded" / name
        path.write_bytes(path.read_bytes() + b" ")
        with pytest.raises(WatchtimeError, match="damaged"):
            intact(path)
    with replacing_folder(tmp_path / "encoded") as temporary:
        (temporary / "x.npy").write_text("another")
    assert intact(tmp_path / "encoded" / "x.npy").read_text() == "another"


def test_what_lies_outside_of_the_run_is_not_sealed(tmp_path: Path) -> None:
    begin_step(tmp_path / "run")
    write_text(tmp_path / "elsewhere.txt", "x")
    end_step()
    assert [path.name for path in tmp_path.iterdir()] == ["elsewhere.txt"]


def test_readers_refuse_damage_that_their_format_does_not_show(tmp_path: Path) -> None:
    begin_step(tmp_path)
    write_json(tmp_path / "x.json", [1.25])
    write_parquet(tmp_path / "x.parquet", pl.DataFrame({"a": [1, 2, 3]}))
    end_step()
    (tmp_path / "x.json").write_text("[1.75]")
    pl.DataFrame({"a": [1, 2, 4]}).write_parquet(tmp_path / "x.parquet")
    for read, name in ((read_json, "x.json"), (read_parquet, "x.parquet")):
        with pytest.raises(WatchtimeError, match=rf"{name}: the file is damaged"):
            read(tmp_path / name)


def test_a_seal_is_the_sha256_of_the_bytes(tmp_path: Path) -> None:
    sealed(tmp_path)
    digest = "96f699e082acfb2fe5a71b93310ffcdf5b6cd08bc6a24b1b2d695c0044f1f58a"
    assert (tmp_path / ".seals/a/b.txt").read_text() == digest
