"""The loader of WeChat21 on a hand-made folder, on malformed files, on simulated logs and on the real sample."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import refusals
import tiny_wechat21 as tiny
from raw_logs import counted_readings, csv_rows, flat, read
from refusals import Change, replaced, rewrite
from simulated_folder import hashes, simulated_once
from watchtime.core.catalog import Catalog, find_root
from watchtime.core.dataset_card import Rules
from watchtime.core.files import read_json
from watchtime.datasets.encoding import Encoding
from watchtime.datasets.log import Log
from watchtime.datasets.prepare import prepare_encoding, prepare_interactions, prepare_split
from watchtime.datasets.simulator.truth import Truth
from watchtime.datasets.simulator.wechat21 import simulate

REAL = find_root().parent / "shared" / "data" / "wechat21_sample"
CARD = tiny.CARD.under({})
KEEP_ALL = Rules(zero_duration="keep", largest_ratio="any")
ROWS, USERS, FEEDS = 6_000, 30, 260
LISTS = ("manual_keyword", "machine_keyword", "manual_tag", "machine_tag")

refuse = partial(refusals.refuse, "wechat21", tiny.CARD)
simulated = simulated_once(simulate, rows=ROWS, users=USERS, items=FEEDS, days=14, seed=3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.write_folder(tmp_path / "raw")


def prepare(folder: Path, output: Path, rules: Rules = tiny.CARD.rules, **options: str) -> Path:
    card = tiny.CARD.under(options)
    prepare_interactions("wechat21", folder, card.read_options(options), rules, card, output)
    return output


def test_every_column_of_the_rows_is_what_the_files_say(folder: Path, tmp_path: Path) -> None:
    rows = pl.read_parquet(prepare(folder, tmp_path / "out", KEEP_ALL) / "interactions.parquet")
    assert rows.to_dict(as_series=False) == {
        "user": [8, 8, 8, 8, 11, 11, 11],
        "item": [201, 202, 203, 201, 299, 202, 201],
        "watch_time": [13.838, 0.0, 2.0, 38.0, 7.0, 63.0, 0.5005],
        "duration": [38.0, 6.0, 0.0, 38.0, None, 6.0, 38.0],
        "day": [date(2021, 1, day) for day in (1, 2, 2, 14, 3, 3, 9)],
        "raw_row": list(range(7)),
        "device": ["1", "1", "1", "1", "2", "2", "2"],
        "read_comment": [1, 0, 0, 0, 0, 0, 0],
        "comment": [0, 1, 0, 0, 0, 0, 0],
        "like": [0, 0, 1, 0, 0, 0, 0],
        "click_avatar": [0, 0, 0, 1, 0, 0, 0],
        "forward": [0, 0, 0, 0, 1, 0, 0],
        "follow": [0, 0, 0, 0, 0, 1, 0],
        "favorite": [0, 0, 0, 0, 0, 0, 1],
    }


ITEMS = {
    "item": [202, 201, 203],
    "author": ["6165", "9386", "6165"],
    "bgm_song": ["19356", None, "7"],
    "bgm_singer": ["11703", None, "8"],
    "manual_keyword": [["15506", "7715"], None, None],
    "machine_keyword": [["26334"], ["219", "7"], None],
    "manual_tag": [["81", "269"], ["6"], None],
    "machine_tag": [["269", "81", "8", "10"], ["306"], None],
}


def test_every_feature_of_the_feeds_is_what_the_file_says(folder: Path, tmp_path: Path) -> None:
    out = prepare(folder, tmp_path / "out")
    assert pl.read_parquet(out / "items.parquet").to_dict(as_series=False) == ITEMS
    assert pl.read_parquet(out / "users.parquet").columns == ["user"]


def test_embeddings_are_vectors_of_feeds(folder: Path, tmp_path: Path) -> None:
    items = pl.read_parquet(prepare(folder, tmp_path / "out", item_vectors="embeddings") / "items.parquet")
    assert items.drop("feed_embedding").to_dict(as_series=False) == ITEMS
    assert items.schema["feed_embedding"] == pl.Array(pl.Float32, 3)
    found = [None if vector is None else pytest.approx(vector.to_list()) for vector in items["feed_embedding"]]
    assert found == [None, [0.5, -0.25, 0.001], [0.0, 1.0, 2.0]]


def test_the_rules_keep_rows_without_a_feed_and_count_what_they_drop(folder: Path, tmp_path: Path) -> None:
    out = prepare(folder, tmp_path / "out")
    counts = read_json(out / "counts.json")
    assert [(step["rule"], step["rows"], step["users"], step["items"]) for step in counts["rules"]] == [
        ("as read", 7, 2, 4),
        ("zero_duration: drop", 6, 2, 3),
        ("largest_ratio: 10", 5, 2, 3),
    ]
    assert counts["before"] == []
    assert pl.read_parquet(out / "interactions.parquet")["raw_row"].to_list() == [0, 1, 3, 4, 6]
    assert counts["without_features"]["items"] == {"items": 1, "rows": 1}


def test_rows_without_a_feed_may_be_dropped_first(folder: Path, tmp_path: Path) -> None:
    out = prepare(folder, tmp_path / "out", KEEP_ALL, without_feed="drop")
    counts = read_json(out / "counts.json")
    assert counts["before"] == [{"rule": "rows of user_action.csv", "rows": 7, "users": 2, "items": 4}]
    assert counts["rules"][0] == {"rule": "as read", "rows": 6, "users": 2, "items": 3, "positives": 5}
    rows = pl.read_parquet(out / "interactions.parquet")
    assert rows["item"].to_list() == [201, 202, 203, 201, 202, 201]
    assert rows["raw_row"].to_list() == list(range(6))
    assert rows["duration"].null_count() == 0


def test_rows_under_other_readings_are_counted(folder: Path) -> None:
    assert counted_readings("wechat21", folder, CARD) == {
        "all rows": (7, 2, 4),
        "watched at all": (6, 2, 4),
        "with a row in feed_info.csv": (6, 2, 3),
        "watched at all, duration above 0": (4, 2, 2),
        "watched at all, duration above 0, less than ten times (DADF)": (3, 2, 1),
        "duration from 5 to 60 s (CWM)": (5, 2, 2),
        "every (user, feed) once": (6, 2, 4),
    }


def test_labelcrafts_core_is_counted_once_and_again_and_again(tmp_path: Path) -> None:
    """Beside 120 users who saw all of 120 feeds, user 121 has two rows and goes at once.

    Without it feed 500 has 119 rows and goes in the second round, and without that user 120 in the third.
    """
    block = [(user, feed) for user in range(120) for feed in range(120)]
    second = [(user, 500) for user in range(2, 121)]
    third = [(120, feed) for feed in range(119)]
    folder = tiny.write_folder(tmp_path / "raw")
    pairs = [*block, *second, *third, (121, 500), (121, 0)]
    rows = [f"{user},{feed},1,1,0,0,0,1000,1000,0,0,0,0" for user, feed in pairs]
    (folder / tiny.ACTIONS).write_text("\n".join([tiny.ACTION_HEADER, *rows]) + "\n")
    found = counted_readings("wechat21", folder, CARD)
    assert found["users and feeds with 120 rows each, counted once"] == (120 * 120 + 119 + 119, 121, 121)
    assert found["120-core (LabelCraft)"] == (120 * 120, 120, 120)


def test_two_runs_write_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    first, second = (prepare(folder, tmp_path / name, item_vectors="embeddings") for name in ("a", "b"))
    assert hashes(first) == hashes(second)


def check_against_csv(folder: Path) -> pl.DataFrame:
    """Compare with the same files as the csv module reads them, and return the loader's rows."""
    frame = flat("wechat21", folder, CARD)
    actions = csv_rows(folder / tiny.ACTIONS)
    feeds = {row["feedid"]: row for row in csv_rows(folder / tiny.FEEDS)}
    assert frame["user"].to_list() == [int(row["userid"]) for row in actions]
    assert frame["item"].to_list() == [int(row["feedid"]) for row in actions]
    assert frame["watch_time"].to_list() == [int(row["play"]) / 1000 for row in actions]
    seconds = [feeds[row["feedid"]]["videoplayseconds"] if row["feedid"] in feeds else "nan" for row in actions]
    np.testing.assert_array_equal(frame["duration"].fill_null(np.nan).to_numpy(), [float(text) for text in seconds])
    days = [date(2020, 12, 31) + timedelta(days=int(row["date_"])) for row in actions]
    assert frame["day"].to_list() == days
    for name in ("device", *tiny.CARD.feedback):
        assert frame[name].cast(pl.String).to_list() == [row[name] for row in actions]
    items = read("wechat21", folder, CARD).items
    assert items is not None
    for name in LISTS:
        texts = [row[f"{name}_list"] for row in feeds.values()]
        lists = [[pair.split()[0] for pair in text.split(";")] if text else None for text in texts]
        assert items[name].to_list() == lists
    return frame


def test_simulated_logs_agree_with_a_reading_by_the_csv_module(simulated: Path) -> None:
    check_against_csv(simulated)


def test_simulated_embeddings_agree_with_a_reading_by_the_csv_module(simulated: Path) -> None:
    items = read(
        "wechat21", simulated, tiny.CARD.under({"item_vectors": "embeddings"}), item_vectors="embeddings"
    ).items
    assert items is not None
    vectors = [row["feed_embedding"].split() for row in csv_rows(simulated / tiny.EMBEDDINGS)]
    np.testing.assert_array_equal(items["feed_embedding"].to_numpy(), np.array(vectors, dtype=np.float32))


def test_simulated_logs_pass_every_step_up_to_the_encoding(simulated: Path, tmp_path: Path) -> None:
    out = prepare(simulated, tmp_path / "out", item_vectors="embeddings")
    card = tiny.CARD.under({"item_vectors": "embeddings"})
    rows = pl.read_parquet(out / "interactions.parquet")
    truth = Truth.load(simulated / "truth.npz").select(rows["raw_row"].to_numpy())
    np.testing.assert_array_equal(truth.duration_ms, rows["duration"].to_numpy() * 1000)
    protocol = Catalog.load(find_root()).protocols["days_12_1_1"]
    prepare_split(out / "interactions.parquet", protocol, 5, card, 1, out / "part.npy", out / "split.json")
    prepare_encoding(out, out / "part.npy", card, out / "encoded")
    names = card.feature_sets["prowtp"]
    encoding = Encoding.load(out / "encoded" / "encoding.json").select(names)
    assert {field.name for field in encoding.fields} == set(names)
    assert encoding.vectors[0].width == 16
    assert len(Log.read(out)) == rows.height


@pytest.mark.skipif(not REAL.is_dir(), reason="the real sample ../shared/data/wechat21_sample is not there")
def test_the_real_sample_agrees_with_a_reading_by_the_csv_module(tmp_path: Path) -> None:
    frame = check_against_csv(REAL)
    assert frame.height == 99
    assert frame["duration"].null_count() == 99
    counts = read_json(prepare(REAL, tmp_path / "out") / "counts.json")
    assert [step["rows"] for step in counts["rules"]] == [99, 99, 99]
    assert pl.read_parquet(tmp_path / "out" / "items.parquet").height == 99


@pytest.mark.skipif(not REAL.is_dir(), reason="the real sample ../shared/data/wechat21_sample is not there")
def test_where_no_row_has_a_feed_nothing_is_left_to_drop_the_others_for(tmp_path: Path) -> None:
    folder = tmp_path / "raw"
    folder.mkdir()
    for name in (tiny.ACTIONS, tiny.FEEDS):
        (folder / name).write_bytes((REAL / name).read_bytes())
    sentence = f"none of its feeds is in {folder / tiny.FEEDS}."
    refuse(folder, folder / tiny.ACTIONS, sentence, without_feed="drop")


MALFORMED: dict[str, tuple[str, Change, str]] = {
    "missing column": (
        tiny.ACTIONS,
        replaced("date_", "date"),
        "the column 'date_' is missing, found 'date' instead.",
    ),
    "unknown column": (
        tiny.EMBEDDINGS,
        replaced("feed_embedding\n", "feed_embedding,x\n"),
        "unknown column 'x', allowed: feedid, feed_embedding.",
    ),
    "other delimiter": (tiny.ACTIONS, lambda text: text.replace(",", "\t"), "the header is separated by tabs, commas"),
    "cut last row": (
        tiny.ACTIONS,
        lambda text: text[:-8],
        "row 7: found 10 fields, 13 are expected; it is the last row: the file may be cut off.",
    ),
    "day beyond two weeks": (
        tiny.ACTIONS,
        replaced("8,201,14,", "8,201,15,"),
        "row 4, column date_: found '15', allowed: a whole number from 1 to 14.",
    ),
    "day 0": (tiny.ACTIONS, replaced("8,201,14,", "8,201,0,"), "row 4, column date_: found '0', allowed"),
    "negative play time": (tiny.ACTIONS, replaced("13838", "-13838"), "row 1, column play: found '-13838', allowed"),
    "empty play time": (tiny.ACTIONS, replaced("13838", ""), "row 1, column play: found an empty cell, allowed"),
    "feedback that is not 0 or 1": (
        tiny.ACTIONS,
        replaced("39000,1,", "39000,2,"),
        "row 4, column click_avatar: found '2', allowed: a whole number from 0 to 1.",
    ),
    "empty user": (tiny.ACTIONS, replaced("11,299", ",299"), "row 5, column userid: found an empty cell, allowed"),
    "empty duration": (
        tiny.FEEDS,
        replaced("6165,6,", "6165,,"),
        "row 1, column videoplayseconds: found an empty cell",
    ),
    "tags separated otherwise": (
        tiny.FEEDS,
        replaced("81;269", "81|269"),
        "row 1, column manual_tag_list: found '81|269', allowed: ids such as 81;269, each with or",
    ),
    "tag without an end": (tiny.FEEDS, replaced("219;7", "219;"), "row 2, column machine_keyword_list: found '219;'"),
    "probability that is no number": (
        tiny.FEEDS,
        replaced("306 0.0", "306 x0.0"),
        "column machine_tag_list: found '306 x0.0'",
    ),
    "repeated feed": (
        tiny.FEEDS,
        lambda text: text + tiny.FEED_ROWS[0] + "\n",
        "feedid 202 has 2 rows, one is allowed.",
    ),
    "empty log": (tiny.ACTIONS, lambda text: "", "the file is empty"),
    "only a header": (tiny.FEEDS, lambda text: tiny.FEED_HEADER + "\n", "the file has a header but no rows."),
    "vector of another width": (
        tiny.EMBEDDINGS,
        replaced("0 1 2 ", "0 1 "),
        "row 2, column feed_embedding: found 2 numbers, row 1 has 3.",
    ),
    "vector that is no numbers": (
        tiny.EMBEDDINGS,
        replaced("0 1 2 ", "0 one 2 "),
        "row 2, column feed_embedding: found '0 one 2 ', allowed: finite numbers separated by spaces.",
    ),
    "infinite vector": (
        tiny.EMBEDDINGS,
        replaced("0 1 2 ", "0 inf 2 "),
        "row 2, column feed_embedding: found '0 inf 2 '",
    ),
    "vector with two spaces": (
        tiny.EMBEDDINGS,
        replaced("0 1 2 ", "0  1 2 "),
        "row 2, column feed_embedding: found '0  1 2 '",
    ),
    "empty vector": (tiny.EMBEDDINGS, replaced("0 1 2 ", ""), "row 2, column feed_embedding: found an empty cell"),
    "repeated vector": (tiny.EMBEDDINGS, replaced("203,", "201,"), "feedid 201 has 2 rows, one is allowed."),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_file_is_one_sentence_and_writes_nothing(folder: Path, case: str) -> None:
    name, change, sentence = MALFORMED[case]
    rewrite(folder / name, change)
    refuse(folder, folder / name, sentence, item_vectors="embeddings")


def test_embeddings_are_read_only_where_they_are_asked_for(folder: Path, tmp_path: Path) -> None:
    (folder / tiny.EMBEDDINGS).write_text("nonsense")
    prepare(folder, tmp_path / "out")
    (folder / tiny.EMBEDDINGS).unlink()
    missing = "the file does not exist."
    refuse(folder, folder / tiny.EMBEDDINGS, missing, item_vectors="embeddings")


def test_a_file_that_is_not_utf_8_is_named_with_its_row(folder: Path) -> None:
    path = folder / tiny.ACTIONS
    path.write_bytes(path.read_bytes().replace(b"63000", b"6\xff000"))
    refuse(folder, path, "row 6 is not UTF-8 text.")


def test_a_missing_table_log_or_folder_is_named(folder: Path) -> None:
    (folder / tiny.FEEDS).rename(folder / "feeds.csv")
    refuse(folder, folder / tiny.FEEDS, "the file does not exist.")
    (folder / tiny.ACTIONS).unlink()
    refuse(folder, folder, "no log was found, user_action.csv is needed.")
    refuse(folder / "nowhere", folder / "nowhere", "the folder does not exist")
