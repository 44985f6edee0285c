import hashlib
import importlib
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from watchtime.core.errors import WatchtimeError
from watchtime.datasets.simulator import kuairand_pure
from watchtime.datasets.simulator.kuairand_pure import RANDOM, STANDARD, simulate
from watchtime.datasets.simulator.truth import Truth

SAMPLE = Path(__file__).parents[3] / "shared/data/kuairand_pure_sample/data"
SMALL = {"rows": 600, "users": 60, "items": 40, "days": 4, "seed": 3}
LOG_HEADER = (
    "user_id,video_id,date,hourmin,time_ms,is_click,is_like,is_follow,is_comment,is_forward,is_hate,long_view,"
    "play_time_ms,duration_ms,profile_stay_time,comment_stay_time,is_profile_enter,is_rand,tab"
)
# Bytes of SMALL under simulator version 1: where this changes on purpose, SIMULATOR_VERSION in core changes with it.
SMALL_HASH = "1acb65cbb689a49e2264baf678b0adf19f5989323daa88a00bdce2f976c47f87"


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def content_hash(folder: Path) -> str:
    """One hash of the CSV bytes and of the truth's arrays, whose container depends on the Python version."""
    digest = hashlib.sha256()
    for path in sorted((folder / "data").iterdir()):
        digest.update(path.read_bytes())
    law = Truth.load(folder / "truth.npz")
    for array in (law.weights, law.duration_ms, law.perturbed):
        digest.update(array.tobytes())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    simulate(folder, **SMALL)
    return folder


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    simulate(folder, rows=40_000, users=1_500, items=600, days=14, seed=1)
    return folder


@pytest.fixture(scope="module")
def log(demo: Path) -> pl.DataFrame:
    return pl.concat([pl.read_csv(demo / "data" / name) for name in STANDARD])


def usable(log: pl.DataFrame) -> pl.DataFrame:
    """The rows that the loader's default rules keep, with their watch ratio."""
    log = log.unique(["user_id", "video_id", "time_ms"], keep="first", maintain_order=True)
    log = log.filter(pl.col("duration_ms") > 0).with_columns(ratio=pl.col("play_time_ms") / pl.col("duration_ms"))
    return log.filter(pl.col("ratio") <= 10)


def test_the_same_arguments_give_the_same_bytes(small: Path, tmp_path: Path) -> None:
    simulate(tmp_path, **SMALL)
    assert hashes(tmp_path) == hashes(small)
    assert len(hashes(small)) == 7


def test_another_seed_gives_other_bytes_in_every_file(small: Path, tmp_path: Path) -> None:
    simulate(tmp_path, **{**SMALL, "seed": 4})
    other, ours = hashes(tmp_path), hashes(small)
    assert other.keys() == ours.keys()
    assert all(other[name] != ours[name] for name in ours)


def test_the_bytes_are_those_of_this_simulator_version(small: Path) -> None:
    assert content_hash(small) == SMALL_HASH


def test_the_bytes_do_not_depend_on_the_processor(small: Path, tmp_path: Path) -> None:
    internals: Any = importlib.import_module("numpy._core._multiarray_umath")
    optional = [name for name in internals.__cpu_dispatch__ if internals.__cpu_features__.get(name)]
    if not optional:
        pytest.skip("numpy finds no optional vector instructions on this processor")
    code = (
        "from numpy._core import _multiarray_umath as m; from pathlib import Path; import sys\n"
        f"assert not any(m.__cpu_features__[name] for name in {optional!r})\n"
        "from watchtime.datasets.simulator.kuairand_pure import simulate\n"
        f"simulate(Path(sys.argv[1]), **{SMALL!r})"
    )
    environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(optional)}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env=environment)
    assert hashes(tmp_path) == hashes(small)


def test_headers_are_the_official_ones(small: Path) -> None:
    for name in (*STANDARD, RANDOM):
        assert (small / "data" / name).read_text().splitlines()[0] == LOG_HEADER
    if not SAMPLE.exists():
        pytest.skip("the real KuaiRand-Pure sample is not beside the project")
    for path in SAMPLE.iterdir():
        with path.open() as real, (small / "data" / path.name).open() as ours:
            assert ours.readline() == real.readline(), path.name


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
    with pytest.raises(WatchtimeError, match=rf"simulator: {key}: found {value}, allowed: \d"):
        simulate(tmp_path, **{**SMALL, key: value})
    assert not list(tmp_path.iterdir())
