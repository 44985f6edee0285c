"""The loader of Valued Shoppers on a hand-made file, on malformed ones and on a simulated log."""

from __future__ import annotations

import csv
import datetime
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import raw_logs
import refusals
import tiny_shoppers as tiny
from refusals import Change, replaced, rewrite
from simulated_folder import assert_follows, hashes, simulated_once
from watchtime.core.files import read_json
from watchtime.datasets import valued_shoppers
from watchtime.datasets.simulator.truth import Truth
from watchtime.datasets.simulator.valued_shoppers import simulate

COHORT = "first_purchase_march_to_june"

prepare = partial(raw_logs.prepared, "valued_shoppers", tiny.CARD)
refuse = partial(refusals.refuse, "valued_shoppers", tiny.CARD)
simulated = simulated_once(simulate, rows=3000, users=400, items=30, days=133, seed=5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.write_folder(tmp_path / "raw")


def counts_of(output: Path, part: str) -> dict[str, tuple[int, ...]]:
    keys = ("rows", "users", "items", "positives")
    counts = read_json(output / "counts.json")[part]
    return {one["rule"]: tuple(one[key] for key in keys if key in one) for one in counts}


def test_every_column(folder: Path, tmp_path: Path) -> None:
    frame = prepare(folder, tmp_path / "out")
    march, starts = datetime.date(2012, 3, 2), [datetime.date(2012, 3, 5), datetime.date(2012, 6, 30)]
    days = [march, march, *starts, datetime.date(2012, 7, 1), march, march]
    assert {name: frame[name].to_list() for name in frame.columns} == {
        "user": [12, 13, 11, 12, 4900000000, 14, 15],
        "item": [40, 40, 500, 500, 500, 600, 600],
        "raw_row": [0, 1, 2, 3, 4, 5, 6],
        "ltv": pytest.approx([1.0, 0.0, 0.3, 0.0, 1.0, 0.0, 0.0], rel=1e-15),
        "timestamp": [(day - datetime.date(1970, 1, 1)).days * 86_400_000 for day in days],
        "day": days,
        "chain": ["9", "9", "2", "1", "1", "9", "9"],
        "dept": ["9", "9", "6", "5", "5", "9", "9"],
        "category": ["901", "901", "601", "501", "501", "901", "901"],
        "brand": ["9", "9", "72", "0", "0", "9", "9"],
        "productmeasure": ["OZ", "OZ", "CT", None, "OZ", "OZ", "OZ"],
        "calibration_value": pytest.approx([1.0, 1.25, 17.5, 2.5, 2.0, 6.0, 6.0], rel=1e-15),
        "calibration_purchases": [1.0, 1.0, 3.0, 1.0, 1.0, 1.0, 1.0],
        "start_month": ["2012-03", "2012-03", "2012-03", "2012-06", "2012-07", "2012-03", "2012-03"],
    }


def test_the_cohort_leaves_rows_out_and_keeps_their_numbers(folder: Path, tmp_path: Path) -> None:
    assert prepare(folder, tmp_path / "out", cohort=COHORT)["raw_row"].to_list() == [0, 1, 2, 3, 5, 6]


def test_companies_are_the_listed_ones_or_the_largest(folder: Path, tmp_path: Path) -> None:
    def companies(**options: Any) -> list[int]:
        frame = prepare(folder, tmp_path / "out", **options)
        assert frame["raw_row"].to_list() == list(range(frame.height))
        return frame["item"].unique().to_list()

    assert companies(top=1) == [500]
    assert sorted(companies(top=2)) == [40, 500]
    assert companies(companies=[600]) == [600]
    assert sorted(companies(companies=[600, 40, 600], top=1)) == [40, 600]


def test_every_step_is_counted(folder: Path, tmp_path: Path) -> None:
    prepare(folder, tmp_path / "out", top=2, cohort=COHORT)
    assert counts_of(tmp_path / "out", "before") == {
        "transactions as read": (18, 7, 3),
        "with an amount above 0": (14, 6, 3),
        "of the 2 companies": (12, 4, 2),
        "pairs of a company and a customer": (5, 4, 2, 3),
    }
    assert counts_of(tmp_path / "out", "rules") == {"as read": (4, 3, 2, 2)}
    assert counts_of(tmp_path / "out", "candidates") == {
        "the companies of this log under cohort all": (5, 4, 2, 3),
        f"the companies of this log under cohort {COHORT}": (4, 3, 2, 2),
    }


def test_companies_with_the_published_numbers_are_found(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 40 and 500 have 5 customers, 3 of them positive, before the cohort is cut; 4 and 2 after it
    monkeypatch.setattr(valued_shoppers, "SAMPLES", 5)
    monkeypatch.setattr(valued_shoppers, "POSITIVE_PERCENT", "60.0")
    monkeypatch.setattr(valued_shoppers, "BOUND", 0)
    prepare(folder, tmp_path / "out", companies=[600])
    assert counts_of(tmp_path / "out", "candidates") == {
        "the companies of this log under cohort all": (2, 2, 1, 0),
        "companies 40, 500 under cohort all (sets of at most 20 of the 20 largest with the published numbers: 1)": (
            *(5, 4, 2, 3),
        ),
        f"the companies of this log under cohort {COHORT}": (2, 2, 1, 0),
    }


def test_turns_change_nothing(simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = prepare(simulated, tmp_path / "one turn")
    monkeypatch.setattr(valued_shoppers, "PURCHASES_AT_ONCE", 1000)
    monkeypatch.setattr(valued_shoppers, "PAIRS_AT_ONCE", 300)
    assert_frame_equal(prepare(simulated, tmp_path / "many turns"), expected, check_exact=True)
    names = [tmp_path / run / "counts.json" for run in ("one turn", "many turns")]
    assert read_json(names[0]) == read_json(names[1])


def test_companies_take_turns_as_their_customers_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valued_shoppers, "PAIRS_AT_ONCE", 10)
    customers = pl.DataFrame({"company": [1, 2, 3, 4, 5], "customers": [4, 6, 11, 3, 5]})
    assert list(valued_shoppers._turns(customers)) == [[1, 2], [3], [4, 5]]


def test_the_order_of_the_file_matters_only_to_ties(folder: Path, tmp_path: Path) -> None:
    expected = prepare(folder, tmp_path / "a")
    other = tiny.write_folder(tmp_path / "other", [*tiny.ROWS[3:], *tiny.ROWS[2::-1]])
    frame = prepare(other, tmp_path / "b")
    assert frame["chain"].to_list() == ["9", "9", "3", "1", "1", "9", "9"]
    attributes = ["chain", "dept", "category", "brand", "productmeasure"]
    assert_frame_equal(frame.drop(attributes), expected.drop(attributes), check_exact=True)


def test_two_runs_write_the_same_bytes(simulated: Path, tmp_path: Path) -> None:
    for run in ("a", "b"):
        prepare(simulated, tmp_path / run)
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")


MALFORMED: dict[str, tuple[Change, str]] = {
    "missing column": (replaced("company", "firm"), "the column 'company' is missing"),
    "tabs": (lambda text: text.replace(",", "\t"), "the header is separated by tabs, commas are expected."),
    "impossible day": (replaced("2012-03-02", "2012-02-30"), "row 1, column date: found '2012-02-30', allowed: a day"),
    "day in another spelling": (replaced("2012-03-05", "2012-3-5"), "row 2, column date: found '2012-3-5'"),
    "amount that is no number": (
        replaced("3.10", "$3.10"),
        "row 2, column purchaseamount: found '$3.10', allowed: a finite",
    ),
    "infinite amount": (replaced("3.10", "inf"), "row 2, column purchaseamount: found 'inf'"),
    "empty amount": (replaced("3.10", ""), "row 2, column purchaseamount: found an empty cell"),
    "company that is no number": (replaced(",40,9", ",x40,9"), "row 13, column company: found 'x40', allowed: a whole"),
    "customer that is no number": (replaced("\n13,", "\n13.5,"), "row 13, column id: found '13.5'"),
    "cut last row": (lambda text: text[:-20], "it is the last row: the file may be cut off."),
    "only a header": (lambda text: tiny.HEADER + "\n", "the file has a header but no rows."),
    "returns alone": (lambda text: tiny.HEADER + "\n" + tiny.ROWS[0] + "\n", "no row has an amount above 0."),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_file_is_one_sentence_and_writes_nothing(folder: Path, case: str) -> None:
    change, sentence = MALFORMED[case]
    rewrite(folder / tiny.FILE, change)
    refuse(folder, folder / tiny.FILE, sentence)


WRONG_OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown company": ({"companies": [40, 41]}, "option companies: no purchase of a company 41 was found."),
    "company as text": ({"companies": ["40"]}, "option companies: no purchase of a company '40' was found."),
    "list of companies": ({"companies": [[40]]}, "option companies: no purchase of a company [40] was found."),
    "no company": ({"top": 0}, "option top: found 0, allowed: at least 1."),
}


@pytest.mark.parametrize("case", WRONG_OPTIONS)
def test_a_wrong_option_is_one_sentence(folder: Path, case: str) -> None:
    options, sentence = WRONG_OPTIONS[case]
    refuse(folder, folder / tiny.FILE, sentence, **options)


def test_an_empty_cohort_is_one_sentence(tmp_path: Path) -> None:
    folder = tiny.write_folder(tmp_path / "raw", tiny.ROWS[10:12])
    refuse(folder, folder / tiny.FILE, f"is in the cohort '{COHORT}'.", cohort=COHORT)


def test_missing_files_and_folders_are_named(folder: Path, tmp_path: Path) -> None:
    (folder / tiny.FILE).unlink()
    refuse(folder, folder / tiny.FILE, "the file does not exist.")
    refuse(tmp_path / "nowhere", tmp_path / "nowhere", "the folder does not exist")


def read_slowly(path: Path) -> list[dict[str, Any]]:
    """The pairs of the 20 companies with the most customers as plain Python reads them."""
    bought: dict[tuple[int, int], list[dict[str, str]]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if float(row["purchaseamount"]) > 0:
                bought[int(row["company"]), int(row["id"])].append(row)
    customers: dict[int, int] = defaultdict(int)
    for company, _ in bought:
        customers[company] += 1
    largest = sorted(customers, key=lambda company: (-customers[company], company))[:20]
    pairs: list[dict[str, Any]] = []
    for (company, customer), rows in sorted(bought.items()):
        if company not in largest:
            continue
        days = [datetime.date.fromisoformat(row["date"]) for row in rows]
        cents = [round(float(row["purchaseamount"]) * 100) for row in rows]
        start = min(days)
        first = [k for k, day in enumerate(days) if day == start]
        dearest = rows[max(first, key=lambda k: cents[k])]
        pairs.append(
            {
                "user": customer,
                "item": company,
                "raw_row": len(pairs),
                "ltv": sum(cents[k] for k, day in enumerate(days) if 0 < (day - start).days <= 365) / 100,
                "timestamp": (start - datetime.date(1970, 1, 1)).days * 86_400_000,
                "day": start,
                **{name: dearest[name] for name in ("chain", "dept", "category", "brand")},
                "productmeasure": dearest["productmeasure"] or None,
                "calibration_value": sum(cents[k] for k in first) / 100,
                "calibration_purchases": float(len(first)),
                "start_month": start.isoformat()[:7],
            }
        )
    return pairs


def test_a_simulated_log_is_read_as_slowly_by_hand(simulated: Path, tmp_path: Path) -> None:
    frame = prepare(simulated, tmp_path / "out")
    expected = pl.DataFrame(read_slowly(simulated / tiny.FILE), schema=frame.schema)
    assert_frame_equal(frame, expected, rel_tol=1e-15)


@pytest.mark.parametrize("cohort", ["all", COHORT])
def test_the_truth_of_a_simulated_log_is_that_of_its_rows(simulated: Path, tmp_path: Path, cohort: str) -> None:
    frame = prepare(simulated, tmp_path / "out", cohort=cohort)
    law = Truth.load(simulated / "truth.npz", "ltv")
    assert (frame.height == len(law)) == (cohort == "all")
    assert_follows(law.select(frame["raw_row"].to_numpy()), frame["ltv"].to_numpy())
