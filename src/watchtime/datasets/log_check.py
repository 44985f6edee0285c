"""What keeps a log of one's own from a run, all of it at once; and where nothing does, what the log holds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from watchtime.core.catalog import Catalog
from watchtime.core.check import check
from watchtime.core.config import DatasetSource, OwnLog, RunConfig, load_config
from watchtime.core.errors import WatchtimeError, nearest, unknown
from watchtime.core.own_card import as_read
from watchtime.core.plan import Plan
from watchtime.datasets.interactions import Count, apply_rules, slim_columns
from watchtime.datasets.log_summary import notes, summary
from watchtime.datasets.own_columns import own_columns, time_unit
from watchtime.datasets.own_file import column_types
from watchtime.datasets.own_log import OwnTable
from watchtime.datasets.protocols import split

_OPTIONAL = {"duration": "duration", "timestamp": "time"}


@dataclass(frozen=True)
class _Use:
    """For which data set of which plan a log is read; ``protocols`` are those that it has to fit."""

    log: OwnLog
    plan: Plan
    dataset: str
    protocols: list[str]
    notes: list[str]


def check_log(file: Path, config: Path | None, dataset: str | None, root: Path) -> list[str]:
    """Return the lines that describe the log; raise one ``WatchtimeError`` with a line per problem.

    With a run's configuration the columns are those it names, and its row rules and protocols have to fit. Without
    one the columns are taken by their standard names, and features are left out. Nothing is written.
    """
    with tempfile.TemporaryDirectory(prefix="watchtime-") as name:
        use = _by_standard_names(file, dataset, root) if config is None else _as_planned(file, config, dataset, root)
        table = OwnTable.read(file, use.log, Path(name))
        if config is None:
            table = _with_found_time_unit(table)
        if table.problems:
            raise WatchtimeError("\n".join(table.problems))
        card = use.plan.catalog.datasets[use.dataset]
        there = table.rows.collect_schema().names()
        wanted = [*slim_columns(there, card), *(name for name in ("raw_row", "day") if name in there)]
        slim = table.rows.select(wanted).collect(engine="streaming")
    kept, steps = _ruled(slim, use, file)
    if misfits := list(_misfits(slim.filter(kept), use)):
        raise WatchtimeError("\n".join(f"{file}: {said}" for said in misfits))
    said = [*use.notes, *notes(slim, table.log, use.plan.catalog)]
    return [*summary(slim, steps, table.log), *(f"note: {one}" for one in said)]


def _as_planned(file: Path, path: Path, dataset: str | None, root: Path) -> _Use:
    """Put ``file`` in the place of the log that the configuration names."""
    config = load_config(path)
    own = {name: source.log for name, source in config.datasets.items() if source.log is not None}
    if not own:
        raise WatchtimeError(f"{path}: datasets: none of them has the key 'log'; config/own_log.yaml shows one.")
    if dataset is None and len(own) > 1:
        raise WatchtimeError(f"{path}: datasets: found {len(own)} own logs, --dataset says which: {', '.join(own)}.")
    name = dataset or next(iter(own))
    if name not in own:
        raise WatchtimeError(unknown("own log", name, own, "--dataset"))
    if not file.is_file():
        raise WatchtimeError(f"{file}: the file does not exist.")
    log = own[name].model_copy(update={"file": str(file)})
    source = config.datasets[name].model_copy(update={"log": log})
    plan = _plan(config.model_copy(update={"datasets": {**config.datasets, name: source}}), root, str(path))
    return _Use(log, plan, name, plan.protocols(name), [])


def _by_standard_names(file: Path, dataset: str | None, root: Path) -> _Use:
    if dataset is not None:
        raise WatchtimeError(f"--dataset: found '{dataset}', but it needs --config, where the data sets stand.")
    types = column_types(file)
    optional = {key: name for name, key in _OPTIONAL.items() if name in types}
    log = OwnLog(file=str(file), **optional)
    guesses = {name: nearest(name, types) for name in _OPTIONAL if name not in types}
    said = [
        f"no column '{name}', found '{guess}' instead; --config names it." for name, guess in guesses.items() if guess
    ]
    config = RunConfig(datasets={"own_log": DatasetSource(log=log)}, tasks=["watch_time"])
    return _Use(log, _plan(config, root, str(file)), "own_log", [], said)


def _plan(config: RunConfig, root: Path, where: str) -> Plan:
    catalog = as_read(Catalog.load(root), config, where)
    check(config, catalog, where)
    return Plan(config, catalog)


def _with_found_time_unit(table: OwnTable) -> OwnTable:
    """Take the unit of the times from the first of them."""
    if "timestamp" not in (one.name for one in table.columns):
        return table
    first = table.text.select(pl.col("timestamp").drop_nulls().first()).collect(engine="streaming").item()
    log = table.log.model_copy(update={"time_unit": time_unit(first)})
    there = {one.name for one in table.columns}
    return replace(table, log=log, columns=[one for one in own_columns(log) if one.name in there])


def _ruled(slim: pl.DataFrame, use: _Use, file: Path) -> tuple[pl.Series, list[Count]]:
    try:
        return apply_rules(slim, use.plan.rules(use.dataset), use.plan.catalog.datasets[use.dataset])
    except WatchtimeError as error:
        raise WatchtimeError(f"{file}: {error}") from None


def _misfits(rows: pl.DataFrame, use: _Use) -> Iterator[str]:
    """Split the rows that count as the run will."""
    plan, name = use.plan, use.dataset
    for protocol in use.protocols:
        try:
            split(rows, plan.catalog.protocols[protocol], plan.split_seed(name, protocol), plan.core(name, protocol))
        except WatchtimeError as error:
            yield f"protocol {protocol}: {error}"
