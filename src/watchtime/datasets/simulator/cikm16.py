"""Simulated raw files in the official layout of CIKM Cup 2016, track 2 (Diginetica)."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from watchtime.datasets.simulator.arithmetic import Integers, generator
from watchtime.datasets.simulator.features import interval_words
from watchtime.datasets.simulator.folder import completed
from watchtime.datasets.simulator.layout import check_size, duration_levels
from watchtime.datasets.simulator.population import make_world
from watchtime.datasets.simulator.sessions import (
    RESULTS,
    Sessions,
    SimilarProducts,
    draw_sessions,
    draw_views,
    split_dwell,
)
from watchtime.datasets.simulator.world import World

FIRST_DAY = date(2016, 1, 1)
LONGEST = 152  # days from 2016-01-01 to 2016-05-31
SEARCH_SHARE, TEST_SHARE = 0.8, 0.1  # queries with words, the others browse a category; queries of the official test
CATEGORY_WORDS, NAME_WORDS = 5, 2
WORD_SHARE = 0.7  # of a query's possible words
INTERVALS = 8  # of a latent number, one word each
LATENT_WORD, ITEM_WORD = 1_000, 2_000
LOWEST_PRICE, PRICE_STEPS = 3, 12.0


def simulate(folder: Path, rows: int, users: int, items: int, days: int, seed: int) -> None:
    """Write the official files into ``folder`` and the known distribution into ``folder/truth.npz``.

    ``rows`` counts sessions, ``users`` the known users, ``items`` the products. Row i of the truth is the i-th session,
    by its number, that has a query, a view and a sum of query durations below 6,000 ms; its target is that sum.

    Raises ``WatchtimeError`` where a size is not positive or the days are more than the official 152.
    """
    for name, found in (("rows", rows), ("users", users), ("items", items)):
        check_size(name, found, 1)
    check_size("days", days, 1, LONGEST)
    world = make_world(users + rows, items, seed)
    rng = generator(seed, part="sessions")
    sessions = draw_sessions(world, rng, rows, users)
    shared = _session_columns(rng, sessions, days)
    with completed(folder) as place:
        _write(_item_views(world, generator(seed, part="views"), sessions, shared), place / "train-item-views.csv")
        _write(_queries(world, generator(seed, part="queries"), sessions, shared), place / "train-queries.csv")
        category = pl.DataFrame({"itemId": 1 + np.arange(items), "categoryId": 1 + world.items.tags[:, 0]})
        _write(category, place / "product-categories.csv")
        _write(_products(world), place / "products.csv")
        sessions.law.select(np.flatnonzero(sessions.modelled())).save(place / "truth.npz")


def _write(frame: pl.DataFrame, path: Path) -> None:
    frame.write_csv(path, separator=";")


def _session_columns(rng: np.random.Generator, sessions: Sessions, days: int) -> pl.DataFrame:
    """Return what both logs say of each session: its number, its user or NA, and its day."""
    count = len(sessions.sought)
    user = pl.Series(1 + sessions.visitors).cast(pl.String)
    dates = pl.Series([(FIRST_DAY + timedelta(day)).isoformat() for day in range(days)])
    return pl.DataFrame(
        {
            "sessionId": 1 + np.arange(count),
            "userId": user.zip_with(pl.Series(sessions.known), pl.Series(["NA"])),
            "eventdate": dates[rng.integers(0, days, count)],
        }
    )


def _item_views(world: World, rng: np.random.Generator, sessions: Sessions, shared: pl.DataFrame) -> pl.DataFrame:
    """Return ``train-item-views.csv``; as in the real file, the rows of a session are in no order."""
    session, product, time_ms = draw_views(world, rng, sessions)
    shuffled = np.lexsort((rng.random(len(session)), session))
    frame = shared[session[shuffled]].with_columns(
        itemId=pl.Series(1 + product[shuffled]), timeframe=pl.Series(time_ms[shuffled])
    )
    return frame["sessionId", "userId", "itemId", "timeframe", "eventdate"]


def _queries(world: World, rng: np.random.Generator, sessions: Sessions, shared: pl.DataFrame) -> pl.DataFrame:
    """Return ``train-queries.csv``: a query either has words and category 0, or no words and a category."""
    session, duration = split_dwell(rng, sessions)
    count = len(session)
    sought = sessions.sought[session]
    is_search = rng.random(count) < SEARCH_SHARE
    similar = SimilarProducts(world)
    found = [similar.draw(sought, rng.random(count)) for _ in range(RESULTS - 1)]
    results = [pl.Series(1 + product).cast(pl.String) for product in (*found[:2], sought, *found[2:])]
    is_test = pl.Series(rng.random(count) < TEST_SHARE)
    first = np.diff(session, prepend=-1) > 0
    place = np.arange(count) - np.maximum.accumulate(np.where(first, np.arange(count), 0))
    shown = pl.Series(is_search)
    columns = {
        "queryId": pl.Series(1 + np.arange(count)),
        "timeframe": pl.Series(100_000 * place + rng.integers(0, 90_000, count)),
        "duration": pl.Series(duration),
        "searchstring.tokens": _words(world, rng, sessions.visitors[session], sought).zip_with(
            shown, pl.Series([None], dtype=pl.String)
        ),
        "categoryId": pl.Series(np.where(is_search, 0, 1 + world.items.tags[sought, 0])),
        "items": pl.select(pl.concat_str(results, separator=",")).to_series(),
        "is.test": pl.Series(["FALSE", "TRUE"])[is_test.cast(pl.Int64)],
    }
    return (
        shared[session]
        .with_columns(**columns)
        .select(
            "queryId",
            "sessionId",
            "userId",
            "timeframe",
            "duration",
            "eventdate",
            "searchstring.tokens",
            "categoryId",
            "items",
            "is.test",
        )
    )


def _words(world: World, rng: np.random.Generator, visitors: Integers, sought: Integers) -> pl.Series:
    """Return the words of queries: some for the visitor's taste and patience, some for the sought product.

    Each latent number has eight words, of which the one for its interval may be used; a product has two words of its
    own and its category has five, of which a query takes one.
    """
    latent = np.concatenate([world.users.taste, world.users.patience[None]])[:, visitors]
    own = ITEM_WORD + NAME_WORDS * sought + rng.integers(0, NAME_WORDS, len(sought))
    category = 1 + CATEGORY_WORDS * world.items.tags[sought, 0] + rng.integers(0, CATEGORY_WORDS, len(sought))
    optional = np.concatenate([LATENT_WORD + interval_words(latent, INTERVALS), own[None]])
    kept = np.where(rng.random(optional.shape) < WORD_SHARE, optional, -1)
    rows = np.concatenate([category[None], kept]).T.tolist()
    return pl.Series([",".join(str(word) for word in row if word >= 0) for row in rows], dtype=pl.String)


def _products(world: World) -> pl.DataFrame:
    """Return ``products.csv``: the price grows with the duration that the law gives the product."""
    count = len(world.items.author)
    names = [
        f"{1 + CATEGORY_WORDS * category},{ITEM_WORD + NAME_WORDS * item},{ITEM_WORD + NAME_WORDS * item + 1}"
        for item, category in enumerate(world.items.tags[:, 0].tolist())
    ]
    return pl.DataFrame(
        {
            "itemId": 1 + np.arange(count),
            "pricelog2": LOWEST_PRICE + np.floor(PRICE_STEPS * duration_levels(world)).astype(np.int64),
            "product.name.tokens": names,
        }
    )
