from pathlib import Path

import numpy as np
import polars as pl
import pytest

import simulated_folder
import tiny_wechat21 as tiny
from watchtime.datasets.simulator.layout import with_durations
from watchtime.datasets.simulator.population import make_world
from watchtime.datasets.simulator.truth import Truth
from watchtime.datasets.simulator.wechat21 import DURATIONS_MS, FEEDBACK, LEVELS, simulate
from watchtime.datasets.simulator.world import affinity

SAMPLE = simulated_folder.SAMPLES / "wechat21_sample"
SMALL = {"rows": 603, "users": 20, "items": 40, "days": 5, "seed": 3}
DEMO = {"rows": 158_000, "users": 1_010, "items": 500, "days": 14, "seed": 1}
SMALL_HASH = "9e9f9ae6bb8a1cc32a36538a736b931e4c60c44d316695ca42fba18dccbfc625"
HEADERS = {name: header for name, (header, _) in tiny.FILES.items()}

small = simulated_folder.simulated_once(simulate, **SMALL)
demo = simulated_folder.simulated_once(simulate, **DEMO)


@pytest.fixture(scope="module")
def actions(demo: Path) -> pl.DataFrame:
    return pl.read_csv(demo / "user_action.csv")


@pytest.fixture(scope="module")
def feeds(demo: Path) -> pl.DataFrame:
    return pl.read_csv(demo / "feed_info.csv")


def test_headers_are_the_official_ones(small: Path) -> None:
    simulated_folder.assert_official_headers(small, HEADERS, SAMPLE)


def test_the_bytes_follow_from_the_arguments(small: Path, tmp_path: Path) -> None:
    simulated_folder.assert_pinned(small, SMALL_HASH, files=4)
    simulated_folder.assert_bytes_follow_from_the_arguments(small, tmp_path, simulate, SMALL)


def test_the_bytes_do_not_depend_on_the_processor(small: Path, tmp_path: Path) -> None:
    simulated_folder.assert_processor_does_not_matter(small, tmp_path, "wechat21", SMALL)


def test_a_thousand_users_have_more_than_ten_rows_on_each_of_the_last_two_days(actions: pl.DataFrame) -> None:
    often = actions.group_by("userid", "date_").len().filter(pl.col("len") > 10)
    last = (set(often.filter(pl.col("date_") == day)["userid"]) for day in (13, 14))
    assert len(set.intersection(*last)) >= 1_000


def test_rows_are_spread_evenly_and_nobody_sees_a_feed_twice(actions: pl.DataFrame) -> None:
    assert actions.height == DEMO["rows"]
    assert actions.unique(["userid", "feedid"]).height == actions.height
    order = actions.select("userid", "date_")
    assert order.equals(order.sort("userid", "date_"))
    of_user = actions["userid"].value_counts()["count"].to_numpy()
    of_day = actions.group_by("userid", "date_").len()["len"].to_numpy()
    assert len(of_user) == DEMO["users"]
    assert len(of_day) == DEMO["users"] * DEMO["days"]
    assert np.ptp(of_user) == 1
    assert np.ptp(of_day) == 1


def test_the_days_show_the_same_mixture_of_feeds(actions: pl.DataFrame) -> None:
    """Which feeds a user sees has an order; the day on which one is seen has none."""
    views = actions["feedid"].value_counts()
    mean = actions.join(views, on="feedid").group_by("date_").agg(pl.col("count").mean())["count"].to_numpy()
    assert np.ptp(mean) < 0.05 * mean.mean()


def test_durations_are_whole_seconds_and_those_of_the_law(
    demo: Path, actions: pl.DataFrame, feeds: pl.DataFrame
) -> None:
    law = Truth.load(demo / "truth.npz")
    assert feeds["videoplayseconds"].dtype == pl.Int64
    assert feeds["videoplayseconds"].is_between(4, 60).all()
    shown = actions.join(feeds, on="feedid", maintain_order="left")["videoplayseconds"].to_numpy()
    assert np.array_equal(law.duration_ms, 1000 * shown)
    simulated_folder.assert_follows(law, actions["play"].to_numpy() / 1000)
    assert law.perturbed.mean() < 0.001
    assert (actions["stay"] >= actions["play"]).all()


def test_feedback_follows_taste(actions: pl.DataFrame) -> None:
    world = with_durations(make_world(1_010, 500, seed=1), LEVELS, DURATIONS_MS, 1_000)
    liking = affinity(world, actions["userid"].to_numpy(), actions["feedid"].to_numpy())
    fond = liking > np.quantile(liking, 0.7)
    cool = liking < np.quantile(liking, 0.3)
    for name in ("read_comment", "favorite", *FEEDBACK):
        happened = actions[name].to_numpy()
        assert set(np.unique(happened)) == {0, 1}, name
        assert happened[fond].mean() > 3 * happened[cool].mean(), name


def test_lists_have_the_real_forms(feeds: pl.DataFrame, demo: Path) -> None:
    assert feeds["feedid"].to_list() == list(range(DEMO["items"]))
    text = pl.read_csv(demo / "feed_info.csv", infer_schema=False)
    forms = {
        "manual_keyword_list": r"^\d+(;\d+)*$",
        "machine_keyword_list": r"^\d+(;\d+)*$",
        "manual_tag_list": r"^\d+(;\d+)*$",
        "machine_tag_list": r"^\d+ 0\.\d+(;\d+ 0\.\d+)*$",
        "description": r"^\d+( \d+)*$",
        "asr_char": r"^\d+( \d+)*$",
    }
    for name, form in forms.items():
        assert 0 < text[name].null_count() < text.height, name
        assert text[name].drop_nulls().str.contains(form).all(), name
    assert (text["bgm_song_id"].is_null() == text["bgm_singer_id"].is_null()).all()


def test_embeddings_carry_the_theme(demo: Path) -> None:
    table = pl.read_csv(demo / "feed_embeddings.csv", truncate_ragged_lines=False)
    assert table["feed_embedding"].str.ends_with(" ").all()
    numbers = np.array([[float(part) for part in row.split()] for row in table["feed_embedding"]])
    assert numbers.shape == (DEMO["items"], 16)
    theme = make_world(1_010, 500, seed=1).items.theme.T
    fitted = np.column_stack([numbers, np.ones(len(numbers))])
    left = theme - fitted @ np.linalg.lstsq(fitted, theme, rcond=None)[0]
    assert (left.var(axis=0) < 0.2 * theme.var(axis=0)).all()


@pytest.mark.parametrize(
    ("key", "value"), [("rows", 0), ("rows", 801), ("users", 0), ("items", -1), ("days", 0), ("days", 15)]
)
def test_impossible_sizes_are_named(tmp_path: Path, key: str, value: int) -> None:
    simulated_folder.refuse_size(tmp_path, simulate, SMALL, key, value)


@pytest.mark.parametrize(("rows", "users"), [(1, 1), (2, 3), (9, 3)])
def test_tiny_worlds_have_all_files(tmp_path: Path, rows: int, users: int) -> None:
    simulate(tmp_path, rows=rows, users=users, items=3, days=2, seed=0)
    assert pl.read_csv(tmp_path / "user_action.csv").height == rows
    assert len(Truth.load(tmp_path / "truth.npz")) == rows
