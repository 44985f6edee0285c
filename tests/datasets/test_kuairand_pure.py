"""The loader of KuaiRand-Pure on a hand-made folder, on malformed files, and on the real sample where it is there."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import tiny_kuairand as tiny
from raw_logs import flat, gathered, read
from watchtime.core.catalog import find_root
from watchtime.core.errors import WatchtimeError
from watchtime.core.files import read_json
from watchtime.core.seal import file_hash
from watchtime.datasets.interactions import apply_rules, without_features
from watchtime.datasets.prepare import prepare_interactions

REAL = find_root().parent / "shared" / "data" / "kuairand_pure_sample"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.write_folder(tmp_path / "raw")


def test_units_hours_and_base_columns_are_read(folder: Path) -> None:
    frame = flat("kuairand_pure", folder, tiny.CARD)
    assert frame["user"].to_list() == [1, 2, 1, 3, 9, 1, 2]
    assert frame["item"].to_list() == [10, 10, 10, 11, 11, 99, 12]
    assert frame["watch_time"].to_list() == [1.5, 0.0, 1.7, 0.5, 5.0005, 3.0, 24.0]
    assert frame["duration"].to_list() == [10.0, 10.0, 10.0, 0.0, 20.0, 3.0, 2.0]
    assert frame["hour"].to_list() == ["0", "23", "0", "1", "10", "13", "13"]
    assert frame["tab"].to_list() == ["1", "1", "1", "4", "0", "1", "15"]
    assert frame["day"].to_list()[3:5] == [datetime.date(2022, 4, 26)] * 2
    assert frame["timestamp"][0] == 1650812741436
    assert frame["raw_row"].to_list() == list(range(7))
    assert frame["long_view"].to_list() == [1, 0, 1, 0, 0, 0, 0]


def test_features_are_joined_and_what_is_missing_stays_null(folder: Path) -> None:
    frame = flat("kuairand_pure", folder, tiny.CARD)
    assert frame["tag"].to_list() == [["39"]] * 3 + [["67", "11"]] * 2 + [None, None]
    assert frame["video_age"].to_list() == [15.0, 15.0, 15.0, 0.0, 0.0, None, None]
    assert frame["author"].to_list()[4:] == ["2103883", None, "2103883"]
    assert frame["fans_user_num_range"].to_list()[:5] == ["[100,1k)", "0", "[100,1k)", "[1,10)", None]
    assert frame["follow_user_num"].to_list()[:5] == [514.0, 5.0, 514.0, None, None]
    assert frame["is_live_streamer"][0] == "-124"


def test_whole_floats_and_integers_are_one_category(folder: Path) -> None:
    frame = flat("kuairand_pure", folder, tiny.CARD)
    assert frame["onehot_feat4"].to_list()[:4] == ["1", None, "1", "12"]
    assert frame["onehot_feat12"].to_list()[:4] == ["0", None, "0", "1"]
    assert frame["music_type"].to_list()[:4] == ["9", "9", "9", None]


def test_users_and_videos_without_feature_rows_are_counted(folder: Path) -> None:
    raw = read("kuairand_pure", folder, tiny.CARD)
    counts = without_features(raw.rows.collect(), raw.tables)
    assert counts == {"users": {"users": 1, "rows": 1}, "items": {"items": 1, "rows": 1}}


def test_two_logs_follow_each_other(folder: Path) -> None:
    tiny.write_file(folder / "data" / tiny.FIRST_LOG, tiny.LOG_HEADER, tiny.LOG_ROWS[5:])
    frame = flat("kuairand_pure", folder, tiny.CARD)
    assert frame["user"].to_list() == [1, 2, 1, 2, 1, 3, 9, 1, 2]
    assert frame["raw_row"].to_list() == list(range(9))


def test_columns_may_come_in_any_order_with_a_byte_order_mark_and_windows_line_ends(folder: Path) -> None:
    expected = flat("kuairand_pure", folder, tiny.CARD)
    rows = [",".join(reversed(row.split(","))) for row in [tiny.LOG_HEADER, *tiny.LOG_ROWS]]
    text = "\ufeff" + "\r\n".join(rows) + "\r\n"
    (folder / "data" / tiny.SECOND_LOG).write_bytes(text.encode())
    assert flat("kuairand_pure", folder, tiny.CARD).equals(expected)


def test_two_runs_write_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    for run in ("a", "b"):
        prepare_interactions("kuairand_pure", folder, {}, tiny.CARD.rules, tiny.CARD, tmp_path / run)
    for name in ("interactions.parquet", "users.parquet", "items.parquet", "counts.json"):
        assert file_hash(tmp_path / "a" / name) == file_hash(tmp_path / "b" / name)
    assert [step["rows"] for step in read_json(tmp_path / "a" / "counts.json")["rules"]] == [7, 6, 5, 4]


Change = Callable[[str], str]


def row(number: int, column: int, value: str) -> Change:
    """Return a change of one cell of a file without quoted cells."""

    def change(text: str) -> str:
        lines = text.split("\n")
        cells = lines[number].split(",")
        cells[column] = value
        lines[number] = ",".join(cells)
        return "\n".join(lines)

    return change


PLAY, DURATION, TIME, DATE, HOUR = 12, 13, 4, 2, 3
MALFORMED: dict[str, tuple[str, Change, str]] = {
    "missing column": (
        tiny.SECOND_LOG,
        lambda text: text.replace("play_time_ms", "play_time"),
        "the column 'play_time_ms' is missing, found 'play_time' instead.",
    ),
    "extra column": (
        tiny.VIDEOS,
        lambda text: "\n".join(line + ",x" for line in text.split("\n")[:-1]),
        "unknown column 'x', allowed: video_id, author_id",
    ),
    "repeated column": (
        tiny.SECOND_LOG,
        lambda text: text.replace("is_rand", "tab", 1),
        "the column 'tab' appears 2 times in the header.",
    ),
    "other delimiter": (
        tiny.SECOND_LOG,
        lambda text: text.replace(",", ";"),
        "the header is separated by semicolons, commas are expected.",
    ),
    "tabs": (
        tiny.VIDEOS,
        lambda text: text.replace(",", "\t"),
        "the header is separated by tabs, commas are expected.",
    ),
    "cut last row": (
        tiny.SECOND_LOG,
        lambda text: text[:-20],
        "row 7: found 13 fields, 19 are expected; it is the last row: the file may be cut off.",
    ),
    "cut last row of a table whose last cells may be empty": (
        tiny.USERS,
        lambda text: text[:-7],
        "row 3: found 28 fields, 31 are expected; it is the last row: the file may be cut off.",
    ),
    "cut inside a quotation": (
        tiny.VIDEOS,
        lambda text: text[: text.index("67,11") + 2],
        "row 2: a quotation mark is left open; it is the last row: the file may be cut off.",
    ),
    "short row": (
        tiny.SECOND_LOG,
        lambda text: text.replace(tiny.LOG_ROWS[2], "1,10"),
        "row 3: found 2 fields, 19 are expected.",
    ),
    "long row": (
        tiny.SECOND_LOG,
        lambda text: text.replace(tiny.LOG_ROWS[2], tiny.LOG_ROWS[2] + ",0"),
        "row 3: found 20 fields, 19 are expected.",
    ),
    "blank row": (
        tiny.SECOND_LOG,
        lambda text: text.replace(tiny.LOG_ROWS[2], ""),
        "row 3: found 0 fields, 19 are expected.",
    ),
    "header again in the middle": (
        tiny.SECOND_LOG,
        lambda text: text.replace(tiny.LOG_ROWS[3], tiny.LOG_HEADER),
        "row 4, column user_id: found 'user_id' (the header line again?), allowed: a whole number of at least 0.",
    ),
    "empty file": (tiny.SECOND_LOG, lambda text: "", "the file is empty"),
    "empty table": (tiny.USERS, lambda text: "", "the file is empty"),
    "only a header": (tiny.SECOND_LOG, lambda text: tiny.LOG_HEADER + "\n", "the file has a header but no rows."),
    "play time that is no number": (
        tiny.SECOND_LOG,
        row(2, PLAY, "long"),
        "row 2, column play_time_ms: found 'long', allowed: a number of at least 0.",
    ),
    "negative play time": (tiny.SECOND_LOG, row(3, PLAY, "-1"), "row 3, column play_time_ms: found '-1', allowed"),
    "NaN play time": (tiny.SECOND_LOG, row(3, PLAY, "NaN"), "row 3, column play_time_ms: found 'NaN', allowed"),
    "infinite play time": (tiny.SECOND_LOG, row(3, PLAY, "inf"), "row 3, column play_time_ms: found 'inf', allowed"),
    "empty play time": (tiny.SECOND_LOG, row(1, PLAY, ""), "row 1, column play_time_ms: found an empty cell, allowed"),
    "negative duration": (tiny.SECOND_LOG, row(1, DURATION, "-2"), "row 1, column duration_ms: found '-2', allowed"),
    "empty duration": (tiny.SECOND_LOG, row(7, DURATION, ""), "row 7, column duration_ms: found an empty cell"),
    "user id that is no integer": (
        tiny.SECOND_LOG,
        row(4, 0, "3.5"),
        "row 4, column user_id: found '3.5', allowed: a whole number of at least 0.",
    ),
    "video id that is no integer": (tiny.VIDEOS, row(3, 0, "a12"), "row 3, column video_id: found 'a12', allowed"),
    "negative timestamp": (tiny.SECOND_LOG, row(1, TIME, "-5"), "row 1, column time_ms: found '-5', allowed"),
    "impossible day": (
        tiny.SECOND_LOG,
        row(1, DATE, "20220431"),
        "row 1, column date: found '20220431', allowed: a day such as 20220408.",
    ),
    "day with a digit too few": (tiny.SECOND_LOG, row(1, DATE, "2022048"), "row 1, column date: found '2022048'"),
    "impossible hour": (
        tiny.SECOND_LOG,
        row(1, HOUR, "2400"),
        "row 1, column hourmin: found '2400', allowed: a whole number from 0 to 2359.",
    ),
    "feedback that is not 0 or 1": (tiny.SECOND_LOG, row(1, 5, "2"), "row 1, column is_click: found '2', allowed"),
    "upload day that is no day": (tiny.VIDEOS, row(1, 3, "10.4.2022"), "row 1, column upload_dt: found '10.4.2022'"),
    "repeated user": (
        tiny.USERS,
        lambda text: text + tiny.USER_ROWS[1] + "\n",
        "user_id 2 has 2 rows, one is allowed.",
    ),
    "repeated video": (
        tiny.VIDEOS,
        lambda text: text + tiny.VIDEO_ROWS[0] + "\n",
        "video_id 10 has 2 rows, one is allowed.",
    ),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_file_is_one_sentence_and_writes_nothing(folder: Path, tmp_path: Path, case: str) -> None:
    name, change, sentence = MALFORMED[case]
    path = folder / "data" / name
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    refuse(folder, tmp_path / "out", path, sentence)


@pytest.mark.parametrize("broken", [tiny.SECOND_LOG, tiny.USERS])
def test_a_file_that_is_not_utf_8_is_named_with_its_row(folder: Path, tmp_path: Path, broken: str) -> None:
    path = folder / "data" / broken
    lines = path.read_bytes().split(b"\n")
    lines[2] = lines[2].replace(b"0", b"\xff", 1)
    path.write_bytes(b"\n".join(lines))
    refuse(folder, tmp_path / "out", path, "row 2 is not UTF-8 text.")


def test_a_missing_table_is_named(folder: Path, tmp_path: Path) -> None:
    path = folder / "data" / tiny.VIDEOS
    path.unlink()
    refuse(folder, tmp_path / "out", path, "the file does not exist.")


def test_a_folder_without_any_log_is_named(folder: Path, tmp_path: Path) -> None:
    (folder / "data" / tiny.SECOND_LOG).unlink()
    refuse(folder, tmp_path / "out", folder, "no log was found, at least one is needed: data/log_standard_4_08")


def test_an_absent_folder_is_named(tmp_path: Path) -> None:
    refuse(tmp_path / "nowhere", tmp_path / "out", tmp_path / "nowhere", "the folder does not exist")


def refuse(folder: Path, output: Path, named: Path, sentence: str) -> None:
    """Check that preparing ``folder`` fails with one sentence about ``named`` and leaves nothing behind."""
    with pytest.raises(WatchtimeError) as error:
        prepare_interactions("kuairand_pure", folder, {}, tiny.CARD.rules, tiny.CARD, output)
    message = str(error.value)
    assert message.startswith(f"{named}: ")
    assert sentence in message
    assert "\n" not in message
    assert not output.exists()


@pytest.mark.skipif(not REAL.is_dir(), reason="the real sample ../shared/data/kuairand_pure_sample is not there")
def test_the_real_sample_has_the_published_counts() -> None:
    raw = read("kuairand_pure", REAL, tiny.CARD)
    frame = gathered(raw)
    kept, counts = apply_rules(frame, tiny.CARD.rules, tiny.CARD)
    steps = {step["rule"]: (step["rows"], step["users"], step["items"]) for step in counts}
    assert steps == {
        "as read": (171_671, 24_076, 6_075),
        "zero_duration: drop": (171_671 - 2_646, 24_026, 5_910),
        "repeated_key: keep_first": (171_671 - 2_646 - 4_739, 24_026, 5_910),
        "largest_ratio: 10": (int(kept.sum()), 24_023, 5_910),
    }
    ratio = frame.filter(pl.col("duration") > 0).select(pl.col("watch_time") / pl.col("duration")).to_series()
    assert ratio.median() == pytest.approx(0.093, abs=0.0005)
    assert (ratio >= 10).sum() == 33
    assert frame["watch_time"].max() == pytest.approx(786, abs=1)
    assert frame["day"].n_unique() == 10
    assert without_features(frame, raw.tables) == {"users": {"users": 0, "rows": 0}, "items": {"items": 0, "rows": 0}}
