"""Raw delimited files: what each kind of cell allows, the forms a file may have, and one sentence for every other."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchtime.core.catalog import find_root
from watchtime.core.errors import WatchtimeError
from watchtime.datasets.raw import (
    CATEGORY,
    TEXT,
    Cell,
    any_text,
    category,
    check_unique_key,
    convert_delimited,
    date,
    moment,
    number,
    read_delimited,
    whole,
)

REAL = find_root().parent / "shared" / "data"
real = pytest.mark.skipif(not REAL.is_dir(), reason="the real samples ../shared/data are not there")
Cells = Mapping[str, Cell | None]


def read_both_ways(path: Path, cells: Cells, separator: str = ",", header: bool = True) -> pl.DataFrame:
    """Return what is read, after checking that converting writes the same."""
    output = path.parent / "converted" / "file.parquet"
    frame = read_delimited(path, cells, separator, header)
    scan = convert_delimited(path, cells, output, separator, header)
    assert scan.collect().equals(frame)
    assert scan.collect_schema() == frame.schema
    assert [file.name for file in output.parent.iterdir()] == ["file.parquet"]
    return frame


def refuse(path: Path, sentence: str, cells: Cells, separator: str = ",", header: bool = True) -> None:
    """Check that both ways say the same single sentence about ``path``, and that nothing is written."""
    output = path.parent / "converted"
    messages = []
    for attempt in (
        lambda: read_delimited(path, cells, separator, header),
        lambda: convert_delimited(path, cells, output / "file.parquet", separator, header),
    ):
        with pytest.raises(WatchtimeError) as error:
            attempt()
        messages.append(str(error.value))
    assert messages == [f"{path}: {sentence}"] * 2
    assert not output.exists() or not list(output.iterdir())


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "file.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


DAY = date("%Y%m%d", "20200705")
ALLOWED: list[tuple[Cell, str, object]] = [
    (whole(), "0", 0),
    (whole(), "9007199254740992", 2**53),
    (whole(least=-1), "-1", -1),
    (whole(optional=True), "", None),
    (whole(missing=("NA", "-1")), "NA", None),
    (whole(missing=("NA", "-1")), "-1", None),
    (whole(missing=("NA", "-1")), "7", 7),
    (number(), "0.25", 0.25),
    (number(), "1e3", 1000.0),
    (number(optional=True), "", None),
    (number(least=None), "-12.5", -12.5),
    (number(least=-1), "-1.0", -1.0),
    (number(least=None, missing=("-1", "-1.0")), "-1.0", None),
    (DAY, "20200705", datetime.date(2020, 7, 5)),
    (date("%Y-%m-%d", "2022-04-08", optional=True), "", None),
    (moment(), "1593878903.438", 1593878903438),
    (moment(), "1593878903.4", 1593878903400),
    (moment(), "1593878903.0000", 1593878903000),
    (moment(), "1593878903", 1593878903000),
    (moment(), "1.001", 1001),
    (moment(), "999999999999.999", 999999999999999),
    (moment(optional=True), "", None),
    (moment(missing=("NA",)), "NA", None),
    (CATEGORY, "", None),
    (CATEGORY, "1", "1"),
    (CATEGORY, "1.0", "1"),
    (CATEGORY, "-124.00", "-124"),
    (CATEGORY, "100.0", "100"),
    (CATEGORY, "0.0", "0"),
    (CATEGORY, "100", "100"),
    (CATEGORY, "1.5", "1.5"),
    (CATEGORY, "1.10", "1.10"),
    (CATEGORY, "1.2.0", "1.2.0"),
    (CATEGORY, "v1.0", "v1.0"),
    (CATEGORY, "NA", "NA"),
    (category(missing=("NA",)), "NA", None),
    (category(missing=("NA",)), "2.0", "2"),
    (TEXT, "1.0", "1.0"),
    (TEXT, " a ", " a "),
    (TEXT, "", None),
    (any_text(missing=("-1",)), "-1", None),
    (any_text(missing=("-1",)), "-10", "-10"),
]


@pytest.mark.parametrize(("cell", "text", "value"), ALLOWED)
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_cell_is_read(tmp_path: Path, cell: Cell, text: str, value: object, quote: str) -> None:
    path = write(tmp_path, f"x,key\n{quote}{text}{quote},1\n")
    assert read_delimited(path, {"x": cell, "key": None})["x"].to_list() == [value]


WHOLE, SECONDS = "a whole number of at least 0", "seconds since 1970 such as 1593878903.438"
REJECTED: list[tuple[Cell, str, str]] = [
    (whole(), "-1", WHOLE),
    (whole(), "1.0", WHOLE),
    (whole(), "9007199254740993", WHOLE),
    (whole(), "NA", WHOLE),
    (whole(optional=True), "NA", WHOLE),
    (whole(most=1), "2", "a whole number from 0 to 1"),
    (whole(missing=("NA", "-1")), "-2", WHOLE + " or 'NA' or '-1'"),
    (whole(missing=("NA",)), "", WHOLE + " or 'NA'"),
    (number(), "-0.5", "a number of at least 0"),
    (number(), "NaN", "a number of at least 0"),
    (number(), "", "a number of at least 0"),
    (number(least=-1), "-1.5", "a number of at least -1"),
    (number(least=None), "-inf", "a finite number"),
    (number(least=None, missing=("-1",)), "NA", "a finite number or '-1'"),
    (DAY, "20200732", "a day such as 20200705"),
    (DAY, "2020075", "a day such as 20200705"),
    (DAY, "", "a day such as 20200705"),
    (moment(), "1593878903.4381", SECONDS),
    (moment(), "-1.5", SECONDS),
    (moment(), "1.5e9", SECONDS),
    (moment(), "1593878903.", SECONDS),
    (moment(), "1593878903438000", SECONDS),
    (moment(), "", SECONDS),
    (moment(optional=True), "nan", SECONDS),
]


@pytest.mark.parametrize(("cell", "text", "allowed"), REJECTED)
def test_a_cell_is_refused(tmp_path: Path, cell: Cell, text: str, allowed: str) -> None:
    found = f"'{text}'" if text else "an empty cell"
    path = write(tmp_path, f"key,x\n1,{text}\n")
    refuse(path, f"row 1, column x: found {found}, allowed: {allowed}.", {"key": TEXT, "x": cell})


@given(st.integers(0, 10**15 - 1), st.integers(0, 4))
def test_a_moment_is_its_milliseconds_exactly(milliseconds: int, zeros: int) -> None:
    seconds, rest = divmod(milliseconds, 1000)
    full = f"{seconds}.{rest:03}"
    texts = [full + "0" * zeros, full.rstrip("0").removesuffix(".")]
    values = pl.DataFrame({"x": texts}).select(moment().value("x"))["x"]
    assert values.to_list() == [milliseconds, milliseconds]
    assert values.dtype == pl.Int64


CELLS: dict[str, Cell | None] = {"user": whole(), "note": TEXT, "ratio": number(optional=True)}
ROWS = [(1, "a", 0.5), (2, None, None), (30, "ccc", 2.0)]
FORMS: dict[str, str] = {
    "plain": "user,note,ratio\n1,a,0.5\n2,,\n30,ccc,2\n",
    "no newline at the end": "user,note,ratio\n1,a,0.5\n2,,\n30,ccc,2",
    "windows line ends": "user,note,ratio\r\n1,a,0.5\r\n2,,\r\n30,ccc,2\r\n",
    "windows line ends, none at the end": "user,note,ratio\r\n1,a,0.5\r\n2,,\r\n30,ccc,2",
    "byte order mark": "\ufeffuser,note,ratio\n1,a,0.5\n2,,\n30,ccc,2\n",
    "byte order mark and quotes": '\ufeff"user","note","ratio"\n1,a,0.5\n2,,\n30,ccc,2\n',
    "quotes": 'user,note,ratio\n"1","a","0.5"\n2,"",""\n30,"ccc",2\n',
    "quotes and windows line ends": 'user,note,ratio\r\n1,a,"0.5"\r\n2,"",""\r\n30,"ccc","2"\r\n',
    "columns in another order": "ratio,user,note\n0.5,1,a\n,2,\n2,30,ccc\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_the_forms_of_a_file(tmp_path: Path, form: str) -> None:
    frame = read_both_ways(write(tmp_path, FORMS[form]), CELLS)
    assert frame.rows() == ROWS
    assert frame.schema == {"user": pl.Int64, "note": pl.String, "ratio": pl.Float64}


@pytest.mark.parametrize("form", [form for form in FORMS if "another order" not in form])
def test_the_forms_of_a_file_without_header(tmp_path: Path, form: str) -> None:
    header, rest = FORMS[form].split("\n", 1)
    content = "\ufeff" * header.startswith("\ufeff") + rest
    assert read_both_ways(write(tmp_path, content), CELLS, header=False).rows() == ROWS


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("x\ry", "x\ry"),
        ('"x\ry"', "x\ry"),
        ('"x,y"', "x,y"),
        ('"say ""x"", y"', 'say "x", y'),
        ('""""', '"'),
        ('a "b" c', 'a "b" c'),
        ("短い動画", "短い動画"),
        ("#1", "#1"),
    ],
)
def test_a_field_of_text_is_kept(tmp_path: Path, field: str, value: str) -> None:
    path = write(tmp_path, f"user,note,ratio\n1,{field},1\n{field},2,3\n")
    frame = read_both_ways(path, {"user": TEXT, "note": TEXT, "ratio": number()})
    assert frame.rows() == [("1", value, 1.0), (value, "2", 3.0)]


def test_only_columns_with_a_cell_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, "1\tx\t5\n2\ty\t6\n")
    frame = read_both_ways(path, {"c": whole(), "b": None, "a": whole()}, "\t", header=False)
    assert frame.to_dict(as_series=False) == {"c": [1, 2], "a": [5, 6]}


MALFORMED: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "the file is empty or begins with a blank line, a header is expected."),
    "blank first line": ("\nuser", "the file is empty or begins with a blank line, a header is expected."),
    "header only": ("user,note,ratio\n", "the file has a header but no rows."),
    "header only, no newline": ("user,note,ratio", "the file has a header but no rows."),
    "tabs": ("user\tnote\tratio\n", "the header is separated by tabs, commas are expected."),
    "old line ends": (
        "user,note,ratio\r1,a,2\r",
        "the header holds a carriage return, lines are expected to end with a newline.",
    ),
    "missing column": ("user,notes,ratio\n1,2,3\n", "the column 'note' is missing, found 'notes' instead."),
    "repeated column": ("user,user,ratio\n1,2,3\n", "the column 'user' appears 2 times in the header."),
    "unknown column": ("user,note,ratio,x\n1,2,3,4\n", "unknown column 'x', allowed: user, note, ratio."),
    "short row": ("user,note,ratio\n1,a,2\n1,a\n1,a,2\n", "row 2: found 2 fields, 3 are expected."),
    "long row": ("user,note,ratio\n1,a,2,\n1,a,2\n", "row 1: found 4 fields, 3 are expected."),
    "short row and long row": ("user,note,ratio\n1,a\n1,a,2,3\n", "row 1: found 2 fields, 3 are expected."),
    "short row of quotes": ('user,note,ratio\n1,"a,b"\n1,a,2\n', "row 1: found 2 fields, 3 are expected."),
    "blank row": ("user,note,ratio\n1,a,2\n\n1,a,2\n", "row 2: found 0 fields, 3 are expected."),
    "blank row, windows line ends": ("user,note,ratio\r\n\r\n1,a,2\r\n", "row 1: found 0 fields, 3 are expected."),
    "blank row at the end": (
        "user,note,ratio\n1,a,2\n\n",
        "row 2: found 0 fields, 3 are expected; it is the last row: the file may be cut off.",
    ),
    "cut last row": (
        "user,note,ratio\n1,a,2\n2,b",
        "row 2: found 2 fields, 3 are expected; it is the last row: the file may be cut off.",
    ),
    "open quotation": ('user,note,ratio\n1,"a,2\n2,b,3\n', "row 1: a quotation mark is left open."),
    "field over two lines": ('user,note,ratio\n1,"a\nb",2\n', "row 1: a quotation mark is left open."),
    "cut inside a quotation": (
        'user,note,ratio\n1,"a,2',
        "row 1: a quotation mark is left open; it is the last row: the file may be cut off.",
    ),
    "quotation after a stray one": ('user,note,ratio\nx","y,1,2\n2,b,3\n', "row 1: a quotation mark is left open."),
    "header again": (
        "user,note,ratio\n1,a,2\nuser,note,ratio\n",
        "row 2, column user: found 'user' (the header line again?), allowed: a whole number of at least 0.",
    ),
    "two wrong rows": (
        "user,note,ratio\n1,a,2\n2,a,x\ny,a,2\n",
        "row 2, column ratio: found 'x', allowed: a number of at least 0.",
    ),
    "header that is not UTF-8": (b"user,note,ratio\xff\n1,a,2\n", "the header is not UTF-8 text."),
    "row that is not UTF-8": (b"user,note,ratio\n1,a,2\n1,\xe4,2\n", "row 2 is not UTF-8 text."),
    "quoted row that is not UTF-8": (b'user,note,ratio\n1,"\xe4",2\n', "row 1 is not UTF-8 text."),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_file_is_one_sentence_and_writes_nothing(tmp_path: Path, case: str) -> None:
    content, sentence = MALFORMED[case]
    refuse(write(tmp_path, content), sentence, CELLS)


MALFORMED_WITHOUT_HEADER: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "the file is empty."),
    "other separator": ("1,a,2\n", "the first row is separated by commas, tabs are expected."),
    "blank first row": ("\n1\ta\t2\n", "row 1: found 0 fields, 3 are expected."),
    "other number of columns": ("1\ta\n2\tb\n", "row 1: found 2 fields, 3 are expected."),
    "cut last row": (
        "1\ta\t2\n2",
        "row 2: found 1 fields, 3 are expected; it is the last row: the file may be cut off.",
    ),
    "header": (
        "user\tnote\tratio\n1\ta\t2\n",
        "row 1, column user: found 'user' (the header line again?), allowed: a whole number of at least 0.",
    ),
    "row that is not UTF-8": (b"1\ta\t2\n1\t\xe4\t2\n", "row 2 is not UTF-8 text."),
}


@pytest.mark.parametrize("case", MALFORMED_WITHOUT_HEADER)
def test_a_malformed_file_without_header_is_one_sentence(tmp_path: Path, case: str) -> None:
    content, sentence = MALFORMED_WITHOUT_HEADER[case]
    refuse(write(tmp_path, content), sentence, CELLS, "\t", header=False)


def test_an_absent_file_and_a_folder_are_named(tmp_path: Path) -> None:
    refuse(tmp_path / "file.csv", "the file does not exist.", CELLS)
    (tmp_path / "file.csv").mkdir()
    refuse(tmp_path / "file.csv", "a folder was found where a file was expected.", CELLS)


LONG = 400_000  # rows: several of the pieces in which polars reads and writes


def long_file(folder: Path, **changed: str) -> Path:
    """Write rows 1, 2, 3 …, of which ``row_N`` is as given."""
    lines = [f"{row},text of row {row},{row}.5" for row in range(1, LONG + 1)]
    for name, line in changed.items():
        lines[int(name.removeprefix("row_")) - 1] = line
    return write(folder, "user,note,ratio\n" + "\n".join(lines) + "\n")


def test_a_long_file_keeps_its_rows_in_order(tmp_path: Path) -> None:
    frame = read_both_ways(long_file(tmp_path), CELLS)
    assert frame["user"].equals(pl.Series("user", range(1, LONG + 1), dtype=pl.Int64))
    assert frame["ratio"].equals((frame["user"] + 0.5).alias("ratio"))
    assert frame["note"][-1] == f"text of row {LONG}"


def test_the_first_wrong_cell_of_a_long_file_is_named(tmp_path: Path) -> None:
    path = long_file(tmp_path, row_380000="x,,", row_250000="1,,-1")
    refuse(path, "row 250000, column ratio: found '-1', allowed: a number of at least 0.", CELLS)


def test_a_short_row_beside_a_long_one_far_down_is_named(tmp_path: Path) -> None:
    path = long_file(tmp_path, row_300000="1,a", row_300001="1,a,2,3")
    refuse(path, "row 300000: found 2 fields, 3 are expected.", {"user": whole(), "note": None, "ratio": None})


def test_a_column_that_is_not_read_must_be_utf_8_too(tmp_path: Path) -> None:
    path = long_file(tmp_path, row_300000="1,a?,2")
    path.write_bytes(path.read_bytes().replace(b"a?", b"\xe4"))
    refuse(path, "row 300000 is not UTF-8 text.", {"user": whole(), "note": None, "ratio": None})


def test_a_repeated_key_is_named(tmp_path: Path) -> None:
    frame = pl.DataFrame({"item": [1, 2, 1]})
    with pytest.raises(WatchtimeError, match=r"item 1 has 2 rows, one is allowed\.$"):
        check_unique_key(frame, "item", tmp_path)
    check_unique_key(frame.head(2), "item", tmp_path)


MEASURE = """
import resource, sys
from pathlib import Path
from watchtime.datasets.raw import TEXT, convert_delimited, moment, whole
cells = {"user": whole(), "note": TEXT, "time": moment()}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
convert_delimited(Path(sys.argv[1]), cells, Path(sys.argv[2]), header=False)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is counted in other units elsewhere")
def test_converting_a_large_file_takes_much_less_memory_than_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    piece = "".join(f"{row},{row * 2654435761 % 2**32:064x},{row}.25\n" for row in range(1_000_000)).encode()
    with path.open("wb") as stream:
        for _ in range(12):
            stream.write(piece)
    arguments = [sys.executable, "-c", MEASURE, str(path), str(tmp_path / "file.parquet")]
    environment = os.environ | {"POLARS_MAX_THREADS": "2"}
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 < path.stat().st_size / 2


@real
def test_the_real_captions_hold_bare_carriage_returns(tmp_path: Path) -> None:
    path = REAL / "kuairec_sample" / "data" / "kuairec_caption_category.csv"
    names = path.read_text(encoding="utf-8").split("\n", 1)[0].split(",")
    frame = read_delimited(path, dict.fromkeys(names, TEXT))
    assert frame.height == 10_728
    assert frame["video_id"].to_list() == [str(video) for video in range(10_728)]
    assert path.read_bytes().count(b"\r") == 4  # one stands at the end of its caption and is dropped there
    assert frame["caption"].str.contains("\r", literal=True).sum() == 3
    output = tmp_path / "captions.parquet"
    assert convert_delimited(path, dict.fromkeys(names, TEXT), output).collect().equals(frame)


@real
def test_the_real_clicks_without_header_are_all_read() -> None:
    path = REAL / "criteo_ssc_sample" / "CriteoSearchData"
    cells: dict[str, Cell | None] = {"sale": whole(most=1), **{f"column {i}": TEXT for i in range(2, 24)}}
    frame = read_delimited(path, cells, separator="\t", header=False)
    assert (frame.height, frame["sale"].sum()) == (24_079, 998)
