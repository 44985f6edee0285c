"""What is told of a stranger's data: on one line, without commands to a terminal, and no longer than it must be."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from watchtime.cli import main
from watchtime.core.errors import WatchtimeError, plain, unknown
from watchtime.core.yaml_files import LARGEST_FILE, MOST_VALUES, read_yaml
from watchtime.differences.output import fenced, html, markdown, text
from watchtime.differences.section import Section

HOSTILE = "\x1b]0;title\x07\x1b[2J\u202e<script>alert(1)</script>\nwatchtime: all is well."


@given(st.text())
def test_plain_text_is_one_printable_line_and_ordinary_text_is_kept(words: str) -> None:
    assert plain(words).isprintable()
    assert plain(words) == words or not words.isprintable()


def test_an_unknown_word_is_told_plainly_and_in_part() -> None:
    said = unknown("method", HOSTILE + "x" * 10_000, ["vr"])
    assert said.isprintable()
    assert len(said) < 400


def test_an_error_reaches_the_terminal_without_commands(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[2J.yaml"
    path.write_text("a: [")
    result = CliRunner().invoke(main, ["check", str(path)])
    assert result.exit_code == 2
    assert result.stderr.removesuffix("\n").isprintable()


SECTION = Section("Data", "One differs.", ("What", "A", "B"), [[HOSTILE, "1", "2"]], details=[(HOSTILE, HOSTILE)])


def test_a_diff_shows_a_strangers_text_as_text() -> None:
    assert all(line.isprintable() for line in text("a and b", [SECTION]).splitlines())
    page = html(HOSTILE, [SECTION])
    assert "<script" not in page
    assert "&lt;script&gt;" in page


@given(st.text("~\n a", max_size=40))
def test_no_detail_ends_its_own_block_of_code(detail: str) -> None:
    first, *inside, last = fenced(detail).split("\n")
    assert first == last == "~" * len(first)
    assert "\n".join(inside) == detail
    assert all(first not in line for line in inside)
    assert fenced(detail) in markdown("a", [Section("Data", "", details=[("x", detail)])])


# What is too large to keep in the corpus


def test_a_cell_of_megabytes_is_told_in_part(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(f"user,item,watch_time\na,1,{'x' * 5_000_000}\n")
    result = CliRunner().invoke(main, ["check-data", str(path)])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"watchtime: {path}: row 1, column watch_time: found 'xxx")
    assert len(result.stderr) < 400


def test_a_first_line_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(b"user," + b"x" * 200_000)
    result = CliRunner().invoke(main, ["check-data", str(path)])
    assert result.stderr == f"watchtime: {path}: the header has more than the 65,536 bytes that are allowed.\n"


def test_a_configuration_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    with pytest.raises(WatchtimeError, match=rf"the file has more than the {LARGEST_FILE:,} bytes that are allowed\.$"):
        read_yaml(Path("/dev/zero"))


def test_as_many_values_as_allowed_are_read_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    pairs = MOST_VALUES // 2 - 1
    path.write_text("\n".join(f"{one}: 0" for one in range(pairs)))
    assert len(read_yaml(path)) == pairs
    path.write_text("\n".join(f"{one}: 0" for one in range(pairs + 1)))
    said = rf"line 1: what begins here comes to 100,001 values, {MOST_VALUES:,} are allowed\.$"
    with pytest.raises(WatchtimeError, match=said):
        read_yaml(path)
