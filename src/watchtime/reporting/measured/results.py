"""The measured values of one leaderboard: means with intervals, paired comparisons, the best of every column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import polars as pl

from watchtime.evaluation.metrics import METRICS
from watchtime.evaluation.statistics import Comparison, Summary, compare, holm, summarise
from watchtime.reporting.elements.alignment import Interval

ALPHA = 0.05
"""A difference is significant where its p-value, after Holm's correction, is at most this."""


@dataclass(frozen=True, order=True)
class Line:
    """One line of a leaderboard: a method's variant, read out in one way."""

    method: str
    variant: str
    readout: str


@dataclass(frozen=True)
class Measure:
    """A metric under one of its conventions."""

    metric: str
    convention: str

    @classmethod
    def of(cls, metric: str, conventions: Mapping[str, str] | None = None) -> Measure:
        """Return the metric under the convention named for it, by default its first, which is ``strict``."""
        return cls(metric, (conventions or {}).get(metric, METRICS[metric].conventions[0]))

    @property
    def title(self) -> str:
        """Its name with its convention, where it can be computed in more than one way."""
        title = METRICS[self.metric].title
        return f"{title} ({self.convention})" if len(METRICS[self.metric].conventions) > 1 else title

    @property
    def direction(self) -> str:
        return METRICS[self.metric].direction


class Results:
    """The values of one data set, task and protocol, from rows as `collect.metrics` returns them.

    A method without randomness is fitted once and stands for every repetition of the run.
    """

    def __init__(self, frame: pl.DataFrame, repetitions: int) -> None:
        self.repetitions = repetitions
        self.parameters: dict[tuple[str, str], int] = {}
        self._deterministic: set[tuple[str, str]] = set()
        self._values: dict[tuple[Line, Measure], dict[int, float]] = {}
        self._users: dict[tuple[Line, Measure], float] = {}
        names = ["method", "variant", "readout", "metric", "convention", "repetition", "value"]
        for method, variant, readout, metric, convention, repetition, value in frame.select(names).iter_rows():
            key = Line(method, variant, readout), Measure(metric, convention)
            self._values.setdefault(key, {})[repetition] = value
        for method, variant, readout, metric, convention, low, high in _intervals(frame, names[:5]):
            self._users[Line(method, variant, readout), Measure(metric, convention)] = (high - low) / 2
        facts = frame.select("method", "variant", "parameters", "deterministic").unique()
        for method, variant, parameters, deterministic in facts.iter_rows():
            self.parameters[method, variant] = parameters
            if deterministic:
                self._deterministic.add((method, variant))

    def lines(self) -> list[Line]:
        """Every line that has values, in the order of the rows."""
        return list(dict.fromkeys(line for line, _ in self._values))

    def is_deterministic(self, line: Line) -> bool:
        return (line.method, line.variant) in self._deterministic

    def values(self, line: Line, measure: Measure) -> dict[int, float]:
        """Return repetition → value; nothing where the line has no such metric, as a rank has no error."""
        values = self._values.get((line, measure), {})
        if self.is_deterministic(line) and values:
            return dict.fromkeys(range(self.repetitions), values[0])
        return values

    def summary(self, line: Line, measure: Measure) -> Summary | None:
        """Return the mean with its interval over the repetitions, None where there is no value.

        A method without randomness has an interval of width 0, however few repetitions the run has.
        """
        values = self.values(line, measure)
        if not values:
            return None
        if self.is_deterministic(line):
            return Summary(values[0], values[0], values[0], 0.0, self.repetitions)
        return summarise(values.values())

    def mean(self, line: Line, measure: Measure) -> float | None:
        """Return the mean over the repetitions, None where there is no value."""
        summary = self.summary(line, measure)
        return summary.mean if summary else None

    def interval(self, line: Line, measure: Measure) -> Interval | float | None:
        """Return the mean with its interval as tables print it; without randomness, or once, it has none."""
        summary = self.summary(line, measure)
        if summary is None or summary.low is None or summary.high is None or self.is_deterministic(line):
            return summary.mean if summary else None
        return Interval(summary.mean, summary.low, summary.high)

    def over_users(self, line: Line, measure: Measure) -> float | None:
        """Return half of the 95 % interval over users, which the first repetition has; None where there is none."""
        return self._users.get((line, measure))

    def compare(self, line: Line, reference: Line, measure: Measure) -> Comparison | None:
        """Return line minus reference over their common repetitions, None where one of them has no value."""
        ours, others = self.values(line, measure), self.values(reference, measure)
        return compare(ours, others, measure.direction) if ours and others else None

    def gain(self, line: Line, reference: Line, measure: Measure) -> Summary | None:
        """Return by how many per cent of the reference line is better, over their common repetitions.

        None where one of them has no value, or the reference is 0.
        """
        ours, others = self.values(line, measure), self.values(reference, measure)
        sign = 1 if measure.direction == "higher" else -1
        gains = [100 * sign * (ours[one] / others[one] - 1) for one in ours.keys() & others.keys() if others[one]]
        return summarise(gains) if gains else None

    def best(self, lines: Sequence[Line], measures: Iterable[Measure]) -> dict[Measure, list[Line]]:
        """Return for each measure the line with the best mean and all that are tied with it.

        Every other line is compared with the best by the paired test; a tie is a difference that is not significant
        after Holm's correction over all comparisons of the table, or that is exactly 0. Where the repetitions say
        nothing about chance, only equal values are tied.
        """
        leaders = {measure: leader for measure in measures if (leader := self.leader(lines, measure))}
        pairs = [(measure, line, leader) for measure, leader in leaders.items() for line in lines]
        compared = [self.compare(line, leader, measure) for measure, line, leader in pairs]
        adjusted = holm([one.p_value if one else None for one in compared])
        tied: dict[Measure, list[Line]] = {}
        for (measure, line, _), one, p_value in zip(pairs, compared, adjusted, strict=True):
            if one and (one.difference == 0 if p_value is None else p_value > ALPHA):
                tied.setdefault(measure, []).append(line)
        return tied

    def leader(self, lines: Sequence[Line], measure: Measure) -> Line | None:
        """Return the line with the best mean, the first of several."""
        first = next(iter(self.ranked(lines, measure)), None)
        return first if first and self.values(first, measure) else None

    def ranked(self, lines: Sequence[Line], measure: Measure) -> list[Line]:
        """Return the lines from best to worst mean; those without a value stand last."""
        means = {line: mean for line in lines if (mean := self.mean(line, measure)) is not None}
        order = sorted(means, key=lambda line: means[line], reverse=measure.direction != "lower")
        return order + [line for line in lines if line not in means]

    def paired_spread(self, lines: Sequence[Line], measure: Measure) -> float | None:
        """Return the median over neighbours in the ranking of the standard deviation of their paired difference.

        Only lines with randomness count; None where fewer than two have a value or there is one repetition.
        """
        random = [line for line in self.ranked(lines, measure) if not self.is_deterministic(line)]
        differences = []
        for first, second in pairwise(line for line in random if self.values(line, measure)):
            ours, others = self.values(first, measure), self.values(second, measure)
            differences.append(summarise(ours[one] - others[one] for one in ours.keys() & others.keys()).spread)
        known = sorted(spread for spread in differences if spread is not None)
        return known[len(known) // 2] if known else None


def _intervals(frame: pl.DataFrame, names: list[str]) -> Iterable[tuple[Any, ...]]:
    """Yield the names and the two ends of every interval over users; runs of older versions have none."""
    ends = ["users_low", "users_high"]
    if not set(ends) <= set(frame.columns):
        return []
    return frame.drop_nulls(ends).select(*names, *ends).iter_rows()
