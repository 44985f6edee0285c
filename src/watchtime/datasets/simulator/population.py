"""Draws the users and items of a world. What a log shows of them carries part of their taste."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from watchtime.datasets.simulator import attributes, tables
from watchtime.datasets.simulator.arithmetic import (
    Booleans,
    Floats,
    Integers,
    choose,
    generator,
    quantiles,
    signed,
)
from watchtime.datasets.simulator.world import Items, Users, World

DIMENSIONS = 4
TASTE_COLUMNS = {"onehot_feat1": 0.8, "onehot_feat2": 0.8, "onehot_feat9": 0.6, "onehot_feat10": 0.6}
PATIENCE_COLUMNS = {"user_active_degree": 0.8, "onehot_feat4": 0.6, "onehot_feat6": 0.6}
MISSING_TOGETHER = tuple(f"onehot_feat{k}" for k in range(12, 18))
WIDE_COLUMNS = {"onehot_feat3": 1471, "onehot_feat7": 118, "onehot_feat8": 454}
ITEMS_PER_HIDDEN = 50  # one item in so many has no duration in the raw files
UNTAGGED_SHARE = 0.013
GOLDEN_RATIO = 0.6180339887498949


def make_world(users: int, items: int, seed: int) -> World:
    """Return the world of one seed; its users and its items come from separate streams."""
    return World(make_users(users, generator(seed, part="users")), make_items(items, generator(seed, part="items")))


def make_users(count: int, rng: np.random.Generator) -> Users:
    levels = {name: choose(list(shares.values()), rng.random(count)) for name, shares in attributes.USER_LEVELS.items()}
    _miss_together(levels, rng.random(count))
    for name, width in WIDE_COLUMNS.items():
        levels[name] = _skewed(width, rng.random(count))
    ranks = {name: rng.random(count) for name in attributes.USER_NUMBERS}
    taste = 0.8 * signed(rng, DIMENSIONS, count)
    for name, strength in TASTE_COLUMNS.items():
        taste = taste + strength * _effects(rng, attributes.USER_LEVELS[name], DIMENSIONS)[:, levels[name]]
    patience = 1.2 * signed(rng, count) + 0.5 * (2.0 * ranks["register_days"] - 1.0)
    for name, strength in PATIENCE_COLUMNS.items():
        patience = patience + strength * _effects(rng, attributes.USER_LEVELS[name], 1)[0, levels[name]]
    return Users(
        taste=taste,
        patience=patience,
        depth=1.0 * signed(rng, count),
        rewatching=1.5 * signed(rng, count),
        browsing=2.0 * signed(rng, count),
        activity=quantiles(tables.TAIL_LEVELS, tables.USER_ACTIVITY, rng.random(count)),
        home_tab=choose(tables.TAB_SHARES, rng.random(count)),
        levels=levels,
        numbers={
            name: np.floor(quantiles(tables.TAIL_LEVELS, knots, ranks[name])).astype(np.int64)
            for name, knots in attributes.USER_NUMBERS.items()
        },
    )


def make_items(count: int, rng: np.random.Generator) -> Items:
    levels = {name: choose(list(shares.values()), rng.random(count)) for name, shares in _item_levels().items()}
    tags = _tags(count, rng)
    author = _skewed(max(1, 4 * count // 5), rng.random(count))
    music = _skewed(max(1, 4 * count // 5), rng.random(count))
    theme = 0.6 * signed(rng, DIMENSIONS, count) + 0.5 * signed(rng, DIMENSIONS, count)[:, author]
    of_tag = _effects(rng, attributes.TAGS, DIMENSIONS)
    theme = theme + of_tag[:, tags[:, 0]] + np.where(tags[:, 1] >= 0, 0.5 * of_tag[:, tags[:, 1]], 0.0)
    quality = 1.0 * signed(rng, count) + 0.8 * signed(rng, count)[author] + 0.4 * signed(rng, count)[music]
    quality = quality + 0.5 * _effects(rng, attributes.ITEM_LEVELS["upload_type"], 1)[0, levels["upload_type"]]
    popularity = quantiles(tables.TAIL_LEVELS, tables.ITEM_POPULARITY, rng.random(count))
    duration = np.floor(quantiles(tables.TAIL_LEVELS, tables.DURATION_MS, _spread(popularity, rng)))
    return Items(
        theme=theme,
        quality=quality,
        hook=0.8 * signed(rng, count),
        cover=1.5 * signed(rng, count),
        popularity=popularity,
        duration_ms=duration,
        hidden_duration=_hidden(popularity, rng.random(count)),
        author=author,
        music=music,
        tags=tags,
        untagged=rng.random(count) < UNTAGGED_SHARE,
        levels=levels,
    )


def _effects(rng: np.random.Generator, shares: Mapping[str, float], dimensions: int) -> Floats:
    """Return (dimensions, levels) effects whose mean, weighted by the levels' shares, is 0."""
    weights = np.asarray(list(shares.values()))
    effects = signed(rng, dimensions, len(weights))
    mean = np.cumsum(effects * weights, axis=1)[:, -1:] / np.cumsum(weights)[-1]
    return effects - mean


def _spread(popularity: Floats, rng: np.random.Generator) -> Floats:
    """Return levels in [0, 1) that are evenly spread among items of similar popularity.

    They are a golden-ratio sequence in the order of popularity, so that a handful of much-seen items does not
    decide the durations of a whole log.
    """
    level = (rng.random(1) + GOLDEN_RATIO * np.arange(len(popularity))) % 1.0
    spread = np.empty(len(popularity))
    spread[np.argsort(popularity, kind="stable")] = level
    return spread


def _skewed(width: int, uniform: Floats) -> Integers:
    """Return codes in [0, width) of which the small ones are frequent."""
    return np.floor(width * uniform * uniform).astype(np.int64)


def _miss_together(levels: dict[str, Integers], uniform: Floats) -> None:
    """Make the columns that are missing for the same users in the real files miss together."""
    missing = uniform < attributes.USER_LEVELS[MISSING_TOGETHER[0]][""]
    for name in MISSING_TOGETHER:
        names = list(attributes.USER_LEVELS[name])
        absent, usual = names.index(""), 0
        present = np.where(levels[name] == absent, usual, levels[name])
        levels[name] = np.where(missing, absent, present)


def _item_levels() -> Mapping[str, Mapping[str, float]]:
    return {**attributes.ITEM_LEVELS, "frame_size": attributes.FRAME_SIZES}


def _tags(count: int, rng: np.random.Generator) -> Integers:
    """Return up to three different tags per item, −1 where there are fewer."""
    number = 1 + choose(list(attributes.TAG_COUNTS.values()), rng.random(count))
    tags = np.stack([choose(list(attributes.TAGS.values()), rng.random(count)) for _ in range(3)], axis=1)
    tags[:, 1] = np.where((number > 1) & (tags[:, 1] != tags[:, 0]), tags[:, 1], -1)
    seen = (tags[:, 2] == tags[:, 0]) | (tags[:, 2] == tags[:, 1]) | (tags[:, 1] < 0)
    tags[:, 2] = np.where((number > 2) & ~seen, tags[:, 2], -1)
    return tags


def _hidden(popularity: Floats, uniform: Floats) -> Booleans:
    """Mark one item in fifty, at least one, among the less popular ones."""
    order = np.argsort(uniform + (popularity > 1.0), kind="stable")
    hidden = np.zeros(len(uniform), dtype=np.bool_)
    hidden[order[: 1 + len(uniform) // ITEMS_PER_HIDDEN]] = True
    return hidden
