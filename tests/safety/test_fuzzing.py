"""Damage by chance to every input from outside: a command goes well or says one sentence per mistake, never more.

The inputs are those of the kept corpus, each in order at first. The drawn examples are the same in every run.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from malformed.corpus import kept
from malformed.readers import READERS, contents
from watchtime.core.csv_files import read_rows
from watchtime.core.errors import WatchtimeError
from watchtime.core.files import read_json
from watchtime.core.yaml_files import read_yaml
from watchtime.datasets.download.archive import unpack
from watchtime.datasets.own_file import column_types
from watchtime.labels import storage
from watchtime.training.model import Model

TARGETS: dict[str, list[str]] = {}
for name in kept():
    kind, *place, _ = name.split("/")
    if (target := "/".join(place)) not in TARGETS.setdefault(kind, []):
        TARGETS[kind].append(target)

# What means something to one of the formats, or should not stand where it might.
WORDS = [
    *(b'"', b"'", b"\n", b"\r", b"\t", b",", b";", b"\0", b"\xff", b"\x1b[2J", b"\xe2\x80\xae", b"\xef\xbb\xbf"),
    *(b"[", b"]", b"{", b"}", b": ", b"- ", b"#", b"&a ", b"*a", b"<<: ", b"---\n", b"!!set ", b"!!python/name:os.x "),
    *(b"-1", b"1e999", b"NaN", b"null", b"true", b"9" * 50, b"=1+1", b"../", b"/etc/passwd", b"$(x)", b"`", b"*"),
    *(b"PAR1", b"PK\x05\x06", b"\x80\x04N."),
]
Damage = tuple[str, float, float, bytes]
DAMAGES = st.lists(
    st.tuples(
        st.sampled_from(["cut", "drop", "insert", "replace", "repeat"]),
        st.floats(0, 1),
        st.floats(0, 1),
        st.sampled_from(WORDS) | st.binary(min_size=1, max_size=4),
    ),
    min_size=1,
    max_size=4,
)


def damaged(content: bytes, damages: list[Damage]) -> bytes:
    """Return the content after each damage: where it begins is a share of the length, how far it goes of 64 bytes."""
    for how, begin, length, word in damages:
        start = round(begin * len(content))
        end = start + round(length * 64)
        before, inside, after = content[:start], content[start:end], content[end:]
        content = {
            "cut": before,
            "drop": before + after,
            "insert": before + word + inside + after,
            "replace": before + word + after,
            "repeat": before + inside + inside + after,
        }[how]
    return content


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return one folder in order for each kind."""
    found = {}
    for kind, reader in READERS.items():
        found[kind] = tmp_path_factory.mktemp("outside") / kind
        found[kind].mkdir()
        reader.write(found[kind])
    return found


def survives(kind: str, folder: Path, target: str, damages: list[Damage]) -> None:
    """Run the command on the damaged file, then put all back as it was."""
    reader, outside = READERS[kind], folder.parent
    before = contents(outside)
    original = (folder / target).read_bytes()
    (folder / target).write_bytes(damaged(original, damages))
    given = contents(outside)
    with reader.ready(folder):
        result = reader.run(target)
    after = contents(outside)
    shutil.rmtree(folder)
    for name, content in before.items():
        (outside / name).parent.mkdir(parents=True, exist_ok=True)
        (outside / name).write_bytes(content)
    assert isinstance(result.exception, SystemExit | None), repr(result.exception)
    assert not any(name for name in after if not name.startswith(f"{kind}/"))
    if result.exit_code == 2:
        assert after == given
        said = result.stderr.removesuffix("\n").split("\n")
        assert said[0].startswith("watchtime: ")
        assert all(line.isprintable() for line in said)
    else:
        assert result.exit_code in (0, *reader.good)


def fuzzed(examples: int) -> Callable[[Callable[..., None]], Any]:
    """Return a test of every kind that draws so many damages."""

    def wrap(test: Callable[..., None]) -> Any:
        quiet = settings(max_examples=examples, suppress_health_check=list(HealthCheck), database=None)
        return pytest.mark.parametrize("kind", READERS)(quiet(given(data=st.data())(test)))

    return wrap


@fuzzed(12)
def test_a_damaged_file_is_read_or_refused(folders: dict[str, Path], kind: str, data: st.DataObject) -> None:
    survives(kind, folders[kind], data.draw(st.sampled_from(TARGETS[kind])), data.draw(DAMAGES))


@pytest.mark.slow
@fuzzed(100)
def test_many_damaged_files_are_read_or_refused(folders: dict[str, Path], kind: str, data: st.DataObject) -> None:
    survives(kind, folders[kind], data.draw(st.sampled_from(TARGETS[kind])), data.draw(DAMAGES))


PARSERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "archive": ("archive", lambda path: unpack(path, {"a": "a"}, path.with_name("unpacked"))),
    "codec": ("codec.npz", storage.load),
    "columns": ("log.csv", column_types),
    "csv": ("table.csv", lambda path: read_rows(path, str(path))),
    "json": ("table.json", read_json),
    "model": ("model.safetensors", Model.load),
    "parquet": ("log.parquet", column_types),
    "yaml": ("run.yaml", read_yaml),
}
PIECES = st.sampled_from(WORDS) | st.binary(max_size=6) | st.sampled_from([b"a", b"b: ", b"1"])


@pytest.mark.parametrize("parser", PARSERS)
@settings(max_examples=150, suppress_health_check=list(HealthCheck), database=None)
@given(pieces=st.lists(PIECES))
def test_any_bytes_are_read_or_refused(tmp_path: Path, parser: str, pieces: list[bytes]) -> None:
    name, read = PARSERS[parser]
    path, said = tmp_path / name, ""
    path.write_bytes(b"".join(pieces))
    try:
        read(path)
    except WatchtimeError as error:
        said = str(error)
    shutil.rmtree(tmp_path / "unpacked", ignore_errors=True)
    assert said == "" or said.startswith(f"{path}: ")
    assert "\n" not in said
    assert [one.name for one in tmp_path.iterdir()] == [name]
