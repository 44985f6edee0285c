"""What differs in the data that two runs stand on: rows, schema, bytes, splits."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from watchtime.differences.run import ComparedRun, changed, shared
from watchtime.differences.section import Section
from watchtime.differences.settings import ABSENT, differing, flat

_TABLES = ("interactions", "users", "items")


def data(one: ComparedRun, other: ComparedRun) -> Section:
    """Compare every data set: counts after each row rule, columns and types of its tables, and hashes of its files."""
    rows = []
    for dataset in sorted({*one.config.datasets, *other.config.datasets}):
        if not (dataset in one.config.datasets and dataset in other.config.datasets):
            rows.append(
                [dataset, "data set", *("there" if dataset in run.config.datasets else ABSENT for run in (one, other))]
            )
            continue
        rows += [[dataset, *found] for found in [*_counts(one, other, dataset), *_schema(one, other, dataset)]]
        rows += [
            [dataset, name.removeprefix(f"data/{dataset}/"), *(str(run.hash(name))[:12] for run in (one, other))]
            for name in changed(one, other, shared(one, other, f"data/{dataset}/"))
            if name.endswith((".parquet", "part.npy"))
        ]
    said = "Equal rows, columns and bytes." if not rows else f"{len(rows)} of rows, columns and hashes differ."
    return Section("Data", said, ("Data set", "What", "A", "B"), rows)


def _counts(one: ComparedRun, other: ComparedRun, dataset: str) -> Iterable[tuple[str, str, str]]:
    """Yield the counts that differ, by row rule."""
    for name in changed(one, other, shared(one, other, f"data/{dataset}/", "counts.json")):
        found = [flat(_by_rule(run, name)) for run in (one, other)]
        yield from differing(*found)


def _by_rule(run: ComparedRun, file: str) -> dict[str, object]:
    """Return the counts with each rule's under its name."""
    counts = run.json(file)
    rules = counts.get("rules")
    if not isinstance(rules, list):
        return counts
    with run.reading(file):
        return {str(rule["rule"]): {name: value for name, value in rule.items() if name != "rule"} for rule in rules}


def _schema(one: ComparedRun, other: ComparedRun, dataset: str) -> Iterable[tuple[str, str, str]]:
    """Yield the columns of which name or type differ."""
    tables = {f"data/{dataset}/{table}.parquet": table for table in _TABLES}
    for name in changed(one, other, shared(one, other, f"data/{dataset}/", ".parquet")):
        if name in tables:
            found = [_columns(run, name) for run in (one, other)]
            yield from ((f"{tables[name]}.{column}", ours, theirs) for column, ours, theirs in differing(*found))


def _columns(run: ComparedRun, name: str) -> dict[str, str]:
    with run.reading(name) as path:
        return {column: str(kind) for column, kind in pl.read_parquet_schema(path).items()}
