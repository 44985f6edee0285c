"""What repetitions say on the page of an analysis: means with their intervals, and paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from watchtime.evaluation.statistics import Comparison, compare, holm, summarise
from watchtime.reporting.elements.alignment import Interval, round_number
from watchtime.reporting.elements.tables import Cell, Value
from watchtime.reporting.measured.results import ALPHA

Values = Mapping[int, float]
"""Repetition → what was measured in it."""


@dataclass(frozen=True)
class Difference:
    """Ours minus the reference, with the p-value after Holm's correction over all that were tested with it."""

    comparison: Comparison
    p_value: float | None

    @property
    def is_significant(self) -> bool:
        return self.p_value is not None and self.p_value <= ALPHA

    @property
    def word(self) -> str:
        if not self.is_significant:
            return "not told apart"
        return "better" if self.comparison.better else "worse"

    def said(self, decimals: int) -> str:
        """Return the mean difference inside a sentence."""
        return round_number(self.comparison.difference, decimals)

    def cell(self) -> Cell:
        """Return the mean difference with its interval, bold where it is significant."""
        one = self.comparison
        value = one.difference if one.low is None else Interval(one.difference, one.low, one.high)
        return Cell(value, best=self.is_significant)


def by_repetition(frame: pl.DataFrame, column: str) -> dict[int, float]:
    """Return a column of a table with one row per repetition; what is not defined is left out."""
    return {int(one): float(value) for one, value in frame.select("repetition", column).drop_nulls().iter_rows()}


def mean(values: Values) -> Value:
    """Return the mean over repetitions with its 95 % interval, where they differ; None where nothing was measured."""
    if not values:
        return None
    one = summarise(values.values())
    return Interval(one.mean, one.low, one.high) if one.spread else one.mean


def differences(pairs: Sequence[tuple[Values, Values]], direction: str) -> list[Difference | None]:
    """Compare ours with the reference in every pair, tested together; None where no repetition has both."""
    compared = [compare(*pair, direction) if pair[0].keys() & pair[1].keys() else None for pair in pairs]
    adjusted = holm([one.p_value if one else None for one in compared])
    return [Difference(one, p_value) if one else None for one, p_value in zip(compared, adjusted, strict=True)]


def levels_where(found: Mapping[Any, Difference], word: str) -> str:
    """Return the levels of a setting whose difference is ``word``, as a list inside a sentence."""
    return ", ".join(str(level) for level, one in found.items() if one.word == word) or "none"


def draw_means(panel: Any, found: Mapping[Any, Values], **look: Any) -> None:
    """Draw means over repetitions with 95 % intervals over the levels of a setting, those that have values."""
    summaries = {level: summarise(values.values()) for level, values in found.items() if values}
    half = [one.high - one.mean if one.high is not None else 0.0 for one in summaries.values()]
    panel.errorbar(list(summaries), [one.mean for one in summaries.values()], half, linewidth=0.8, **look)
