"""The loader of KuaiRec on a hand-made folder, on malformed files, on simulated logs and on the real sample."""

from __future__ import annotations

from collections import Counter
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import refusals
import tiny_kuairec as tiny
from raw_logs import counted_readings, csv_rows, flat, read
from refusals import Change, replaced, rewrite
from simulated_folder import hashes, simulated_once
from watchtime.core.catalog import find_root
from watchtime.core.dataset_card import Rules
from watchtime.core.files import read_json
from watchtime.datasets.encoding import Encoding
from watchtime.datasets.log import Log
from watchtime.datasets.prepare import prepare_interactions
from watchtime.datasets.simulator.kuairec import simulate
from watchtime.datasets.simulator.truth import Truth

REAL = find_root().parent / "shared" / "data" / "kuairec_sample"
ROWS, USERS, ITEMS = 3_000, 60, 40

refuse = partial(refusals.refuse, "kuairec", tiny.CARD)
simulated = simulated_once(simulate, rows=ROWS, users=USERS, items=ITEMS, days=10, seed=3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.write_folder(tmp_path / "raw")


def prepare(folder: Path, output: Path, rules: Rules = tiny.CARD.rules) -> Path:
    prepare_interactions("kuairec", folder, {}, rules, tiny.CARD, output)
    return output


KEEP_ALL = Rules(repeated_key="keep_all", largest_ratio="any")
EXPECTED = {
    "user": [1, 1, 1, 2, 2, 9, 2, 1],
    "item": [10, 10, 11, 10, 12, 99, 11, 12],
    "watch_time": [13.838, 13.838, 0.0, 21.734, 66.0, 2.0005, 3.954, 3.0],
    "duration": [10.867, 10.867, 7.908, 10.867, 6.0, 4.0, 7.908, 6.0],
    "timestamp": [
        1593878903438,
        1593878903438,
        1593963000500,
        1594022400000,
        1594022460250,
        1594080000007,
        1593968523040,
        None,
    ],
    "day": [
        *[date(2020, 7, 5)] * 3,
        date(2020, 7, 6),
        date(2020, 7, 6),
        date(2020, 7, 7),
        date(2020, 7, 6),
        None,
    ],
    "log": ["big"] * 6 + ["small"] * 2,
    "raw_row": list(range(8)),
    "hour": ["0", "0", "23", "16", "16", "8", "1", None],
    "video_age": [5.0, 5.0, None, 6.0, None, None, 0.0, None],
}


def test_every_column_of_the_rows_is_what_the_files_say(folder: Path, tmp_path: Path) -> None:
    rows = pl.read_parquet(prepare(folder, tmp_path / "out", KEEP_ALL) / "interactions.parquet")
    assert rows.to_dict(as_series=False) == EXPECTED


def test_every_feature_of_the_videos_is_what_the_files_say(folder: Path, tmp_path: Path) -> None:
    items = pl.read_parquet(prepare(folder, tmp_path / "out") / "items.parquet")
    assert items.to_dict(as_series=False) == {
        "item": [10, 11, 12],
        "tag": [["8"], ["27", "9"], ["26"]],
        "first_level_category": ["8", "27", None],
        "second_level_category": ["673", None, None],
        "third_level_category": ["2434", None, None],
        "topic_tag": [["五爱市场", "搞笑"], [], None],
        "author": ["41", "41", "43"],
        "video_type": ["NORMAL", "NORMAL", "AD"],
        "upload_type": ["ShortImport", "Web", "Web"],
        "music": ["501", "503", None],
        "video_tag": ["1008", None, "1026"],
    }


def test_every_feature_of_the_users_is_what_the_file_says(folder: Path, tmp_path: Path) -> None:
    users = pl.read_parquet(prepare(folder, tmp_path / "out") / "users.parquet")
    rows = csv_rows(folder / "data" / tiny.USERS)
    numbers = {"follow_user_num", "fans_user_num", "friend_user_num", "register_days"}
    for name in users.columns[1:]:
        texts = [row[name] or None for row in rows]
        assert users[name].to_list() == ([float(text or "nan") for text in texts] if name in numbers else texts)
    assert users["user"].to_list() == [1, 2]
    assert users.width == 31


def test_repeated_rows_and_ratios_above_ten_are_dropped_and_counted(folder: Path, tmp_path: Path) -> None:
    out = prepare(folder, tmp_path / "out")
    counts = read_json(out / "counts.json")
    assert {step["rule"]: (step["rows"], step["users"], step["items"]) for step in counts["rules"]} == {
        "as read": (6, 3, 4),
        "zero_duration: drop": (6, 3, 4),
        "repeated_key: keep_first": (5, 3, 4),
        "largest_ratio: 10": (4, 3, 3),
    }
    assert {rule: numbers["rows"] for rule, numbers in counts["logs"].items()} == {"big": 4, "small": 2}
    assert pl.read_parquet(out / "interactions.parquet")["raw_row"].to_list() == [0, 2, 3, 5, 6, 7]
    assert counts["without_features"] == {"users": {"users": 1, "rows": 1}, "items": {"items": 1, "rows": 1}}


def test_rows_under_other_readings_are_counted(folder: Path) -> None:
    assert counted_readings("kuairec", folder, tiny.CARD) == {
        "big matrix": (6, 3, 4),
        "big matrix, without repeated (user, video, time)": (5, 3, 4),
        "big matrix, every (user, video) once": (5, 3, 4),
        "big matrix, watched at all": (5, 3, 3),
        "big matrix, watched at all, less than ten times": (4, 3, 2),
        "big matrix, no advertisements, watched at all (HEGM)": (4, 3, 2),
        "big matrix, no advertisements, watched at all, less than ten times (EGMN, DADF)": (4, 3, 2),
        "small matrix": (2, 2, 2),
        "both matrices (GR)": (8, 3, 4),
    }


@pytest.mark.parametrize(("absent", "log"), [(tiny.SMALL, "big"), (tiny.BIG, "small")])
def test_one_matrix_is_enough(folder: Path, absent: str, log: str) -> None:
    (folder / "data" / absent).unlink()
    frame = flat("kuairec", folder, tiny.CARD)
    assert frame["log"].unique().to_list() == [log]
    assert frame["raw_row"].to_list() == list(range(len(frame)))


def test_without_the_optional_tables_their_features_are_missing(folder: Path, tmp_path: Path) -> None:
    for name in (tiny.CAPTIONS, tiny.DAILY):
        (folder / "data" / name).unlink()
    out = prepare(folder, tmp_path / "out", KEEP_ALL)
    log = Log.read(out)
    assert log.values("tag").to_list()[:3] == [["8"], ["8"], ["27", "9"]]
    for name in ("topic_tag", "first_level_category", "author", "video_type", "music", "video_tag", "video_age"):
        assert log.values(name).null_count() == 8
    encoded = Encoding.fit(log, tiny.CARD).encode(log, ["watch_time"])
    assert not encoded.categorical[:, encoded.fields.index("author")].any()
    assert not any("advertisements" in one["rule"] for one in read_json(out / "counts.json")["candidates"])


def test_daily_counts_are_not_read(folder: Path) -> None:
    """They describe the days of the log, so no value of theirs may reach a feature."""
    before = flat("kuairec", folder, tiny.CARD)
    rewrite(folder / "data" / tiny.DAILY, lambda text: text.replace(",7" * tiny.COUNTS, ",999" * tiny.COUNTS))
    assert flat("kuairec", folder, tiny.CARD).equals(before)


def test_two_runs_write_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    first, second = (prepare(folder, tmp_path / name) for name in ("a", "b"))
    assert hashes(first) == hashes(second)


def check_against_csv(folder: Path) -> None:
    """Compare with the same files as the csv module reads them."""
    frame = flat("kuairec", folder, tiny.CARD)
    rows = [
        row
        for name in (tiny.BIG, tiny.SMALL)
        if (folder / "data" / name).exists()
        for row in csv_rows(folder / "data" / name)
    ]
    assert frame["user"].to_list() == [int(row["user_id"]) for row in rows]
    assert frame["item"].to_list() == [int(row["video_id"]) for row in rows]
    assert frame["watch_time"].to_list() == [int(row["play_duration"]) / 1000 for row in rows]
    assert frame["duration"].to_list() == [int(row["video_duration"]) / 1000 for row in rows]
    ratio = (frame["watch_time"] / frame["duration"]).to_numpy()
    np.testing.assert_allclose(ratio, [float(row["watch_ratio"]) for row in rows], rtol=1e-12)
    clocks = [row["time"] for row in rows]
    assert frame["hour"].to_list() == [str(int(clock[11:13])) if clock else None for clock in clocks]
    assert frame["day"].to_list() == [date.fromisoformat(clock[:10]) if clock else None for clock in clocks]
    times = [row["timestamp"] for row in rows]
    assert frame["timestamp"].to_list() == [round(float(time) * 1000) if time else None for time in times]
    tags = {
        int(row["video_id"]): row["feat"].strip("[]").split(", ") for row in csv_rows(folder / "data" / tiny.CATEGORIES)
    }
    assert frame["tag"].to_list() == [tags[int(row["video_id"])] for row in rows]
    keys = Counter((row["user_id"], row["video_id"], row["timestamp"]) for row in csv_rows(folder / "data" / tiny.BIG))
    found = {one["rule"]: one for one in read("kuairec", folder, tiny.CARD).candidates}
    assert found["big matrix, without repeated (user, video, time)"]["rows"] == len(keys)


def test_simulated_logs_agree_with_a_reading_by_the_csv_module(simulated: Path) -> None:
    check_against_csv(simulated)


def test_simulated_logs_are_the_rows_of_their_truth(simulated: Path, tmp_path: Path) -> None:
    rows = pl.read_parquet(prepare(simulated, tmp_path / "out") / "interactions.parquet")
    truth = Truth.load(simulated / "truth.npz").select(rows["raw_row"].to_numpy())
    np.testing.assert_array_equal(truth.duration_ms, np.round(rows["duration"].to_numpy() * 1000))
    assert rows.filter(log="big").height < ROWS
    assert rows.filter(log="small").height > 0.9 * (USERS // 5) * (ITEMS // 5)
    log = Log.read(tmp_path / "out")
    encoding = Encoding.fit(log, tiny.CARD)
    for name in ("gr", "egmn"):
        assert len(encoding.select(tiny.CARD.feature_sets[name]).fields) == len(tiny.CARD.feature_sets[name])
    assert min(encoding.cardinalities.values()) > 1


@pytest.mark.skipif(not REAL.is_dir(), reason="the real sample ../shared/data/kuairec_sample is not there")
def test_the_real_sample_agrees_with_a_reading_by_the_csv_module() -> None:
    check_against_csv(REAL)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real sample ../shared/data/kuairec_sample is not there")
def test_the_real_sample_has_its_published_numbers(tmp_path: Path) -> None:
    out = prepare(REAL, tmp_path / "out")
    users, items = (pl.read_parquet(out / f"{name}.parquet") for name in ("users", "items"))
    assert (users.height, items.height) == (7_176, 10_728)
    steps = {step["rule"]: step["rows"] for step in read_json(out / "counts.json")["rules"]}
    assert steps == {
        "as read": 1000,
        "zero_duration: drop": 1000,
        "repeated_key: keep_first": 1000,
        "largest_ratio: 10": 998,
    }
    assert items["topic_tag"].list.len().value_counts().sort("topic_tag").rows()[:2] == [(0, 4_611), (1, 1_488)]
    assert items["first_level_category"].null_count() == 40
    assert items["second_level_category"].null_count() == 3_583
    assert items["third_level_category"].null_count() == 6_832
    assert items["tag"].list.len().value_counts(sort=True).rows() == [(1, 8_970), (2, 1_562), (3, 185), (4, 11)]
    assert items["author"].null_count() == 10_728


MALFORMED: dict[str, tuple[str, Change, str]] = {
    "missing column": (
        tiny.BIG,
        replaced("play_duration", "play_time"),
        "the column 'play_duration' is missing, found 'play_time' instead.",
    ),
    "unknown column": (
        tiny.SMALL,
        lambda text: "\n".join(f"{line},x" for line in text.split("\n")[:-1]) + "\n",
        "unknown column 'x', allowed: user_id, video_id",
    ),
    "other delimiter": (tiny.BIG, lambda text: text.replace(",", ";"), "the header is separated by semicolons, commas"),
    "cut last row": (
        tiny.SMALL,
        lambda text: text[:-8],
        "row 2: found 4 fields, 8 are expected; it is the last row: the file may be cut off.",
    ),
    "negative play time": (
        tiny.BIG,
        replaced("1,11,0,", "1,11,-1,"),
        "row 3, column play_duration: found '-1', allowed: a number of at least 0.",
    ),
    "empty play time": (
        tiny.SMALL,
        replaced(",3000,", ",,"),
        "row 2, column play_duration: found an empty cell, allowed",
    ),
    "empty duration": (tiny.BIG, replaced("66000,6000", "66000,"), "row 5, column video_duration: found an empty cell"),
    "user that is no number": (tiny.BIG, replaced("9,99", "nine,99"), "row 6, column user_id: found 'nine', allowed"),
    "impossible day": (
        tiny.BIG,
        replaced("20200707", "20200732"),
        "row 6, column date: found '20200732', allowed: a day such as 20200705.",
    ),
    "day with other decimals": (
        tiny.SMALL,
        replaced("20200706.0", "20200706.5"),
        "row 1, column date: found '20200706.5'",
    ),
    "time that is no number": (
        tiny.BIG,
        replaced("1594022400.0", "yesterday"),
        "row 4, column timestamp: found 'yesterday', allowed: seconds since 1970 such as 1593878903.438.",
    ),
    "time in more than milliseconds": (
        tiny.BIG,
        replaced("1594022400.0", "1594022400.0001"),
        "row 4, column timestamp: found '1594022400.0001'",
    ),
    "category that is no list": (
        tiny.CATEGORIES,
        replaced("[26]", "26"),
        "row 3, column feat: found '26', allowed: a list such as [27, 9].",
    ),
    "category that is no number": (
        tiny.CATEGORIES,
        replaced("[27, 9]", "[27, x]"),
        "row 2, column feat: found '[27, x]'",
    ),
    "list left open": (tiny.CATEGORIES, replaced("[26]", "[26"), "row 3, column feat: found '[26', allowed: a list"),
    "topics without brackets": (
        tiny.CAPTIONS,
        replaced("[五爱市场,搞笑]", "五爱市场,搞笑"),
        "row 2, column topic_tag: found '五爱市场,搞笑', allowed: a list such as [food,travel].",
    ),
    "upload day that is no day": (
        tiny.DAILY,
        replaced("2020-07-06", "6.7.2020"),
        "row 3, column upload_dt: found '6.7.2020', allowed: a day such as 2020-06-30.",
    ),
    "repeated user": (
        tiny.USERS,
        lambda text: text + tiny.USER_ROWS[0] + "\n",
        "user_id 1 has 2 rows, one is allowed.",
    ),
    "repeated video": (tiny.CATEGORIES, lambda text: text + "12,[26]\n", "video_id 12 has 2 rows, one is allowed."),
    "repeated caption": (
        tiny.CAPTIONS,
        lambda text: text + tiny.CAPTION_ROWS[0] + "\n",
        "video_id 11 has 2 rows, one is allowed.",
    ),
    "empty log": (tiny.BIG, lambda text: "", "the file is empty"),
    "only a header": (tiny.DAILY, lambda text: tiny.DAILY_HEADER + "\n", "the file has a header but no rows."),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_file_is_one_sentence_and_writes_nothing(folder: Path, case: str) -> None:
    name, change, sentence = MALFORMED[case]
    rewrite(folder / "data" / name, change)
    refuse(folder, folder / "data" / name, sentence)


def test_a_file_that_is_not_utf_8_is_named_with_its_row(folder: Path) -> None:
    path = folder / "data" / tiny.CAPTIONS
    path.write_bytes(path.read_bytes().replace("搞".encode(), b"\xff"))
    refuse(folder, path, "row 2 is not UTF-8 text.")


@pytest.mark.parametrize("name", [tiny.USERS, tiny.CATEGORIES])
def test_a_missing_table_is_named(folder: Path, name: str) -> None:
    (folder / "data" / name).unlink()
    refuse(folder, folder / "data" / name, "the file does not exist.")


def test_a_folder_without_any_log_is_named(folder: Path) -> None:
    for name in (tiny.BIG, tiny.SMALL):
        (folder / "data" / name).unlink()
    expected = "no log was found, at least one is needed: data/big_matrix.csv, data/small_matrix.csv."
    refuse(folder, folder, expected)


def test_an_absent_folder_is_named(tmp_path: Path) -> None:
    refuse(tmp_path / "nowhere", tmp_path / "nowhere", "the folder does not exist")
