"""What a loader reads from a folder, with every column beside its row."""

from __future__ import annotations

import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl

from watchtime.core.catalog import DatasetCard, Rules
from watchtime.datasets.interactions import RawLog, check
from watchtime.datasets.log import Log

KEEP_ALL = Rules(zero_duration="keep", repeated_key="keep_all", largest_ratio="any")


def read(loader: str, folder: Path, card: DatasetCard, **options: Any) -> RawLog:
    """Return the checked raw log of a loader, its rows in memory."""
    with tempfile.TemporaryDirectory() as scratch:
        module = import_module(f"watchtime.datasets.{loader}")
        raw: RawLog = module.load(folder, card, card.read_options(options), Path(scratch))
        check(raw, card)
        return RawLog(raw.rows.collect().lazy(), raw.users, raw.items, raw.steps, raw.candidates)


def flat(loader: str, folder: Path, card: DatasetCard, **options: Any) -> pl.DataFrame:
    """Return the rows of a loader with the columns of its tables gathered."""
    return gathered(read(loader, folder, card, **options))


def gathered(raw: RawLog) -> pl.DataFrame:
    """Return the rows of a raw log with the columns of its tables gathered."""
    log = Log(raw.rows, {side: table for side, table in raw.tables.items() if table is not None})
    return pl.DataFrame([log.values(name).alias(name) for name in dict.fromkeys(log.names)])
