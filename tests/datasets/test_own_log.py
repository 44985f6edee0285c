"""A user's own log: the same from every format, strict in every cell, and fit for the whole way of the data."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from own_logs import FEATURES, START, frame, own_log, read, write
from watchtime.core.catalog import Catalog, find_root
from watchtime.core.check import check as check_config
from watchtime.core.config import OwnFeature, OwnLog, load_config, with_source
from watchtime.core.errors import WatchtimeError
from watchtime.core.files import read_json
from watchtime.core.own_card import as_read, own_card
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.prepare import prepare_encoding, prepare_interactions, prepare_split

TINY = pl.DataFrame(
    {
        "user": ["a", "a", "b"],
        "item": [1, 2, 2],
        "watch_time": [1.5, 0.0, 3.0],
        "duration": [3.0, 4.0, 4.0],
        "timestamp": [START, START + 1, START + 2],
    }
)
THERE = "the file has user, item, watch_time, duration, timestamp"


def tiny(path: Path, table: pl.DataFrame = TINY, **settings: Any) -> OwnLog:
    """Write a table of the standard names, and return its configuration."""
    if path.suffix == ".parquet":
        table.write_parquet(path)
    else:
        table.write_csv(path)
    return OwnLog(file=str(path), **({"duration": "duration", "time": "timestamp"} | settings))


def column(log: OwnLog, name: str) -> list[Any]:
    return read(log).rows.collect()[name].to_list()


# What is read


def test_every_row_and_every_value_is_where_it_belongs(tmp_path: Path) -> None:
    table = frame()
    raw = read(own_log(write(table, tmp_path / "log.parquet")))
    rows = raw.rows.collect()
    assert raw.users is not None
    assert raw.items is not None
    ages = dict(zip(raw.users["user"], raw.users["age"], strict=True))
    items = {row["item"]: row for row in raw.items.iter_rows(named=True)}
    assert rows.height == table.height
    assert sorted(rows.columns) == sorted(
        ["user", "item", "watch_time", "duration", "timestamp", "day", "raw_row", "device", "is_like"]
    )
    for place, (mine, given) in enumerate(zip(rows.iter_rows(named=True), table.iter_rows(named=True), strict=True)):
        moment = datetime.fromtimestamp(given["at"], UTC)
        assert mine == {
            "user": str(given["uid"]),
            "item": given["vid"],
            "watch_time": given["seconds"],
            "duration": given["length"],
            "timestamp": given["at"] * 1000,
            "day": moment.date(),
            "raw_row": place,
            "device": given["device"],
            "is_like": given["liked"],
        }
        assert ages[mine["user"]] == given["age"]
        assert items[mine["item"]]["author"] == str(given["author_id"])
        assert items[mine["item"]]["tags"] == ((given["tags"] or "").split("|") if given["tags"] else [])
    assert raw.users.columns == ["user", "age"]
    assert raw.users["user"].to_list() == list(dict.fromkeys(rows["user"]))
    assert raw.items.columns == ["item", "author", "tags"]


@pytest.mark.parametrize("name", ["log.csv", "log.tsv", "log.txt"])
def test_text_gives_the_interactions_that_parquet_gives(tmp_path: Path, name: str) -> None:
    table = frame()
    expected = read(own_log(write(table, tmp_path / "log.parquet")))
    found = read(own_log(write(table, tmp_path / name)))
    assert_frame_equal(found.rows.collect(), expected.rows.collect())
    for mine, other in ((found.users, expected.users), (found.items, expected.items)):
        assert mine is not None
        assert other is not None
        assert_frame_equal(mine, other)


@pytest.mark.parametrize("separator", [",", ";", "|"])
def test_the_separator_of_a_csv_is_found_in_its_header(tmp_path: Path, separator: str) -> None:
    others = "".join(one * 20 for one in ",;|" if one != separator)
    table = TINY.with_columns(pl.lit("x, y; z").alias(f"odd{others}"))
    table.write_csv(tmp_path / "log.csv", separator=separator, quote_style="always")
    log = OwnLog(file=str(tmp_path / "log.csv"), duration="duration")
    assert column(log, "watch_time") == [1.5, 0.0, 3.0]


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    log = tiny(tmp_path / "log.csv")
    path = Path(log.file)
    expected = read(log).rows.collect()
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert_frame_equal(read(log).rows.collect(), expected)


def test_milliseconds_become_seconds(tmp_path: Path) -> None:
    table = TINY.with_columns(watch_time=pl.Series([1500, 0, 3]), duration=pl.Series([3000.5, 4000, 4000]))
    log = tiny(tmp_path / "log.csv", table, unit="ms")
    assert column(log, "watch_time") == [1.5, 0.0, 0.003]
    assert column(log, "duration") == [3.0005, 4.0, 4.0]


def test_currency_stays_as_it_is_under_its_own_name(tmp_path: Path) -> None:
    log = tiny(tmp_path / "log.csv", TINY.rename({"watch_time": "spent"}), task="ltv", unit="currency", target="spent")
    assert column(log, "ltv") == [1.5, 0.0, 3.0]
    assert "watch_time" not in read(log).rows.collect_schema().names()


@pytest.mark.parametrize(
    ("unit", "values", "milliseconds"),
    [
        ("s", [0, 1767312000, 1767311999.9994], [0, 1767312000000, 1767311999999]),
        ("s", ["1767312000.25", "1080000000.001", "1e9"], [1767312000250, 1080000000001, 10**12]),
        ("ms", [1767312000250, 0, 1], [1767312000250, 0, 1]),
        ("ms", [1767312000250.0, 0.0, 1.0], [1767312000250, 0, 1]),
        (
            "text",
            ["2026-01-02 00:00:00", "2026-01-01T23:59:59.250", "2026-01-01T23:59:59.9999Z"],
            [1767312000000, 1767311999250, 1767311999999],
        ),
        (
            "text",
            ["2026-01-02 00:00:00+00:00", "2024-02-29 00:00:00", "1970-01-01T00:00:00.5"],
            [1767312000000, 1709164800000, 500],
        ),
    ],
)
@pytest.mark.parametrize("name", ["log.csv", "log.parquet"])
def test_times_are_milliseconds_and_a_day_in_utc(
    tmp_path: Path, name: str, unit: str, values: list[Any], milliseconds: list[int]
) -> None:
    table = TINY.with_columns(timestamp=pl.Series(values, strict=False))
    log = tiny(tmp_path / name, table, time_unit=unit)
    assert column(log, "timestamp") == milliseconds
    assert column(log, "day") == [datetime.fromtimestamp(one / 1000, UTC).date() for one in milliseconds]


@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Shanghai"])
@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_a_parquet_file_may_have_real_times(tmp_path: Path, zone: str | None, unit: Any) -> None:
    moments = (
        pl.Series([START * 1000, START * 1000 + 1, (START - 1) * 1000]).cast(pl.Datetime("ms")).cast(pl.Datetime(unit))
    )
    moments = moments.dt.replace_time_zone("UTC").dt.convert_time_zone(zone) if zone else moments
    log = tiny(tmp_path / "log.parquet", TINY.with_columns(timestamp=moments), time_unit="text")
    assert column(log, "timestamp") == [START * 1000, START * 1000 + 1, (START - 1) * 1000]
    assert column(log, "day") == [date(2026, 1, 1), date(2026, 1, 1), date(2025, 12, 31)]


def test_without_duration_and_time_there_are_no_such_columns(tmp_path: Path) -> None:
    log = tiny(tmp_path / "log.csv", duration=None, time=None)
    raw = read(log)
    assert raw.rows.collect_schema().names() == ["user", "item", "watch_time", "raw_row"]
    assert raw.users is None
    assert raw.items is None


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (pl.Series([1, 2, 3]), ["1", "2", "3"]),
        (pl.Series([1.0, 2.5, 3.0]), ["1", "2.5", "3"]),
        (pl.Series([2**63, 2**64 - 1, 7], dtype=pl.UInt64), ["9223372036854775808", "18446744073709551615", "7"]),
        (pl.Series(["007", "7", "7.0"]), ["007", "7", "7"]),
        (pl.Series(["a", "b", "a"], dtype=pl.Categorical), ["a", "b", "a"]),
        (pl.Series(["a", "b", "a"], dtype=pl.Enum(["a", "b"])), ["a", "b", "a"]),
        (pl.Series([True, False, True]), ["true", "false", "true"]),
    ],
)
def test_ids_are_text(tmp_path: Path, values: pl.Series, text: list[str]) -> None:
    for name in ("user", "item"):
        log = tiny(tmp_path / "log.parquet", TINY.with_columns(values.alias(name)))
        assert column(log, name) == text


def test_lists_come_from_text_lists_and_arrays(tmp_path: Path) -> None:
    features = {"tags": OwnFeature(kind="multi_valued", separator=";")}
    given: list[tuple[pl.Series, list[list[str]]]] = [
        (pl.Series(["a; b;;a", None, ";"]), [["a", "b", "a"], [], []]),
        (pl.Series([["a", "b"], [], None]), [["a", "b"], [], []]),
        (pl.Series([[1.0, None], [2.5], [3.0]]), [["1"], ["2.5"], ["3"]]),
        (pl.Series([[1, 2], [3, 4], [5, 6]], dtype=pl.Array(pl.Int64, 2)), [["1", "2"], ["3", "4"], ["5", "6"]]),
    ]
    for values, lists in given:
        log = tiny(tmp_path / "log.parquet", TINY.with_columns(tags=values), features=features)
        assert column(log, "tags") == lists


def test_feedback_may_be_written_as_true_and_false(tmp_path: Path) -> None:
    for values in (pl.Series([True, False, True]), pl.Series(["1", "0.0", "True"]), pl.Series([1.0, 0.0, 1.0])):
        log = tiny(tmp_path / "log.parquet", TINY.with_columns(like=values), feedback={"is_like": "like"})
        assert column(log, "is_like") == [1, 0, 1]


def test_numbers_that_are_no_numbers_are_missing_in_features_alone(tmp_path: Path) -> None:
    table = TINY.with_columns(size=pl.Series([1.0, float("nan"), None]), code=pl.Series([1.0, float("nan"), None]))
    features = {"size": OwnFeature(kind="numeric"), "code": OwnFeature()}
    for name in ("log.csv", "log.parquet"):
        log = tiny(tmp_path / name, table, features=features)
        assert column(log, "size") == [1.0, None, None]
        assert column(log, "code") == ["1", None, None]


def test_two_features_may_be_made_of_one_column(tmp_path: Path) -> None:
    features = {"level": OwnFeature(column="duration"), "length": OwnFeature(kind="numeric", column="duration")}
    log = tiny(tmp_path / "log.csv", features=features)
    assert column(log, "level") == ["3", "4", "4"]
    assert column(log, "length") == [3.0, 4.0, 4.0]


def test_a_bucket_feature_is_a_column_of_numbers(tmp_path: Path) -> None:
    table = TINY.with_columns(age=pl.Series([20, 20, 31]), step=pl.Series([1, 2, 3]))
    features = {"age": OwnFeature(kind="bucket", side="user", buckets=5), "step": OwnFeature(kind="bucket")}
    log = tiny(tmp_path / "log.csv", table, features=features)
    raw = read(log)
    assert raw.users is not None
    assert raw.users["age"].to_list() == [20.0, 31.0]
    assert column(log, "step") == [1.0, 2.0, 3.0]


# What is refused


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
        ("log.tsv", b"user,item,watch_time\na,b,1\n", "the column 'user' is missing, "),
        ("log.parquet", b"user,item,watch_time\na,b,1\n", "not a parquet file."),
    ],
)
def test_a_file_that_is_no_table_is_told(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert refused(OwnLog(file=str(path)), tmp_path).startswith(f"{path}: {said}")


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


# The whole way


def test_an_own_log_goes_all_the_way_to_encoded_columns(tmp_path: Path) -> None:
    table = frame(2000, 50, 40)
    log = own_log(write(table, tmp_path / "log.csv"))
    card = own_card("mine", log)
    protocol = Catalog.load(find_root()).protocols["chronological_811"]
    prepare_interactions("own_log", tmp_path, {}, card.rules, card, tmp_path / "data")
    arguments = (protocol, None, card, 7, tmp_path / "part.npy", tmp_path / "counts.json")
    prepare_split(tmp_path / "data" / "interactions.parquet", *arguments)
    prepare_encoding(tmp_path / "data", tmp_path / "part.npy", card, tmp_path / "encoded")
    counts = read_json(tmp_path / "counts.json")
    assert [counts[part]["rows"] for part in ("training", "validation", "test")] == [1600, 200, 200]
    encoded = EncodedLog.load(tmp_path / "encoded")
    assert encoded.fields == ("user", "item", "duration_level", "device", "author")
    assert encoded.columns == ("duration_seconds", "age")
    assert encoded.raw_row.tolist() == list(range(2000))
    np.testing.assert_array_equal(encoded.targets["watch_time"], table["seconds"])
    assert encoded.timestamp is not None
    np.testing.assert_array_equal(encoded.timestamp, table["at"] * 1000)
    encoding = read_json(tmp_path / "encoded" / "encoding.json")
    vocabularies = {
        field["name"]: field.get("values") for field in (*encoding["categorical"], *encoding["multi_valued"])
    }
    first = table.head(1600)
    assert vocabularies["user"] == sorted({str(one) for one in first["uid"]})
    assert vocabularies["author"] == ["0", "1", "2"]
    assert vocabularies["device"] == ["d1", "d2"]
    assert vocabularies["tags"] == ["tag0", "tag1", "tag2"]
    user_ids = [0, *vocabularies["user"]]
    assert [user_ids[one] for one in encoded.categorical[:, 0]] == [str(one) for one in table["uid"]]


# The configuration that explains it


def test_the_example_configuration_names_every_key_and_fits_a_log_of_its_columns(tmp_path: Path) -> None:
    path = find_root() / "config" / "own_log.yaml"
    text = path.read_text()
    for key in (*OwnLog.model_fields, *OwnFeature.model_fields):
        assert f"{key}:" in text, key
    config = load_config(path)
    (source,) = config.datasets.values()
    assert source.log is not None
    table = frame().rename({"uid": "user", "vid": "item", "seconds": "watch_time", "length": "duration"})
    table = table.rename({"at": "timestamp", "liked": "is_like"}).with_columns(followers=pl.col("age"))
    config = with_source(config, str(write(table, tmp_path / "log.parquet")), str(path))
    check_config(config, as_read(Catalog.load(find_root()), config), str(path))
    log = config.datasets["own_log"].log
    assert log is not None
    assert set(read(log).rows.collect_schema().names()) >= {"device", "is_like", "duration", "day"}
    assert set(FEATURES) < set(log.features)
