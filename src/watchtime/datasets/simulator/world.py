"""The latent world: users and items with taste, and what it makes of a view of an item by a user in a context."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from watchtime.datasets.simulator import tables
from watchtime.datasets.simulator.arithmetic import Booleans, Floats, Integers, bend, inner
from watchtime.datasets.simulator.law import duration_position
from watchtime.datasets.simulator.truth import Truth

DURATION_ODDS = np.asarray(tables.DURATION_ODDS)  # (node, kind)
TAB_ODDS = np.asarray(tables.TAB_ODDS)  # (tab, kind)
AFFINITY_STRENGTH, PATIENCE_STRENGTH, QUALITY_STRENGTH = 2.0, 1.5, 1.5
HOUR_EFFECTS = np.asarray(tables.HOUR_EFFECTS)


@dataclass(frozen=True)
class Users:
    """What makes users differ; latent numbers are centred at 0, ``levels`` and ``numbers`` are what a log shows."""

    taste: Floats  # (dimensions, users)
    patience: Floats  # finishes rather than skips
    depth: Floats  # watches a part rather than skips
    rewatching: Floats  # replays
    browsing: Floats  # opens what is shown
    activity: Floats  # views relative to the mean user
    home_tab: Integers
    levels: dict[str, Integers]  # codes into attributes.USER_LEVELS
    numbers: dict[str, Integers]


@dataclass(frozen=True)
class Items:
    """What makes items differ; ``theme`` meets the users' taste."""

    theme: Floats  # (dimensions, items)
    quality: Floats  # is finished rather than skipped
    hook: Floats  # is watched in part rather than skipped
    cover: Floats  # is opened where it is shown
    popularity: Floats  # views relative to the mean item
    duration_ms: Floats
    hidden_duration: Booleans  # the raw files give 0 as its duration
    author: Integers
    music: Integers
    tags: Integers  # (items, 3) codes into attributes.TAGS, -1 where there are fewer
    untagged: Booleans  # the raw files give no tag
    levels: dict[str, Integers]  # codes into attributes.ITEM_LEVELS


@dataclass(frozen=True)
class World:
    users: Users
    items: Items


@dataclass(frozen=True)
class Context:
    """Where and when each view happens: tab (n,) and hour of the day (n,), China time."""

    tab: Integers
    hour: Integers


def affinity(world: World, users: Integers, items: Integers) -> Floats:
    """Return Σ_d taste[d, user] theme[d, item]."""
    return inner(world.users.taste[:, users], world.items.theme[:, items])


def appeal(world: World, users: Integers, items: Integers) -> Floats:
    """Return how much a user likes an item, apart from its duration and the context."""
    liking = AFFINITY_STRENGTH * affinity(world, users, items)
    return liking + PATIENCE_STRENGTH * world.users.patience[users] + QUALITY_STRENGTH * world.items.quality[items]


def tilts(world: World, users: Integers, items: Integers, context: Context) -> Floats:
    """Return the (n, 5) factors by which a pair's odds of the five kinds differ from the average pair's."""
    user, item = world.users, world.items
    liking = appeal(world, users, items) + 4.0 * HOUR_EFFECTS[context.hour]
    opening = user.browsing[users] + item.cover[items] + 0.5 * liking
    return np.stack(
        [
            bend(-opening),
            np.ones(len(users)),
            bend(0.5 * liking + user.depth[users] + item.hook[items]),
            bend(1.3 * liking),
            bend(1.3 * liking + user.rewatching[users]),
        ],
        axis=1,
    )


def kind_weights(world: World, users: Integers, items: Integers, context: Context) -> Floats:
    """Return the (n, 5) probabilities of zero, skip, partial, finish, replay."""
    node, step = duration_position(world.items.duration_ms[items])
    odds = (1.0 - step)[:, None] * DURATION_ODDS[node] + step[:, None] * DURATION_ODDS[node + 1]
    weights = odds * TAB_ODDS[context.tab] * tilts(world, users, items, context)
    total = weights[:, 0] + weights[:, 1] + weights[:, 2] + weights[:, 3] + weights[:, 4]
    return weights / total[:, None]


def conditional(world: World, users: Integers, items: Integers, context: Context) -> Truth:
    """Return the law of the watch time of any (user, item, context): the factual and the counterfactual ones."""
    return Truth(
        weights=kind_weights(world, users, items, context),
        scale=world.items.duration_ms[items],
        perturbed=np.zeros(len(users), dtype=np.bool_),
    )
