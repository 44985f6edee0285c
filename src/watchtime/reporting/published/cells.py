"""The numbers that the papers print: ``config/published/<paper>.csv``, one row per published cell."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from watchtime.core.catalog import Catalog
from watchtime.core.csv_files import read_rows
from watchtime.core.errors import WatchtimeError

LIVE = "online"
"""What stands for the data set of a test on live traffic."""

PRIVATE = ("indust", "kuaishou", LIVE, "shortvideo")
"""Data sets that only the authors have, and live traffic: nobody else can measure their cells again."""

GAIN = "_relative_gain_pct"
"""Ends the metric of a cell that prints by how many per cent its row is better than the reference row."""

_TEXTS = ("artifact", "dataset", "task", "method", "variant", "metric", "direction", "unit")
_COLUMNS = [*_TEXTS[:-1], "value", "spread", "unit", "note"]


@dataclass(frozen=True)
class PublishedCell:
    """One printed number: where it stands, what it measures, its value and the unit as far as it is printed.

    ``line`` is its line in the file of its paper.
    """

    paper: str
    artifact: str
    dataset: str
    task: str
    method: str
    variant: str
    metric: str
    direction: str
    value: float
    unit: str
    line: int = field(default=0, compare=False)

    @property
    def row(self) -> str:
        """The key of its row in the catalogue: ``tpm``, or ``prowtp/no_suot`` for a variant."""
        return row_key(self.method, self.variant)

    @property
    def is_gain(self) -> bool:
        return self.metric.endswith(GAIN)

    @property
    def measured(self) -> str:
        """The metric that is measured for it, that of the values where a gain is printed."""
        return self.metric.removesuffix(GAIN)

    @property
    def name(self) -> str:
        """The full name of its artifact, such as ``prowtp/table1``."""
        return f"{self.paper}/{self.artifact}"


def row_key(method: str, variant: str) -> str:
    """Return the key of a published row."""
    return method if variant in ("full", "none") else f"{method}/{variant}"


def read_published(files: Iterable[Path]) -> list[PublishedCell]:
    """Return the published cells of all papers, in the order of the files, each named after its paper.

    Raises WatchtimeError where a file has other columns or a value is not a number.
    """
    return [cell for path in files for cell in _cells(path)]


def shown_in(catalog: Catalog, cell: PublishedCell) -> str:
    """Return the artifact that shows a cell: the one of its task where one printed table is two of ours."""
    paper = catalog.papers.get(cell.paper)
    for name, artifact in paper.artifacts.items() if paper else ():
        if artifact.published == cell.artifact and artifact.task == cell.task:
            return f"{cell.paper}/{name}"
    return cell.name


def row_counts(cells: Iterable[PublishedCell], paper: str) -> dict[str, float]:
    """Return how many rows each data set has: as ``paper`` prints it, else the most that any paper prints."""
    counts: dict[str, float] = {}
    own: dict[str, float] = {}
    for cell in cells:
        if cell.metric in ("n_interactions", "n_samples"):
            counts[cell.dataset] = max(cell.value, counts.get(cell.dataset, 0.0))
            if cell.paper == paper:
                own[cell.dataset] = cell.value
    return {**counts, **own}


def _cells(path: Path) -> list[PublishedCell]:
    columns, rows = read_rows(path, str(path))
    if columns != _COLUMNS:
        raise WatchtimeError(f"{path}: the columns are {columns}, expected are {_COLUMNS}.")
    return [_cell(path, line, row) for line, row in rows.items()]


def _cell(path: Path, line: int, row: dict[str, str]) -> PublishedCell:
    try:
        value = float(row["value"])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise WatchtimeError(f"{path}: line {line}: value: found {row['value']!r}, a number is expected.")
    return PublishedCell(paper=path.stem, value=value, line=line, **{name: row[name] for name in _TEXTS})
