"""XGAUC: XAUC within each user, averaged with the users' numbers of rows as weights."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from watchtime.core.errors import WatchtimeError, unknown
from watchtime.evaluation.pairs import Pairs
from watchtime.evaluation.user_values import UserAverage, UserValues
from watchtime.evaluation.xauc import score

XGAUC_CONVENTIONS = {
    "strict": "XAUC of each user as strict; users without a pair of different targets are left out.",
    "cwm": "XAUC of each user as d2q; a user with a single row scores 1; users whose targets sum to no more than "
    "0 are left out (CWM's code).",
}


def xgauc(
    target: npt.ArrayLike, prediction: npt.ArrayLike, user: npt.ArrayLike, convention: str = "strict"
) -> UserAverage:
    """Return XGAUC = Σ_u N_u · XAUC_u / Σ_u N_u over the users u that count (ProWTP, eq. 28).

    N_u is the user's number of rows, those that a convention gives no credit included. The conventions are
    those of ``XGAUC_CONVENTIONS``. All arrays have shape (n,); ``user`` holds keys of any sortable type.
    Raises WatchtimeError where the shapes differ, a value is not finite or the convention is unknown.
    """
    return average_over_users(Pairs(target, prediction, user), convention)


def average_over_users(pairs: Pairs, convention: str = "strict") -> UserAverage:
    """Return XGAUC of pairs that are grouped by user."""
    return user_scores(pairs, convention).average()


def user_scores(pairs: Pairs, convention: str = "strict") -> UserValues:
    """Return every user's XAUC, weighed by the user's number of rows, of pairs that are grouped by user."""
    if convention not in XGAUC_CONVENTIONS:
        raise WatchtimeError(unknown("XGAUC convention", convention, XGAUC_CONVENTIONS))
    if convention == "strict":
        scores = score(pairs, "strict")
        return UserValues.of(scores, pairs.rows, ~np.isnan(scores))
    scores = np.where(pairs.rows == 1, 1.0, score(pairs, "d2q"))
    return UserValues.of(scores, pairs.rows, np.bincount(pairs.group, weights=pairs.target) > 0)
