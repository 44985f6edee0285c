"""Shopping sessions in a latent world: who looks for what, which products are viewed, and how long it takes.

A session has one sought product. Its dwell time D is the sum of the durations of its queries. D follows the law of a
view (``law.py``) of the sought product by the visitor, with two changes: the kinds are one higher, since no session
lasts 0 ms (skip → partial, partial → finish, the rest → replay), and the duration d of the law is

    d = 150 ms + 100 ms (queries − 1) + 240 ms · (duration level of the sought product),

so that d/2 ≤ D ≤ 10 d < 6 s and D can be split into queries of at least 31 ms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from watchtime.datasets.simulator.arithmetic import Booleans, Floats, Integers, bend, choose, quantiles
from watchtime.datasets.simulator.law import play_time, whole_milliseconds
from watchtime.datasets.simulator.layout import MEAN_HOUR, duration_levels, main_context
from watchtime.datasets.simulator.truth import Truth
from watchtime.datasets.simulator.world import World, appeal, conditional

# share of sessions with 1, 2, ... 15 item views, as in the first 3,000 real sessions, and with 0, 1, 2, 3 queries
VIEW_SHARES = (0.31, 0.17, 0.12, 0.08, 0.07, 0.05, 0.04, 0.035, 0.03, 0.025, 0.02, 0.015, 0.015, 0.01, 0.01)
QUERY_SHARES = (0.34, 0.36, 0.19, 0.11)
UNVIEWED_SHARE = 0.03  # sessions with a query and without a view
KNOWN_SHARE = 0.4  # sessions of a known user
SIMILAR_SHARE = 0.7  # views of another product of the sought one's category
LONG_SHARE, LONG_MS = 0.02, 6_000  # sessions whose first query lasts that much longer, independent of all else
SHORTEST_MS, EACH_QUERY_MS, LENGTH_MS = 150.0, 100.0, 240.0
SHORTEST_QUERY_MS = 31
PAUSE_LEVELS = (0.0, 0.25, 0.5, 0.75, 0.95, 1.0)
PAUSE_MS = (1_000.0, 9_000.0, 20_000.0, 45_000.0, 150_000.0, 300_000.0)
LONGEST_PAUSE_MS = 400_000.0
RESULTS = 6  # products that a query finds


@dataclass(frozen=True)
class Sessions:
    """Sessions in the order of their numbers; arrays are (sessions,)."""

    visitors: Integers  # users of the world, from ``known_users`` on anonymous
    known: Booleans
    sought: Integers
    views: Integers  # number of item views
    queries: Integers
    law: Truth  # of the dwell time
    dwell_ms: Integers
    too_long: Booleans

    def modelled(self) -> Booleans:
        """Return which sessions have a view, a query and a dwell time below 6 s."""
        return (self.views > 0) & (self.queries > 0) & ~self.too_long


def draw_sessions(world: World, rng: np.random.Generator, count: int, known_users: int) -> Sessions:
    """Return ``count`` sessions; the world has ``known_users`` users and one anonymous user per session after them."""
    known = rng.random(count) < KNOWN_SHARE
    user = choose(world.users.activity[:known_users], rng.random(count))
    visitors = np.where(known, user, known_users + np.arange(count))
    first, second = (choose(world.items.popularity, rng.random(count)) for _ in range(2))
    sought = np.where(appeal(world, visitors, first) >= appeal(world, visitors, second), first, second)
    unviewed = rng.random(count) < UNVIEWED_SHARE
    views = np.where(unviewed, 0, 1 + choose(VIEW_SHARES, rng.random(count)))
    queries = np.maximum(choose(QUERY_SHARES, rng.random(count)), unviewed)
    law = dwell_law(world, visitors, sought, queries)
    too_long = (rng.random(count) < LONG_SHARE) & (queries > 0)
    dwell, _ = play_time(law.weights, law_duration(world, sought, queries), rng.random(count))
    return Sessions(visitors, known, sought, views, queries, law, whole_milliseconds(dwell), too_long)


def dwell_law(world: World, visitors: Integers, sought: Integers, queries: Integers) -> Truth:
    """Return the law of the dwell time of sessions."""
    context = main_context(np.full(len(sought), MEAN_HOUR))
    view = conditional(world, visitors, sought, context).weights
    zero = np.zeros(len(sought))
    weights = np.stack([zero, zero, view[:, 0] + view[:, 1], view[:, 2], view[:, 3] + view[:, 4]], axis=1)
    return Truth(weights, law_duration(world, sought, queries), zero > 0)


def law_duration(world: World, sought: Integers, queries: Integers) -> Floats:
    """Return the duration d of the law in ms."""
    more = EACH_QUERY_MS * (np.maximum(queries, 1) - 1)
    return SHORTEST_MS + more + np.floor(LENGTH_MS * duration_levels(world)[sought])


class SimilarProducts:
    """The products by category, the first tag, from which similar ones are drawn in proportion to popularity."""

    def __init__(self, world: World) -> None:
        self.category = world.items.tags[:, 0]
        self.order = np.argsort(self.category, kind="stable")
        self.bounds = np.concatenate([[0.0], np.cumsum(world.items.popularity[self.order])])

    def draw(self, sought: Integers, uniform: Floats) -> Integers:
        """Return products of the same categories as ``sought``."""
        ordered = self.category[self.order]
        low, high = (
            self.bounds[np.searchsorted(ordered, self.category[sought], side=side)] for side in ("left", "right")
        )
        place = np.searchsorted(self.bounds, low + uniform * (high - low), side="right") - 1
        return self.order[np.minimum(place, len(self.order) - 1)]


def draw_views(world: World, rng: np.random.Generator, sessions: Sessions) -> tuple[Integers, Integers, Integers]:
    """Return the session index, product and time in ms of all views, by session and time.

    The first product is the sought one. A pause before the next view is longer the more the one viewed appeals.
    """
    session = np.repeat(np.arange(len(sessions.views)), sessions.views)
    count = len(session)
    is_first = np.diff(session, prepend=-1) > 0
    sought = sessions.sought[session]
    similar = SimilarProducts(world).draw(sought, rng.random(count))
    popular = choose(world.items.popularity, rng.random(count))
    product = np.where(is_first, sought, np.where(rng.random(count) < SIMILAR_SHARE, similar, popular))
    liking = bend(0.5 * appeal(world, sessions.visitors[session], product))
    pause = np.minimum(quantiles(PAUSE_LEVELS, PAUSE_MS, rng.random(count)) * liking, LONGEST_PAUSE_MS)
    after = np.floor(pause).astype(np.int64) + 1
    start = rng.integers(1_000, 60_000, len(sessions.views))[session]
    passed = np.cumsum(after) - after
    return session, product, start + passed - passed[np.maximum.accumulate(np.where(is_first, np.arange(count), 0))]


def split_dwell(rng: np.random.Generator, sessions: Sessions) -> tuple[Integers, Integers]:
    """Return the session index and duration in ms of all queries: they sum to the dwell time, each is ≥ 31 ms."""
    session = np.repeat(np.arange(len(sessions.queries)), sessions.queries)
    part = rng.integers(1, 10, len(session))
    until = np.cumsum(part)
    ends = np.cumsum(sessions.queries)
    before = np.concatenate([[0], until])[ends - sessions.queries][session]
    total = np.concatenate([[0], until])[ends][session] - before
    rest = (sessions.dwell_ms - SHORTEST_QUERY_MS * sessions.queries)[session]
    cut = rest * (until - before) // total
    duration = SHORTEST_QUERY_MS + cut - rest * (until - part - before) // total
    longer = sessions.too_long[session] & (np.diff(session, prepend=-1) > 0)
    return session, duration + LONG_MS * longer
