"""By how many per cent a treatment brings more than a control, with intervals over users (cluster bootstrap)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from watchtime.core.errors import WatchtimeError
from watchtime.evaluation.user_bootstrap import UserDraws, UserRatio

Floats = npt.NDArray[np.float64]

DRAWS = 2_000
_LEVELS = (0.025, 0.975)


class Gain(NamedTuple):
    """A gain in per cent with its 95 % interval."""

    percent: float
    low: float
    high: float


def paired_gain(control: Floats, treatment: Floats, seed: int) -> Gain:
    """Return 100 (Σ treatment / Σ control − 1) of the same users under both, (users,).

    The interval has the 2.5 and 97.5 % quantiles over ``DRAWS`` samples of users with replacement. Raises
    WatchtimeError where the control brings nothing.
    """
    _check(control)
    drawn = UserDraws(len(control), seed, DRAWS).values([UserRatio(treatment, control)])
    return _gain(treatment.sum(), control.sum(), drawn[:, 0])


def bucket_gain(control: Floats, treatment: Floats, seed: int) -> Gain:
    """Return 100 (mean treatment / mean control − 1) of two groups of users, (a,) and (b,).

    As ``paired_gain``, but each group is resampled by itself: what a test on live traffic can do.
    """
    _check(control)
    means = [
        UserDraws(len(one), seed + place, DRAWS).values([UserRatio(one, np.ones(len(one)))])[:, 0]
        for place, one in enumerate((control, treatment))
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = means[1] / means[0]
    return _gain(treatment.mean(), control.mean(), np.where(np.isfinite(ratios), ratios, np.nan))


def users_needed(gain: Gain, users: int, wanted: float) -> int:
    """Return how many users would bring half the interval of ``gain`` of so many down to ``wanted`` per cent.

    An interval shrinks with the square root of the number of users.
    """
    half = (gain.high - gain.low) / 2
    return int(np.ceil(users * (half / abs(wanted)) ** 2))


def _check(control: Floats) -> None:
    if not len(control) or control.sum() <= 0:
        raise WatchtimeError("a gain in per cent: the control brings nothing, so there is nothing to compare with.")


def _gain(treatment: float, control: float, ratios: Floats) -> Gain:
    # A sample in which the control brings nothing has no gain.
    low, high = np.nanquantile(100 * (ratios - 1), _LEVELS)
    return Gain(100 * (float(treatment) / float(control) - 1), float(low), float(high))
