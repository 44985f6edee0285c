"""Criteo Sponsored Search Conversion Log (Tallis and Yadav, 2018): clicks on product advertisements and their sales.

One row is one line of the file, which has no header. Three of its columns tell of the sale itself and leak the target:
``Sale`` and ``time_delay_for_conversion`` by what they are, ``product_price`` because it is 0 on every line without a
sale. They are no features unless the option ``leaks`` is ``open``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from watchtime.core.dataset_card import DatasetCard
from watchtime.datasets.interactions import Count, RawLog, feature_columns
from watchtime.datasets.raw import Cell, any_text, convert_delimited, number, whole

_UNKNOWN = ("-1",)
_AMOUNT_UNKNOWN = ("-1", "-1.0")
_LABEL = any_text(missing=_UNKNOWN)
_ID = replace(any_text(), allowed="any text that is not empty", optional=False)

_CLICKS: dict[str, Cell | None] = {
    "sale": whole(most=1),
    "amount": number(missing=_AMOUNT_UNKNOWN),
    "conversion_delay": number(missing=_UNKNOWN),
    "second": whole(),
    "clicks_in_a_week": number(missing=_UNKNOWN),
    "product_price": number(missing=_AMOUNT_UNKNOWN),
    "product_age_group": _LABEL,
    "device_type": _LABEL,
    "audience_id": _LABEL,
    "product_gender": _LABEL,
    "product_brand": _LABEL,
    **{f"product_category_{level}": _LABEL for level in range(1, 8)},
    "product_country": _LABEL,
    "product_id": _ID,
    "product_title": _LABEL,
    "partner_id": _LABEL,
    "user_id": _ID,
}


def load(folder: Path, card: DatasetCard, options: Mapping[str, Any], scratch: Path) -> RawLog:
    """Return every line of the file as an interaction, in its order.

    ``ltv`` is the amount in euro where there was a sale with a known amount, else 0. A time of 0 is unknown, and so is
    -1 in a feature; users and products are never missing: -1 would be one of them.
    """
    clicks = convert_delimited(folder / card.logs[0], _CLICKS, scratch / "clicks.parquet", "\t", header=False)
    sold = pl.col("sale") == 1
    timestamp = pl.when(pl.col("second") > 0).then(pl.col("second") * 1000)
    rows = clicks.with_row_index("raw_row").with_columns(
        pl.col("user_id").alias("user"),
        pl.col("product_id").alias("item"),
        pl.when(sold).then(pl.col("amount")).fill_null(0.0).alias("ltv"),
        timestamp.alias("timestamp"),
        timestamp.cast(pl.Datetime("ms")).dt.date().alias("day"),
        pl.col("sale").cast(pl.String),
    )
    columns = ("user", "item", "raw_row", "ltv", "timestamp", "day", *feature_columns(card, "context"))
    return RawLog(rows.select(columns), candidates=_candidates(clicks))


def _candidates(clicks: pl.LazyFrame) -> list[Count]:
    """RQ-Reg prints one sample fewer than the file has lines: reading the first one as a header loses it."""
    readings = {"all lines": clicks, "without the first line, read as a header": clicks.slice(1)}
    return [{"rule": rule, **_count(lines)} for rule, lines in readings.items()]


def _count(clicks: pl.LazyFrame) -> Count:
    sold = pl.col("sale") == 1
    counted = clicks.select(
        rows=pl.len(),
        users=pl.col("user_id").n_unique(),
        items=pl.col("product_id").n_unique(),
        positives=(sold & (pl.col("amount") > 0)).sum(),
        sales=sold.sum(),
    )
    return counted.collect(engine="streaming").row(0, named=True)
