"""A log of one's own: which column means what is in its configuration; every cell is checked before a row is used.

Users and items are text. Times are UTC and give the calendar day. A feature of users or items has one value per user
or item over the whole log: one that varies is a feature of the row's context, since any choice of one value would tell
rows what comes later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from watchtime.core.config import OwnLog
from watchtime.core.dataset_card import DatasetCard
from watchtime.core.errors import LONGEST, WatchtimeError, nearest, plain
from watchtime.datasets.codes import Side
from watchtime.datasets.interactions import RawLog
from watchtime.datasets.own_columns import OwnColumn, own_columns
from watchtime.datasets.own_file import Type, as_lists, as_text, column_types, is_list, is_plain, readable, scan_columns
from watchtime.datasets.raw import too_large

_BASE = ("user", "item", "watch_time", "ltv", "duration", "timestamp", "day", "raw_row")


def load(folder: Path, card: DatasetCard, options: Mapping[str, Any], scratch: Path) -> RawLog:
    """Return the interactions of ``card.own_log``, a file in ``folder``; ``scratch`` takes a text file as Parquet.

    Memory: a constant and the features of users and items. Raises the first problem as a ``WatchtimeError``.
    """
    if card.own_log is None:
        raise WatchtimeError(f"{card.title}: no log of one's own is configured.")
    table = OwnTable.read(folder / card.logs[0], card.own_log, scratch)
    if table.problems:
        raise WatchtimeError(table.problems[0])
    features = {side: table.features(side) for side in ("user", "item", "context")}
    rows = table.rows.collect_schema().names()
    return RawLog(
        table.rows.select(*(name for name in _BASE if name in rows), *features["context"], *card.own_log.feedback),
        table.side("user").drop("raw_row") if features["user"] else None,
        table.side("item").drop("raw_row") if features["item"] else None,
    )


@dataclass(frozen=True)
class OwnTable:
    """The file of an own log, one column per name of the interactions; ``problems`` say what keeps it from a run.

    ``text`` holds the cells as written and ``raw_row``, the row of the file counted from 0. It lacks the columns that
    the file lacks.
    """

    path: Path
    log: OwnLog
    columns: Sequence[OwnColumn]
    text: pl.LazyFrame
    absent: Sequence[str] = field(default=())

    @classmethod
    def read(cls, path: Path, log: OwnLog, scratch: Path) -> OwnTable:
        """Raise a ``WatchtimeError`` only where the file is no table; all else is among the ``problems``."""
        types = column_types(path)
        wanted = own_columns(log)
        wrong = {one: said for one in wanted if (said := _no_column(path, one, types))}
        columns = [one for one in wanted if one not in wrong]
        if not any(one.column in types for one in wanted):
            raise WatchtimeError(
                f"{path}: it has none of the columns {', '.join(one.column for one in wanted)}, "
                f"found {plain(', '.join(types))[:LONGEST] or 'no column'}; the configuration's `log` names them."
            )
        table = scan_columns(path, {one.column for one in columns}, scratch) if columns else pl.LazyFrame()
        cells = [_cells(one, types[one.column]).alias(one.name) for one in columns]
        return cls(path, log, columns, table.select(cells).with_row_index("raw_row"), list(wrong.values()))

    @cached_property
    def rows(self) -> pl.LazyFrame:
        """The values of all columns; a cell that is not allowed is null."""
        values = self.text.select("raw_row", *(one.value for one in self.columns))
        if "timestamp" not in values.collect_schema().names():
            return values
        return values.with_columns(day=pl.col("timestamp").cast(pl.Datetime("ms")).dt.date())

    @cached_property
    def problems(self) -> list[str]:
        """One sentence per kind of problem: absent columns, then cells, then features that vary, each in file order."""
        wrong = self._wrong_cells()
        sides = [found for side in ("user", "item") for found in self._varying(side, set(wrong))]
        return [*self.absent, *_in_order(found for pair in wrong.values() for found in pair), *_in_order(sides)]

    def features(self, side: str) -> list[str]:
        """Return the features of users, items or the context that the file has."""
        there = {one.name for one in self.columns}
        return [name for name, feature in self.log.features.items() if feature.side == side and name in there]

    def side(self, side: Side) -> pl.DataFrame:
        """Return the features of every user or item as its first row has them, in the order of these rows."""
        known = self.rows.filter(pl.col(side).is_not_null())
        first = known.group_by(side).agg(pl.col("raw_row").min()).select("raw_row").collect(engine="streaming")
        features = known.select("raw_row", side, *self.features(side))
        return features.join(first.lazy(), on="raw_row", how="semi").collect(engine="streaming").sort("raw_row")

    def _wrong_cells(self) -> dict[str, list[tuple[int, str]]]:
        """Return, per column with wrong cells, the first row and the sentence of each kind: empty, or not allowed."""
        found: dict[str, list[tuple[int, str]]] = {}
        for one in self.columns:
            rejected, empty = one.cell.rejected(one.name), pl.col(one.name).is_null()
            with readable(self.path):
                if not self.text.select(rejected.any()).collect(engine="streaming").item():
                    continue
            kinds = _first_and_count(self.text, [rejected & empty, rejected & ~empty])
            said = f"allowed: {one.cell.allowed}; {one.remedy}."
            found[one.name] = [(row, f"{self._cell(one, row, count)}, {said}") for row, count in kinds if count]
        return found

    def _varying(self, side: Side, wrong: set[str]) -> list[tuple[int, str]]:
        """Return the first row and the sentence of every feature that has two values for one user or item."""
        columns = [one for one in self.columns if one.name in self.features(side) and one.name not in wrong]
        if not columns or side not in {one.name for one in self.columns}:
            return []
        table = self.side(side)
        first = table.lazy().rename({name: f"first {name}" for name in table.columns if name != side})
        rows = self.rows.join(first, on=side, how="inner")
        facts = _first_and_count(rows, [pl.col(one.name).ne_missing(pl.col(f"first {one.name}")) for one in columns])
        return [
            (row, self._variation(side, one, row, count, table))
            for one, (row, count) in zip(columns, facts, strict=True)
            if count
        ]

    def _variation(self, side: Side, one: OwnColumn, row: int, count: int, table: pl.DataFrame) -> str:
        who = self.rows.slice(row, 1).select(side).collect().item()
        before = table.row(by_predicate=pl.col(side) == who, named=True)["raw_row"]
        return (
            f"{self._cell(one, row, count)}, but row {before + 1} of the same {side} '{who}' has "
            f"{self._shown(one, before)}, allowed: one value per {side}; declare `side: context`."
        )

    def _cell(self, one: OwnColumn, row: int, count: int) -> str:
        more = f" ({count:,} such rows)" if count > 1 else ""
        return f"{self.path}: row {row + 1}, column {plain(one.column)}: found {self._shown(one, row)}{more}"

    def _shown(self, one: OwnColumn, row: int) -> str:
        value = self.text.slice(row, 1).select(one.name).collect().to_series().to_list()[0]
        text = ", ".join(part or "" for part in value) if isinstance(value, list) else value
        if not text:
            return "an empty cell"
        return f"'{plain(text)}'{too_large(text)}" if len(text) <= 60 else f"'{plain(text[:59])}…'"


def _no_column(path: Path, one: OwnColumn, types: Mapping[str, Type]) -> str | None:
    """Return why a column cannot be read at all, or None where it can."""
    if one.column not in types:
        guess = nearest(one.column, types)
        hint = plain(f"found '{guess}' instead" if guess else f"the file has {', '.join(types)}")
        return f"{path}: the column '{one.column}' is missing, {hint}; `log.{one.key}` in the configuration names it."
    if one.column == "*" or one.column[:1] + one.column[-1:] == "^$":
        return f"{path}: column {one.column}: the name is a pattern that stands for several columns; rename it."
    dtype = types[one.column]
    if is_plain(dtype) or (one.separator is not None and is_list(dtype)):
        return None
    hint = "; `kind: multi_valued` takes lists" if one.key.startswith("features") and is_list(dtype) else ""
    return f"{path}: column {one.column}: found type {dtype}, allowed: one text, number or time per row{hint}."


def _cells(one: OwnColumn, dtype: Type) -> pl.Expr:
    return as_text(one.column, dtype) if one.separator is None else as_lists(one.column, dtype, one.separator)


def _first_and_count(rows: pl.LazyFrame, masks: Iterable[pl.Expr]) -> list[tuple[int, int]]:
    """Return for each mask the first row that it selects and how many it does; the rows pass by once."""
    facts = [fact for mask in masks for fact in (pl.col("raw_row").filter(mask).min(), mask.sum())]
    named = [fact.alias(str(place)) for place, fact in enumerate(facts)]
    values = rows.select(named).collect(engine="streaming").row(0)
    return list(zip(values[::2], values[1::2], strict=True))


def _in_order(problems: Iterable[tuple[int, str]]) -> list[str]:
    return [said for _, said in sorted(problems, key=lambda problem: problem[0])]
