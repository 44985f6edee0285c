"""The shape check against a reader written letter by letter, on random small files."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from watchtime.core.errors import WatchtimeError
from watchtime.datasets import delimited
from watchtime.datasets.raw import TEXT, read_delimited

UNCLEAR = object()  # a field with text after its closing quotation mark: it may be refused or read
Row = list[object]


def fields_of(line: str) -> list[str] | None:
    """Return the fields of a line as they stand in it, or None where a quotation mark is left open."""
    fields, field, inside = [], "", False
    for letter in line + ",":
        if letter == '"' and (field == "" or field.startswith('"')):
            inside = not inside
        if letter == "," and not inside:
            fields.append(field)
            field = ""
        else:
            field += letter
    return None if inside or line.count('"') % 2 else fields


def value_of(field: str) -> object:
    if not field.startswith('"'):
        return without_end(field)
    return without_end(field[1:-1].replace('""', '"')) if re.fullmatch('"([^"]|"")*"', field) else UNCLEAR


def without_end(value: str | None) -> str | None:
    """Return a value without carriage returns at its end, some of which the reader takes for line ends."""
    return (value or "").rstrip("\r") or None


def slowly_read(text: str, columns: int) -> list[Row] | None:
    """Return the rows of a file without header, or None where a line has not ``columns`` fields."""
    lines = text.removeprefix("\ufeff").split("\n")
    if lines[-1] == "":
        lines.pop()
    rows: list[Row] = []
    for line in lines:
        fields = fields_of(line.removesuffix("\r"))
        if fields is None or len(fields) != columns or line in ("", "\r"):
            return None
        rows.append([value_of(field) for field in fields])
    return rows or None


def texts(alphabet: str) -> st.SearchStrategy[str]:
    """Random letters, and lines of a few random fields that often have the right number of them."""
    field = st.one_of(
        st.text(alphabet.replace(",", "").replace("\n", ""), max_size=3), st.sampled_from(['"a,b"', '""'])
    )
    line = st.lists(field, min_size=2, max_size=3).map(",".join)
    end = st.sampled_from(["\n", "\n", "\n", "\r\n", "\n\n"])
    lines = st.lists(st.tuples(line, end).map("".join), max_size=5).map("".join)
    return st.one_of(st.text(alphabet, max_size=20), lines, lines.map(str.rstrip))


@settings(max_examples=400, deadline=None)
@given(st.integers(1, 3), texts('a",\n\ré'), st.booleans())
@example(4, 'x","y,z,w\n', False)
@example(2, "a,b\n\n", True)
@example(3, "a,b\na,b,c,d\n", False)
@example(1, "a\n\nb\n", False)
def test_what_is_read_are_the_fields_and_what_is_refused_has_another_shape(
    columns: int, text: str, with_mark: bool
) -> None:
    text = "\ufeff" * with_mark + text
    expected = slowly_read(text, columns)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.csv"
        path.write_bytes(text.encode())
        try:
            found = read_delimited(path, {f"column {i}": TEXT for i in range(columns)}, header=False).rows()
        except WatchtimeError:
            assert expected is None or any(UNCLEAR in row for row in expected)
            return
    assert expected is not None
    assert len(found) == len(expected)
    for row, right in zip(found, expected, strict=True):
        assert [without_end(a) if b is not UNCLEAR else UNCLEAR for a, b in zip(row, right, strict=True)] == right


@settings(max_examples=400, deadline=None)
@given(st.integers(2, 4), texts("a,\n\r"), st.integers(1, 9))
@example(2, "a,b\nc,d", 4)
@example(3, "a,b\na,b,c,d\n", 64)
def test_the_fast_check_says_of_files_without_quotation_marks_what_the_slow_one_says(
    columns: int, text: str, block: int
) -> None:
    text = text.replace('"', "")
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(delimited, "_BLOCK", block):
        path = Path(folder) / "file.csv"
        path.write_bytes(text.encode())
        try:
            delimited._check_lines(path, columns, ",", header=False)
            even = True
        except WatchtimeError:
            even = False
        assert delimited._is_plain_and_even(path, columns, ",") is even
        assert even is (text == "" or slowly_read(text, columns) is not None)


@pytest.mark.parametrize("block", [1, 2, 5, 64])
def test_a_quotation_mark_anywhere_leaves_a_file_to_the_slow_check(tmp_path: Path, block: int) -> None:
    path = tmp_path / "file.csv"
    for text in ('"a",b\nc,d\n', 'a,b\nc,"d"\n', 'a,b\nc,"d"'):
        path.write_text(text)
        with mock.patch.object(delimited, "_BLOCK", block):
            assert not delimited._is_plain_and_even(path, 2, ",")
