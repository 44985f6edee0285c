"""Every kept malformed input gets one sentence that names its file, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from malformed.corpus import FILES, kept, made
from malformed.readers import READERS, contents

NAMES = kept()


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return what makes the folder of a kind, once."""

    @cache
    def made_of(kind: str) -> Path:
        folder = tmp_path_factory.mktemp(kind)
        READERS[kind].write(folder)
        return folder

    return made_of


def test_the_corpus_is_what_its_recipes_make_and_small() -> None:
    """Packed files may differ by a byte between versions of what packs them, so that names and texts are compared."""
    recipes = made()
    assert sorted(recipes) == NAMES
    assert len(NAMES) >= 200
    assert {name.split("/")[0] for name in NAMES} == set(READERS)
    assert sum((FILES / name).stat().st_size for name in NAMES) < 1_000_000
    texts = [name for name in NAMES if name.startswith(("configurations", "catalogue", "raw", "logs/log.csv"))]
    assert [name for name in texts if (FILES / name).read_bytes() != recipes[name]] == []


@pytest.mark.parametrize("kind", READERS)
def test_without_damage_the_command_goes_well(kind: str, tmp_path: Path) -> None:
    reader = READERS[kind]
    reader.write(tmp_path)
    targets = sorted({"/".join(name.split("/")[1:-1]) for name in NAMES if name.startswith(f"{kind}/")})
    assert targets
    with reader.ready(tmp_path):
        for target in targets:
            assert Path(target).is_file()
            result = reader.run(target)
            assert result.exit_code in reader.good, result.output
            assert "Traceback" not in result.output


@pytest.mark.parametrize("case", NAMES)
def test_a_malformed_input_is_one_sentence_and_nothing_is_written(case: str, folder_of: Callable[[str], Path]) -> None:
    kind, *place, _ = case.split("/")
    target, reader, folder = "/".join(place), READERS[kind], folder_of(kind)
    path = folder / target
    original = path.read_bytes()
    path.write_bytes((FILES / case).read_bytes())
    try:
        before = contents(folder)
        with reader.ready(folder):
            result = reader.run(target)
        assert contents(folder) == before
    finally:
        path.write_bytes(original)
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code == 2
    assert result.stdout == ""
    said = result.stderr
    assert said.startswith("watchtime: ")
    assert said[-2:] in (".\n", "?\n")
    assert said.count("\n") == 1
    assert said[:-1].isprintable()
    assert path.name in said
    assert len(said) < 5000
