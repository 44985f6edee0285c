"""Simulated raw files in the official layout of KuaiRec 2.0."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from watchtime.datasets.simulator.arithmetic import Booleans, Integers, choose, generator
from watchtime.datasets.simulator.exposure import Views, draw_pairs, draw_watching, with_repeats
from watchtime.datasets.simulator.features import user_features
from watchtime.datasets.simulator.folder import completed
from watchtime.datasets.simulator.kuairec_features import captions, categories, daily_features
from watchtime.datasets.simulator.layout import (
    CHINA_MS,
    DAY_MS,
    check_size,
    main_context,
    midnight_ms,
    with_durations,
)
from watchtime.datasets.simulator.population import make_world
from watchtime.datasets.simulator.tables import HOUR_SHARES
from watchtime.datasets.simulator.truth import Truth
from watchtime.datasets.simulator.world import World

FIRST_DAY = date(2020, 7, 5)
LONGEST = 63  # days from 2020-07-05 to 2020-09-05
BLOCK_STEP = 5  # every fifth user and every fifth video belong to the small matrix
REPEATS_PER_THOUSAND = 77
UNDATED_SHARE = 0.04  # of the small matrix
# quantiles of the video durations in the first 1,000 rows of the big matrix, rounded
LEVELS = (0.0, 0.05, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 0.95, 1.0)
DURATIONS_MS = (3_070, 5_570, 6_340, 7_280, 8_230, 9_070, 10_050, 10_930, 12_260, 20_200, 140_000)


def simulate(folder: Path, rows: int, users: int, items: int, days: int, seed: int) -> None:
    """Write the official files into ``folder/data`` and the known distribution into ``folder/truth.npz``.

    ``rows`` counts the big matrix, its exact duplicates included, in the order of users and of time. The small matrix
    holds every pair of a fifth of the users and a fifth of the videos once; none of these pairs is in the big one.
    The rows of the truth are those of the big matrix, then those of the small one; a duplicate is perturbed there.

    Raises ``WatchtimeError`` where a size is too small or the days do not fit the official dates.
    """
    check_size("rows", rows, 1)
    check_size("users", users, BLOCK_STEP)
    check_size("items", items, BLOCK_STEP)
    check_size("days", days, 1, LONGEST)
    world = with_durations(make_world(users, items, seed), LEVELS, DURATIONS_MS)
    big = _big_views(world, generator(seed, part="big matrix"), rows, days)
    rng = generator(seed, part="small matrix")
    small = _small_views(world, rng, days)
    undated = rng.random(len(small.users)) < UNDATED_SHARE
    with completed(folder) as place:
        data = place / "data"
        data.mkdir()
        _matrix(world, big).write_csv(data / "big_matrix.csv")
        _matrix(world, small, undated).write_csv(data / "small_matrix.csv")
        whole_numbers = pl.col("^onehot_feat.*$").cast(pl.String).str.strip_suffix(".0")
        user_features(world).with_columns(whole_numbers).write_csv(data / "user_features.csv")
        categories(world).write_csv(data / "item_categories.csv")
        captions(world, seed).write_csv(data / "kuairec_caption_category.csv", quote_style="never")
        daily_features(world, big, FIRST_DAY, days, seed).write_csv(data / "item_daily_features.csv")
        Truth.joined([_law(world, big), _law(world, small)]).save(place / "truth.npz")


def _in_block(index: Integers) -> Booleans:
    return index % BLOCK_STEP == BLOCK_STEP - 1


def _big_views(world: World, rng: np.random.Generator, rows: int, days: int) -> Views:
    """Return the big matrix; where a pair belongs to the small matrix, the video before it is shown instead."""
    repeats = rows * REPEATS_PER_THOUSAND // 1000
    count = rows - repeats
    users, items, context = draw_pairs(world, rng, count)
    items = np.where(_in_block(users) & _in_block(items), items - 1, items)
    views = draw_watching(world, rng, users, items, main_context(context.hour))
    dated = replace(views, millisecond=views.millisecond + DAY_MS * (np.arange(count) * days // count))
    return _by_user_and_time(with_repeats(dated, repeats, rng))


def _small_views(world: World, rng: np.random.Generator, days: int) -> Views:
    users, items = (
        every[_in_block(every)]
        for every in (np.arange(len(world.users.activity)), np.arange(len(world.items.duration_ms)))
    )
    count = len(users) * len(items)
    hour = choose(HOUR_SHARES, rng.random(count))
    pairs = np.repeat(users, len(items)), np.tile(items, len(users))
    views = draw_watching(world, rng, *pairs, main_context(hour))
    day = rng.integers(0, days, count)
    return _by_user_and_time(replace(views, millisecond=views.millisecond + DAY_MS * day))


def _by_user_and_time(views: Views) -> Views:
    return views.take(np.lexsort((views.millisecond, views.users)))


def _law(world: World, views: Views) -> Truth:
    return Truth(views.weights, world.items.duration_ms[views.items], views.perturbed)


def _matrix(world: World, views: Views, undated: Booleans | None = None) -> pl.DataFrame:
    """Return one matrix; with ``undated`` the dates become numbers with decimals, as gaps make them in the real file.

    A fraction of a second is written without trailing zeros, but with at least one digit.
    """
    time_ms = views.millisecond + midnight_ms(FIRST_DAY)
    shown = pl.lit(True) if undated is None else ~pl.Series(undated)
    clock = pl.from_epoch(pl.col("time_ms") + CHINA_MS, "ms")
    thousandths = (pl.col("time_ms") % 1000).cast(pl.String).str.zfill(3)
    fraction = "." + thousandths.str.head(1) + thousandths.str.tail(2).str.strip_chars_end("0")
    columns = {
        "time": clock.dt.strftime("%Y-%m-%d %H:%M:%S") + fraction,
        "date": clock.dt.strftime("%Y%m%d") + ("" if undated is None else ".0"),
        "timestamp": (pl.col("time_ms") // 1000).cast(pl.String) + fraction,
    }
    frame = pl.DataFrame(
        {
            "user_id": views.users,
            "video_id": views.items,
            "play_duration": views.play_ms,
            "video_duration": world.items.duration_ms[views.items].astype(np.int64),
            "time_ms": time_ms,
        }
    )
    return frame.with_columns(
        **{name: pl.when(shown).then(text) for name, text in columns.items()},
        watch_ratio=pl.col("play_duration") / pl.col("video_duration"),
    ).drop("time_ms")
