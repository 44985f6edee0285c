"""A simulated raw file in the official layout of the Kaggle challenge Acquire Valued Shoppers."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from watchtime.datasets.simulator.arithmetic import Integers, bend, generator
from watchtime.datasets.simulator.folder import completed
from watchtime.datasets.simulator.layout import check_size
from watchtime.datasets.simulator.market import ONE_YEAR, SEGMENT, SEGMENT_APPETITE, desire, make_market, spending_law
from watchtime.datasets.simulator.piecewise import whole
from watchtime.datasets.simulator.population import make_world
from watchtime.datasets.simulator.purchases import HORIZON, Pairs, Purchases, draw_purchases
from watchtime.datasets.simulator.shelf import MEASURES, SIZES, Shelf, make_shelf
from watchtime.datasets.simulator.spending import SPENDING
from watchtime.datasets.simulator.world import World, affinity

FILE = "transactions.csv"
HEADER = "id,chain,dept,category,company,brand,date,productsize,productmeasure,purchasequantity,purchaseamount"
FIRST_DAY, LAST_DAY = date(2012, 3, 2), date(2013, 7, 28)
SPAN = LAST_DAY.toordinal() - FIRST_DAY.toordinal()
LONGEST = SPAN - HORIZON  # days on which a year and a day still fit before the last day
COMPANIES = 20  # the companies with the most customers, whose customers are the finished log
FIRST_CUSTOMER, CUSTOMER_STEP = 86_246, 37
POPULARITY_OFFSET = 5.0  # the k-th company's customers are as 1 / (k + 5)
CHAIN, FIRST_CHAIN, CHAIN_STEP = "onehot_feat1", 4, 5  # with SEGMENT, the level of a user that the chain shows
ELSEWHERE = 0.1  # of the purchases are made in another chain
EPOCH = date(1970, 1, 1)
COMPANY_PRIME, COMPANY_FACTOR = 99_991, 61_813  # they give different ids to as many companies, less one


def simulate(folder: Path, rows: int, users: int, items: int, days: int, seed: int) -> None:
    """Write ``transactions.csv`` into ``folder`` and the known distribution into ``folder/truth.npz``.

    ``rows`` counts the pairs of a company and a customer, ``users`` the customers and ``items`` the companies, the
    first of which has the most customers; the pairs' first purchases spread over ``days`` from 2012-03-02. A pair's
    target, the sum of the purchases in the 365 days after the day of its first one, follows the spending law.

    Row i of the truth is the i-th pair of the 20 companies with the most customers (ties: the smaller company id),
    sorted by company id and customer id, whatever the day of the first purchase. With more than 20 companies the
    file holds pairs that the truth does not. Every byte follows from the arguments and the simulator's version.

    Raises ``WatchtimeError`` where there are fewer than 20 companies, not one pair for each, more pairs than the
    customers and companies make, or where a pair's year would not end before the last official day.
    """
    check_size("items", items, COMPANIES, COMPANY_PRIME - 1)
    check_size("users", users, 1)
    check_size("rows", rows, items, users * items, " with these users and items")
    check_size("days", days, 1, LONGEST)
    world = make_world(users, items, seed)
    market = make_market(world, ONE_YEAR, seed)
    customer, company = _pairs(world, _customers_per_company(rows, users, items), seed)
    truth = spending_law(world, market, customer, company)
    rng = generator(seed, part="purchases")
    value, kind = SPENDING.quantile(truth.weights, truth.scale, rng.random(rows))
    pairs = Pairs(
        customer=customer,
        company=company,
        start=rng.integers(0, days, rows),
        target_cents=whole(value),
        kind=kind,
        wanted=desire(world, customer, company) + market.appetite[customer],
    )
    shelf = make_shelf(market, generator(seed, part="shelf"))
    frame = _transactions(pairs, draw_purchases(pairs, shelf, SPAN, rng), shelf, world, rng)
    with completed(folder) as place:
        frame.write_csv(place / FILE)
        truth.select(_finished(customer, company)).save(place / "truth.npz")


def company_ids(companies: Integers) -> Integers:
    """Return the official-looking ids, whose order is not that of the companies' popularity."""
    return 100_000_000 + 10_000 * ((companies + 1) * COMPANY_FACTOR % COMPANY_PRIME) + 10 * (companies % 1_000)


def _customers_per_company(rows: int, users: int, items: int) -> list[int]:
    """Return how many of ``rows`` pairs each company has, in falling order: at least 1 and at most ``users``.

    Each company takes its share of what is left, so that the sum is exact.
    """
    weights = 1.0 / (POPULARITY_OFFSET + np.arange(items))
    counts: list[int] = []
    for k in range(items):
        left, after = rows - sum(counts), items - k - 1
        share = int(left * float(weights[k]) / float(np.cumsum(weights[k:])[-1]))
        counts.append(max(min(share, users, left - after), left - users * after, 1))
    return sorted(counts, reverse=True)


def _pairs(world: World, counts: list[int], seed: int) -> tuple[Integers, Integers]:
    """Return customers and companies of all pairs; active customers with a taste for a company come first."""
    everyone = np.arange(len(world.users.patience))
    parts = []
    for company, count in enumerate(counts):
        rng = generator(seed, part="customers", company=company)
        weight = world.users.activity * bend(affinity(world, everyone, np.full(len(everyone), company)))
        parts.append(np.sort(np.argsort(rng.random(len(everyone)) / weight, kind="stable")[:count]))
    return np.concatenate(parts), np.repeat(np.arange(len(counts)), counts)


def _finished(customer: Integers, company: Integers) -> Integers:
    """Return the pairs of the finished log in its order."""
    ids = company_ids(np.arange(int(company.max()) + 1))
    counts = np.bincount(company)
    chosen = np.lexsort((ids, -counts))[:COMPANIES]
    order = np.lexsort((customer, ids[company]))
    return order[np.isin(company[order], chosen)]


def _transactions(
    pairs: Pairs, purchases: Purchases, shelf: Shelf, world: World, rng: np.random.Generator
) -> pl.DataFrame:
    """Return the official columns as text, sorted by customer and date."""
    customer, product = pairs.customer[purchases.pair], purchases.product
    chains = world.users.levels[CHAIN] * len(SEGMENT_APPETITE) + world.users.levels[SEGMENT]
    elsewhere = rng.random(len(customer)) < ELSEWHERE
    chain = np.where(elsewhere, chains[rng.integers(0, len(chains), len(customer))], chains[customer])
    columns = {
        "id": FIRST_CUSTOMER + CUSTOMER_STEP * customer,
        "chain": FIRST_CHAIN + CHAIN_STEP * chain,
        "dept": shelf.category[product] // 100,
        "category": shelf.category[product],
        "company": company_ids(pairs.company[purchases.pair]),
        "brand": shelf.brand[product],
        "date": pl.Series(FIRST_DAY.toordinal() - EPOCH.toordinal() + purchases.day).cast(pl.Int32).cast(pl.Date),
        "productsize": pl.Series(SIZES)[shelf.size[product]],
        "productmeasure": pl.Series([name or None for name in MEASURES])[shelf.measure[product]],
        "purchasequantity": purchases.quantity,
        "purchaseamount": _as_text(purchases.cents),
    }
    order = np.lexsort((purchases.day, customer))
    return pl.DataFrame({name: columns[name] for name in HEADER.split(",")})[order]


def _as_text(cents: Integers) -> pl.Series:
    """Return amounts with two decimals, such as -7.59."""
    size = pl.Series(np.abs(cents))
    sign = pl.Series(["", "-"])[(cents < 0).astype(np.int64)]
    return sign + (size // 100).cast(pl.String) + "." + (size % 100).cast(pl.String).str.zfill(2)
