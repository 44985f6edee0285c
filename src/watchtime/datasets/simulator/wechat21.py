"""Simulated raw files in the official layout of the WeChat Big Data Challenge 2021."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from watchtime.datasets.simulator.arithmetic import Floats, Integers, bend, generator, quantiles
from watchtime.datasets.simulator.exposure import Views, draw_watching, happens
from watchtime.datasets.simulator.folder import completed
from watchtime.datasets.simulator.layout import MEAN_HOUR, check_size, main_context, with_durations
from watchtime.datasets.simulator.population import make_world
from watchtime.datasets.simulator.truth import Truth
from watchtime.datasets.simulator.wechat21_features import feed_embeddings, feed_info
from watchtime.datasets.simulator.world import World, affinity, appeal

LONGEST = 14
SELECTION = 0.5  # how strongly a feed's appeal to a user bears on being shown
USERS_PER_BLOCK = 64
# quantiles of the durations in the first 99 rows of feed_info.csv
LEVELS = (0.0, 0.1, 0.25, 0.5, 0.65, 0.72, 1.0)
DURATIONS_MS = (4_000, 11_000, 15_000, 24_000, 38_000, 60_000, 60_000)
FAVORITE_RATES = (0.0, 0.001, 0.003, 0.005, 0.012)  # by kind of view, as tables.FEEDBACK_RATES
# time beyond the play time, on the page and with the video stopped, where the comments stay closed
STAY_LEVELS = (0.0, 0.25, 0.5, 0.75, 0.95, 1.0)
STAY_MS = (30.0, 300.0, 700.0, 1_500.0, 6_000.0, 60_000.0)
DEVICE_COLUMN = "onehot_feat6"
FEEDBACK = {
    "comment": "is_comment",
    "like": "is_like",
    "click_avatar": "is_profile_enter",
    "forward": "is_forward",
    "follow": "is_follow",
}
HEADER = "userid,feedid,date_,device,read_comment,comment,like,play,stay,click_avatar,forward,follow,favorite"


def simulate(folder: Path, rows: int, users: int, items: int, days: int, seed: int) -> None:
    """Write the official files into ``folder`` and the known distribution into ``folder/truth.npz``.

    The rows are spread evenly: the number of rows of any two users, and of one user on any two days, differ by at
    most one. Nobody sees a feed twice; which feeds a user sees depends on their popularity and on their appeal to
    the user. ``user_action.csv`` is in the order of users and days, and row i of the truth is its row i.
    ``videoplayseconds`` is exactly the duration to which the law refers.

    Raises ``WatchtimeError`` where a size is not positive, the days are not 1 to 14 or there are more rows than pairs.
    """
    check_size("users", users, 1)
    check_size("items", items, 1)
    check_size("rows", rows, 1, users * items, " (nobody sees a feed twice)")
    check_size("days", days, 1, LONGEST)
    world = with_durations(make_world(users, items, seed), LEVELS, DURATIONS_MS, unit_ms=1_000)
    rng = generator(seed, part="user actions")
    number = rows // users + (np.arange(users) < rows % users)  # rows of each user
    user = np.repeat(np.arange(users), number)
    place = np.arange(rows) - np.repeat(np.cumsum(number) - number, number)  # of a row among those of its user
    feed = np.concatenate(list(_feeds(world, rng, number)))
    views = draw_watching(world, rng, user, feed, main_context(np.full(rows, MEAN_HOUR)))
    actions = _user_actions(world, rng, views, 1 + place * days // number[user])
    with completed(folder) as target:
        actions.write_csv(target / "user_action.csv")
        feed_info(world, seed).write_csv(target / "feed_info.csv")
        feed_embeddings(world, seed).write_csv(target / "feed_embeddings.csv")
        Truth(views.weights, world.items.duration_ms[feed], views.perturbed).save(target / "truth.npz")


def _feeds(world: World, rng: np.random.Generator, number: Integers) -> Iterator[Integers]:
    """Give for one block of users after the other the feeds that they see, user by user, in random order.

    A user sees the feeds with the smallest uniform / ((1 + popularity) · bend(appeal)): different ones, the popular
    and the appealing more often.
    """
    items = np.arange(len(world.items.duration_ms))
    for start in range(0, len(number), USERS_PER_BLOCK):
        block = np.arange(start, min(start + USERS_PER_BLOCK, len(number)))
        keys = rng.random((len(block), len(items))) / _weights(world, block, items)
        seen = np.argsort(keys, axis=1, kind="stable")
        for row, user in enumerate(block):
            chosen = seen[row, : number[user]]
            yield chosen[np.argsort(rng.random(len(chosen)), kind="stable")]


def _weights(world: World, users: Integers, items: Integers) -> Floats:
    pairs = np.repeat(users, len(items)), np.tile(items, len(users))
    weights = (1.0 + world.items.popularity[pairs[1]]) * bend(SELECTION * appeal(world, *pairs))
    return weights.reshape(len(users), len(items))


def _user_actions(world: World, rng: np.random.Generator, views: Views, day: Integers) -> pl.DataFrame:
    """Return ``user_action.csv``; ``stay`` is the play time, the time in the comments and some more."""
    count = len(day)
    beyond = np.floor(quantiles(STAY_LEVELS, STAY_MS, rng.random(count))).astype(np.int64)
    columns = {
        "userid": views.users,
        "feedid": views.items,
        "date_": day,
        "device": 1 + np.minimum(world.users.levels[DEVICE_COLUMN][views.users], 1),
        "play": views.play_ms,
        "stay": views.play_ms + views.comment_stay_ms + beyond,
        "read_comment": (views.comment_stay_ms > 0).astype(np.int64),
        "favorite": happens(rng, FAVORITE_RATES, views.kind, affinity(world, views.users, views.items)),
        **{name: views.feedback[source] for name, source in FEEDBACK.items()},
    }
    return pl.DataFrame({name: columns[name] for name in HEADER.split(",")})
