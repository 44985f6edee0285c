"""The groceries of the companies: what each product is, and its price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from watchtime.datasets.simulator.arithmetic import Floats, Integers, choose
from watchtime.datasets.simulator.market import Market

PRODUCTS = 6  # of each company, from the cheapest to the dearest
PRICE_FACTORS = (0.6, 0.75, 0.9, 1.0, 1.2, 1.6)  # of a company's products over its price
CATEGORIES = (2, 826)  # departments hold up to 100 categories
BRANDS = 40_000
UNBRANDED = 0.06
# fmt: off
MEASURES = {"OZ": 0.55, "CT": 0.2, "LB": 0.1, "LT": 0.05, "RL": 0.04, "FT": 0.03, "": 0.03}
SIZES = ("1", "2", "4", "6", "8", "10.5", "12", "15.25", "16", "16.9", "24", "32", "64", "100")
# fmt: on


@dataclass(frozen=True)
class Shelf:
    """The products; product j of company c is number c · PRODUCTS + j in every array."""

    price_cents: Integers
    category: Integers
    brand: Integers  # 0 for none
    size: Integers  # codes into SIZES
    measure: Integers  # codes into MEASURES


def make_shelf(market: Market, rng: np.random.Generator) -> Shelf:
    """Return the products of every company of a market, one to three categories and two brands to a company."""
    companies = len(market.price_cents)
    count = companies * PRODUCTS
    company, product = np.divmod(np.arange(count), PRODUCTS)
    categories = rng.integers(CATEGORIES[0] * 100, CATEGORIES[1] * 12, (companies, 3))
    brands = rng.integers(1, BRANDS, (companies, 2))
    price: Floats = market.price_cents[company] * np.asarray(PRICE_FACTORS)[product]
    return Shelf(
        price_cents=np.maximum(1, np.floor(price + 0.5)).astype(np.int64),
        category=categories[company, np.floor(3.0 * rng.random(count) * rng.random(count)).astype(np.int64)],
        brand=np.where(rng.random(count) < UNBRANDED, 0, brands[company, product // 3]),
        size=rng.integers(0, len(SIZES), count),
        measure=choose(list(MEASURES.values()), rng.random(count)),
    )
