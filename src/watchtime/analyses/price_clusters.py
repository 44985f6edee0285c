"""How far positive targets stand in clusters, as prices do (after RQ-Reg, figure 1); it needs no trained model."""

from __future__ import annotations

import numpy as np
import polars as pl

from watchtime.analyses.study import Study
from watchtime.core.settings import Settings
from watchtime.labels.base import Floats

BIN = 0.1
CENT = 0.01
SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)
FREQUENT = 10


class Options(Settings):
    """``ranges`` [from, to) of the target, each a panel of the figure."""

    ranges: list[tuple[float, float]]


def tables(study: Study) -> dict[str, pl.DataFrame]:
    """Return ``bins``, ``ranges``, ``concentration`` and ``facts`` of the rows whose target is above 0.

    ``bins`` counts the rows of each range in bins of ``BIN``, which begin half a cent below their lower ends, so that
    no amount of whole cents lies between two bins. ``ranges`` says how many rows and distinct values each has, and how
    many rows have one of its ``FREQUENT`` most frequent values; ``concentration`` how few values hold each share of
    all positive rows.
    """
    every = study.rows.values(study.task).to_numpy()
    target = every[every > 0]
    ranges = study.options(Options).ranges
    uses = np.unique(target, return_counts=True)[1]
    fewest = [values_that_hold(uses, share) for share in SHARES]
    facts = {"rows": len(every), "positive": len(target), "distinct": len(uses), "bin": BIN, "frequent": FREQUENT}
    return {
        "bins": pl.concat([_bins(target, low, high) for low, high in ranges]),
        "ranges": pl.DataFrame([_range(target, low, high) for low, high in ranges]),
        "concentration": pl.DataFrame({"share": SHARES, "values": fewest}),
        "facts": pl.DataFrame([facts]),
    }


def values_that_hold(uses: np.ndarray[tuple[int], np.dtype[np.int64]], share: float) -> int:
    """Return the least number of distinct values that have at least ``share`` of all rows; ``uses`` are theirs."""
    held = np.cumsum(np.sort(uses)[::-1])
    return int(np.searchsorted(held, share * held[-1])) + 1 if len(held) else 0


def _bins(target: Floats, low: float, high: float) -> pl.DataFrame:
    edges = low - CENT / 2 + BIN * np.arange(round((high - low) / BIN) + 1)
    counts = np.histogram(target, edges)[0]
    return pl.DataFrame({"low": low, "high": high, "start": edges[:-1] + CENT / 2, "rows": counts})


def _range(target: Floats, low: float, high: float) -> dict[str, float | int]:
    inside = (target >= low) & (target < high)
    values, uses = np.unique(target[inside], return_counts=True)
    frequent = np.sort(uses)[::-1][:FREQUENT]
    return {
        "low": low,
        "high": high,
        "rows": int(uses.sum()),
        "distinct": len(values),
        "frequent": int(frequent.sum()),
        "most_frequent": float(values[np.argmax(uses)]) if len(values) else float("nan"),
        "most": int(frequent[0]) if len(frequent) else 0,
    }
