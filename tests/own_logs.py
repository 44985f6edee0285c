"""One small log as a user may have it, in every format that is read."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from watchtime.core.config import OwnFeature, OwnLog
from watchtime.core.dataset_card import DatasetCard
from watchtime.core.own_card import own_card
from watchtime.datasets.interactions import RawLog, check
from watchtime.datasets.own_log import load

START = 1_767_225_600  # 2026-01-01 00:00:00
FEATURES = {
    "device": OwnFeature(),
    "age": OwnFeature(kind="numeric", side="user"),
    "author": OwnFeature(side="item", column="author_id"),
    "tags": OwnFeature(kind="multi_valued", side="item", separator="|"),
}

TINY = pl.DataFrame(
    {
        "user": ["a", "a", "b"],
        "item": [1, 2, 2],
        "watch_time": [1.5, 0.0, 3.0],
        "duration": [3.0, 4.0, 4.0],
        "timestamp": [START, START + 1, START + 2],
    }
)


def frame(rows: int = 60, users: int = 6, items: int = 5, days: int = 9, seed: int = 0) -> pl.DataFrame:
    """Return rows whose age and author follow from user and item; text and numbers have gaps."""
    draws = np.random.default_rng(seed)
    user, item = draws.integers(0, users, rows), draws.integers(0, items, rows)
    length = np.round(np.linspace(5, 60, items), 3)[item]
    tags = [None if one == 0 else "|".join(f"tag{place}" for place in range(one % 4)) or None for one in item.tolist()]
    return pl.DataFrame(
        {
            "uid": user + 100,
            "vid": [f"v{one}" for one in item],
            "seconds": np.where(draws.random(rows) < 0.2, 0.0, np.round(length * draws.exponential(0.7, rows), 3)),
            "length": length,
            "at": START + np.sort(draws.choice(days * 86_400, rows, replace=False)),
            "device": [None if one == 0 else f"d{one}" for one in draws.integers(0, 3, rows)],
            "age": [None if one == 0 else 20.5 + one for one in user.tolist()],
            "author_id": item % 3,
            "tags": pl.Series(tags, dtype=pl.String),
            "liked": draws.integers(0, 2, rows),
            "unused": ["of no use"] * rows,
        }
    )


def own_log(file: Path, **changes: Any) -> OwnLog:
    """Return what a configuration says of the columns of ``frame``."""
    columns = {"user": "uid", "item": "vid", "target": "seconds", "duration": "length", "time": "at"}
    return OwnLog(file=str(file), **{**columns, "features": FEATURES, "feedback": {"is_like": "liked"}, **changes})


def write(table: pl.DataFrame, path: Path) -> Path:
    """Write the table as the ending of ``path`` says; ``.parquet`` with lists in the column ``tags``."""
    if path.suffix == ".parquet":
        table.with_columns(pl.col("tags").str.split("|")).write_parquet(path)
    else:
        table.write_csv(path, separator="," if path.suffix == ".csv" else "\t")
    return path


def read(log: OwnLog) -> RawLog:
    """Return the checked raw log, its rows in memory."""
    path = Path(log.file)
    card: DatasetCard = own_card("mine", log)
    with tempfile.TemporaryDirectory() as scratch:
        raw = load(path.parent, card, {}, Path(scratch))
        check(raw, card)
        return RawLog(raw.rows.collect().lazy(), raw.users, raw.items)


def tiny(path: Path, table: pl.DataFrame = TINY, **settings: Any) -> OwnLog:
    """Write a table of the standard names, and return its configuration."""
    if path.suffix == ".parquet":
        table.write_parquet(path)
    else:
        table.write_csv(path)
    return OwnLog(file=str(path), **({"duration": "duration", "time": "timestamp"} | settings))
