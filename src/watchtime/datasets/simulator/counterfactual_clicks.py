"""What would be bought if a user clicked on an advertisement of a simulated log: the replay of online tests of value.

As in ``counterfactual.py``, every pair of a user and a product has its own uniform on every day, so that two policies
that show a user the same product see the same amount.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from watchtime.datasets.simulator.arithmetic import Floats, Integers, generator
from watchtime.datasets.simulator.criteo_ssc import DEVICE_EFFECTS, HASHED
from watchtime.datasets.simulator.hashes import hashes
from watchtime.datasets.simulator.market import ONE_CLICK, Market, make_market, spending_law
from watchtime.datasets.simulator.piecewise import whole
from watchtime.datasets.simulator.population import make_world
from watchtime.datasets.simulator.spending import CENTS, SPENDING
from watchtime.datasets.simulator.truth import Truth
from watchtime.datasets.simulator.world import World


@dataclass(frozen=True)
class Clicks:
    """The world behind a simulated log of clicks, and its market."""

    world: World
    market: Market
    seed: int

    @property
    def prices(self) -> Floats:
        """The price of every product in euros, (products,)."""
        return self.market.price_cents / CENTS

    def products(self, ids: pl.Series) -> Integers:
        """Return the places in the world of products as the log names them."""
        return _places("product_id", len(self.market.price_cents), ids)

    def users(self, ids: pl.Series) -> Integers:
        """Return the places in the world of users as the log names them."""
        return _places("user_id", len(self.market.appetite), ids)


def clicks(users: int, items: int, seed: int) -> Clicks:
    """Return the world of a simulated Criteo log, which these three settings determine."""
    world = make_world(users, items, seed)
    return Clicks(world, make_market(world, ONE_CLICK, seed), seed)


def amounts(simulated: Clicks, users: Integers, products: Integers, device: Integers, day: int) -> Floats:
    """Return what each of n users, (n,), buys after clicking on each of m products, (n, m), in euros and whole cents.

    ``device`` is the code of the device of each user's visit, (n,).
    """
    law = _law(simulated, users, products, device)
    uniform = np.empty(products.shape)
    for row, user in enumerate(users):
        stream = generator(simulated.seed, part="counterfactual clicks", day=day, user=int(user))
        uniform[row] = stream.random(len(simulated.market.price_cents))[products[row]]
    cents = whole(SPENDING.quantile(law.weights, law.scale, uniform.ravel())[0])
    return (cents / CENTS).reshape(products.shape)


def expected_amounts(simulated: Clicks, users: Integers, products: Integers, device: Integers) -> Floats:
    """Return E[amount] of ``amounts``' pairs, (n, m), in euros."""
    return _law(simulated, users, products, device).mean().reshape(products.shape)


def _law(simulated: Clicks, users: Integers, products: Integers, device: Integers) -> Truth:
    count = products.shape[1]
    occasion = np.asarray(DEVICE_EFFECTS)[np.repeat(device, count)]
    return spending_law(simulated.world, simulated.market, np.repeat(users, count), products.ravel(), occasion)


def _places(kind: str, count: int, ids: pl.Series) -> Integers:
    known = hashes(HASHED.index(kind), np.arange(count))
    order = known.arg_sort()
    return order.to_numpy()[np.searchsorted(known[order].to_numpy(), ids.to_numpy())].astype(np.int64)
