"""Files that are whole or absent, and JSON whose text identifies its value."""

from __future__ import annotations

import hashlib
import math
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchtime.core.errors import WatchtimeError
from watchtime.core.files import (
    canonical_json,
    from_here,
    read_json,
    remove_unfinished,
    replacing,
    replacing_folder,
    settings_hash,
    write_json,
    write_text,
)
from watchtime.core.seal import file_hash

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal, kind by kind: 1, 1.0 and true are three values, 0.0 and -0.0 two."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    return bool(one == other)


def write_half(path: Path, error: type[BaseException]) -> None:
    with replacing(path) as temporary:
        temporary.write_text("half of the n")
        raise error


@pytest.mark.parametrize("old", [None, "old"])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_failed_write_leaves_what_was_there_and_no_litter(
    tmp_path: Path, old: str | None, error: type[BaseException]
) -> None:
    path = tmp_path / "file.txt"
    if old:
        path.write_text(old)
    with pytest.raises(error):
        write_half(path, error)
    assert [one.name for one in tmp_path.iterdir()] == (["file.txt"] if old else [])
    assert not old or path.read_text() == old


def test_the_old_file_is_there_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_text(path, "old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert temporary.parent == path.parent, "a rename is atomic on one file system only"
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_what_killed_writers_leave_is_removed_and_nothing_else(tmp_path: Path) -> None:
    """In a folder, below it, and beside it where the folder itself was being written."""
    run, kept = tmp_path / "run", [tmp_path / "run/a/.hidden", tmp_path / "run/a/b", tmp_path / ".other.x.unfinished"]
    for path in kept:
        write_text(path, "x")
    before = sorted(tmp_path.rglob("*"))
    writers = [replacing(run / "a" / "file"), replacing_folder(run / "a" / "folder"), replacing_folder(run)]
    for writer in writers:
        place = writer.__enter__()
        (place / "half" if place.is_dir() else place).write_text("half")
    assert len(list(tmp_path.rglob(".*.unfinished"))) == len(writers) + 1
    remove_unfinished(run)
    assert sorted(tmp_path.rglob("*")) == before


def test_everybody_may_read_what_was_written(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_text(tmp_path / "file", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o644


def test_folders_are_made_and_text_is_utf_8(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b" / "c.txt", "観る\n")
    assert (tmp_path / "a" / "b" / "c.txt").read_bytes() == "観る\n".encode()


def test_nothing_is_written_where_a_folder_stands(tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    with pytest.raises(IsADirectoryError):
        write_text(tmp_path / "place", "x")
    assert [one.name for one in tmp_path.iterdir()] == ["place"]


@given(JSON)
def test_json_comes_back_as_it_was(value: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_json(Path(folder) / "x.json", value)
        assert same(read_json(Path(folder) / "x.json"), value)


@pytest.mark.parametrize("value", [math.nan, math.inf, [1.0, -math.inf], {"a": {"b": math.nan}}])
def test_what_is_no_json_number_is_refused(tmp_path: Path, value: Any) -> None:
    with pytest.raises(ValueError):
        write_json(tmp_path / "x.json", value)
    with pytest.raises(ValueError):
        canonical_json(value)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(WatchtimeError, match=r"none\.json: the file does not exist\.$"):
        read_json(tmp_path / "none.json")
    for bad in (b"{", b"\xff", b""):
        (tmp_path / "x.json").write_bytes(bad)
        with pytest.raises(WatchtimeError, match=r"x\.json: not a JSON file \("):
            read_json(tmp_path / "x.json")


@given(JSON, JSON)
def test_equal_values_and_only_they_have_equal_text(one: Any, other: Any) -> None:
    assert (canonical_json(one) == canonical_json(other)) == same(one, other)
    assert (settings_hash(one) == settings_hash(other)) == same(one, other)


@given(st.dictionaries(st.text(), NUMBERS), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(value: dict[str, float], random: Any) -> None:
    keys = list(value)
    random.shuffle(keys)
    assert canonical_json({key: value[key] for key in keys}) == canonical_json(value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"learning_rate": 0.01, "dropout": 0.1}, {"learning_rate": 0.1, "dropout": 0.01}),
        ({"smallest_count": 12}, {"smallest_count": 21}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": ["1,2"]}, {"a": ["1", "2"]}),
        ({"a": {"b": 1}}, {"a": 1, "b": {}}),
        ({"a": None}, {}),
    ],
)
def test_settings_with_the_same_characters_have_different_hashes(one: Any, other: Any) -> None:
    """Hashing sorted characters, as FuxiCTR does, takes the first two pairs for one experiment."""
    assert settings_hash(one) != settings_hash(other)


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    contents = bytes(range(256)) * 5000
    (tmp_path / "x").write_bytes(contents)
    assert file_hash(tmp_path / "x") == hashlib.sha256(contents).hexdigest()


def test_paths_inside_the_working_folder_become_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "clone").mkdir()
    monkeypatch.chdir(tmp_path / "clone")
    assert from_here(Path.cwd() / "src" / "x.py") == Path("src/x.py")
    assert from_here(tmp_path / "x.py") == tmp_path / "x.py"
    assert from_here(Path("src/x.py")) == Path("src/x.py")
