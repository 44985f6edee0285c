"""The loader of Criteo-SSC on a hand-made file, malformed ones, a simulated log and the real sample if it is there."""

from __future__ import annotations

import csv
import datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy import stats

import raw_logs
import refusals
import tiny_criteo as tiny
from refusals import Change, rewrite
from simulated_folder import hashes
from watchtime.core.catalog import find_root
from watchtime.core.files import read_json
from watchtime.datasets.simulator.criteo_ssc import simulate
from watchtime.datasets.simulator.truth import Truth

REAL = find_root().parent / "shared" / "data" / "criteo_ssc_sample"
LEAKS = {"product_price", "sale", "conversion_delay"}
COLUMNS = [
    *("sale", "amount", "conversion_delay", "second", "clicks_in_a_week", "product_price"),
    *("product_age_group", "device_type", "audience_id", "product_gender", "product_brand"),
    *(f"product_category_{level}" for level in range(1, 8)),
    *("product_country", "item", "product_title", "partner_id", "user"),
]

prepare = partial(raw_logs.prepared, "criteo_ssc", tiny.CARD)
refuse = partial(refusals.refuse, "criteo_ssc", tiny.CARD)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.write_folder(tmp_path / "raw")


def test_every_column(folder: Path, tmp_path: Path) -> None:
    frame = prepare(folder, tmp_path / "out")
    first, second = datetime.date(2020, 8, 5), datetime.date(2020, 8, 6)
    assert {name: frame[name].to_list() for name in frame.columns} == {
        "user": ["USER1", "USER2", "USER1", "USER3", "USER3", "USER2"],
        "item": ["PX", "PY", "PX", "PX", "PX", "PY"],
        "raw_row": [0, 1, 2, 3, 4, 5],
        "ltv": [0.0, 29.99, 4.3021400000000005, 0.0, 0.0, 29.99],
        "timestamp": [None, 1596585600000, 1596671999000, 1596672000000, 1596672001000, 1596585600000],
        "day": [None, first, first, second, second, first],
        "clicks_in_a_week": [None, 7.0, 0.0, 12.0, 12.0, 7.0],
        "product_age_group": [None, "kid", "kid", "kid", "kid", "kid"],
        "device_type": ["2", "1", "1", "1.0", "1", "1"],
        "audience_id": ["401", None, "0", "0", "0", None],
        "product_gender": ["F", None, "M", "M", "M", None],
        "product_brand": [None, "B", "B", "0", "0", "B"],
        "product_category_1": ["A1"] * 6,
        "product_category_2": ["A2", "A2", None, None, None, "A2"],
        "product_category_3": ["A3", "A3", None, None, None, "A3"],
        **{f"product_category_{level}": [None, f"A{level}", None, None, None, f"A{level}"] for level in range(4, 8)},
        "product_country": ["10", "10", "11", "11", "11", "10"],
        "product_title": [None, "T1 T2", "T3", "T3", "T3", "T1 T2"],
        "partner_id": ["SELLER", "SELLER", None, "OTHER", "OTHER", "SELLER"],
    }


def test_leaks_are_columns_only_where_they_are_asked_for(folder: Path, tmp_path: Path) -> None:
    closed, leaking = prepare(folder, tmp_path / "closed"), prepare(folder, tmp_path / "open", leaks="open")
    assert set(leaking.columns) - set(closed.columns) == LEAKS
    assert_frame_equal(leaking.select(closed.columns), closed)
    assert leaking["sale"].to_list() == ["0", "1", "1", "0", "1", "1"]
    assert leaking["product_price"].to_list() == [0.0, 31.5, 4.5, None, 2.0, 31.5]
    assert leaking["conversion_delay"].to_list() == [None, 3600.0, None, None, 60.0, 3600.0]
    assert not LEAKS & set(tiny.CARD.under({}).features)
    assert set(tiny.CARD.under({"leaks": "open"}).features) >= LEAKS


def test_what_the_papers_may_have_counted(folder: Path, tmp_path: Path) -> None:
    prepare(folder, tmp_path / "out")
    counts = read_json(tmp_path / "out" / "counts.json")
    assert counts["candidates"] == [
        {"rule": "all lines", "rows": 6, "users": 3, "items": 2, "positives": 3, "sales": 4},
        {
            "rule": "without the first line, read as a header",
            "rows": 5,
            "users": 3,
            "items": 2,
            "positives": 3,
            "sales": 4,
        },
    ]
    assert counts["rules"] == [{"rule": "as read", "rows": 6, "users": 3, "items": 2, "positives": 3}]


def test_two_runs_write_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    for run in ("a", "b"):
        prepare(folder, tmp_path / run)
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")


def cell(line: int, column: str, value: str) -> Change:
    def change(text: str) -> str:
        lines = [one.split("\t") for one in text.split("\n")]
        lines[line - 1][COLUMNS.index(column)] = value
        return "\n".join("\t".join(cells) for cells in lines)

    return change


MALFORMED: dict[str, tuple[Change, str]] = {
    "commas": (lambda text: text.replace("\t", ","), "the first row is separated by commas, tabs are expected."),
    "sale of 2": (
        cell(2, "sale", "2"),
        "row 2, column sale: found '2', allowed: a whole number from 0 to 1.",
    ),
    "a header": (lambda text: "Sale\t" + "\t".join(COLUMNS[1:]) + "\n" + text, "row 1, column sale: found 'Sale'"),
    "negative amount": (cell(3, "amount", "-2"), "row 3, column amount: found '-2', allowed: a number of at least 0"),
    "amount that is no number": (cell(2, "amount", "29,99"), "row 2, column amount: found '29,99'"),
    "empty amount": (cell(1, "amount", ""), "row 1, column amount: found an empty cell"),
    "time that is no number": (cell(4, "second", "noon"), "row 4, column second: found 'noon'"),
    "no user": (cell(5, "user", ""), "row 5, column user_id: found an empty cell"),
    "no product": (cell(6, "item", ""), "row 6, column product_id: found an empty cell"),
    "short line": (
        lambda text: text.replace("\tSELLER\tUSER1", ""),
        "row 1: found 21 fields, 23 are expected.",
    ),
    "cut last line": (lambda text: text[:-30], "row 6: found"),
    "blank line": (lambda text: text.replace("\n", "\n\n", 1), "row 2: found 0 fields, 23 are expected."),
    "empty file": (lambda text: "", "the file is empty."),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_file_is_one_sentence_and_writes_nothing(folder: Path, case: str) -> None:
    change, sentence = MALFORMED[case]
    rewrite(folder / tiny.FILE, change)
    refuse(folder, folder / tiny.FILE, sentence)


def test_a_file_that_is_not_utf_8_is_named_with_its_row(folder: Path) -> None:
    path = folder / tiny.FILE
    path.write_bytes(path.read_bytes().replace(b"USER3", b"USER\xff", 1))
    refuse(folder, path, "row 4 is not UTF-8 text.")


def test_missing_files_and_folders_are_named(folder: Path, tmp_path: Path) -> None:
    (folder / tiny.FILE).unlink()
    refuse(folder, folder / tiny.FILE, "the file does not exist.")
    refuse(tmp_path / "nowhere", tmp_path / "nowhere", "the folder does not exist")


def read_slowly(path: Path) -> list[dict[str, Any]]:
    """The lines as plain Python reads them."""
    rows = []
    with path.open(encoding="utf-8", newline="") as stream:
        for number, cells in enumerate(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)):
            row: dict[str, Any] = dict(zip(COLUMNS, cells, strict=True))
            sale, amount, second = row.pop("sale") == "1", float(row.pop("amount")), int(row.pop("second"))
            del row["conversion_delay"], row["product_price"]
            clicks = row.pop("clicks_in_a_week")
            rows.append(
                {name: None if value == "-1" else value for name, value in row.items()}
                | {
                    "raw_row": number,
                    "ltv": amount if sale and amount >= 0 else 0.0,
                    "timestamp": second * 1000 or None,
                    "day": datetime.datetime.fromtimestamp(second, datetime.UTC).date() if second else None,
                    "clicks_in_a_week": None if clicks == "-1" else float(clicks),
                }
            )
    return rows


def uniform_p_value(law: Truth, amounts: npt.NDArray[np.float64]) -> float:
    """Test that the amounts above 0 lie anywhere in the laws of their own rows alike."""
    sold = amounts > 0
    zero = law.weights[sold, 0]
    return float(stats.kstest((law.cdf(amounts)[sold] - zero) / (1 - zero), "uniform").pvalue)


def test_a_simulated_log_is_read_as_slowly_by_hand_and_follows_its_truth(tmp_path: Path) -> None:
    simulate(tmp_path / "raw", rows=20_000, users=600, items=100, days=20, seed=5)
    frame = prepare(tmp_path / "raw", tmp_path / "out")
    expected = read_slowly(tmp_path / "raw" / tiny.FILE)
    assert_frame_equal(frame, pl.DataFrame(expected, schema=frame.schema), check_exact=True)
    assert frame["timestamp"].null_count() == 10
    law = Truth.load(tmp_path / "raw" / "truth.npz", "ltv")
    assert len(law) == frame.height
    assert uniform_p_value(law, frame["ltv"].to_numpy()) > 1e-3
    assert uniform_p_value(law.select(np.roll(np.arange(len(law)), 1)), frame["ltv"].to_numpy()) < 1e-6


@pytest.mark.skipif(not REAL.is_dir(), reason="the real sample ../shared/data/criteo_ssc_sample is not there")
def test_the_real_sample(tmp_path: Path) -> None:
    frame = prepare(REAL, tmp_path / "out", leaks="open")
    expected = read_slowly(REAL / tiny.FILE)
    closed = [name for name in frame.columns if name not in LEAKS]
    schema = {name: frame.schema[name] for name in closed}
    assert_frame_equal(frame.select(closed), pl.DataFrame(expected, schema=schema), check_exact=True)
    assert (frame.height, int((frame["ltv"] > 0).sum())) == (24_079, 998)
    # why the price is closed: it is above 0 exactly where something was sold
    assert ((frame["product_price"] > 0) == (frame["ltv"] > 0)).all()
    assert frame["conversion_delay"].count() == 988
