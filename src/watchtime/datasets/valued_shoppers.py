"""Acquire Valued Shoppers (Kaggle, 2014): what the customers of a company spend in the year after they first buy of it.

As in the released code of ZILN, rows that cost nothing or give money back do not count, one row of the log is one
customer of one company, and its attributes are those of the dearest purchase on the first day. The papers say neither
which companies nor which customers they count: the options name the choices, and ``company_sets.py`` looks for sets of
companies that have the published numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date as Day
from pathlib import Path
from typing import Any

import polars as pl

from watchtime.core.dataset_card import DatasetCard
from watchtime.core.errors import WatchtimeError
from watchtime.datasets.company_sets import find_sets
from watchtime.datasets.interactions import Count, RawLog, feature_columns
from watchtime.datasets.raw import CATEGORY, Cell, convert_delimited, date, number, whole

HORIZON = 365  # days after the first one whose purchases are the target
COHORTS = {
    "all": pl.lit(True),
    "first_purchase_march_to_june": pl.col("start").is_between(Day(2012, 3, 1), Day(2012, 6, 30)),
}
SAMPLES, POSITIVE_PERCENT, BOUND = 805_753, "90.12", 1  # as RQ-Reg prints them; its counts elsewhere miss one row
SEARCHES = ((20, 20), (40, 6))  # of so many largest companies, sets of at most so many
COUNTED = 40
PURCHASES_AT_ONCE, PAIRS_AT_ONCE = 2**25, 2**20  # what is grouped in one go

_ATTRIBUTES = ("chain", "dept", "category", "brand")
_TRANSACTIONS: dict[str, Cell | None] = {
    "id": whole(),
    "chain": whole(),
    "dept": whole(),
    "category": whole(),
    "company": whole(),
    "brand": whole(),
    "date": date("%Y-%m-%d", "2012-03-02"),
    "productsize": None,
    "productmeasure": CATEGORY,
    "purchasequantity": None,
    "purchaseamount": number(least=None),
}


def load(folder: Path, card: DatasetCard, options: Mapping[str, Any], scratch: Path) -> RawLog:
    """Return one row per (company, customer), sorted by both, of the chosen companies.

    ``day`` is the day of the first purchase, ``calibration_value`` and ``calibration_purchases`` sum and count those
    of that day, and ``ltv`` sums the 365 days after it; all are in dollars. ``raw_row`` numbers the pairs before the
    option ``cohort`` leaves any out. Memory does not grow with the file: customers, then companies, are taken in
    turns.
    """
    path = folder / card.logs[0]
    transactions = convert_delimited(path, _TRANSACTIONS, scratch / "transactions.parquet")
    purchases = _purchases(transactions)
    customers = _customers(purchases)
    chosen = _chosen(customers, options, path)
    counted = sorted({*chosen, *customers["company"].head(COUNTED)})
    purchases.filter(pl.col("company").is_in(counted)).sink_parquet(scratch / "purchases.parquet", compression_level=1)
    purchases_counted = pl.scan_parquet(scratch / "purchases.parquet", glob=False)
    pairs = _pairs(purchases_counted, customers.filter(pl.col("company").is_in(counted)), scratch)
    rows = pairs.filter(pl.col("company").is_in(chosen)).with_row_index("raw_row")
    steps = [
        _count(transactions, "transactions as read"),
        _count(purchases, "with an amount above 0"),
        _count(purchases_counted.filter(pl.col("company").is_in(chosen)), f"of the {len(chosen)} companies"),
        _count(rows, "pairs of a company and a customer"),
    ]
    kept = rows.filter(COHORTS[options["cohort"]])
    if not kept.select(pl.len()).collect().item():
        raise WatchtimeError(f"{path}: no customer of the companies is in the cohort '{options['cohort']}'.")
    columns = ("user", "item", "raw_row", "ltv", "timestamp", "day", *feature_columns(card, "context"))
    return RawLog(_as_interactions(kept).select(columns), steps=steps, candidates=_candidates(pairs, chosen, customers))


def _purchases(transactions: pl.LazyFrame) -> pl.LazyFrame:
    """Return the rows with an amount above 0, numbered in the order of the file."""
    cents = (pl.col("purchaseamount") * 100).round().cast(pl.Int64)
    numbered = transactions.with_row_index("row").with_columns(cents=cents).drop("purchaseamount")
    return numbered.filter(pl.col("cents") > 0)


def _customers(purchases: pl.LazyFrame) -> pl.DataFrame:
    """Return the companies with their numbers of customers, the largest first, of two equal ones the smaller id."""
    turns = 1 + purchases.select(pl.len()).collect(engine="streaming").item() // PURCHASES_AT_ONCE
    counts = [
        purchases.filter(pl.col("id") % turns == turn)
        .select("company", "id")
        .unique()
        .group_by("company")
        .agg(customers=pl.len())
        .collect(engine="streaming")
        for turn in range(turns)
    ]
    total = pl.concat(counts).group_by("company").agg(pl.col("customers").sum())
    return total.sort("customers", "company", descending=[True, False])


def _chosen(customers: pl.DataFrame, options: Mapping[str, Any], path: Path) -> list[int]:
    """Return the companies of the log: the listed ones, else the largest."""
    if options["top"] < 1:
        raise WatchtimeError(f"{path}: option top: found {options['top']}, allowed: at least 1.")
    known = set(customers["company"])
    for company in options["companies"]:
        if not isinstance(company, int) or company not in known:
            raise WatchtimeError(f"{path}: option companies: no purchase of a company {company!r} was found.")
    if not known:
        raise WatchtimeError(f"{path}: no row has an amount above 0.")
    return sorted(set(options["companies"]) or customers["company"].head(options["top"]))


def _pairs(purchases: pl.LazyFrame, customers: pl.DataFrame, scratch: Path) -> pl.LazyFrame:
    """Return one row per (company, customer), sorted by both."""
    parts: list[pl.LazyFrame] = []
    for companies in _turns(customers.sort("company")):
        part = scratch / f"pairs {len(parts)}.parquet"
        _summed(purchases.filter(pl.col("company").is_in(companies))).write_parquet(part, compression_level=1)
        parts.append(pl.scan_parquet(part, glob=False))
    return pl.concat(parts)


def _turns(customers: pl.DataFrame) -> Iterator[list[int]]:
    """Yield neighbouring companies whose customers are few enough to be taken together, one at the least."""
    together: list[int] = []
    pairs = 0
    for company, count in customers.iter_rows():
        if together and pairs + count > PAIRS_AT_ONCE:
            yield together
            together, pairs = [], 0
        together.append(company)
        pairs += count
    yield together


def _summed(purchases: pl.LazyFrame) -> pl.DataFrame:
    pair = ("company", "id")
    starts = purchases.group_by(pair).agg(start=pl.col("date").min()).collect(engine="streaming")
    dated = purchases.join(starts.lazy(), on=pair)
    after = pl.col("date") - pl.col("start")
    later = dated.filter(after.is_between(pl.duration(days=1), pl.duration(days=HORIZON)))
    ltv = later.group_by(pair).agg(ltv=pl.col("cents").sum() / 100).collect(engine="streaming")
    return (
        dated.filter(pl.col("date") == pl.col("start"))
        .collect(engine="streaming")
        .sort(*pair, "cents", "row", descending=[False, False, True, False])
        .group_by(pair, maintain_order=True)
        .agg(
            pl.col("start", *_ATTRIBUTES, "productmeasure").first(),
            calibration_value=pl.col("cents").sum() / 100,
            calibration_purchases=pl.len().cast(pl.Float64),
        )
        .join(ltv, on=pair, how="left", maintain_order="left")
        .with_columns(pl.col("ltv").fill_null(0.0))
    )


def _as_interactions(pairs: pl.LazyFrame) -> pl.LazyFrame:
    return pairs.with_columns(
        pl.col("id").alias("user"),
        pl.col("company").alias("item"),
        pl.col("start").alias("day"),
        pl.col("start").cast(pl.Datetime("ms")).cast(pl.Int64).alias("timestamp"),
        pl.col(_ATTRIBUTES).cast(pl.String),
        pl.col("start").dt.to_string("%Y-%m").alias("start_month"),
    )


def _candidates(pairs: pl.LazyFrame, chosen: Sequence[int], customers: pl.DataFrame) -> list[Count]:
    """Count the chosen companies and every set of companies that has the published numbers, under both cohorts."""
    largest = customers["company"].head(COUNTED).to_list()
    counts = []
    for name, rule in COHORTS.items():
        cohort = pairs.select("company", "id", "start", "ltv").filter(rule)
        readings = [(chosen, f"the companies of this log under cohort {name}")]
        for companies, note in _published_sets(cohort, largest):
            readings.append((companies, f"companies {', '.join(map(str, companies))} under cohort {name} ({note})"))
        counts += [_count(cohort.filter(pl.col("company").is_in(companies)), words) for companies, words in readings]
    return counts


def _published_sets(cohort: pl.LazyFrame, largest: Sequence[int]) -> Iterator[tuple[list[int], str]]:
    """Yield the sets of companies whose pairs are as many, and as often positive, as RQ-Reg prints."""
    summed = cohort.group_by("company").agg(samples=pl.len(), positives=(pl.col("ltv") > 0).sum())
    by_company = {company: (n, p) for company, n, p in summed.collect(engine="streaming").iter_rows()}
    told = set()
    for among, most in SEARCHES:
        companies = [company for company in largest[:among] if company in by_company]
        samples, positives = zip(*(by_company[company] for company in companies), strict=True)
        found = find_sets(samples, positives, SAMPLES, POSITIVE_PERCENT, most, BOUND)
        number = f"{len(found.sets)}" if found.complete else f"at least {len(found.sets)}, the search was cut short"
        note = f"sets of at most {most} of the {among} largest with the published numbers: {number}"
        for places in found.sets:
            chosen = sorted(companies[place] for place in places)
            if tuple(chosen) not in told:
                told.add(tuple(chosen))
                yield chosen, note


def _count(frame: pl.LazyFrame, rule: str) -> Count:
    """Count rows, customers and companies, and where there is a target its positive values."""
    positives = {"positives": (pl.col("ltv") > 0).sum()} if "ltv" in frame.collect_schema().names() else {}
    counted = frame.select(
        rows=pl.len(), users=pl.col("id").n_unique(), items=pl.col("company").n_unique(), **positives
    )
    return {"rule": rule, **counted.collect(engine="streaming").row(0, named=True)}
