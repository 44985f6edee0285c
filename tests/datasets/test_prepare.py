"""The three steps from raw files to arrays, one after another, and what they count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import tiny_kuairand as tiny
from raw_logs import KEEP_ALL
from watchtime.core.catalog import Protocol
from watchtime.core.errors import WatchtimeError
from watchtime.core.files import read_json
from watchtime.datasets.encoded import EncodedLog, write_array
from watchtime.datasets.encoding import Encoding
from watchtime.datasets.prepare import prepare_encoding, prepare_interactions, prepare_split

BY_TIME = Protocol(title="by time 3:2:2", order="time", shares=(3, 2, 2))


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    folder = tiny.write_folder(tmp_path / "raw")
    prepare_interactions("kuairand_pure", folder, {}, KEEP_ALL, tiny.CARD, tmp_path / "data")
    split_by_time(tmp_path / "data", tmp_path)
    return tmp_path


def split_by_time(data: Path, output: Path) -> None:
    prepare_split(data / "interactions.parquet", BY_TIME, None, tiny.CARD, 1, output / "part.npy", output / "part.json")


def test_the_steps_follow_each_other(prepared: Path) -> None:
    prepare_encoding(prepared / "data", prepared / "part.npy", tiny.CARD, prepared / "encoded")
    log = EncodedLog.load(prepared / "encoded")
    encoding = Encoding.load(prepared / "encoded" / "encoding.json")
    # in time order: row 6, row 1, then the tie of rows 0 and 2, then rows 3, 4, 5
    assert log.part is not None
    assert log.part.tolist() == [0, 0, 1, 1, 2, 2, 0]
    assert encoding.categorical[0].model_dump()["values"] == ("1", "2")
    assert log.categorical[:, 0].tolist() == [1, 2, 1, 0, 0, 1, 2]
    assert log.target("watch_time").tolist() == [1.5, 0.0, 1.7, 0.5, 5.0005, 3.0, 24.0]
    assert read_json(prepared / "encoded" / "counts.json")["unknown_shares"]["test"]["user"] == 0.5


def test_a_split_counts_what_training_has_not_seen(prepared: Path) -> None:
    counts = read_json(prepared / "part.json")
    assert counts["training"] | {"rows": 3, "users": 2, "items": 2, "share_of_users_unseen": 0.0} == counts["training"]
    assert counts["test"] == {
        "rows": 2,
        "users": 2,
        "items": 2,
        "share_of_users_unseen": 0.5,
        "share_of_items_unseen": 1.0,
        "share_of_rows_with_unseen_user": 0.5,
        "share_of_rows_with_unseen_item": 1.0,
    }


def test_a_split_of_another_log_is_refused(prepared: Path) -> None:
    write_array(prepared / "part.npy", np.zeros(6, dtype=np.int8))
    with pytest.raises(WatchtimeError, match=r"part\.npy: found 6 rows, .*interactions\.parquet has 7\."):
        prepare_encoding(prepared / "data", prepared / "part.npy", tiny.CARD, prepared / "encoded")
    assert not (prepared / "encoded").exists()


@pytest.mark.parametrize(("text", "sentence"), [(None, "the file does not exist"), ("a,b\n", "not a Parquet file")])
def test_interactions_that_cannot_be_read_are_one_sentence(tmp_path: Path, text: str | None, sentence: str) -> None:
    path = tmp_path / "interactions.parquet"
    if text:
        path.write_text(text)
    with pytest.raises(WatchtimeError) as error:
        split_by_time(tmp_path, tmp_path)
    assert str(error.value) == f"{path}: {sentence}."
    assert not (tmp_path / "part.npy").exists()


def test_long_logs_are_read_back_in_order(prepared: Path) -> None:
    """Row groups are read in parallel; their order has to stay."""
    rows = 2**18 * 2 + 5
    data = prepared / "data"
    frame = pl.read_parquet(data / "interactions.parquet")
    long = frame.sample(rows, with_replacement=True, seed=1).with_columns(raw_row=pl.int_range(rows, dtype=pl.UInt32))
    long.write_parquet(data / "interactions.parquet", row_group_size=2**16)
    split_by_time(data, prepared)
    small = tiny.CARD.model_copy(update={"features": {name: tiny.CARD.features[name] for name in ("user", "tag")}})
    prepare_encoding(data, prepared / "part.npy", small, prepared / "encoded")
    log = EncodedLog.load(prepared / "encoded")
    assert np.array_equal(log.raw_row, np.arange(rows))
    assert np.array_equal(log.target("watch_time"), long["watch_time"].to_numpy())
    assert np.array_equal(log.user, np.searchsorted([1, 2, 3, 9], long["user"].to_numpy()))
    assert np.array_equal(log.multi_valued["tag"].pointer == 0, ~long["item"].is_in([10, 11]).to_numpy())


def test_rows_that_a_protocol_leaves_out_are_counted_and_not_encoded(prepared: Path) -> None:
    path = prepared / "data" / "interactions.parquet"
    frame = pl.read_parquet(path)
    pl.concat([frame] * 3).with_columns(raw_row=pl.int_range(21, dtype=pl.UInt32)).write_parquet(path)
    protocol = Protocol(title="4-core", order="random", shares=(1, 1, 1), core=120)
    prepare_split(path, protocol, 4, tiny.CARD, 1, prepared / "part.npy", prepared / "c.json")
    # users 3 and 9 and videos 99 and 12 have three rows each; without them user 2 has three rows
    counts = read_json(prepared / "c.json")
    assert counts["left_out"] == {"outside the 4-core": 15}
    assert counts["core"] == {"k": 4, "rows": 6, "users": 1, "items": 1}
    assert [counts[part]["rows"] for part in ("training", "validation", "test")] == [2, 2, 2]


def test_only_rows_of_the_split_are_encoded(prepared: Path) -> None:
    write_array(prepared / "part.npy", np.array([0, -1, 1, 0, 2, -1, 0], dtype=np.int8))
    prepare_encoding(prepared / "data", prepared / "part.npy", tiny.CARD, prepared / "encoded")
    log = EncodedLog.load(prepared / "encoded")
    assert log.raw_row.tolist() == [0, 2, 3, 4, 6]
    assert log.part is not None
    assert log.part.tolist() == [0, 1, 0, 2, 0]
    assert log.target("watch_time").tolist() == [1.5, 1.7, 0.5, 5.0005, 24.0]
    assert Encoding.load(prepared / "encoded" / "encoding.json").categorical[0].model_dump()["values"] == (
        "1",
        "2",
        "3",
    )
