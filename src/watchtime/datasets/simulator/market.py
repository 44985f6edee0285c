"""What a world is worth in money: prices, who spends, and the law of what a user spends on an item."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from watchtime.datasets.simulator.arithmetic import Floats, Integers, bend, generator, quantiles, signed
from watchtime.datasets.simulator.spending import SPENDING
from watchtime.datasets.simulator.truth import Truth
from watchtime.datasets.simulator.world import World, affinity

LIKING_STRENGTH, QUALITY_STRENGTH = 2.0, 2.0
SEGMENT = "onehot_feat9"  # the level of a user that says most about the appetite
SEGMENT_APPETITE = (0.6, -0.3, 0.1, 0.9, -0.7, -1.1, 0.0)
FEW_UNITS, MORE_UNITS, MANY_UNITS = 0.4, 0.8, 1.2  # how much more likely appetite makes two, basket and large
PRICE_LEVELS = (0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)


@dataclass(frozen=True)
class Trade:
    """Round numbers of one kind of trade: prices at PRICE_LEVELS and what is spent on a cheap and a dear product."""

    prices: tuple[float, ...]  # euros or dollars
    odds: tuple[tuple[float, ...], tuple[float, ...]]  # of none, small, one, two, basket, large


# fmt: off
SHOP_PRICES = (2.0, 6.0, 8.0, 15.0, 30.0, 50.0, 70.0, 80.0, 130.0, 300.0)
ONE_CLICK = Trade(SHOP_PRICES, (  # what is bought after a click on an advertisement
    (40.0, 0.10, 0.20, 0.22, 0.33, 0.15),
    (40.0, 0.05, 0.66, 0.21, 0.07, 0.01)))
ONE_VIEW = Trade(SHOP_PRICES, (  # what is bought after a view of a video
    (100.0, 0.10, 0.45, 0.20, 0.20, 0.05),
    (100.0, 0.05, 0.75, 0.15, 0.04, 0.01)))
ONE_YEAR = Trade((1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 12.0, 15.0, 20.0, 30.0), (  # of one company's groceries
    (0.10, 0.04, 0.10, 0.11, 0.24, 0.38),
    (0.14, 0.04, 0.30, 0.20, 0.20, 0.06)))
# fmt: on


@dataclass(frozen=True)
class Market:
    """The prices of a world's items and the appetite of its users, who buy more units or fewer."""

    trade: Trade
    price_cents: Floats  # (items,)
    appetite: Floats  # (users,)


def make_market(world: World, trade: Trade, seed: int) -> Market:
    """Return the market of one seed; prices end in 9, such as 29.99."""
    prices, users = generator(seed, part="prices"), generator(seed, part="appetite")
    price = quantiles(PRICE_LEVELS, trade.prices, prices.random(len(world.items.quality)))
    appetite = 1.2 * signed(users, len(world.users.patience))
    segment = world.users.levels[SEGMENT]
    return Market(trade, 10.0 * np.floor(10.0 * price) - 1.0, appetite + np.asarray(SEGMENT_APPETITE)[segment])


def desire(world: World, users: Integers, items: Integers) -> Floats:
    """Return how much a user wants an item, apart from its price and the context."""
    return LIKING_STRENGTH * affinity(world, users, items) + QUALITY_STRENGTH * world.items.quality[items]


def spending_law(
    world: World, market: Market, users: Integers, items: Integers, occasion: Floats | float = 0.0
) -> Truth:
    """Return the law of what each user spends on each item; ``occasion`` is what the context adds to the desire."""
    price = market.price_cents[items]
    node, step = SPENDING.position(price)
    table = np.asarray(market.trade.odds)
    odds = (1.0 - step)[:, None] * table[node] + step[:, None] * table[node + 1]
    wanted, units = desire(world, users, items) + occasion, market.appetite[users]
    weights = odds * np.stack(
        [
            np.ones(len(users)),
            bend(0.5 * wanted),
            bend(wanted),
            bend(wanted + FEW_UNITS * units),
            bend(wanted + MORE_UNITS * units),
            bend(wanted + MANY_UNITS * units),
        ],
        axis=1,
    )
    total = np.cumsum(weights, axis=1)[:, -1:]
    return Truth(weights / total, price, np.zeros(len(users), dtype=np.bool_), "ltv")
