"""What customers buy of companies, purchase by purchase: the first day, the year after it, and what does not count."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from watchtime.datasets.simulator.arithmetic import Booleans, Floats, Integers, bend
from watchtime.datasets.simulator.shelf import PRODUCTS, Shelf

HORIZON = 365  # days after the first one whose purchases are the target
FIRST_DAY_CHANCES = (1.0, 0.3, 0.15)  # of a first, second and third purchase on the first day
SECOND_UNIT = 0.2  # chance of one unit more
PURCHASES_IN_THE_YEAR = ((0, 0), (1, 1), (1, 1), (1, 2), (2, 4), (3, 8))  # least and most of each spending kind
RETURNING, OF_THESE_FREE = 0.06, 0.2  # pairs with a row of a negative amount, or of 0
LATE = 0.3  # pairs with a purchase after the horizon


@dataclass(frozen=True)
class Pairs:
    """The pairs of a company and a customer; all arrays are (n,)."""

    customer: Integers
    company: Integers
    start: Integers  # the day of the first purchase
    target_cents: Integers
    kind: Integers
    wanted: Floats  # how much this customer likes to buy of this company, 0 on average


@dataclass(frozen=True)
class Purchases:
    """Rows of the transaction file, which belong to pairs; all arrays are (m,)."""

    pair: Integers
    day: Integers
    product: Integers
    quantity: Integers
    cents: Integers


def draw_purchases(pairs: Pairs, shelf: Shelf, last_day: int, rng: np.random.Generator) -> Purchases:
    """Return all rows of all pairs, in the order of the pairs' parts and not of time.

    The amounts within ``HORIZON`` days after the start sum to the target; the returns are not counted.
    """
    parts = [
        _on_the_first_day(pairs, shelf, rng),
        _in_the_year(pairs, shelf, rng),
        _returns(pairs, shelf, last_day, rng),
        _late(pairs, shelf, last_day, rng),
    ]
    return Purchases(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Purchases)))


def _on_the_first_day(pairs: Pairs, shelf: Shelf, rng: np.random.Generator) -> Purchases:
    """One to three purchases; who likes to buy buys more often, more units and dearer products."""
    zeal = bend(pairs.wanted)
    parts = []
    for chance in FIRST_DAY_CHANCES:
        bought = rng.random(len(zeal)) < (chance * zeal if chance < 1.0 else 1.0)
        more = rng.random(len(zeal)) < SECOND_UNIT * zeal
        parts.append(_at_shelf_price(pairs, shelf, bought, pairs.start, 1 + more.astype(np.int64), rng))
    return Purchases(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Purchases)))


def _in_the_year(pairs: Pairs, shelf: Shelf, rng: np.random.Generator) -> Purchases:
    least, most = np.asarray(PURCHASES_IN_THE_YEAR)[pairs.kind].T
    drawn = least + np.floor(rng.random(len(least)) * (most - least + 1)).astype(np.int64)
    cents = split(pairs.target_cents, np.minimum(drawn, pairs.target_cents), rng)
    pair, _ = np.nonzero(cents)
    product = _products(pairs, pair, rng)
    day = pairs.start[pair] + 1 + rng.integers(0, HORIZON, len(pair))
    amount = cents[cents > 0]
    return Purchases(pair, day, product, np.maximum(1, amount // shelf.price_cents[product]), amount)


def _returns(pairs: Pairs, shelf: Shelf, last_day: int, rng: np.random.Generator) -> Purchases:
    """A row of a negative amount or of 0 on any day, even before the first purchase."""
    chosen = rng.random(len(pairs.start)) < RETURNING
    day = rng.integers(0, last_day + 1, len(pairs.start))
    back = _at_shelf_price(pairs, shelf, chosen, day, np.full(len(day), -1), rng)
    free = rng.random(len(back.pair)) < OF_THESE_FREE
    quantity, cents = np.where(free, 1, back.quantity), np.where(free, 0, back.cents)
    return Purchases(back.pair, back.day, back.product, quantity, cents)


def _late(pairs: Pairs, shelf: Shelf, last_day: int, rng: np.random.Generator) -> Purchases:
    chosen = rng.random(len(pairs.start)) < LATE
    first = pairs.start + HORIZON + 1
    day = first + np.floor(rng.random(len(first)) * (last_day - first + 1)).astype(np.int64)
    return _at_shelf_price(pairs, shelf, chosen, day, np.ones(len(day), dtype=np.int64), rng)


def _at_shelf_price(
    pairs: Pairs, shelf: Shelf, chosen: Booleans, day: Integers, quantity: Integers, rng: np.random.Generator
) -> Purchases:
    pair = np.flatnonzero(chosen)
    product = _products(pairs, pair, rng)
    return Purchases(pair, day[pair], product, quantity[pair], quantity[pair] * shelf.price_cents[product])


def _products(pairs: Pairs, pair: Integers, rng: np.random.Generator) -> Integers:
    """Return a product of each pair's company; who likes to buy takes a dearer one."""
    place = np.clip(0.6 * rng.random(len(pair)) + 0.2 + 0.08 * pairs.wanted[pair], 0.0, 0.999)
    return pairs.company[pair] * PRODUCTS + np.floor(PRODUCTS * place).astype(np.int64)


def split(total: Integers, parts: Integers, rng: np.random.Generator) -> Integers:
    """Return (n, most parts) whole amounts: row i is ``parts[i]`` amounts of at least 1 that sum to ``total[i]``.

    ``parts`` is at most ``total`` and 0 only where ``total`` is 0; the other cells are 0.
    """
    most = max(int(parts.max(initial=0)), 1)
    used = np.arange(most) < parts[:, None]
    bounds = np.cumsum(np.where(used, 0.5 + rng.random(used.shape), 0.0), axis=1)
    share = bounds / np.maximum(bounds[:, -1:], 0.5)
    upto = np.floor((total - parts)[:, None] * share).astype(np.int64)
    return np.diff(upto, axis=1, prepend=0) + used
