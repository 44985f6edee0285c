"""A simulated raw file in the official layout of the Criteo Sponsored Search Conversion Log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from watchtime.datasets.simulator.arithmetic import Integers, choose, generator, quantiles
from watchtime.datasets.simulator.exposure import draw_pairs
from watchtime.datasets.simulator.folder import completed
from watchtime.datasets.simulator.hashes import hashes
from watchtime.datasets.simulator.layout import check_size, evenly
from watchtime.datasets.simulator.market import ONE_CLICK, SEGMENT, Market, make_market, spending_law
from watchtime.datasets.simulator.piecewise import whole
from watchtime.datasets.simulator.population import make_world
from watchtime.datasets.simulator.spending import SPENDING
from watchtime.datasets.simulator.truth import Truth
from watchtime.datasets.simulator.world import World

FILE = "CriteoSearchData"
START = 1_596_585_600  # 2020-08-05 00:00 UTC; the official log holds 90 days
LONGEST = 90  # days
HOUR, DAY, WEEK = 3_600, 86_400, 7 * 86_400
CATEGORY_DEPTH = 7
LEVEL_WIDTHS = (2, 3, 2, 5, 7)  # branches of the product categories below the second
DEPTH_SHARES = (0.05, 0.1, 0.3, 0.3, 0.15, 0.1)  # of products with 2, 3 … 7 categories
PRODUCTS_PER_SELLER = 25
COUNTRIES = 8
HASHED = ("product_id", "partner_id", "user_id")  # the other categories are labels, as in samples of the log
TITLED, GENDERED, AUDIENCE_KNOWN, CLICKS_KNOWN, DELAY_KNOWN = 0.97, 0.5, 0.4, 0.94, 0.99
CLICKS_PER_UNKNOWN_TIME = 2_000
DEVICE_SHARES = (0.45, 0.2, 0.2, 0.08, 0.05, 0.02)
DEVICE_EFFECTS = (-0.3, 0.6, 0.2, 0.4, -0.6, 0.0)  # on the desire: a new or a returning user, mobile to desktop
DELAY_LEVELS = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
DELAY_SECONDS = (60.0, 270.0, 470.0, 1_350.0, 50_000.0, 650_000.0, 2_590_000.0)


@dataclass(frozen=True)
class Clicks:
    """The clicks in the order of time; all arrays are (n,)."""

    users: Integers
    products: Integers
    device: Integers
    second: Integers  # since START
    cents: Integers


def simulate(folder: Path, rows: int, users: int, items: int, days: int, seed: int) -> None:
    """Write the official file into ``folder`` and the known distribution into ``folder/truth.npz``.

    ``rows`` counts clicks of ``users`` on ``items`` products, sorted by time; the few whose time is unknown, written
    as 0, come first. Row i of the truth is line i. The leak of the official file is there: ``product_price`` is 0.0
    wherever nothing was sold, and above 0 wherever something was. Every byte follows from the arguments and the
    simulator's version.

    Raises ``WatchtimeError`` where a size is not positive or the days do not fit the official 90.
    """
    for name, found in (("rows", rows), ("users", users), ("items", items)):
        check_size(name, found, 1)
    check_size("days", days, 1, LONGEST)
    world = make_world(users, items, seed)
    market = make_market(world, ONE_CLICK, seed)
    clicks, truth = _draw_clicks(world, market, evenly(rows, range(days)), seed)
    frame = _frame(clicks, world, market, generator(seed, part="columns"))
    unknown = generator(seed, part="unknown times").permutation(rows)[: rows // CLICKS_PER_UNKNOWN_TIME]
    order = np.concatenate([np.sort(unknown), np.setdiff1d(np.arange(rows), unknown)])
    times = np.where(np.arange(rows) < len(unknown), 0, START + clicks.second[order])
    with completed(folder) as place:
        frame[order].with_columns(click_timestamp=times).write_csv(place / FILE, separator="\t", include_header=False)
        truth.select(order).save(place / "truth.npz")


def _draw_clicks(world: World, market: Market, counts: dict[int, int], seed: int) -> tuple[Clicks, Truth]:
    days, laws = [], []
    for day, count in counts.items():
        rng = generator(seed, part="clicks", day=day)
        users, products, context = draw_pairs(world, rng, count)
        device = choose(DEVICE_SHARES, rng.random(count))
        law = spending_law(world, market, users, products, np.asarray(DEVICE_EFFECTS)[device])
        cents = whole(SPENDING.quantile(law.weights, law.scale, rng.random(count))[0])
        second = day * DAY + context.hour * HOUR + rng.integers(0, HOUR, count)
        order = np.argsort(second, kind="stable")
        days.append([values[order] for values in (users, products, device, second, cents)])
        laws.append(law.select(order))
    return Clicks(*(np.concatenate(values) for values in zip(*days, strict=True))), Truth.joined(laws)


def _frame(clicks: Clicks, world: World, market: Market, rng: np.random.Generator) -> pl.DataFrame:
    """Return the 23 official columns."""
    count, sold = len(clicks.cents), clicks.cents > 0
    delay = np.floor(quantiles(DELAY_LEVELS, DELAY_SECONDS, rng.random(count))).astype(np.int64)
    recent = _clicks_in_the_week_before(clicks.products, clicks.second)
    audience = np.where(rng.random(count) < AUDIENCE_KNOWN, world.users.levels[SEGMENT][clicks.users], -1)
    numbers = {
        "Sale": sold.astype(np.int64),
        "SalesAmountInEuro": np.where(sold, clicks.cents / 100.0, -1.0),
        "time_delay_for_conversion": np.where(sold & (rng.random(count) < DELAY_KNOWN), delay, -1),
        "click_timestamp": START + clicks.second,
        "nb_clicks_1week": np.where(rng.random(count) < CLICKS_KNOWN, recent, -1),
        "product_price": np.where(sold, market.price_cents[clicks.products] / 100.0, 0.0),
    }
    of_product = _product_codes(world, rng)
    codes = {
        "product_age_group": of_product["product_age_group"][clicks.products],
        "device_type": clicks.device,
        "audience_id": audience,
        **{name: values[clicks.products] for name, values in of_product.items() if name != "product_age_group"},
        "user_id": clicks.users,
    }
    ids = {name: hashes(kind, codes[name]) for kind, name in enumerate(HASHED)}
    return pl.DataFrame({**numbers, **codes, **ids})


def _product_codes(world: World, rng: np.random.Generator) -> dict[str, Integers]:
    """Return the categorical columns of each product in official order; −1 is a missing value.

    The brand is the item's author and the categories branch below its tag, so both tell of the product's theme.
    """
    items, count = world.items, len(world.items.quality)
    product, seller = np.arange(count), items.author % max(1, count // PRODUCTS_PER_SELLER)
    depth = 2 + choose(DEPTH_SHARES, rng.random(count))
    path = [items.tags[:, 0] // 3, items.tags[:, 0]]
    for width in LEVEL_WIDTHS:
        path.append(path[-1] * width + items.author % width)
    gendered, titled = rng.random(count) < GENDERED, rng.random(count) < TITLED
    return {
        "product_age_group": np.where(gendered, items.levels["music_type"], -1),
        "product_gender": np.where(gendered, items.levels["upload_type"] % 3, -1),
        "product_brand": items.author,
        **{f"product_category({k + 1})": np.where(k < depth, path[k], -1) for k in range(CATEGORY_DEPTH)},
        "product_country": seller % COUNTRIES,
        "product_id": product,
        "product_title": np.where(titled, product, -1),
        "partner_id": seller,
    }


def _clicks_in_the_week_before(products: Integers, second: Integers) -> Integers:
    """Return how many earlier clicks of the log on the same product lie within 7 days."""
    span = LONGEST * DAY
    key = products * span + second
    ordered = np.sort(key, kind="stable")
    start = products * span + np.maximum(second - WEEK, 0)
    return np.searchsorted(ordered, key, side="left") - np.searchsorted(ordered, start, side="left")
