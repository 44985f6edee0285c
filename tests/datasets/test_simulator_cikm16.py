from pathlib import Path

import numpy as np
import polars as pl
import pytest

import simulated_folder
import tiny_cikm16 as tiny
from watchtime.datasets.simulator.cikm16 import simulate
from watchtime.datasets.simulator.truth import Truth

SAMPLE = simulated_folder.SAMPLES / "cikm16_sample"
SMALL = {"rows": 200, "users": 30, "items": 60, "days": 5, "seed": 3}
DEMO = {"rows": 12_000, "users": 800, "items": 600, "days": 30, "seed": 1}
SMALL_HASH = "054641481a107d6170f8d6e28c41fb172be7c2fb88391cff34913d6d6b353476"
HEADERS = {
    "train-item-views.csv": tiny.VIEW_HEADER,
    "train-queries.csv": tiny.QUERY_HEADER,
    "product-categories.csv": tiny.CATEGORY_HEADER,
    "products.csv": "itemId;pricelog2;product.name.tokens",
}


def read(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, separator=";", null_values="NA", infer_schema_length=None)


small = simulated_folder.simulated_once(simulate, **SMALL)
demo = simulated_folder.simulated_once(simulate, **DEMO)


@pytest.fixture(scope="module")
def views(demo: Path) -> pl.DataFrame:
    return read(demo / "train-item-views.csv")


@pytest.fixture(scope="module")
def queries(demo: Path) -> pl.DataFrame:
    return read(demo / "train-queries.csv")


@pytest.fixture(scope="module")
def modelled(views: pl.DataFrame, queries: pl.DataFrame) -> pl.DataFrame:
    """The sessions of the truth, in its order, with their dwell time and the span of their views."""
    time = pl.col("timeframe")
    viewed = views.group_by("sessionId").agg(views=pl.len(), span=time.max() - time.min())
    asked = queries.group_by("sessionId").agg(
        queries=pl.len(), dwell=pl.col("duration").sum(), words=pl.col("searchstring.tokens").drop_nulls()
    )
    both = asked.join(viewed, on="sessionId")
    return both.filter(pl.col("dwell") < 6_000).sort("sessionId")


def test_headers_are_the_official_ones(small: Path) -> None:
    simulated_folder.assert_official_headers(small, HEADERS, SAMPLE)


def test_the_bytes_follow_from_the_arguments(small: Path, tmp_path: Path) -> None:
    simulated_folder.assert_pinned(small, SMALL_HASH, files=5)
    simulated_folder.assert_bytes_follow_from_the_arguments(small, tmp_path, simulate, SMALL)


def test_the_bytes_do_not_depend_on_the_processor(small: Path, tmp_path: Path) -> None:
    simulated_folder.assert_processor_does_not_matter(small, tmp_path, "cikm16", SMALL)


def test_the_truth_has_the_modelled_sessions_in_the_order_of_their_numbers(demo: Path, modelled: pl.DataFrame) -> None:
    law = Truth.load(demo / "truth.npz")
    simulated_folder.assert_follows(law, modelled["dwell"].to_numpy() / 1000)
    assert not law.perturbed.any()
    assert 0.5 < modelled.height / DEMO["rows"] < 0.7
    assert law.cdf(np.full(len(law), 5.999)) == pytest.approx(1.0)


def test_sessions_have_the_stated_shape(views: pl.DataFrame, queries: pl.DataFrame) -> None:
    numbers = set(views["sessionId"]) | set(queries["sessionId"])
    assert numbers == set(range(1, DEMO["rows"] + 1))
    of_session = views["sessionId"].value_counts()["count"].to_numpy()
    assert (of_session.min(), of_session.max()) == (1, 15)
    assert of_session.mean() == pytest.approx(4.0, abs=0.3)
    asked = queries["sessionId"].value_counts()["count"].to_numpy()
    assert set(asked) == {1, 2, 3}
    assert len(asked) / DEMO["rows"] == pytest.approx(2 / 3, abs=0.03)
    assert 0.01 < len(set(queries["sessionId"]) - set(views["sessionId"])) / DEMO["rows"] < 0.05
    long = queries.group_by("sessionId").agg(pl.col("duration").sum(), longest=pl.col("duration").max())
    long = long.filter(pl.col("duration") >= 6_000)
    assert 0.01 < long.height / len(asked) < 0.03
    assert (long["longest"] >= 6_000).all()
    assert queries["duration"].to_numpy().min() >= 31
    assert 0.5 < views.unique("sessionId")["userId"].is_null().to_numpy().mean() < 0.7
    assert (views["userId"].drop_nulls() <= DEMO["users"]).all()


def test_both_logs_say_the_same_of_a_session(views: pl.DataFrame, queries: pl.DataFrame) -> None:
    columns = ["sessionId", "userId", "eventdate"]
    both = pl.concat([views.select(columns), queries.select(columns)]).unique()
    assert both["sessionId"].n_unique() == both.height
    assert views["sessionId"].is_sorted()
    assert queries["queryId"].to_list() == list(range(1, queries.height + 1))
    assert queries["sessionId"].is_sorted()
    assert both["eventdate"].n_unique() == DEMO["days"]
    ordered = views.sort("sessionId", "timeframe", maintain_order=True)
    assert not ordered.equals(views)


def test_products_and_queries_have_the_real_forms(demo: Path, views: pl.DataFrame, queries: pl.DataFrame) -> None:
    categories, products = read(demo / "product-categories.csv"), read(demo / "products.csv")
    known = list(range(1, DEMO["items"] + 1))
    assert categories["itemId"].to_list() == products["itemId"].to_list() == known
    assert views["itemId"].is_in(known).all()
    assert products["product.name.tokens"].str.contains(r"^\d+(,\d+)*$").all()
    words = queries["searchstring.tokens"]
    assert words.drop_nulls().str.contains(r"^\d+(,\d+)*$").all()
    assert (words.is_null() == (queries["categoryId"] > 0)).all()
    assert words.null_count() / queries.height == pytest.approx(0.2, abs=0.02)
    assert queries["items"].str.contains(r"^\d+(,\d+)*$").all()
    assert set((demo / "train-queries.csv").read_text().replace("\n", ";").split(";")[9::10]) >= {"TRUE", "FALSE"}


def test_dwell_and_span_depend_on_what_a_session_shows(demo: Path, modelled: pl.DataFrame) -> None:
    law = Truth.load(demo / "truth.npz")
    by_queries = modelled.group_by("queries").agg(pl.col("dwell").mean()).sort("queries")["dwell"].to_list()
    assert by_queries == sorted(by_queries)
    patience = pl.col("words").list.join(",").str.extract(r"(?:^|,)(10(?:3[2-9]))(?:,|$)", 1).cast(pl.Int64)
    dwell = modelled.with_columns(patience=patience).drop_nulls("patience")
    low, high = (
        dwell.filter(condition)["dwell"].to_numpy().mean()
        for condition in (pl.col("patience") <= 1_034, pl.col("patience") >= 1_037)
    )
    assert high > 1.1 * low
    several = modelled["views"].to_numpy() > 1
    pace = modelled["span"].to_numpy()[several] / (modelled["views"].to_numpy()[several] - 1)
    often = law.weights[several, 4]
    assert pace[often > np.median(often)].mean() > 1.2 * pace[often < np.median(often)].mean()


@pytest.mark.parametrize(("key", "value"), [("rows", 0), ("users", 0), ("items", -1), ("days", 0), ("days", 153)])
def test_impossible_sizes_are_named(tmp_path: Path, key: str, value: int) -> None:
    simulated_folder.refuse_size(tmp_path, simulate, SMALL, key, value)


@pytest.mark.parametrize("rows", [1, 4])
def test_tiny_worlds_have_all_files(tmp_path: Path, rows: int) -> None:
    simulate(tmp_path, rows=rows, users=1, items=1, days=1, seed=0)
    assert sorted(path.name for path in tmp_path.iterdir()) == [*sorted(HEADERS), "truth.npz"]
