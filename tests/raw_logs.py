"""What a loader reads from a folder, with every column beside its row, and what is prepared of it."""

from __future__ import annotations

import csv
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl

from watchtime.core.dataset_card import DatasetCard, Rules
from watchtime.datasets.interactions import RawLog, check
from watchtime.datasets.log import ROWS, Log
from watchtime.datasets.prepare import prepare_interactions

KEEP_ALL = Rules(zero_duration="keep", repeated_key="keep_all", largest_ratio="any")


def read(loader: str, folder: Path, card: DatasetCard, **options: Any) -> RawLog:
    """Return the checked raw log of a loader, its rows in memory."""
    with tempfile.TemporaryDirectory() as scratch:
        module = import_module(f"watchtime.datasets.{loader}")
        raw: RawLog = module.load(folder, card, card.read_options(options), Path(scratch))
        check(raw, card)
        return RawLog(raw.rows.collect().lazy(), raw.users, raw.items, raw.steps, raw.candidates)


def counted_readings(loader: str, folder: Path, card: DatasetCard) -> dict[str, tuple[int, int, int]]:
    """Return how many rows, users and items a loader counts under every other reading of the papers."""
    return {one["rule"]: (one["rows"], one["users"], one["items"]) for one in read(loader, folder, card).candidates}


def flat(loader: str, folder: Path, card: DatasetCard, **options: Any) -> pl.DataFrame:
    """Return the rows of a loader with the columns of its tables gathered."""
    return gathered(read(loader, folder, card, **options))


def gathered(raw: RawLog) -> pl.DataFrame:
    """Return the rows of a raw log with the columns of its tables gathered."""
    log = Log(raw.rows, {side: table for side, table in raw.tables.items() if table is not None})
    return pl.DataFrame([log.values(name).alias(name) for name in dict.fromkeys(log.names)])


def prepared(loader: str, card: DatasetCard, folder: Path, output: Path, **options: Any) -> pl.DataFrame:
    """Return the interactions that all steps of preparing write."""
    under = card.under(options)
    prepare_interactions(loader, folder, under.read_options(options), under.rules, under, output)
    return pl.read_parquet(output / ROWS)


def csv_rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    """Return the rows of a file as the csv module reads them."""
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter=delimiter))
