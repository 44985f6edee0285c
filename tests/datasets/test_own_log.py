"""A user's own log: the same from every format, strict in every cell, and fit for the whole way of the data."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from own_logs import FEATURES, START, TINY, frame, own_log, read, tiny, write
from watchtime.core.catalog import Catalog, find_root
from watchtime.core.check import check as check_config
from watchtime.core.config import OwnFeature, OwnLog, load_config, with_source
from watchtime.core.files import read_json
from watchtime.core.own_card import as_read, own_card
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.prepare import prepare_encoding, prepare_interactions, prepare_split


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
