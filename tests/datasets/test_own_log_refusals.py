"""What a user's own log may not hold: one sentence names row, column and way out, and nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from own_logs import TINY, tiny
from watchtime.core.config import OwnFeature, OwnLog
from watchtime.core.errors import WatchtimeError
from watchtime.core.own_card import own_card
from watchtime.datasets.prepare import prepare_interactions

THERE = "the file has user, item, watch_time, duration, timestamp"


@pytest.mark.parametrize(
    ("row", "name", "value", "said"),
    [
        (2, "user", None, "found an empty cell, allowed: any text; give such rows a user or remove them."),
        (1, "item", None, "found an empty cell, allowed: any text; give such rows an item or remove them."),
        (3, "watch_time", None, "found an empty cell, allowed: a number of at least 0; mend or remove such rows."),
        (3, "watch_time", -0.5, "found '-0.5', allowed: a number of at least 0; mend or remove such rows."),
        (1, "watch_time", float("nan"), "found 'NaN', allowed: a number of at least 0; mend or remove such rows."),
        (2, "watch_time", float("inf"), "found 'inf', allowed: a number of at least 0; mend or remove such rows."),
        (
            2,
            "duration",
            -4.0,
            "found '-4.0', allowed: a number of at least 0; mend or remove such rows, or set `duration: null`.",
        ),
        (
            2,
            "timestamp",
            10**12,
            "found '1000000000000', allowed: seconds since 1970 such as 1769903999.25; "
            "mend such rows, or change `time_unit: s` (s, ms or text).",
        ),
        (
            3,
            "timestamp",
            -1,
            "found '-1', allowed: seconds since 1970 such as 1769903999.25; "
            "mend such rows, or change `time_unit: s` (s, ms or text).",
        ),
        (2, "like", 2, "found '2', allowed: 0 or 1; write 1 where it happened and 0 where not."),
        (2, "like", None, "found an empty cell, allowed: 0 or 1; write 1 where it happened and 0 where not."),
        (
            1,
            "fans",
            -3.0,
            "found '-3.0', allowed: a number of at least 0 or 'NaN' or 'nan'; "
            "mend such rows, empty the cell, `scale: linear` or declare `kind: categorical`.",
        ),
        (
            3,
            "age",
            "old",
            "found 'old', allowed: a finite number or 'NaN' or 'nan'; "
            "mend such rows, empty the cell or declare `kind: categorical`.",
        ),
        (
            2,
            "age",
            "31",
            "found '31', but row 1 of the same user 'a' has '30', allowed: one value per user; "
            "declare `side: context`.",
        ),
        (
            3,
            "tags",
            None,
            "found an empty cell, but row 2 of the same item '2' has 'x, y', allowed: one value per item; "
            "declare `side: context`.",
        ),
    ],
)
@pytest.mark.parametrize("name_of_file", ["log.csv", "log.parquet"])
def test_a_cell_that_is_not_allowed_is_named(
    tmp_path: Path, name_of_file: str, row: int, name: str, value: Any, said: str
) -> None:
    table = TINY.with_columns(
        like=pl.Series([0, 1, 0]),
        fans=pl.Series([1.0, 2.0, 3.0]),
        age=pl.Series(["30", "30", "40"]),
        tags=pl.Series(["x", "x,y", "x,y"]),
    )
    values = [value if place == row - 1 else one for place, one in enumerate(table[name])]
    table = table.with_columns(pl.Series(name, values, strict=False))
    features = {
        "fans": OwnFeature(kind="numeric", scale="log"),
        "age": OwnFeature(kind="numeric", side="user"),
        "tags": OwnFeature(kind="multi_valued", side="item"),
    }
    log = tiny(tmp_path / name_of_file, table, features=features, feedback={"like": "like"})
    assert refused(log, tmp_path) == f"{log.file}: row {row}, column {name}: {said}"


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-02",
        "2026-02-30 00:00:00",
        "2026-1-2 3:04:05",
        "2026-01-02 24:00:00",
        "2026-01-02 23:59:60",
        "2026-01-02 00:00:00+08:00",
        "02.01.2026 00:00:00",
        "1767312000",
    ],
)
def test_a_time_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    table = TINY.with_columns(timestamp=pl.Series(["2026-01-02 00:00:00", text, None]))
    log = tiny(tmp_path / "log.csv", table, time_unit="text")
    assert refused(log, tmp_path) == (
        f"{log.file}: row 2, column timestamp: found '{text}', allowed: a time in UTC such as 2026-01-31 23:59:59 or "
        "2026-01-31T23:59:59.250; mend such rows, or change `time_unit: text` (s, ms or text)."
    )


def test_an_empty_text_is_an_empty_cell(tmp_path: Path) -> None:
    log = tiny(tmp_path / "log.parquet", TINY.with_columns(user=pl.Series(["a", "", "b"])))
    assert refused(log, tmp_path).startswith(f"{log.file}: row 2, column user: found an empty cell, allowed: any text")


def test_an_empty_cell_and_a_value_are_two_values_of_a_user(tmp_path: Path) -> None:
    for values in (["30", None, None], [None, "30", None]):
        log = tiny(
            tmp_path / "log.csv", TINY.with_columns(age=pl.Series(values)), features={"age": OwnFeature(side="user")}
        )
        assert refused(log, tmp_path).startswith(f"{log.file}: row 2, column age: found ")


def test_fractions_of_a_millisecond_are_no_time(tmp_path: Path) -> None:
    log = tiny(tmp_path / "log.csv", TINY.with_columns(timestamp=pl.Series([1.0, 2.5, 3.0])), time_unit="ms")
    assert refused(log, tmp_path).startswith(f"{log.file}: row 2, column timestamp: found '2.5', allowed: whole milli")


def test_the_first_row_is_named_and_all_like_it_are_counted(tmp_path: Path) -> None:
    table = pl.concat([TINY] * 1000).with_columns(watch_time=pl.int_range(3000) - 1500)
    log = tiny(tmp_path / "log.parquet", table.reverse())
    assert refused(log, tmp_path).startswith(
        f"{log.file}: row 1501, column watch_time: found '-1' (1,500 such rows), allowed: "
    )


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    log = tiny(tmp_path / "log.csv", TINY.with_columns(watch_time=pl.lit("x" * 100)))
    assert f"found '{'x' * 59}…' (3 such rows), allowed" in refused(log, tmp_path)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"user": "users"}, "'users' is missing, found 'user' instead; `log.user` "),
        ({"target": "play"}, f"'play' is missing, {THERE}; `log.target` "),
        (
            {"features": {"age": OwnFeature(column="Item")}},
            "'Item' is missing, found 'item' instead; `log.features.age.column` ",
        ),
        ({"feedback": {"is_like": "like"}}, f"'like' is missing, {THERE}; `log.feedback.is_like` "),
    ],
)
@pytest.mark.parametrize("name", ["log.csv", "log.parquet"])
def test_a_missing_column_gets_the_nearest_spelling(
    tmp_path: Path, name: str, settings: dict[str, Any], said: str
) -> None:
    log = tiny(tmp_path / name, **settings)
    assert refused(log, tmp_path) == f"{log.file}: the column {said}in the configuration names it."


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.csv", None, "the file does not exist."),
        ("none.parquet", None, "the file does not exist."),
        ("log.csv.gz", b"x", "found the ending '.gz', allowed: .parquet, .csv, .tsv, .txt."),
        ("log.csv", b"", "the file is empty or begins with a blank line, a header is expected."),
        ("log.csv", b"user,item,watch_time\n", "the file has a header but no rows."),
        ("log.csv", b"user,item,watch_time\na,b,1\na,b\n", "row 2: found 2 fields, 3 are expected"),
        ("log.csv", b"user,item,watch_time,item\na,b,1,2\n", "the column 'item' appears 2 times in the header."),
        ("log.csv", b"user,item,watch_time\na,b\xff,1\n", "row 1 is not UTF-8 text."),
        ("log.csv", b"us\xffer,item,watch_time\na,b,1\n", "the header is not UTF-8 text."),
        ("log.csv", "user,item,watch_time\na,b,1\n".encode("utf-16-le"), "the header holds a NUL: it may be UTF-16, "),
        ("log.tsv", b"user,item,watch_time\na,b,1\n", "it has none of the columns user, item, watch_time, "),
        ("log.parquet", b"user,item,watch_time\na,b,1\n", "not a Parquet file."),
    ],
)
def test_a_file_that_is_no_table_is_told(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert refused(OwnLog(file=str(path)), tmp_path).startswith(f"{path}: {said}")


@pytest.mark.parametrize("column", ["*", "^us.*$"])
@pytest.mark.parametrize("name", ["log.csv", "log.parquet"])
def test_a_column_that_polars_takes_for_several_is_refused(tmp_path: Path, name: str, column: str) -> None:
    log = tiny(tmp_path / name, TINY.rename({"user": column}).with_columns(usual=1), user=column)
    assert refused(log, tmp_path).startswith(f"{log.file}: column {column}: the name is a pattern ")


def test_an_empty_and_a_damaged_parquet_file_are_told(tmp_path: Path) -> None:
    log = tiny(tmp_path / "log.parquet", TINY.clear())
    assert refused(log, tmp_path) == f"{log.file}: the file has columns but no rows."
    path = tmp_path / "log.parquet"
    tiny(path, pl.concat([TINY] * 5000).with_columns(watch_time=pl.int_range(15000)))
    content = bytearray(path.read_bytes())
    content[2000:9000] = b"\xff" * 7000
    path.write_bytes(content)
    assert refused(log, tmp_path).startswith(f"{log.file}: the file cannot be read as a table: ")


def test_a_column_of_lists_is_one_value_per_row_only_where_lists_are_wanted(tmp_path: Path) -> None:
    table = TINY.with_columns(item=pl.Series([[1], [2], [3]]))
    log = tiny(tmp_path / "log.parquet", table)
    said = "column item: found type List(Int64), allowed: one text, number or time per row"
    assert refused(log, tmp_path) == f"{log.file}: {said}."
    log = tiny(tmp_path / "log.parquet", TINY.with_columns(tags=table["item"]), features={"tags": OwnFeature()})
    said = "column tags: found type List(Int64), allowed: one text, number or time per row"
    assert refused(log, tmp_path) == f"{log.file}: {said}; `kind: multi_valued` takes lists."


def refused(log: OwnLog, folder: Path) -> str:
    """Return the sentence with which the log is refused; nothing is left behind."""
    before = [path for path in sorted(folder.iterdir()) if path.name != "output"]
    card = own_card("mine", log)
    with pytest.raises(WatchtimeError) as error:
        prepare_interactions("own_log", Path(log.file).parent, {}, card.rules, card, folder / "output")
    after = [path for path in sorted(folder.iterdir()) if path.name != "output"]
    assert (after, list(folder.glob("output/*"))) == (before, [])
    assert "\n" not in str(error.value)
    return str(error.value)
