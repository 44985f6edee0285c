from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import simulated_folder
from tiny_kuairand import LOG_HEADER
from watchtime.datasets.simulator import kuairand_pure
from watchtime.datasets.simulator.kuairand_pure import RANDOM, STANDARD, simulate
from watchtime.datasets.simulator.truth import Truth

SAMPLE = simulated_folder.SAMPLES / "kuairand_pure_sample/data"
SMALL = {"rows": 600, "users": 60, "items": 40, "days": 4, "seed": 3}
# Bytes of SMALL under simulator version 1: where this changes on purpose, SIMULATOR_VERSION in core changes with it.
SMALL_HASH = "1acb65cbb689a49e2264baf678b0adf19f5989323daa88a00bdce2f976c47f87"

small = simulated_folder.simulated_once(simulate, **SMALL)
demo = simulated_folder.simulated_once(simulate, rows=40_000, users=1_500, items=600, days=14, seed=1)


@pytest.fixture(scope="module")
def log(demo: Path) -> pl.DataFrame:
    return pl.concat([pl.read_csv(demo / "data" / name) for name in STANDARD])


def usable(log: pl.DataFrame) -> pl.DataFrame:
    """The rows that the loader's default rules keep, with their watch ratio."""
    log = log.unique(["user_id", "video_id", "time_ms"], keep="first", maintain_order=True)
    log = log.filter(pl.col("duration_ms") > 0).with_columns(ratio=pl.col("play_time_ms") / pl.col("duration_ms"))
    return log.filter(pl.col("ratio") <= 10)


def test_the_same_arguments_give_the_same_bytes(small: Path, tmp_path: Path) -> None:
    simulated_folder.assert_same_arguments_same_bytes(small, tmp_path, simulate, SMALL)


def test_another_seed_gives_other_bytes_in_every_file(small: Path, tmp_path: Path) -> None:
    simulated_folder.assert_another_seed_other_bytes(small, tmp_path, simulate, SMALL)


def test_the_bytes_are_those_of_this_simulator_version(small: Path) -> None:
    simulated_folder.assert_pinned(small, SMALL_HASH, files=7)


def test_the_bytes_do_not_depend_on_the_processor(small: Path, tmp_path: Path) -> None:
    simulated_folder.assert_processor_does_not_matter(small, tmp_path, "kuairand_pure", SMALL)


def test_headers_are_the_official_ones(small: Path) -> None:
    headers = dict.fromkeys([*STANDARD, RANDOM], LOG_HEADER)
    simulated_folder.assert_official_headers(small / "data", headers, SAMPLE)


def test_row_counts_dates_and_times(demo: Path, log: pl.DataFrame) -> None:
    first, second = (pl.read_csv(demo / "data" / name) for name in STANDARD)
    random = pl.read_csv(demo / "data" / RANDOM)
    assert (first.height + second.height, random.height) == (40_000, 10_000)
    assert sorted(first["date"].unique()) == [20220400 + day for day in range(15, 22)]
    assert sorted(second["date"].unique()) == sorted(random["date"].unique()) == [20220400 + d for d in range(22, 29)]
    assert log["time_ms"].is_sorted()
    assert random["time_ms"].is_sorted()
    for row in log.sample(200, seed=0).iter_rows(named=True):
        china = datetime.fromtimestamp(row["time_ms"] / 1000, UTC) + timedelta(hours=8)
        assert (int(f"{china:%Y%m%d}"), china.hour * 100) == (row["date"], row["hourmin"])


def test_ids_refer_to_the_feature_files(demo: Path, log: pl.DataFrame) -> None:
    users = pl.read_csv(demo / "data/user_features_pure.csv", infer_schema_length=0)
    videos = pl.read_csv(demo / "data/video_features_basic_pure.csv", infer_schema_length=None)
    assert users["user_id"].to_list() == [str(k) for k in range(1_500)]
    assert videos["video_id"].to_list() == list(range(600))
    assert log["user_id"].to_numpy().max() < 1_500
    joined = log.join(videos, on="video_id")
    assert (joined["duration_ms"] == joined["video_duration"].fill_null(0)).all()


def test_the_real_oddities_are_there(demo: Path, log: pl.DataFrame) -> None:
    users = pl.read_csv(demo / "data/user_features_pure.csv", infer_schema_length=None)
    videos = pl.read_csv(demo / "data/video_features_basic_pure.csv", infer_schema_length=None)
    assert users["onehot_feat4"].null_count() > 0
    assert users["onehot_feat12"].null_count() == users["onehot_feat17"].null_count() > 0
    assert 0 < videos["tag"].null_count() < 30
    assert 60 < videos["tag"].str.contains(",").sum() < 240
    assert 0 < (log["duration_ms"].to_numpy() == 0).mean() < 0.05
    key = ["user_id", "video_id", "time_ms"]
    assert log.height - log.unique(key).height == pytest.approx(1_000, abs=40)
    above_ten = ((pl.col("duration_ms") > 0) & (pl.col("play_time_ms") > 10 * pl.col("duration_ms"))).alias("above")
    extreme = log.select(above_ten)["above"].to_numpy()
    assert 0 < extreme.sum() < 40
    assert Truth.load(demo / "truth.npz").perturbed[: log.height][extreme].all()


def test_number_ranges_agree_with_their_numbers(demo: Path) -> None:
    users = pl.read_csv(demo / "data/user_features_pure.csv", infer_schema_length=None)
    bounds = users.group_by("fans_user_num_range").agg(
        low=pl.col("fans_user_num").min(), high=pl.col("fans_user_num").max()
    )
    official = {"0": (0, 0), "[1,10)": (1, 9), "[10,100)": (10, 99), "[100,1k)": (100, 999), "[1k,5k)": (1_000, 4_999)}
    found = {name: (low, high) for name, low, high in bounds.rows()}
    for name, (low, high) in official.items():
        assert low <= found[name][0] <= found[name][1] <= high


def test_feedback_follows_from_what_was_watched(log: pl.DataFrame) -> None:
    kept = usable(log)
    watched, duration = kept["play_time_ms"].to_numpy(), kept["duration_ms"].to_numpy()
    assert ((kept["long_view"].to_numpy() == 1) == (watched >= np.minimum(duration, 18_000))).all()
    liked = kept["is_like"].to_numpy()
    assert liked[watched >= duration].mean() > 3 * liked[watched < 3_000].mean() > 0


def test_statistics_count_the_logs(demo: Path, log: pl.DataFrame) -> None:
    both = pl.concat([log, pl.read_csv(demo / "data" / RANDOM)])
    counted = both.group_by("video_id").agg(
        show_cnt=pl.len(),
        show_user_num=pl.col("user_id").n_unique(),
        play_duration=pl.col("play_time_ms").sum(),
        like_cnt=pl.col("is_like").sum(),
        counts=pl.col("date").n_unique(),
    )
    written = pl.read_csv(demo / "data/video_features_statistic_pure.csv").filter(pl.col("show_cnt") > 0)
    pairs = written.join(counted, on="video_id", suffix="_counted")
    assert pairs.height == counted.height
    for name in ("show_cnt", "show_user_num", "play_duration", "like_cnt", "counts"):
        assert (pairs[name] == pairs[f"{name}_counted"]).all(), name


def test_marginals_resemble_the_real_sample(log: pl.DataFrame) -> None:
    if not SAMPLE.exists():
        pytest.skip("the real KuaiRand-Pure sample is not beside the project")
    frames = [usable(log), usable(pl.read_csv(SAMPLE / STANDARD[1]))]
    ours, real = (frame["ratio"].to_numpy() for frame in frames)
    assert (ours == 0).mean() == pytest.approx((real == 0).mean(), abs=0.02)
    assert (ours >= 1).mean() == pytest.approx((real >= 1).mean(), abs=0.02)
    assert np.median(ours) == pytest.approx(np.median(real), rel=0.25)
    mean, real_mean = (frame["play_time_ms"].to_numpy().mean() for frame in frames)
    assert mean == pytest.approx(real_mean, rel=0.15)


def test_skips_and_finishes_are_two_modes_within_a_duration_bucket(log: pl.DataFrame) -> None:
    bucket = usable(log).filter(pl.col("duration_ms").is_between(20_000, 60_000))["ratio"].to_numpy()
    skip, valley, finish = (
        ((bucket > low) & (bucket <= high)).mean() for low, high in ((0.02, 0.12), (0.6, 0.7), (0.97, 1.07))
    )
    assert skip > 4 * valley
    assert finish > 4 * valley


def test_a_failure_leaves_neither_half_a_folder_nor_touches_other_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(world: object) -> pl.DataFrame:
        raise RuntimeError("disk full")

    folder = tmp_path / "log"
    folder.mkdir()
    (folder / "note.txt").write_text("mine")
    with monkeypatch.context() as patched:
        patched.setattr(kuairand_pure, "user_features", fail)
        with pytest.raises(RuntimeError, match="disk full"):
            simulate(folder, **SMALL)
    assert [path.name for path in tmp_path.rglob("*")] == ["log", "note.txt"]
    simulate(folder, **SMALL)
    assert (folder / "note.txt").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log"]


@pytest.mark.parametrize("rows", [1, 3])
def test_tiny_worlds_have_all_files(tmp_path: Path, rows: int) -> None:
    simulate(tmp_path, rows=rows, users=1, items=1, days=2, seed=0)
    assert sum(pl.read_csv(tmp_path / "data" / name).height for name in STANDARD) == rows
    assert len(Truth.load(tmp_path / "truth.npz")) == rows


@pytest.mark.parametrize(("key", "value"), [("rows", 0), ("users", 0), ("items", -1), ("days", 1), ("days", 29)])
def test_impossible_sizes_are_named(tmp_path: Path, key: str, value: int) -> None:
    simulated_folder.refuse_size(tmp_path, simulate, SMALL, key, value)
