"""Feature columns that several layouts show of a world, and the official user features of Kuaishou's data sets."""

from __future__ import annotations

import numpy as np
import polars as pl

from watchtime.datasets.simulator import attributes
from watchtime.datasets.simulator.arithmetic import Floats, Integers
from watchtime.datasets.simulator.world import World

USER_HEADER = (
    "user_id,user_active_degree,is_lowactive_period,is_live_streamer,is_video_author,follow_user_num,"
    "follow_user_num_range,fans_user_num,fans_user_num_range,friend_user_num,friend_user_num_range,register_days,"
    "register_days_range," + ",".join(f"onehot_feat{k}" for k in range(18))
)
RANGES: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {  # smallest number of each range, its official name
    "follow_user_num": (
        (0, 1, 11, 51, 101, 151, 251, 501),
        ("0", "(0,10]", "(10,50]", "(50,100]", "(100,150]", "(150,250]", "(250,500]", "500+"),
    ),
    "fans_user_num": (
        (0, 1, 10, 100, 1_000, 5_000, 10_000, 100_000, 1_000_000),
        ("0", "[1,10)", "[10,100)", "[100,1k)", "[1k,5k)", "[5k,1w)", "[1w,10w)", "[10w,100w)", "[100w,1000w)"),
    ),
    "friend_user_num": (
        (0, 1, 5, 30, 60, 120, 250),
        ("0", "[1,5)", "[5,30)", "[30,60)", "[60,120)", "[120,250)", "250+"),
    ),
    "register_days": (
        (0, 15, 31, 61, 91, 181, 366, 731),
        ("8-14", "15-30", "31-60", "61-90", "91-180", "181-365", "366-730", "730+"),
    ),
}
REACH = 2.0  # latent numbers beyond ±REACH belong to the outermost intervals


def user_features(world: World) -> pl.DataFrame:
    """Return the user features: ranges beside their numbers, missing one-hot features empty."""
    users = world.users
    columns: dict[str, pl.Series] = {}
    for name, number in users.numbers.items():
        starts, names = RANGES[name]
        columns[name] = pl.Series(number)
        columns[f"{name}_range"] = named(list(names), np.searchsorted(starts, number, side="right") - 1)
    for name, codes in users.levels.items():
        columns[name] = level(name, codes)
    count = len(users.patience)
    columns["user_id"] = pl.Series(np.arange(count))
    columns["is_lowactive_period"] = pl.Series(np.zeros(count, dtype=np.int64))
    return pl.DataFrame({name: columns[name] for name in USER_HEADER.split(",")})


def level(name: str, codes: Integers) -> pl.Series:
    """Return a categorical column as the official text, or its codes where every code is its own name."""
    levels = attributes.USER_LEVELS.get(name) or attributes.ITEM_LEVELS.get(name)
    return named(list(levels), codes) if levels else pl.Series(codes)


def named(names: list[str], codes: Integers) -> pl.Series:
    """Return the name of each code; the empty name is a missing value."""
    return pl.Series([name or None for name in names], dtype=pl.String)[codes]


def interval_words(latent: Floats, intervals: int) -> Integers:
    """Return for (dimensions, n) latent numbers a word each, from 0: one per dimension and interval of [−2, 2]."""
    interval = np.floor((latent + REACH) * (intervals / (2.0 * REACH)))
    inside = np.minimum(np.maximum(interval, 0.0), intervals - 1.0).astype(np.int64)
    return intervals * np.arange(len(latent))[:, None] + inside
