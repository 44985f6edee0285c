"""Means of users and distribution functions of categories, by hand; and the share of variance between groups."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from studies import DATASET, write_study
from watchtime.analyses.study import Study
from watchtime.analyses.user_and_category_distributions import LEAST_ROWS, between_share, by_group, tables

ARTIFACT = "ptpm/figure2"
COUNTS = {1: 10, 2: 12, 3: 9}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def study(here: Path, **changes: Any) -> Study:
    """Return the study of two users with 10 and 12 rows and one with 9, and of items that have 2, 1 and no tags.

    User u watches u seconds more than their row's number within them; rows of the small log would show in every number.
    """
    made = write_study(here, ARTIFACT, [1.0], [1.0])
    rows = [(user, place % 3, float(user + place)) for user, count in COUNTS.items() for place in range(count)]
    frame = pl.DataFrame(rows, schema=["user", "item", "watch_time"], orient="row")
    other = pl.DataFrame({"user": [4] * 20, "item": [1] * 20, "watch_time": [1e6] * 20})
    logs = pl.concat([frame.with_columns(log=pl.lit("big")), other.with_columns(log=pl.lit("small"))])
    durations = pl.Series([float(number) for number in range(len(logs))])
    files = made.plan.data_files(DATASET)
    logs.with_columns(duration=durations).write_parquet(files[0])
    frame.select("user").clear().write_parquet(files[1])
    items = {"item": [0, 1, 2], "tag": [["a", "b"], ["b"], None]}
    pl.DataFrame(items, schema_overrides={"tag": pl.List(pl.String)}).write_parquet(files[2])
    card = made.plan.catalog.datasets[DATASET].model_copy(update=changes)
    catalog = replace(made.plan.catalog, datasets={**made.plan.catalog.datasets, DATASET: card})
    return replace(made, plan=replace(made.plan, catalog=catalog))


def test_users_need_rows_enough(here: Path) -> None:
    """User 1 has 1 … 10 s, mean 5.5, user 2 has 2 … 13 s, mean 7.5; user 3 has a row too few."""
    made = tables(study(here))
    assert LEAST_ROWS == 10
    assert made["users"].rows() == [(10, 5.5), (12, 7.5)]
    facts = made["facts"].row(0, named=True)
    assert (facts["users"], facts["rows"], facts["category"]) == (3, 31, "tag")


def test_a_row_counts_to_each_of_its_categories(here: Path) -> None:
    """Items 0, 1 and 2 have 11, 10 and 10 rows."""
    made = tables(study(here))
    watched: dict[str, list[float]] = {"a": [], "b": []}
    for user, count in COUNTS.items():
        for place in range(count):
            for tag in {0: "ab", 1: "b", 2: ""}[place % 3]:
                watched[tag].append(user + place)
    expected = [(tag, len(watched[tag]), np.mean(watched[tag]), np.median(watched[tag])) for tag in "ba"]
    assert made["categories"].select("category", "rows", "mean", "median").rows() == [
        (tag, rows, pytest.approx(mean), median) for tag, rows, mean, median in expected
    ]
    assert made["facts"]["rows_without_category"][0] == 10
    for tag, limit, share in made["functions"].iter_rows():
        assert share == np.mean(np.array(watched[tag]) <= limit)
    assert made["functions"]["limit"].max() == pytest.approx(
        np.quantile([user + place for user, count in COUNTS.items() for place in range(count)], 0.95)
    )


def test_durations_stand_for_categories_that_a_data_set_has_not(here: Path) -> None:
    made = tables(study(here, category=None))
    assert made["facts"]["category"][0] == "duration"
    assert sorted(made["categories"].select("category", "rows").rows()) == [
        ("0.0 to 6.0 s", 7),
        ("12.0 to 18.0 s", 6),
        ("18.0 to 24.0 s", 6),
        ("24.0 to 30.0 s", 6),
        ("6.0 to 12.0 s", 6),
    ]


def test_without_category_and_duration_users_are_left(here: Path) -> None:
    made = tables(study(here, category=None, provides=[]))
    assert made["users"].height == 2
    assert not made["functions"].height
    assert made["facts"].row(0, named=True)["between_categories"] is None


def test_every_category_is_a_feature_of_its_data_set(here: Path) -> None:
    cards = study(here).plan.catalog.datasets.values()
    assert {card.title for card in cards if card.category} >= {"KuaiRec", "KuaiRand-Pure", "WeChat21", "CIKM16"}
    assert all(card.category in card.features for card in cards if card.category)


def groups_of(values: list[list[float]]) -> pl.DataFrame:
    rows = [(name, value) for name, each in enumerate(values) for value in each]
    return by_group(pl.DataFrame(rows, schema=["group", "target"], orient="row", strict=False))


def test_the_share_between_groups_is_the_one_of_the_analysis_of_variance() -> None:
    """With k groups of n rows each: (F − 1) / (F − 1 + n)."""
    values = (np.random.default_rng(4).normal(0, 2, (12, 7)) + np.arange(12)[:, None] / 2).tolist()
    f = stats.f_oneway(*values).statistic
    assert between_share(groups_of(values)) == pytest.approx((f - 1) / (f - 1 + 7))


def test_the_share_between_unequal_groups_is_that_of_the_law() -> None:
    """Means of deviation 1, rows of deviation 2: 1 / (1 + 4), though groups of two rows differ by 2 by chance."""
    generator = np.random.default_rng(5)
    values = [(generator.normal(0, 1) + generator.normal(0, 2, size)).tolist() for size in [2, 5, 20] * 3000]
    assert between_share(groups_of(values)) == pytest.approx(0.2, abs=0.02)


def test_the_share_between_groups_has_its_limits() -> None:
    assert between_share(groups_of([[1.0, 1.0], [5.0, 5.0, 5.0]])) == 1
    assert between_share(groups_of([[1.0, 5.0], [5.0, 1.0]])) == 0
    for nothing in ([[1.0, 2.0]], [[1.0], [2.0]], [[3.0, 3.0], [3.0]]):
        assert between_share(groups_of(nothing)) is None
