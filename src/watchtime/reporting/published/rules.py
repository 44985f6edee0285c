"""One verdict for every published number.

What is compared is the published value, and the sign of its difference to the reference row of its table. The first
rule that applies decides:

| | a published cell … | verdict |
|---|---|---|
| 1 | of a data set that only the authors have, or for which a log of one's own stands | not comparable |
| 2 | ``hp_…`` that stands in the settings of our jobs | used if equal, else differs |
| 3 | for which this run has no number (artifact, data set, task or method) | not run |
| 4 | within ``tolerance`` of ours, our interval no wider than that, and no obstacle | reproduced |
| 5 | whose sign of the difference agrees with ours, ours being significant after Holm over the table | ordering holds |
| 6 | whose sign of the difference is the opposite of ours, ours being significant after Holm over the table | differs |
| 7 | outside our interval widened by ``tolerance``, and no obstacle | differs |
| 8 | that is none of these | not comparable |

Obstacles forbid the comparison of values, rules 4 and 7: simulated data, a sample of the data set, another protocol, a
size below ``paper``, a regime other than ``as_published``. They leave the orderings, rules 5 and 6, and the reason then
names them. Counts of a data set have no ordering, and neither size, regime nor protocol stand in their way; a count is
compared with every reading of the data set (`readings`), and the closest stands for ours. That more rows were read than
a paper counts is no obstacle to its counts: which of them it counts is the question.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from watchtime.reporting.elements.words import percent
from watchtime.reporting.measured.results import ALPHA

Word = Literal["reproduced", "ordering holds", "differs", "used", "not comparable", "not run"]
WORDS: tuple[Word, ...] = get_args(Word)

MEANINGS: dict[Word, str] = {
    "reproduced": "real and complete data, the paper's size, regime and protocol: our mean is within the tolerance of "
    "the published value, and half our interval is no wider than the tolerance; for a count: one way to count the data "
    "is within the tolerance",
    "ordering holds": "our difference to the reference row of the table is significant and has the published sign",
    "differs": "our difference to the reference row is significant and has the opposite sign, or the published value "
    "lies outside our interval widened by the tolerance; for a count: no way to count the data is within the "
    "tolerance; for a setting: this run uses another",
    "used": "a setting that this run uses as printed",
    "not comparable": "measured, but neither the value nor the order can be judged, for the reason given; or nobody "
    "else has the data",
    "not run": "this run has no number for it, for the reason given",
}

SAMPLE_SHARE = 0.25
"""A log whose number of rows is further than this from the published number is another selection of rows."""


@dataclass(frozen=True)
class Verdict:
    """A verdict and why; the reason is a phrase without a full stop, empty where there is nothing to add."""

    word: Word
    reason: str = ""


@dataclass(frozen=True)
class Estimate:
    """Our mean over repetitions; ``low`` and ``high`` are None where they say nothing about chance."""

    mean: float
    low: float | None
    high: float | None
    repetitions: int


@dataclass(frozen=True)
class Ordering:
    """A cell minus the reference row of its table, as published and as measured.

    ``p_value`` is two-sided and adjusted by Holm over the table, None where the repetitions say nothing about chance.
    """

    published: float
    ours: float
    p_value: float | None

    def is_significant(self) -> bool:
        """Tell whether both differences have a sign, ours beyond chance."""
        return self.published != 0 and self.p_value is not None and self.p_value <= ALPHA

    def agrees(self) -> bool:
        return self.published * self.ours > 0


def judge(
    published: float, ours: Estimate, ordering: Ordering | str, obstacles: Sequence[str], tolerance: float
) -> Verdict:
    """Return the verdict of rules 4 to 8; where there is no ``ordering``, it is the reason why."""
    if not obstacles and _reproduced(published, ours, tolerance):
        return Verdict("reproduced", f"within {percent(tolerance, None)}")
    outside = not obstacles and _outside(published, ours, tolerance)
    values = _values(outside, obstacles, ours, tolerance)
    if isinstance(ordering, Ordering) and ordering.is_significant():
        agrees = ordering.agrees()
        order = f"the {'published' if agrees else 'opposite'} order"
        return Verdict("ordering holds" if agrees else "differs", f"{order}; {values}")
    return Verdict("differs" if outside else "not comparable", f"{_unordered(ordering)}; {values}")


def judge_count(published: float, ours: float, reading: str, obstacles: Sequence[str], tolerance: float) -> Verdict:
    """Return the verdict on a count, rules 4, 7 and 8 without an interval; ``reading`` says how ours is counted."""
    if obstacles:
        return Verdict("not comparable", ", ".join(obstacles))
    if _reproduced(published, Estimate(ours, ours, ours, 1), tolerance):
        return Verdict("reproduced", f"within {percent(tolerance, None)}: {reading}")
    return Verdict("differs", f"the closest reading is {percent(abs(ours / published - 1))} off: {reading}")


def judge_setting(published: float, ours: Sequence[float]) -> Verdict:
    """Return rule 2: whether the printed value is among those that our jobs use."""
    shown = " and ".join(f"{value:g}" for value in ours)
    used = any(math.isclose(published, value, rel_tol=1e-9) for value in ours)
    return Verdict("used") if used else Verdict("differs", f"this run has {shown}")


def data_obstacles(simulated: bool, rows: Sequence[float], published_rows: float | None) -> list[str]:
    """Return why values measured on this log cannot be compared with published ones, where there is a reason.

    ``rows`` are the numbers of rows under every reading, as read first: the closest to the published number counts.
    """
    if simulated:
        return ["simulated data"]
    if published_rows is None:
        return ["no published number of rows says whether the log is complete"]
    nearest = min(rows, key=lambda number: abs(number - published_rows))
    if abs(nearest / published_rows - 1) <= SAMPLE_SHARE:
        return []
    what = "a sample of the data set" if rows[0] < published_rows else "more than the published data set"
    return [f"{what} ({nearest:,.0f} of {published_rows:,.0f} rows)"]


def count_obstacles(simulated: bool, rows: Sequence[float], published_rows: float | None) -> list[str]:
    """Return why counts cannot be compared: as ``data_obstacles``, but for more rows than are published."""
    is_more = published_rows is not None and rows[0] >= published_rows
    return [] if is_more and not simulated else data_obstacles(simulated, rows, published_rows)


def run_obstacles(size: str, regime: str, protocol: str, published_protocol: str | None, stated: bool) -> list[str]:
    """Return why values of this run cannot be compared with published ones, whatever the data.

    A protocol that the paper has not ``stated`` is nobody's.
    """
    sizes = [] if size == "paper" else [f"size {size}"]
    regimes = [] if regime == "as_published" else [f"regime {regime}"]
    other = published_protocol is not None and protocol != published_protocol
    protocols = [f"protocol {protocol} instead of {published_protocol}"] if other else []
    return sizes + regimes + (protocols if stated else ["the paper names no protocol"])


def uncompared(obstacles: Sequence[str]) -> str:
    """Return the phrase that says why values are not compared; empty where nothing stands in the way."""
    return f"values not compared: {', '.join(obstacles)}" if obstacles else ""


def _reproduced(published: float, ours: Estimate, tolerance: float) -> bool:
    if ours.low is None or ours.high is None:
        return False
    allowed = tolerance * abs(published)
    return abs(ours.mean - published) <= allowed and (ours.high - ours.low) / 2 <= allowed


def _outside(published: float, ours: Estimate, tolerance: float) -> bool:
    if ours.low is None or ours.high is None:
        return False
    allowed = tolerance * abs(published)
    return published < ours.low - allowed or published > ours.high + allowed


def _values(outside: bool, obstacles: Sequence[str], ours: Estimate, tolerance: float) -> str:
    if obstacles:
        return uncompared(obstacles)
    if outside:
        return f"the value is more than {percent(tolerance, None)} off"
    return "our interval is too wide to tell" if ours.low is not None else "one repetition gives no interval"


def _unordered(ordering: Ordering | str) -> str:
    if isinstance(ordering, str):
        return ordering
    if not ordering.published:
        return "published as equal to the reference row"
    if ordering.p_value is None:
        return "the repetitions say nothing about the order"
    return "no significant difference to the reference row"
