"""The loader of CIKM16 on a hand-made folder, malformed files, a simulated log and the real sample if it is there."""

from __future__ import annotations

import datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import raw_logs
import refusals
import tiny_cikm16 as tiny
from refusals import Change, replaced, rewrite
from simulated_folder import assert_follows, hashes
from watchtime.core.catalog import find_root
from watchtime.core.files import read_json
from watchtime.datasets.log import TABLES
from watchtime.datasets.simulator.cikm16 import simulate
from watchtime.datasets.simulator.truth import Truth

REAL = find_root().parent / "shared" / "data" / "cikm16_sample"
DAYS = {day: datetime.date(2016, 1, day) for day in range(1, 6)}

prepare = partial(raw_logs.prepared, "cikm16", tiny.CARD)
refuse = partial(refusals.refuse, "cikm16", tiny.CARD)
csv_rows = partial(raw_logs.csv_rows, delimiter=";")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.write_folder(tmp_path / "raw")


def test_every_column_of_the_sum_of_queries(folder: Path, tmp_path: Path) -> None:
    frame = prepare(folder, tmp_path / "out")
    assert {name: frame[name].to_list() for name in frame.columns} == {
        "user": ["7", "session 2", "5", "9"],
        "item": [12, 12, 32, 12],
        "raw_row": [0, 1, 2, 3],
        "day": [DAYS[1], DAYS[2], DAYS[4], DAYS[5]],
        "views_span": pytest.approx([0.4, 0.0, 0.11, 1.1], rel=1e-15),
        "watch_time": pytest.approx([0.931, 0.031, 5.999, 3.0], rel=1e-15),
        "items_viewed": [["12", "11", "13"], ["12"], [str(item) for item in range(32, 22, -1)], ["12", "14"]],
        "categories_viewed": [["300", "100", "100"], ["300"], ["400"] * 10, ["300"]],
        "query_tokens": [["5", "6"], [str(token) for token in range(9, 19)], ["4"], ["1", "2"]],
    }


def test_the_first_query_alone(folder: Path, tmp_path: Path) -> None:
    frame = prepare(folder, tmp_path / "out", join="first_query")
    assert frame["user"].to_list() == ["7", "session 2", "5", "session 5", "9"]
    assert frame["watch_time"].to_list() == pytest.approx([0.231, 0.031, 5.999, 0.1, 1.0], rel=1e-15)
    assert frame["query_tokens"].to_list()[:1] == [[]]
    assert frame["query_tokens"].to_list()[3:] == [["8"], ["1"]]


def test_views_alone_need_no_queries(folder: Path, tmp_path: Path) -> None:
    (folder / tiny.QUERIES).unlink()
    frame = prepare(folder, tmp_path / "out", join="views_only")
    assert frame["user"].to_list() == ["7", "session 2", "5", "5", "session 5", "9"]
    assert frame["views_span"].to_list() == pytest.approx([0.4, 0.0, 0.0, 0.11, 0.0, 1.1], rel=1e-15)
    assert set(frame.columns) == {
        *("user", "item", "raw_row", "day", "views_span", "items_viewed", "categories_viewed"),
    }


def test_the_number_of_views_may_stand_for_a_duration(folder: Path, tmp_path: Path) -> None:
    options = {"duration": "list_length"}
    assert prepare(folder, tmp_path / "out", **options)["duration"].to_list() == [3.0, 1.0, 12.0, 2.0]
    assert tiny.CARD.under(options).provides == ["day", "duration"]
    assert tiny.CARD.under({}).provides == ["day"]


def test_lists_are_cut_where_the_option_says(folder: Path, tmp_path: Path) -> None:
    frame = prepare(folder, tmp_path / "out", longest_list=2)
    assert frame["items_viewed"].to_list() == [["12", "11"], ["12"], ["32", "31"], ["12", "14"]]
    assert frame["query_tokens"].to_list() == [["5", "6"], ["9", "10"], ["4"], ["1", "2"]]


def test_items_have_their_category(folder: Path, tmp_path: Path) -> None:
    prepare(folder, tmp_path / "out")
    items = pl.read_parquet(tmp_path / "out" / TABLES["item"])
    assert items.head(3).rows() == [(12, "300"), (11, "100"), (13, "100")]


def test_every_reading_is_counted(folder: Path, tmp_path: Path) -> None:
    prepare(folder, tmp_path / "out")
    counts = read_json(tmp_path / "out" / "counts.json")
    keys = ("rows", "users", "items", "views", "mean_list_length", "sessions")
    found = {
        one["rule"]: tuple(one[key] for key in keys if key in one) for one in counts["before"] + counts["candidates"]
    }
    both = "sessions with item views and a query"
    assert found == {
        "item views as read": (20, 5, 16, 6),
        "item views, all unknown users one": (20, 5, 16, 6),
        "item views, all unknown users one, the header counted as a view of its own": (21, 6, 17, 7),
        "sessions with item views": (6, 5, 16, 20, 20 / 6),
        both: (5, 5, 16, 19, 19 / 5),
        "the sum of its queries below 6,000 ms": (4, 4, 16, 18, 18 / 4),
        f"{both}, the sum of its queries below 6,000 ms": (4, 4, 16, 18, 18 / 4),
        f"{both}, its first query below 6,000 ms": (5, 5, 16, 19, 19 / 5),
    }
    assert counts["rules"] == [{"rule": "as read", "rows": 4, "users": 4, "items": 2, "positives": 4}]
    assert counts["before"][-1]["rows"] == 4


def test_two_runs_write_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    for run in ("a", "b"):
        prepare(folder, tmp_path / run)
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")


MALFORMED: dict[str, tuple[str, Change, str]] = {
    "missing column": (tiny.VIEWS, replaced("timeframe", "time"), "the column 'timeframe' is missing"),
    "commas": (tiny.VIEWS, lambda text: text.replace(";", ","), "separated by commas, semicolons are expected."),
    "session without a number": (
        tiny.VIEWS,
        replaced("10;8", "x;8"),
        "row 4, column sessionId: found 'x', allowed: a who",
    ),
    "user that is neither a number nor NA": (
        tiny.VIEWS,
        replaced("1;NA;11", "1;na;11"),
        "row 1, column userId: found 'na', allowed: a whole number of at least 0 or 'NA'.",
    ),
    "impossible day": (tiny.VIEWS, replaced("2016-01-03", "2016-13-03"), "row 7, column eventdate: found '2016-13-03'"),
    "negative time": (tiny.VIEWS, replaced(";900;", ";-9;"), "row 5, column timeframe: found '-9', allowed"),
    "duration that is no number": (tiny.QUERIES, replaced(";700;", ";0.7s;"), "row 1, column duration: found '0.7s'"),
    "empty duration": (tiny.QUERIES, replaced(";31;", ";;"), "row 3, column duration: found an empty cell, allowed"),
    "cut last row": (tiny.QUERIES, lambda text: text[:-20], "it is the last row: the file may be cut off."),
    "repeated product": (tiny.CATEGORIES, lambda text: text + "12;1\n", "itemId 12 has 2 rows, one is allowed."),
    "only a header": (tiny.QUERIES, lambda text: tiny.QUERY_HEADER + "\n", "the file has a header but no rows."),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_file_is_one_sentence_and_writes_nothing(folder: Path, case: str) -> None:
    name, change, sentence = MALFORMED[case]
    rewrite(folder / name, change)
    refuse(folder, folder / name, sentence)


@pytest.mark.parametrize("name", [tiny.VIEWS, tiny.QUERIES, tiny.CATEGORIES])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    refuse(folder, folder / name, "the file does not exist.")


def test_an_absent_folder_is_named(tmp_path: Path) -> None:
    refuse(tmp_path / "nowhere", tmp_path / "nowhere", "the folder does not exist")


def test_a_log_in_which_no_session_is_left_is_refused(folder: Path) -> None:
    (folder / tiny.QUERIES).write_text(tiny.QUERY_HEADER + "\n" + tiny.QUERY_ROWS[6] + "\n", encoding="utf-8")
    refuse(folder, folder, "no session has item views, a query, and the sum of its queries")


def test_a_list_of_length_0_is_refused(folder: Path) -> None:
    refuse(folder, "CIKM16", "longest_list: found 0, allowed: at least 1.", longest_list=0)


def read_slowly(folder: Path, join: str) -> list[dict[str, Any]]:
    """The sessions as plain Python reads them."""
    views: dict[int, list[dict[str, str]]] = {}
    for row in csv_rows(folder / tiny.VIEWS):
        views.setdefault(int(row["sessionId"]), []).append(row)
    queries: dict[int, list[dict[str, str]]] = {}
    for row in csv_rows(folder / tiny.QUERIES) if join != "views_only" else []:
        queries.setdefault(int(row["sessionId"]), []).append(row)
    category = {row["itemId"]: row["categoryId"] for row in csv_rows(folder / tiny.CATEGORIES)}
    sessions: list[dict[str, Any]] = []
    for number in sorted(views):
        seen = sorted(views[number], key=lambda row: int(row["timeframe"]))
        known = [row["userId"] for row in seen if row["userId"] != "NA"]
        first_ten = [row["itemId"] for row in seen][:10]
        session: dict[str, Any] = {
            "user": known[0] if known else f"session {number}",
            "item": int(seen[0]["itemId"]),
            "day": datetime.date.fromisoformat(seen[0]["eventdate"]),
            "views_span": (int(seen[-1]["timeframe"]) - int(seen[0]["timeframe"])) / 1000,
            "items_viewed": first_ten,
            "categories_viewed": [category[item] for item in first_ten if item in category],
        }
        if join != "views_only":
            asked = sorted(queries.get(number, []), key=lambda row: int(row["timeframe"]))
            asked = asked if join == "sum_of_queries" else asked[:1]
            duration = sum(int(row["duration"]) for row in asked)
            if not asked or duration >= 6000:
                continue
            words = [word for row in asked for word in row["searchstring.tokens"].split(",") if word]
            session |= {"watch_time": duration / 1000, "query_tokens": words[:10]}
        sessions.append({"raw_row": len(sessions), **session})
    return sessions


def assert_same_rows(frame: pl.DataFrame, expected: list[dict[str, Any]]) -> None:
    """Equal in every column; seconds may differ in their last bit."""
    assert_frame_equal(frame, pl.DataFrame(expected, schema=frame.schema), check_column_order=False, rel_tol=1e-15)


SIZES = {"rows": 1500, "users": 100, "items": 120, "days": 20, "seed": 5}


@pytest.mark.parametrize("join", ["sum_of_queries", "first_query", "views_only"])
def test_a_simulated_log_is_read_as_slowly_by_hand(tmp_path: Path, join: str) -> None:
    simulate(tmp_path / "raw", **SIZES)
    expected = read_slowly(tmp_path / "raw", join)
    frame = prepare(tmp_path / "raw", tmp_path / "out", join=join)
    assert_same_rows(frame, expected)


def test_the_truth_of_a_simulated_log_is_that_of_its_rows(tmp_path: Path) -> None:
    simulate(tmp_path / "raw", **SIZES)
    frame = prepare(tmp_path / "raw", tmp_path / "out")
    law = Truth.load(tmp_path / "raw" / "truth.npz")
    assert frame["raw_row"].to_list() == list(range(len(law)))
    assert_follows(law, frame["watch_time"].to_numpy())


@pytest.mark.skipif(not REAL.is_dir(), reason="the real sample ../shared/data/cikm16_sample is not there")
def test_the_real_sample(tmp_path: Path) -> None:
    frame = prepare(REAL, tmp_path / "out", join="views_only")
    expected = read_slowly(REAL, "views_only")
    assert len(expected) == 2986
    assert_same_rows(frame, expected)
    counts = read_json(tmp_path / "out" / "counts.json")
    assert counts["before"][0] == {
        "rule": "item views as read",
        "rows": 12_391,
        "users": 1_271,
        "items": 7_139,
        "sessions": 2_986,
    }
    assert counts["without_features"]["items"] == {"items": 0, "rows": 0}
