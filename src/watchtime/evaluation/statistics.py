"""What a few repetitions can say: intervals, paired comparisons, corrections for many of them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scipy import special

from watchtime.core.errors import WatchtimeError, unknown


@dataclass(frozen=True)
class Summary:
    """Mean over n repetitions with its interval; spread is the sample standard deviation (divisor n − 1).

    ``low``, ``high`` and ``spread`` are None for one repetition. A spread of 0 (a method without randomness)
    gives an interval of width 0.
    """

    mean: float
    low: float | None
    high: float | None
    spread: float | None
    n: int


@dataclass(frozen=True)
class Comparison:
    """Ours minus the reference over the n seeds that both have.

    ``better``: the mean difference points in the metric's good direction; whether that could be chance is what
    ``p_value`` (two-sided, uncorrected) says. Where all differences are the same, or n = 1, the seeds say
    nothing about chance: ``spread_known`` is False, and ``low``, ``high`` and ``p_value`` are None.
    """

    difference: float
    low: float | None
    high: float | None
    p_value: float | None
    better: bool
    spread_known: bool
    n: int


def summarise(values: Iterable[float], level: float = 0.95) -> Summary:
    """Return the mean m of n values and its t-interval m ± t_{n−1, (1+level)/2} · s / √n.

    Raises WatchtimeError where there is no value, or one that is not finite.
    """
    sample = [float(value) for value in values]
    if not sample or not all(map(math.isfinite, sample)):
        raise WatchtimeError(f"values over seeds: {sample} was found, allowed are one or more finite numbers.")
    # The standard library works with exact fractions: equal values have a spread of exactly 0.
    mean, n = statistics.mean(sample), len(sample)
    if n == 1:
        return Summary(mean, low=None, high=None, spread=None, n=n)
    spread = statistics.stdev(sample)
    margin = float(special.stdtrit(n - 1, (1 + level) / 2)) * spread / math.sqrt(n)
    return Summary(mean, low=mean - margin, high=mean + margin, spread=spread, n=n)


def compare(
    ours: Mapping[int, float], reference: Mapping[int, float], direction: str, level: float = 0.95
) -> Comparison:
    """Compare two methods, each given as seed → value, by a paired t-test over the seeds that both have.

    With d_s = ours_s − reference_s over n seeds: t = mean(d) · √n / stdev(d), p = 2 · P(T_{n−1} > |t|).
    ``direction`` says whether the "lower" or the "higher" value is better. Raises WatchtimeError where it says
    something else, where no seed is common, or where a value is not finite.
    """
    if direction not in ("lower", "higher"):
        raise WatchtimeError(unknown("direction", direction, ("lower", "higher")))
    seeds = sorted(ours.keys() & reference.keys())
    if not seeds:
        raise WatchtimeError(
            f"paired comparison: ours has the seeds {sorted(ours)}, the reference {sorted(reference)}, "
            "at least one must be common."
        )
    summary = summarise([float(ours[seed]) - float(reference[seed]) for seed in seeds], level)
    better = summary.mean < 0 if direction == "lower" else summary.mean > 0
    if not summary.spread:
        return Comparison(summary.mean, None, None, None, better, spread_known=False, n=summary.n)
    t = abs(summary.mean) * math.sqrt(summary.n) / summary.spread
    p_value = 2 * float(special.stdtr(summary.n - 1, -t))
    return Comparison(summary.mean, summary.low, summary.high, p_value, better, spread_known=True, n=summary.n)


def compare_unpaired(
    ours: Iterable[float], reference: Iterable[float], direction: str, level: float = 0.95
) -> Comparison:
    """Compare two samples that share no seed or no test rows, by Welch's t-test: ours minus the reference.

    With means m, variances v and sizes n: t = (m₁ − m₂) / √(v₁ / n₁ + v₂ / n₂), with Welch's degrees of freedom
    (v₁ / n₁ + v₂ / n₂)² / ((v₁ / n₁)² / (n₁ − 1) + (v₂ / n₂)² / (n₂ − 1)). ``n`` of the result is the smaller size.
    Where neither sample has a spread, or one has a single value, the seeds say nothing about chance. Raises
    WatchtimeError as ``compare`` and ``summarise`` do.
    """
    if direction not in ("lower", "higher"):
        raise WatchtimeError(unknown("direction", direction, ("lower", "higher")))
    first, second = summarise(ours), summarise(reference)
    difference, least = first.mean - second.mean, min(first.n, second.n)
    better = difference < 0 if direction == "lower" else difference > 0
    if not (first.spread or second.spread) or least < 2:
        return Comparison(difference, None, None, None, better, spread_known=False, n=least)
    parts = [(part.spread or 0.0) ** 2 / part.n for part in (first, second)]
    freedom = sum(parts) ** 2 / sum(v**2 / (part.n - 1) for v, part in zip(parts, (first, second), strict=True))
    error = math.sqrt(sum(parts))
    margin = float(special.stdtrit(freedom, (1 + level) / 2)) * error
    p_value = 2 * float(special.stdtr(freedom, -abs(difference) / error))
    return Comparison(difference, difference - margin, difference + margin, p_value, better, spread_known=True, n=least)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return Holm's step-down adjusted p-values, in the order given; None is no test and stays None.

    For the m p-values p_(1) ≤ … ≤ p_(m): adjusted p_(k) = max over j ≤ k of min(1, (m − j + 1) · p_(j)).
    Rejecting where it is ≤ α keeps the chance of any false rejection at α or below.
    """
    tested = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, place) in enumerate(tested):
        highest = max(highest, min(1.0, (len(tested) - rank) * p))
        adjusted[place] = highest
    return adjusted


def minimum_detectable_difference(spread: float, n: int, level: float = 0.95, power: float = 0.8) -> float:
    """Return the true difference δ that a paired t-test over n seeds finds, on its true side, with ``power``.

    ``spread`` is the standard deviation σ of the paired differences; the two-sided test errs with probability
    1 − ``level``. δ solves P(T > t_{n−1, (1+level)/2}) = power, where T has the noncentral t-distribution with
    n − 1 degrees of freedom and noncentrality δ√n / σ. Raises WatchtimeError where n < 2.
    """
    if n < 2:
        raise WatchtimeError(f"minimum detectable difference: {n} seeds were found, at least 2 are needed.")
    threshold = float(special.stdtrit(n - 1, (1 + level) / 2))

    # The probability below the threshold falls in the noncentrality, and is inverted for it.
    noncentrality = float(special.nctdtrinc(n - 1, 1 - power, threshold))
    return noncentrality * spread / math.sqrt(n)
