"""What one change does: its size on every row and measure, and whether another row becomes the best."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from watchtime.evaluation.statistics import Comparison, compare, compare_unpaired, holm, summarise
from watchtime.reporting.elements.alignment import usual_decimals
from watchtime.reporting.measured.repetitions import Difference, Values
from watchtime.reporting.measured.results import ALPHA, Line, Measure


@dataclass(frozen=True)
class Effect:
    """A row as usual beside the same row with one thing changed: one measure of both, by repetition.

    ``line`` is the row as usual. Where the two have other test rows, repetitions are not ``paired``.
    """

    title: str
    change: str
    line: Line
    measure: Measure
    usual: Values
    changed: Values
    paired: bool = True

    @property
    def usual_mean(self) -> float:
        return summarise(self.usual.values()).mean

    @property
    def changed_mean(self) -> float:
        return summarise(self.changed.values()).mean

    def comparison(self) -> Comparison:
        """Return changed minus usual."""
        if self.paired:
            return compare(self.changed, self.usual, self.measure.direction)
        return compare_unpaired(self.changed.values(), self.usual.values(), self.measure.direction)


@dataclass(frozen=True)
class Size:
    """How large an effect is; its p-value is corrected by Holm over all effects that were tested with it."""

    effect: Effect
    difference: Difference

    @property
    def percent(self) -> float | None:
        """The difference in per cent of the usual mean; None where that is 0."""
        usual = abs(self.effect.usual_mean)
        return 100 * self.difference.comparison.difference / usual if usual else None

    @property
    def percent_ends(self) -> tuple[float, float] | None:
        """The ends of the difference's interval in per cent of the usual mean, where there are any."""
        low, high, usual = self.difference.comparison.low, self.difference.comparison.high, abs(self.effect.usual_mean)
        return (100 * low / usual, 100 * high / usual) if low is not None and high is not None and usual else None

    @property
    def is_tested(self) -> bool:
        """Whether repetitions say anything about chance: they do not for methods without randomness."""
        return self.difference.p_value is not None


@dataclass(frozen=True)
class Ranking:
    """The best row as usual and with the change, by their means; ``p_value`` is of their difference with the change.

    Of ``pairs`` pairs of rows, ``turned`` stand in the other order.
    """

    before: str
    after: str
    p_value: float | None
    turned: int
    pairs: int

    @property
    def changes(self) -> bool:
        return self.before != self.after

    @property
    def changes_beyond_noise(self) -> bool:
        return self.changes and self.p_value is not None and self.p_value <= ALPHA


@dataclass(frozen=True)
class Group:
    """All effects of one change on one measure, and what becomes of the ranking where several methods are ranked."""

    change: str
    measure: Measure
    sizes: Sequence[Size]
    ranking: Ranking | None

    @property
    def significant(self) -> int:
        return sum(one.difference.is_significant for one in self.sizes)


def sizes(effects: Iterable[Effect]) -> list[Size]:
    """Return the sizes of effects that are tested together."""
    known = [(effect, effect.comparison()) for effect in effects]
    adjusted = holm([comparison.p_value for _, comparison in known])
    return [
        Size(effect, Difference(comparison, p_value))
        for (effect, comparison), p_value in zip(known, adjusted, strict=True)
    ]


def groups(found: Iterable[Size]) -> list[Group]:
    """Return the effects by change and measure, in their order; the rankings' winners are tested together."""
    sharing: dict[tuple[str, Measure], list[Size]] = {}
    for size in found:
        sharing.setdefault((size.effect.change, size.effect.measure), []).append(size)
    rankings = _rankings([[size.effect for size in group] for group in sharing.values()])
    return [
        Group(change, measure, group, ranking)
        for ((change, measure), group), ranking in zip(sharing.items(), rankings, strict=True)
    ]


def largest(found: Sequence[Size]) -> Size | None:
    """Return the largest effect in per cent of those that are significant; of all where none is."""
    known = [one for one in found if one.percent is not None]
    chosen = [one for one in known if one.difference.is_significant] or known
    return max(chosen, key=lambda one: abs(one.percent or 0.0), default=None)


def finer_decimals(differences: Sequence[float], least: int) -> int:
    """Return the decimals that show two digits of the median difference, up to two more than ``least``."""
    # Four digits of a hundred times the difference are two of the difference.
    return max(least, min(usual_decimals([100 * one for one in differences]), least + 2))


def _rankings(found: Sequence[Sequence[Effect]]) -> list[Ranking | None]:
    """Return the rankings of effects that share change and measure; rows of one method are not ranked."""
    leaders = [_leaders(group) if len({one.line.method for one in group}) > 1 else None for group in found]
    tested = [_winner_test(*pair) if pair else None for pair in leaders]
    adjusted = holm(tested)
    return [
        Ranking(pair[0].title, pair[1].title, p_value, _turned(group), len(list(combinations(group, 2))))
        if pair
        else None
        for group, pair, p_value in zip(found, leaders, adjusted, strict=True)
    ]


def _leaders(group: Sequence[Effect]) -> tuple[Effect, Effect]:
    """Return the best row as usual and the best with the change, the first of equal ones."""
    sign = 1 if group[0].measure.direction == "lower" else -1
    return min(group, key=lambda one: sign * one.usual_mean), min(group, key=lambda one: sign * one.changed_mean)


def _winner_test(before: Effect, after: Effect) -> float | None:
    return compare(after.changed, before.changed, after.measure.direction).p_value if before != after else None


def _turned(group: Sequence[Effect]) -> int:
    return sum(
        (one.usual_mean - other.usual_mean) * (one.changed_mean - other.changed_mean) < 0
        for one, other in combinations(group, 2)
    )
