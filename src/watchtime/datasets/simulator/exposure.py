"""Who sees what when, and what follows: exposures under a policy, watch times and feedback."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from watchtime.datasets.simulator import tables
from watchtime.datasets.simulator.arithmetic import Booleans, Floats, Integers, bend, choose, quantiles
from watchtime.datasets.simulator.law import KINDS, play_time, whole_milliseconds
from watchtime.datasets.simulator.world import Context, World, affinity, appeal, conditional

HOUR_MS = 3_600_000
REPLAY = KINDS.index("replay")
RANDOM_TAB = 1  # the tab in which a randomly chosen video is inserted
SHARE_ABOVE_TEN = 0.0003  # of rows, independent of all else, so that dropping them leaves the law as it is
HOME_SHARE = 0.5  # of views in the user's home tab
REPEATS_PER_THOUSAND = 25
REPEATED_TAB = 6


@dataclass(frozen=True)
class Views:
    """Views of one day or of a whole log; all arrays are (n,) but ``weights`` (n, 5)."""

    users: Integers
    items: Integers
    tab: Integers
    hour: Integers
    millisecond: Integers  # since the start of the day, or of the log's first day
    play_ms: Integers
    kind: Integers
    weights: Floats
    perturbed: Booleans
    feedback: dict[str, Integers]
    comment_stay_ms: Integers

    def take(self, index: Integers) -> Views:
        """Return the views at ``index``."""
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        feedback = {name: values[index] for name, values in columns.pop("feedback").items()}
        return Views(feedback=feedback, **{name: values[index] for name, values in columns.items()})


def draw_pairs(
    world: World, rng: np.random.Generator, rows: int, random_policy: bool = False
) -> tuple[Integers, Integers, Context]:
    """Return users, items and contexts of ``rows`` exposures.

    Users come in proportion to their activity. The standard policy takes two items in proportion to their
    popularity and shows the more appealing one; the random policy shows any item with equal probability.
    """
    users = choose(world.users.activity, rng.random(rows))
    hour = choose(tables.HOUR_SHARES, rng.random(rows))
    if random_policy:
        items = rng.integers(0, len(world.items.duration_ms), rows)
        return users, items, Context(np.full(rows, RANDOM_TAB), hour)
    first = choose(world.items.popularity, rng.random(rows))
    second = choose(world.items.popularity, rng.random(rows))
    better = appeal(world, users, first) >= appeal(world, users, second)
    at_home = rng.random(rows) < HOME_SHARE
    tab = np.where(at_home, world.users.home_tab[users], choose(tables.TAB_SHARES, rng.random(rows)))
    return users, np.where(better, first, second), Context(tab, hour)


def draw_views(world: World, rng: np.random.Generator, rows: int, random_policy: bool = False) -> Views:
    """Return ``rows`` views of one day, the real log's oddities included, in the order of time."""
    repeats = 0 if random_policy else rows * REPEATS_PER_THOUSAND // 1000
    users, items, context = draw_pairs(world, rng, rows - repeats, random_policy)
    return _in_time_order(with_repeats(draw_watching(world, rng, users, items, context), repeats, rng))


def draw_watching(world: World, rng: np.random.Generator, users: Integers, items: Integers, context: Context) -> Views:
    """Return what follows from the given exposures, in their order: watch times, feedback and the time of day."""
    count = len(users)
    weights = conditional(world, users, items, context).weights
    duration = world.items.duration_ms[items]
    play, kind = play_time(weights, duration, rng.random(count))
    above_ten = rng.random(count) < SHARE_ABOVE_TEN
    kind = np.where(above_ten, REPLAY, kind)
    extreme = duration * (10.5 + 40.0 * rng.random(count))
    liking = affinity(world, users, items)
    stays = happens(rng, tables.FEEDBACK_RATES["comment_stay"], kind, liking)
    stay_ms = quantiles(tables.COARSE_LEVELS, tables.COMMENT_STAY_MS, rng.random(count))
    return Views(
        users=users,
        items=items,
        tab=context.tab,
        hour=context.hour,
        millisecond=context.hour * HOUR_MS + rng.integers(0, HOUR_MS, count),
        play_ms=whole_milliseconds(np.where(above_ten, extreme, play)),
        kind=kind,
        weights=weights,
        perturbed=above_ten | world.items.hidden_duration[items],
        feedback={
            name: happens(rng, rates, kind, liking)
            for name, rates in tables.FEEDBACK_RATES.items()
            if name != "comment_stay"
        },
        comment_stay_ms=np.where(stays == 1, np.floor(stay_ms), 0.0).astype(np.int64),
    )


def happens(rng: np.random.Generator, rates: tuple[float, ...], kind: Integers, liking: Floats) -> Integers:
    """Return 1 where a feedback follows."""
    return (rng.random(len(kind)) < feedback_chance(rates, kind, liking)).astype(np.int64)


def feedback_chance(rates: tuple[float, ...], kind: Integers, liking: Floats) -> Floats:
    """Return the chance of a feedback: its rate after that kind of view, tilted by the pair's affinity."""
    return np.minimum(0.95, np.asarray(rates)[kind] * bend(liking))


def with_repeats(views: Views, repeats: int, rng: np.random.Generator) -> Views:
    """Append exact copies of ``repeats`` views, first of those in the tab in which the real log repeats rows."""
    count = len(views.users)
    order = np.argsort(rng.random(count) + (views.tab != REPEATED_TAB), kind="stable")
    both = views.take(np.concatenate([np.arange(count), order[:repeats]]))
    both.perturbed[count:] = True
    return both


def _in_time_order(views: Views) -> Views:
    return views.take(np.argsort(views.millisecond, kind="stable"))
