"""Encoding against slow versions, on logs with unknown, missing and oddly typed columns, and against leaks."""

from __future__ import annotations

import contextlib
import datetime
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny_kuairand as tiny
from watchtime.core.dataset_card import DatasetCard, Feature
from watchtime.core.errors import WatchtimeError
from watchtime.core.files import read_json, replacing_folder
from watchtime.datasets.encoded import EncodedLog, write_array
from watchtime.datasets.encoding import Encoding
from watchtime.datasets.fields import BucketField, CategoricalField, MultiValuedField, NumericField, VectorField
from watchtime.datasets.log import Log
from watchtime.datasets.prepare import prepare_encoding
from watchtime.datasets.protocols import TEST, TRAINING

FEATURES = {
    "user": Feature(kind="categorical", side="user"),
    "tab": Feature(kind="categorical", side="context"),
    "duration_level": Feature(kind="bucket", side="item", source="duration", buckets=4),
    "duration_seconds": Feature(kind="numeric", side="item", source="duration", scale="log"),
    "tag": Feature(kind="multi_valued", side="item"),
    "age": Feature(kind="numeric", side="item"),
}
CARD = DatasetCard.model_validate(
    tiny.CARD.model_dump()
    | {"features": {name: feature.model_dump() for name, feature in FEATURES.items()}, "feature_sets": {}}
    | {"history": [], "tasks": {"watch_time": "s", "watch_ratio": "ratio"}}
)


def make_log(rows: int = 60, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    tags: list[list[str] | None] = [["39"], ["67", "11"], [], None, ["11", "67"], ["39", "39"]]
    return pl.DataFrame(
        {
            "user": pl.Series(rng.integers(0, 12, rows), dtype=pl.Int64),
            "item": pl.Series(rng.integers(0, 9, rows), dtype=pl.Int64),
            "watch_time": rng.integers(0, 50, rows) / 4,
            "duration": rng.integers(1, 30, rows).astype(float),
            "timestamp": pl.Series(rng.integers(0, 10**12, rows), dtype=pl.Int64),
            "day": [datetime.date(2022, 4, 25)] * rows,
            "raw_row": pl.Series(np.arange(rows) + 100, dtype=pl.UInt32),
            "tab": [None if i == 0 else str(i) for i in rng.integers(0, 5, rows)],
            "tag": pl.Series([tags[i] for i in rng.integers(0, 6, rows)], dtype=pl.List(pl.String)),
            "age": [None if i == 0 else float(i) for i in rng.integers(0, 9, rows)],
        }
    )


@pytest.fixture(scope="module")
def log() -> pl.DataFrame:
    return make_log()


@pytest.fixture(scope="module")
def encoding(log: pl.DataFrame) -> Encoding:
    return Encoding.fit(log.head(40), CARD)


def test_ids_follow_the_sorted_training_values(log: pl.DataFrame, encoding: Encoding) -> None:
    training = log.head(40)
    encoded = encoding.encode(log, ["watch_time"])
    assert encoded.fields == ("user", "tab", "duration_level")
    for place, name in enumerate(("user", "tab")):
        values = sorted({str(v) for v in training[name] if v is not None})
        expected = [values.index(str(v)) + 1 if str(v) in values else 0 for v in log[name]]
        assert encoded.categorical[:, place].tolist() == expected
        assert encoding.cardinalities[name] == len(values) + 1
    assert 0 in encoded.categorical[:, 1]


@given(
    training=st.lists(st.one_of(st.none(), st.integers(-5, 5).map(float), st.floats(-5, 5)), max_size=40),
    other=st.lists(st.one_of(st.none(), st.floats(-9, 9)), min_size=1, max_size=10),
    buckets=st.integers(1, 7),
)
def test_buckets_agree_with_a_slow_version(
    training: list[float | None], other: list[float | None], buckets: int
) -> None:
    feature = Feature(kind="bucket", side="item", buckets=buckets)
    field = BucketField.fit("level", feature, pl.Series("x", training, dtype=pl.Float64))
    known = sorted(v for v in training if v is not None)
    edges: list[float] = []
    for k in range(1, buckets):
        if known:
            edge = known[(len(known) * k + buckets - 1) // buckets - 1]
            if edge < known[-1] and edge not in edges:
                edges.append(edge)
    values = training + other
    expected = [0 if v is None else 1 + sum(edge < v for edge in edges) for v in values]
    found = field.encode(pl.Series("x", values, dtype=pl.Float64)).tolist()
    assert found == expected
    assert max(found) < field.cardinality
    assert set(found[: len(training)]) - {0} == set(range(1, field.cardinality)) or not known


def test_distinct_values_fall_into_buckets_of_equal_frequency() -> None:
    values = pl.Series("x", np.random.default_rng(0).permutation(1000).astype(float))
    field = BucketField.fit("level", Feature(kind="bucket", side="item", buckets=8), values)
    assert np.bincount(field.encode(values)).tolist() == [0] + [125] * 8


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_numeric_features_have_mean_0_and_deviation_1_in_training(scale: Any) -> None:
    values = [3.0, None, 8.0, 0.0, 1.5, float("nan")]
    field = NumericField.fit("x", Feature(kind="numeric", side="user", scale=scale), pl.Series("x", values))
    encoded = field.encode(pl.Series("x", values))
    known = encoded[[0, 2, 3, 4]].astype(float)
    assert known.mean() == pytest.approx(0, abs=1e-6)
    assert known.std() == pytest.approx(1, abs=1e-6)
    assert encoded[1] == encoded[5] == 0
    distance = (np.log(9) - np.log(4)) if scale == "log" else 5.0
    assert (encoded[2] - encoded[0]) * field.deviation == pytest.approx(distance, rel=1e-6)


@pytest.mark.parametrize("values", [[0.1] * 7, [], [None, None]])
def test_a_numeric_feature_that_does_not_vary_stays_finite(values: list[float | None]) -> None:
    column = pl.Series("x", values, dtype=pl.Float64)
    field = NumericField.fit("x", Feature(kind="numeric", side="user"), column)
    assert field.deviation == 1.0
    assert field.encode(pl.Series("x", [field.mean + 2.0])).tolist() == [2.0]


def test_a_negative_number_on_a_log_scale_is_refused() -> None:
    with pytest.raises(WatchtimeError, match=r"column days: found -3, a feature on a log scale is at least 0\."):
        NumericField.fit("x", Feature(kind="numeric", side="user", scale="log"), pl.Series("days", [1.0, -3.0]))


@given(
    lists=st.lists(
        st.one_of(st.none(), st.lists(st.one_of(st.none(), st.sampled_from("abcxyz")), max_size=4)), max_size=25
    )
)
def test_lists_agree_with_a_loop_and_are_stored_once(lists: list[list[str | None] | None]) -> None:
    training = pl.Series("tag", [["b", "a"], ["c", None], [], None, ["a"]], dtype=pl.List(pl.String))
    field = MultiValuedField.fit("tag", Feature(kind="multi_valued", side="item"), training)
    assert field.values == ("a", "b", "c")
    encoded = field.encode(pl.Series("tag", lists, dtype=pl.List(pl.String)))
    ids = {"a": 1, "b": 2, "c": 3}
    expected = [[ids.get(value or "", 0) for value in row or []] for row in lists]
    stored = [encoded.values[a:b].tolist() for a, b in zip(encoded.offsets, encoded.offsets[1:], strict=False)]
    assert [stored[p] for p in encoded.pointer] == expected
    assert stored[0] == []
    assert len({tuple(row) for row in stored}) == len(stored)
    assert [array.dtype.name for array in (encoded.pointer, encoded.offsets, encoded.values)] == [
        "int32",
        "int64",
        "int32",
    ]


def test_training_rows_alone_decide_the_encoding(log: pl.DataFrame, tmp_path: Path) -> None:
    parts = np.repeat(np.array([0, 1, 2], dtype=np.int8), [40, 10, 10])
    write_array(tmp_path / "part.npy", parts)
    other = make_log(seed=9).with_columns(
        tab=pl.lit("new"), duration=pl.col("duration") * 1000, age=pl.lit(-50.0), tag=pl.lit(["new"])
    )
    changed = pl.concat([log.head(40), other.tail(20)])
    for name, frame in (("a", log), ("b", changed)):
        write_data(tmp_path / f"data {name}", frame)
        prepare_encoding(tmp_path / f"data {name}", tmp_path / "part.npy", CARD, tmp_path / name)
    first, second = ((tmp_path / name / "encoding.json").read_bytes() for name in ("a", "b"))
    assert first == second
    counts = read_json(tmp_path / "b" / "counts.json")
    assert counts["rows"] == {"training": 40, "validation": 10, "test": 10}
    assert counts["unknown_shares"]["test"]["tab"] == counts["unknown_shares"]["test"]["tag"] == 1.0

    write_array(tmp_path / "part.npy", parts[::-1].copy())
    prepare_encoding(tmp_path / "data b", tmp_path / "part.npy", CARD, tmp_path / "c")
    assert (tmp_path / "c" / "encoding.json").read_bytes() != first


def write_data(folder: Path, frame: pl.DataFrame) -> None:
    """Write a flat log as a data folder whose tables of users and items have no features."""
    folder.mkdir()
    frame.write_parquet(folder / "interactions.parquet")
    for side in ("user", "item"):
        frame.select(side).clear().write_parquet(folder / f"{side}s.parquet")


VECTORS = DatasetCard.model_validate(
    CARD.model_dump()
    | {
        "features": {
            **CARD.model_dump()["features"],
            "taste": {"kind": "vector", "side": "item"},
            "age": {"kind": "numeric", "side": "item"},
        }
    }
)


def normalised(rows: pl.DataFrame) -> tuple[pl.DataFrame, Log]:
    """Return a log with item features beside every row, and the same log with them in a table.

    Item 8 is not in the table; item 7 has neither tags nor a vector.
    """
    rng = np.random.default_rng(4)
    items = pl.DataFrame(
        {
            "item": pl.Series(rng.permutation(8), dtype=pl.Int64),
            "tag": [[f"t{i % 3}", "all"][: i % 3] for i in range(8)],
            "age": [None if i == 2 else float(i) for i in range(8)],
            "taste": pl.Series(rng.random((8, 3)).astype(np.float32), dtype=pl.Array(pl.Float32, 3)),
        }
    ).with_columns(tag=pl.when(pl.col("item") != 7).then("tag"), taste=pl.when(pl.col("item") != 7).then("taste"))
    bare = rows.drop("tag", "age")
    flat = bare.join(items, on="item", how="left", maintain_order="left")
    return flat, Log(bare.lazy(), {"item": items})


def test_a_table_of_items_encodes_as_if_its_columns_stood_beside_every_row(tmp_path: Path) -> None:
    flat, log = normalised(make_log(200, 3))
    mask = pl.Series(np.arange(200) < 120)
    one, other = Encoding.fit(flat.filter(mask), VECTORS), Encoding.fit(log.where(mask), VECTORS)
    assert one == other
    plain, gathered = one.encode(flat, ["watch_time"]), other.encode(log, ["watch_time"])
    assert np.array_equal(plain.categorical, gathered.categorical)
    assert np.array_equal(plain.numeric, gathered.numeric)
    for name in ("tag", "taste"):
        assert_same_lists(plain, gathered, name)
    assert gathered.vectors["taste"].matrix.shape == (9, 3)  # once per item, and a missing one
    gathered.save(tmp_path / "log")
    assert_same(EncodedLog.load(tmp_path / "log"), gathered)
    some = gathered.rows(np.array([7, 3])).vectors["taste"]
    assert np.array_equal(some.matrix[some.pointer], plain.vectors["taste"].matrix[[7, 3]])


def assert_same_lists(first: EncodedLog, second: EncodedLog, name: str) -> None:
    def rows(log: EncodedLog) -> list[list[float]]:
        if name in log.vectors:
            one = log.vectors[name]
            return [one.matrix[place].tolist() for place in one.pointer]
        lists = log.multi_valued[name]
        return [lists.values[lists.offsets[p] : lists.offsets[p + 1]].tolist() for p in lists.pointer]

    assert rows(first) == rows(second)


def test_only_items_that_training_has_seen_make_a_vocabulary() -> None:
    _, log = normalised(make_log(200, 3))
    items = log.values("item")
    chosen = items.is_in([0, 1])
    encoding = Encoding.fit(log.where(chosen), VECTORS)
    seen = {tag for row in log.values("tag").filter(chosen).to_list() for tag in row or []}
    assert encoding.multi_valued[0].values == tuple(sorted(seen))


def test_vectors_of_another_width_or_kind_are_refused() -> None:
    column = pl.Series("taste", [[1.0, 2.0], None], dtype=pl.Array(pl.Float32, 2))
    field = VectorField.fit("taste", Feature(kind="vector", side="item"), column)
    assert field.encode(column).matrix.tolist() == [[1.0, 2.0], [0.0, 0.0]]
    assert field.encode(pl.Series("taste", [None])).matrix.shape == (1, 2)
    for wrong in (pl.Series("taste", [[1.0] * 3], dtype=pl.Array(pl.Float32, 3)), pl.Series("taste", [1.0])):
        with pytest.raises(WatchtimeError, match=r"column taste: found type .*, vectors of width 2 are allowed"):
            field.encode(wrong)
    with pytest.raises(WatchtimeError, match="vectors of one width are allowed"):
        VectorField.fit("taste", Feature(kind="vector", side="item"), pl.Series("taste", [1.0]))


@pytest.mark.parametrize("least", [1, 2, 3, 9])
def test_rare_categories_are_unknown(least: int) -> None:
    feature = Feature(kind="categorical", side="user", min_count=least)
    values = ["a", "b", "a", None, "c", "b", "a"]
    field = CategoricalField.fit("x", feature, pl.Series("x", values, dtype=pl.String))
    expected = {1: ("a", "b", "c"), 2: ("a", "b"), 3: ("a",), 9: ()}[least]
    assert field.values == expected
    assert field.encode(pl.Series("x", values)).tolist() == [
        0 if value not in expected else expected.index(value) + 1 for value in values
    ]


def test_save_and_load_give_the_same_log(log: pl.DataFrame, encoding: Encoding, tmp_path: Path) -> None:
    encoding.save(tmp_path / "encoding.json")
    assert Encoding.load(tmp_path / "encoding.json") == encoding
    encoded = encoding.encode(log, ["watch_time"])
    for _ in range(2):  # the second time over an older folder
        encoded.save(tmp_path / "log")
    for mmap in (True, False):
        loaded = EncodedLog.load(tmp_path / "log", mmap=mmap)
        assert isinstance(loaded.categorical, np.memmap) == mmap
        assert_same(loaded, encoded)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["encoding.json", "log"]


def test_an_empty_log_and_a_log_without_numbers_are_saved_too(encoding: Encoding, tmp_path: Path) -> None:
    encoded = encoding.select(["tab"]).encode(make_log(5).head(0), ["watch_time"])
    encoded.save(tmp_path / "log")
    assert_same(EncodedLog.load(tmp_path / "log"), encoded)


def test_a_damaged_folder_is_refused(log: pl.DataFrame, encoding: Encoding, tmp_path: Path) -> None:
    encoding.encode(log, ["watch_time"]).save(tmp_path / "log")
    path = tmp_path / "log" / "user.npy"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(WatchtimeError, match=r"user\.npy: not a whole \.npy file\."):
        EncodedLog.load(tmp_path / "log")
    np.save(path, np.zeros(3, dtype=np.int32))
    with pytest.raises(WatchtimeError, match=r"user has 3 rows, log\.json says 60\."):
        EncodedLog.load(tmp_path / "log")


def test_a_folder_is_whole_or_as_before(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    with replacing_folder(target) as folder:
        (folder / "old").touch()
    with contextlib.suppress(RuntimeError), replacing_folder(target) as folder:
        (folder / "new").touch()
        raise RuntimeError
    assert [path.name for path in tmp_path.rglob("*")] == ["folder", "old"]


def test_other_types_give_the_same_arrays(log: pl.DataFrame, encoding: Encoding) -> None:
    expected = encoding.encode(log, ["watch_time"])
    others = [
        log.with_columns(pl.col("user", "item").cast(pl.String)),
        log.with_columns(pl.col("user", "item", "tab").cast(pl.Float64)),
        log.with_columns(pl.col("user").cast(pl.Int16), pl.col("tab").cast(pl.UInt8), pl.col("age").cast(pl.Float32)),
        log.with_columns(tag=pl.col("tag").list.eval(pl.element().cast(pl.Int64))),
        log.with_columns(pl.col("tab").cast(pl.Enum(["1", "2", "3", "4"]))),
    ]
    for other in others:
        encoded = encoding.encode(other, ["watch_time"])
        assert np.array_equal(encoded.categorical, expected.categorical)
        assert np.array_equal(encoded.numeric, expected.numeric)
        assert np.array_equal(encoded.multi_valued["tag"].pointer, expected.multi_valued["tag"].pointer)
    assert_same(encoding.encode(log.lazy(), ["watch_time"]), expected)


def test_a_log_for_prediction_may_lack_all_but_user_and_item(encoding: Encoding) -> None:
    bare = pl.DataFrame({"user": ["nobody", "3", "nobody", None], "item": [1, 2, 3, 4]})
    encoded = encoding.encode(bare, ["watch_time"], required=False)
    assert not encoded.targets
    assert encoded.duration is None
    assert encoded.timestamp is None
    assert encoded.categorical[:, 1:].tolist() == [[0, 0]] * 4
    assert (encoded.categorical[:, 0] > 0).tolist() == [False, True, False, False]
    assert encoded.user.tolist() == [2, 1, 2, 0]
    assert encoded.raw_row.tolist() == [0, 1, 2, 3]
    assert not encoded.numeric.any()
    assert encoded.multi_valued["tag"].pointer.tolist() == [0] * 4
    assert encoding.absent(bare) == ["tab", "duration_level", "duration_seconds", "age", "tag"]
    assert encoding.absent(make_log(3).drop("tag")) == ["tag"]


def test_users_unseen_in_training_stay_apart(log: pl.DataFrame, encoding: Encoding) -> None:
    strangers = log.with_columns(user=pl.col("user") + 1000)
    encoded = encoding.encode(strangers, ["watch_time"])
    assert not encoded.categorical[:, 0].any()
    codes = dict(zip(strangers["user"], encoded.user.tolist(), strict=True))
    assert sorted(codes.values()) == list(range(strangers["user"].n_unique()))
    assert encoded.user.tolist() == [codes[user] for user in strangers["user"]]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda f: f.rename({"user": "user_id"}), "the log lacks the column 'user'; it has user_id, item"),
        (lambda f: f.drop("watch_time"), "the log lacks the column 'watch_time'"),
        (
            lambda f: f.with_columns(watch_time=pl.lit(-1.0)),
            "row 1, column watch_time: found -1, a number of at least 0 is allowed.",
        ),
        (
            lambda f: f.with_columns(watch_time=pl.when(pl.col("raw_row") != 102).then("watch_time")),
            "row 3, column watch_time: found an empty cell",
        ),
        (lambda f: f.with_columns(age=pl.lit("old")), "column age: found type String, numbers are allowed."),
        (lambda f: f.with_columns(tag=pl.lit("39,11")), "column tag: found type String, a list per row is allowed."),
        (lambda f: f.with_columns(tab=pl.lit(["1"])), "column tab: found type List(String), one category per row"),
        (
            lambda f: f.with_columns(timestamp=pl.lit(datetime.datetime(2022, 4, 8))),
            "column timestamp: found type Datetime",
        ),
    ],
)
def test_a_log_that_cannot_be_encoded_is_one_sentence(  # type: ignore[no-untyped-def]
    log: pl.DataFrame, encoding: Encoding, change, sentence: str
) -> None:
    with pytest.raises(WatchtimeError) as error:
        encoding.encode(change(log), ["watch_time"])
    assert str(error.value).startswith(sentence)


def test_targets(log: pl.DataFrame, encoding: Encoding) -> None:
    encoded = encoding.encode(log, ["watch_time"])
    assert encoded.target("watch_time").tolist() == log["watch_time"].to_list()
    ratio = [watched / duration for watched, duration in zip(log["watch_time"], log["duration"], strict=True)]
    assert encoded.target("watch_ratio").tolist() == ratio
    for duration in (0.0, None):
        without = log.with_columns(duration=pl.when(pl.col("raw_row") == 105).then(duration).otherwise("duration"))
        with pytest.raises(WatchtimeError, match=r"1 of 60 rows have none \(first: raw row 105\)"):
            encoding.encode(without, ["watch_time"]).target("watch_ratio")
    with pytest.raises(WatchtimeError, match="no column duration"):
        encoding.encode(log.drop("duration"), ["watch_time"]).target("watch_ratio")
    with pytest.raises(WatchtimeError, match="no column watchtime, so it has no target watchtime"):
        encoded.target("watchtime")


def test_a_full_watch_is_the_duration_or_a_ratio_of_1_and_unknown_without_a_duration(
    log: pl.DataFrame, encoding: Encoding
) -> None:
    without = log.with_columns(duration=pl.when(pl.col("raw_row") == 105).then(None).otherwise("duration"))
    encoded = encoding.encode(without, ["watch_time"])
    known = without["duration"].is_not_null().to_numpy()
    for task, full in (("watch_time", log["duration"].to_numpy()), ("watch_ratio", np.ones(len(log)))):
        found = encoded.full_watch(task)
        assert found is not None
        np.testing.assert_array_equal(found, np.where(known, full, np.nan))
    assert encoded.full_watch("ltv") is None
    assert encoded.full_watch("views_span") is None
    assert encoding.encode(log.drop("duration"), ["watch_time"]).full_watch("watch_time") is None


def test_rows_and_features_are_selected_alike(log: pl.DataFrame, encoding: Encoding) -> None:
    encoded = encoding.encode(log, ["watch_time"])
    index = np.array([5, 3, 3, 59])
    some = encoded.rows(index)
    assert len(some) == 4
    assert np.array_equal(some.categorical, encoded.categorical[index])
    assert some.raw_row.tolist() == [105, 103, 103, 159]
    assert np.array_equal(some.multi_valued["tag"].pointer, encoded.multi_valued["tag"].pointer[index])
    names = ["tag", "duration_seconds", "tab"]
    assert_same(encoded.select(names), encoding.select(names).encode(log, ["watch_time"]))
    assert encoding.select(names).cardinalities == {name: encoding.cardinalities[name] for name in ("tab", "tag")}
    for selectable in (encoded, encoding):
        with pytest.raises(WatchtimeError, match="unknown feature 'tabs', did you mean 'tab'"):
            selectable.select(["tabs"])


def test_unknown_shares_count_rows_of_one_part(log: pl.DataFrame, encoding: Encoding) -> None:
    encoded = encoding.encode(log, ["watch_time"])
    parts = np.where(np.arange(60) < 50, TRAINING, TEST).astype(np.int8)
    parted = EncodedLog(**{**{f.name: getattr(encoded, f.name) for f in fields(encoded)}, "part": parts})
    shares = parted.unknown_shares(TEST)
    assert shares["tab"] == sum(value is None for value in log["tab"][50:]) / 10
    assert shares["tag"] == sum(not value for value in log["tag"].to_list()[50:]) / 10
    with pytest.raises(WatchtimeError, match="no rows in part 1"):
        parted.unknown_shares(1)


def test_a_field_keeps_what_describes_it(encoding: Encoding) -> None:
    tab = encoding.categorical[1]
    assert isinstance(tab, CategoricalField)
    assert (tab.name, tab.side, tab.column, tab.values) == ("tab", "context", "tab", ("1", "2", "3", "4"))
    assert encoding.categorical[2].column == "duration"


def assert_same(first: EncodedLog, second: EncodedLog) -> None:
    for name in (f.name for f in fields(EncodedLog)):
        a, b = getattr(first, name), getattr(second, name)
        if name in ("multi_valued", "vectors"):
            assert list(a) == list(b)
            for key in a:
                assert all(
                    np.array_equal(x, y) for x, y in zip(vars(a[key]).values(), vars(b[key]).values(), strict=True)
                )
        elif name == "targets":
            assert list(a) == list(b)
            assert all(np.array_equal(a[key], b[key]) for key in a)
        elif isinstance(a, np.ndarray):
            assert a.dtype == b.dtype
            assert np.array_equal(a, b)
        else:
            assert a == b
