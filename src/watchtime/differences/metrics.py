"""Which measured values differ, and whether that could be chance: paired where the seeds of both runs match."""

from __future__ import annotations

import math
from typing import NamedTuple

import polars as pl

from watchtime.differences.run import ComparedRun
from watchtime.differences.section import Section
from watchtime.evaluation.statistics import Comparison, compare, compare_unpaired, holm
from watchtime.reporting.elements.alignment import format_number, usual_decimals
from watchtime.reporting.measured.results import ALPHA

_BOARD = ["dataset", "task", "protocol", "regime", "size"]
_LINE = ["method", "variant", "readout", "metric", "convention"]
_KEY = [*_BOARD, *_LINE]
_COLUMNS = ("Where", "Method", "Readout", "Metric", "A", "B", "B − A", "95 % interval", "p (Holm)", "Verdict")


class Moved(NamedTuple):
    """A cell that is not equal in both runs: its key, repetition → value in both, B − A."""

    key: tuple[str, ...]
    ours: dict[int, float]
    others: dict[int, float]
    change: Comparison | None

    @property
    def board(self) -> tuple[str, ...]:
        return self.key[: len(_BOARD)]


def metrics(one: ComparedRun, other: ComparedRun) -> Section:
    """List every cell that moved, as *within noise* or *changed*, and those that one run alone has."""
    paired = one.config.seed == other.config.seed
    cells = _cells(one, other)
    moved, equal = [], 0
    for key, ours, others in cells:
        if ours == others:
            equal += 1
        else:
            moved.append(Moved(key, ours, others, _change(ours, others, paired)))
    rows = [row for board in dict.fromkeys(cell.board for cell in moved) for row in _rows(board, moved)]
    pairing = "paired by repetition" if paired else "not paired, as the runs have different seeds"
    changed = sum(row[-1] == "changed" for row in rows)
    said = f"{equal} of {len(cells)} cells are equal, {len(rows) - changed} differ within noise or in one run alone, "
    said += f"{changed} changed (t-tests {pairing}, Holm over each leaderboard, α = {ALPHA})."
    return Section("Metrics", said, _COLUMNS, rows)


def _cells(one: ComparedRun, other: ComparedRun) -> list[tuple[tuple[str, ...], dict[int, float], dict[int, float]]]:
    """Return every cell with repetition → value in both runs."""
    ours, others = _values(one), _values(other)
    return [(key, ours.get(key, {}), others.get(key, {})) for key in sorted({*ours, *others})]


def _values(run: ComparedRun) -> dict[tuple[str, ...], dict[int, float]]:
    """Return repetition → value of every cell; infinity stands for an undefined value."""
    found: dict[tuple[str, ...], dict[int, float]] = {}
    columns = [pl.col(_KEY).cast(pl.String).fill_null(""), pl.col("repetition").cast(pl.Int64)]
    with run.reading("metrics.parquet") as path:
        frame = pl.read_parquet(path, glob=False).select(*columns, pl.col("value").cast(pl.Float64))
    for *key, repetition, value in frame.iter_rows():
        found.setdefault(tuple(key), {})[repetition] = math.inf if value is None else value
    return found


def _change(ours: dict[int, float], others: dict[int, float], paired: bool) -> Comparison | None:
    """Return B − A, None where one of them has no number."""
    if not ours or not others or math.inf in (*ours.values(), *others.values()):
        return None
    if paired and ours.keys() & others.keys():
        return compare(others, ours, "higher")
    return compare_unpaired(others.values(), ours.values(), "higher", 1 - ALPHA)


def _rows(board: tuple[str, ...], moved: list[Moved]) -> list[list[str]]:
    own = [cell for cell in moved if cell.board == board]
    adjusted = holm([cell.change.p_value if cell.change else None for cell in own])
    return [_row(cell, p_value) for cell, p_value in zip(own, adjusted, strict=True)]


def _row(cell: Moved, p_value: float | None) -> list[str]:
    method, variant, readout, metric, convention = cell.key[len(_BOARD) :]
    ours, others = (_mean(values) for values in (cell.ours, cell.others))
    change = cell.change
    decimals = usual_decimals([one for one in (ours, others) if one is not None and math.isfinite(one)] or [0.0])
    interval = ""
    if change and change.low is not None and change.high is not None:
        interval = f"{format_number(change.low, decimals)} to {format_number(change.high, decimals)}"
    return [
        " ".join(cell.board),
        f"{method}/{variant}",
        readout,
        f"{metric} ({convention})" if convention else metric,
        *(
            "–" if one is None else "undefined" if math.isinf(one) else format_number(one, decimals)
            for one in (ours, others)
        ),
        format_number(change.difference, decimals + 1) if change else "",
        interval,
        "" if p_value is None else f"{p_value:.2g}",
        _verdict(cell, p_value),
    ]


def _mean(values: dict[int, float]) -> float | None:
    return sum(values.values()) / len(values) if values else None


def _verdict(cell: Moved, p_value: float | None) -> str:
    """A change without a test of chance, as of a method without randomness, is a change."""
    if not cell.ours or not cell.others:
        return "only in B" if not cell.ours else "only in A"
    return "within noise" if p_value is not None and p_value > ALPHA else "changed"
