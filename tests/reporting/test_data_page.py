"""The page of a data set: its steps, its splits, its target, its ties and its unknown ids."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handmade_run import own_log, write_run
from watchtime.core.errors import WatchtimeError
from watchtime.core.files import read_json, write_json
from watchtime.reporting.comparisons.opening import data_opening
from watchtime.reporting.data import data_statistics, ratio, target, unknown_ids
from watchtime.reporting.elements.tables import Cell, Section, Table
from watchtime.reporting.report import Report

WECHAT = {"protocols": ["days_12_1_1"], "core": 20, "methods": ["vr"]}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def page(here: Path, dataset: str, counts: Any = None, **source: Any) -> Report:
    write_run(here, datasets={dataset: source}, counts=counts, tables=False)
    return Report("results/demo", f"data/{dataset}")


def titles(table: Table) -> list[str]:
    return [column.title for column in table.columns]


def cells(table: object) -> list[list[object]]:
    assert isinstance(table, Table)
    return [
        [one.value if isinstance(one, Cell) else one for one in row]
        for row in table.rows
        if not isinstance(row, Section)
    ]


def sections(table: object) -> list[str]:
    assert isinstance(table, Table)
    return [row.title for row in table.rows if isinstance(row, Section)]


# The counts


def test_the_counts_stand_under_the_place_where_they_are_printed(here: Path) -> None:
    table = data_statistics.published(page(here, "wechat21", **WECHAT))
    assert sections(table) == ["LabelCraft, table 1", "ProWTP, table 6", "ProWTP, appendix A5", "PTPM, section 5.1.1"]
    density = ["Density", "0.0244", f"{40_000 / (300 * 50):.4f}", "2.0000", "8,096.7", "20-core", "not comparable"]
    assert density in cells(table)
    assert (
        data_statistics.conclusion(Report("results/demo", "data/wechat21"))
        == "Of the 12 published counts: 12 *not comparable*."
    )


def test_a_data_set_that_no_paper_counts_says_so(here: Path) -> None:
    report = page(here, "shop", **own_log(here, task="ltv", unit="currency", target="paid"))
    assert "No paper prints a count" in str(data_statistics.published(report))
    assert not data_statistics.conclusion(report)


def test_the_steps_have_a_section_each_and_only_the_columns_that_say_something(here: Path) -> None:
    counts = {
        "before": [{"rule": "views", "rows": 90_000, "users": 400, "items": 60, "sessions": 500}],
        "candidates": [{"rule": "watched", "rows": 30_000, "users": 280, "items": 45}],
        "logs": {"one": {"rows": 1, "users": 2, "items": 3}, "two": {"rows": 4, "users": 5, "items": 6}},
    }
    table = data_statistics.steps(page(here, "kuairand_pure", counts), "kuairand_pure")
    assert [title.split(",")[0] for title in sections(table)] == [
        "Before the rows stand",
        "As read",
        "The logs",
        "Other readings",
    ]
    assert titles(table) == ["Rule", "Rows", "Dropped", "of all", "Users", "Videos", "Above 0", "Sessions"]
    assert cells(table) == [
        ["views", 90_000, None, None, 400, 60, None, 500],
        ["as read", 40_000, None, None, 300, 50, 50.0, None],
        ["zero_duration: drop", 39_960, 40, 0.1, 299, 49, 100 * 20_000 / 39_960, None],
        ["one", 1, None, None, 2, 3, None, None],
        ["two", 4, None, None, 5, 6, None, None],
        ["watched", 30_000, None, None, 280, 45, None, None],
    ]
    one_log = data_statistics.steps(
        page(here, "kuairand_pure", counts | {"logs": {"one": {"rows": 1}}}), "kuairand_pure"
    )
    assert "The logs, after the row rules" not in sections(one_log)
    alone = {"rules": [{"rule": "as read", "rows": 10, "users": 2, "items": 3}]}
    table = data_statistics.steps(page(here, "criteo_ssc", alone), "criteo_ssc")
    assert titles(table) == ["Rule", "Rows", "Users", "Products"]


def test_the_split_says_which_rows_are_in_no_part(here: Path) -> None:
    table = data_statistics.split(page(here, "wechat21", **WECHAT), "wechat21", "days_12_1_1")
    assert cells(table)[2] == ["test", 200, 20.0, 200, 12.5, 12.5, 40, 12.5, 6.25]
    assert table.caption.endswith(
        "In no part: 123 rows outside the 20-core. The 20-core holds 1,000 rows of 25 users and 20 videos."
    )
    table = data_statistics.split(page(here, "kuairand_pure"), "kuairand_pure", "random_622")
    assert table.caption.endswith("how many rows of the part they have.")


# What the data are


def test_the_opening_says_what_the_licence_allows_and_how_the_files_were_read(here: Path) -> None:
    text = data_opening(page(here, "cikm16", options={"join": "views_only"}, tasks=["views_span"]), "cikm16")
    assert "none stated" in text
    assert "*views only* (not the default): no dwell time" in text
    assert "*simulated* in the official layout from seed 1" in text
    text = data_opening(page(here, "shop", **own_log(here, target="paid", task="ltv", unit="currency")), "shop")
    assert "LTV from the column paid" in text
    assert "simulated" not in text
    assert "duration from" not in text


# The target


@given(st.lists(st.sampled_from([0.0, -0.0, 0.5, 1.0, 2.5]), min_size=2, max_size=30))
def test_the_tie_mass_is_the_share_of_equal_pairs(values: list[float]) -> None:
    pairs = list(combinations(values, 2))
    expected = sum(one == other for one, other in pairs) / len(pairs)
    assert target.tie_mass(values) == pytest.approx(expected, abs=1e-15)


def test_a_single_value_has_no_pair() -> None:
    assert np.isnan(target.tie_mass([1.0]))


def test_the_ties_are_those_of_the_test_rows(here: Path) -> None:
    """Of 0, 5, 0 one pair of three is tied; the training rows, which are all equal, do not count."""
    (row,) = cells(target.ties(page(here, "kuairand_pure"), "kuairand_pure"))
    assert row[1:4] == ["Watch time", 3, 2]
    assert row[4:] == pytest.approx([200 / 3, 100 / 3])


@given(st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=50))
def test_the_histogram_holds_every_value_once_in_bins_of_equal_ratio(values: list[float]) -> None:
    edges, counts = target.histogram(np.array(values))
    assert counts.sum() == len(values)
    inner = np.diff(np.log10(edges))[1:-1]
    assert inner == pytest.approx(np.full(len(inner), 1 / target.BINS_PER_DECADE))


def test_the_most_frequent_values_are_the_price_clusters() -> None:
    values = np.array([29.99] * 3 + [9.99] * 3 + [5.0] * 2 + [1.0, 2.0, 3.0, 4.0])
    found = target.most_frequent(values)
    assert [value for value, _ in found] == [9.99, 29.99, 5.0, 1.0, 2.0]
    assert [share for _, share in found] == pytest.approx([3 / 12, 3 / 12, 2 / 12, 1 / 12, 1 / 12])


def test_the_quantiles_tell_the_zeros_apart(here: Path) -> None:
    every, above = cells(target.table(page(here, "kuairand_pure"), "kuairand_pure"))
    assert (every[1], above[1]) == (3000, 2000)
    assert every[titles(target.table(Report("results/demo", "data/kuairand_pure"), "kuairand_pure")).index("5 %")] == 0
    assert float(str(above[4])) > 0
    assert every[-1] == above[-1]


def test_the_main_log_alone_is_described(here: Path) -> None:
    report = page(here, "kuairand_pure")
    path = report.plan.data_folder("kuairand_pure") / "interactions.parquet"
    frame = report.interactions("kuairand_pure", ["user", "watch_time"])
    half = ["standard"] * 1000 + ["random"] * 2000
    everything = report.interactions("kuairand_pure", ["user", "item", "duration", "watch_time"])
    everything.with_columns(log=np.array(half)).write_parquet(path)
    assert report.interactions("kuairand_pure", ["user", "watch_time"]).equals(frame.head(1000))


def test_the_watch_ratio_rises_from_the_rows_that_were_not_watched(here: Path) -> None:
    groups = ratio.buckets(page(here, "kuairand_pure"), "kuairand_pure")
    for group in groups:
        shares = ratio.at_most(group.ratio, np.array([0.0, 0.5, 2.0]))
        assert shares == pytest.approx([1 / 3, 2 / 3, 1.0], abs=0.001)


def test_a_data_set_without_durations_has_no_watch_ratio(here: Path) -> None:
    report = page(here, "criteo_ssc", methods=["vr"])
    assert not report.has_ratio("criteo_ssc")
    assert "has no durations" in str(data_statistics.duration_buckets(report, "criteo_ssc"))
    assert sections(target.table(report, "criteo_ssc")) == ["LTV (euro)"]


# Unknown ids


def test_fields_with_unknown_ids_are_listed_by_their_share_in_test(here: Path) -> None:
    report = page(here, "kuairand_pure")
    table = unknown_ids.table(report, "kuairand_pure", "random_622")
    assert cells(table) == [["tag", 4, 0.0, 75.0], ["user", 9, 50.0, 25.0]]
    assert isinstance(table, Table)
    assert table.caption.endswith("Fields without any: hour.")
    counts = read_json(report.plan.encoded_folder("kuairand_pure", "random_622") / "counts.json")
    assert counts["unknown_shares"]["test"]["hour"] == 0


def test_an_id_that_only_validation_does_not_know_is_listed(here: Path) -> None:
    report = page(here, "kuairand_pure")
    path = report.plan.encoded_folder("kuairand_pure", "random_622") / "counts.json"
    write_json(
        path, {"cardinalities": {"user": 9}, "unknown_shares": {"validation": {"user": 0.5}, "test": {"user": 0}}}
    )
    assert cells(unknown_ids.table(report, "kuairand_pure", "random_622")) == [["user", 9, 50.0, 0]]
    write_json(path, {"cardinalities": {"user": 9}, "unknown_shares": {"validation": {"user": 0}, "test": {"user": 0}}})
    assert "no row of validation or test" in str(unknown_ids.table(report, "kuairand_pure", "random_622"))


def test_only_the_page_of_a_data_set_reads_encoded_rows(here: Path) -> None:
    write_run(here, tables=False)
    with pytest.raises(WatchtimeError, match="prowtp/table6: the page reads encoded rows"):
        Report("results/demo", "prowtp/table6").encoded("kuairand_pure", "random_622")
