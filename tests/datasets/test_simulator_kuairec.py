import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import simulated_folder
import tiny_kuairec as tiny
from watchtime.datasets.simulator.kuairec import DURATIONS_MS, LEVELS, simulate
from watchtime.datasets.simulator.layout import main_context, with_durations
from watchtime.datasets.simulator.population import make_world
from watchtime.datasets.simulator.truth import Truth
from watchtime.datasets.simulator.world import conditional

SAMPLE = simulated_folder.SAMPLES / "kuairec_sample/data"
SMALL = {"rows": 600, "users": 30, "items": 40, "days": 4, "seed": 3}
SMALL_HASH = "ce36bac833c6e4fcaad656faa4c9acd1e9bef961b5b2e22d94e37b093e07bce0"
HEADERS = {name: header for name, (header, _) in tiny.FILES.items()}
PAIR = ["user_id", "video_id"]

small = simulated_folder.simulated_once(simulate, **SMALL)
demo = simulated_folder.simulated_once(simulate, rows=20_000, users=300, items=350, days=10, seed=1)


@pytest.fixture(scope="module")
def big(demo: Path) -> pl.DataFrame:
    return pl.read_csv(demo / "data/big_matrix.csv")


@pytest.fixture(scope="module")
def block(demo: Path) -> pl.DataFrame:
    return pl.read_csv(demo / "data/small_matrix.csv")


def test_headers_are_the_official_ones(small: Path) -> None:
    daily = simulated_folder.header(small / "data/item_daily_features.csv").split(",")
    assert len(daily) == len(set(daily)) == 58
    assert daily[:3] == ["video_id", "date", "author_id"]
    assert daily[13] == "show_cnt"
    assert daily[-1] == "cancel_collect_user_num"
    simulated_folder.assert_official_headers(small / "data", HEADERS, SAMPLE)


def test_the_bytes_follow_from_the_arguments(small: Path, tmp_path: Path) -> None:
    simulated_folder.assert_pinned(small, SMALL_HASH, files=7)
    simulated_folder.assert_bytes_follow_from_the_arguments(small, tmp_path, simulate, SMALL)


def test_the_bytes_do_not_depend_on_the_processor(small: Path, tmp_path: Path) -> None:
    simulated_folder.assert_processor_does_not_matter(small, tmp_path, "kuairec", SMALL)


def test_the_small_matrix_is_fully_observed_and_apart_from_the_big_one(big: pl.DataFrame, block: pl.DataFrame) -> None:
    assert big.height == 20_000
    assert block.height == block.unique(PAIR).height == 60 * 70
    assert (block["user_id"].n_unique(), block["video_id"].n_unique()) == (60, 70)
    assert big.join(block, on=PAIR, how="semi").height == 0
    assert big.join(block, on="user_id", how="semi").height > 0
    assert big.join(block, on="video_id", how="semi").height > 0


def test_duplicates_are_exact_and_perturbed(demo: Path, big: pl.DataFrame, block: pl.DataFrame) -> None:
    law = Truth.load(demo / "truth.npz")
    assert len(law) == big.height + block.height
    again = ~big.select(pl.struct(pl.all()).is_first_distinct()).to_series().to_numpy()
    assert again.sum() == 20_000 * 77 // 1000
    assert law.perturbed[: big.height][again].all()
    assert law.perturbed.mean() < 0.1
    ratio = pl.concat([big["watch_ratio"], block["watch_ratio"].cast(pl.Float64)]).to_numpy()
    assert law.perturbed[ratio > 10].all()


def test_times_dates_and_timestamps_agree(big: pl.DataFrame, block: pl.DataFrame, demo: Path) -> None:
    assert big["date"].unique().sort().to_list() == [20200705 + day for day in range(10)]
    assert big.select("user_id", "timestamp").equals(big.sort("user_id", "timestamp").select("user_id", "timestamp"))
    with (demo / "data/big_matrix.csv").open() as stream:
        rows = list(csv.DictReader(stream))[::37]
    for row in rows:
        seconds, _, fraction = row["timestamp"].partition(".")
        china = datetime.fromtimestamp(int(seconds), UTC) + timedelta(hours=8)
        assert row["time"] == f"{china:%Y-%m-%d %H:%M:%S}.{fraction}"
        assert row["date"] == f"{china:%Y%m%d}"
        assert 1 <= len(fraction) <= 3
        assert fraction == "0" or not fraction.endswith("0")
        assert float(row["watch_ratio"]) == int(row["play_duration"]) / int(row["video_duration"])
    missing = block["time"].is_null()
    assert (missing == block["date"].is_null()).all()
    assert (missing == block["timestamp"].is_null()).all()
    assert 0.02 < missing.to_numpy().mean() < 0.06
    assert block["play_duration"].null_count() == 0
    assert ",20200705.0," in (demo / "data/small_matrix.csv").read_text()


def test_play_times_follow_the_law_of_their_row(demo: Path, big: pl.DataFrame, block: pl.DataFrame) -> None:
    law = Truth.load(demo / "truth.npz")
    both = pl.concat([big.select("play_duration", "video_duration"), block.select("play_duration", "video_duration")])
    assert np.array_equal(law.duration_ms, both["video_duration"].to_numpy())
    simulated_folder.assert_follows(law, both["play_duration"].to_numpy() / 1000)


def test_truth_rows_are_the_worlds_law_of_their_pair(demo: Path, big: pl.DataFrame) -> None:
    world = with_durations(make_world(300, 350, seed=1), LEVELS, DURATIONS_MS)
    hour = big["time"].str.slice(11, 2).cast(pl.Int64).to_numpy()
    again = conditional(world, big["user_id"].to_numpy(), big["video_id"].to_numpy(), main_context(hour))
    stored = Truth.load(demo / "truth.npz").select(np.arange(big.height))
    assert np.array_equal(stored.weights, again.weights)


def test_daily_features_count_the_big_matrix(demo: Path, big: pl.DataFrame) -> None:
    daily = pl.read_csv(demo / "data/item_daily_features.csv")
    assert daily.height == daily.unique(["video_id", "date"]).height == 350 * 10
    counted = big.group_by("video_id", "date").agg(
        show_cnt=pl.len(),
        show_user_num=pl.col("user_id").n_unique(),
        play_duration=pl.col("play_duration").sum(),
        complete_play_cnt=(pl.col("play_duration") >= 0.95 * pl.col("video_duration")).sum(),
        video_duration=pl.col("video_duration").first(),
    )
    shown = daily.filter(pl.col("show_cnt") > 0).join(counted, on=["video_id", "date"], suffix="_counted")
    assert shown.height == counted.height
    for name in ("show_cnt", "show_user_num", "play_duration", "complete_play_cnt", "video_duration"):
        assert (shown[name] == shown[f"{name}_counted"]).all(), name
    assert daily["upload_dt"].str.to_date().max() == date(2020, 7, 5)
    static = ["author_id", "video_type", "upload_dt", "upload_type", "video_duration", "music_id", "video_tag_id"]
    assert daily.select("video_id", *static).unique().height == 350


def test_categories_and_captions_have_the_real_forms(demo: Path) -> None:
    feat = pl.read_csv(demo / "data/item_categories.csv")["feat"]
    assert feat.str.contains(r"^\[\d+(, \d+){0,3}\]$").all()
    assert feat.str.contains(",").any()
    path = demo / "data/kuairec_caption_category.csv"
    assert b"\r" in path.read_bytes()
    text = pl.read_csv(path, infer_schema=False)
    assert text.height == 350
    assert text["video_id"].to_list() == [str(video) for video in range(350)]
    assert text["caption"].null_count() > 0
    assert text["topic_tag"].str.contains(r"^\[.*\]$").all()
    unknown = text.filter(pl.col("third_level_category_id") == "-124")
    assert unknown.height > 0
    assert (unknown["third_level_category_name"] == "UNKNOWN").all()


@pytest.mark.parametrize(("key", "value"), [("rows", 0), ("users", 4), ("items", 4), ("days", 0), ("days", 64)])
def test_impossible_sizes_are_named(tmp_path: Path, key: str, value: int) -> None:
    simulated_folder.refuse_size(tmp_path, simulate, SMALL, key, value)


def test_a_tiny_world_has_all_files(tmp_path: Path) -> None:
    simulate(tmp_path, rows=1, users=5, items=5, days=1, seed=0)
    assert pl.read_csv(tmp_path / "data/big_matrix.csv").height == 1
    assert len(Truth.load(tmp_path / "truth.npz")) == 2
