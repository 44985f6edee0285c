"""XAUC: the share of pairs of rows that the predictions order as the targets do, under each named rule for ties."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from watchtime.core.errors import WatchtimeError, unknown
from watchtime.evaluation.pairs import Pairs

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PairCounts:
    """How target y and prediction p order the ``pairs`` = n (n − 1) / 2 unordered pairs of n rows.

    A pair is concordant if (y_i − y_j)(p_i − p_j) > 0, discordant if < 0, and else tied in the target only,
    in the prediction only, or in both: the five counts add up to ``pairs``.
    """

    pairs: int
    concordant: int
    discordant: int
    tied_target_only: int
    tied_prediction_only: int
    tied_both: int

    @property
    def target_tie_mass(self) -> float:
        """The share of all pairs that are tied in the target; NaN for a single row."""
        return (self.tied_target_only + self.tied_both) / self.pairs if self.pairs else float("nan")

    @property
    def prediction_tie_mass(self) -> float:
        """The share of all pairs that are tied in the prediction; NaN for a single row."""
        return (self.tied_prediction_only + self.tied_both) / self.pairs if self.pairs else float("nan")


@dataclass(frozen=True)
class Convention:
    """A rule for ties: ``score`` gives XAUC for each group of the pairs, (groups,)."""

    definition: str
    score: Callable[[Pairs], FloatArray]


_TABLE = {
    "strict": Convention(
        "Pairs tied in the target are excluded; a pair tied in the prediction counts 1/2.",
        lambda pairs: _share(
            2 * pairs.concordant + pairs.tied_prediction - pairs.tied_both,
            2 * (pairs.total - pairs.tied_target),
        ),
    ),
    "tpm": Convention(
        "Over all pairs, one tied in the target counts 0; one tied in the prediction counts 1 if the row stored "
        "first has the larger target, else 0 (TPM's code, also GR, DIFL, EGMN).",
        lambda pairs: _share(pairs.concordant + pairs.tied_prediction_larger_first, pairs.total),
    ),
    "rqreg": Convention(
        "Over all pairs, one tied in the prediction counts 0; one tied in the target counts 1 if the row stored "
        "first has the larger prediction, else 0 (RQ-Reg's code: tpm with its arguments swapped).",
        lambda pairs: _share(pairs.concordant + pairs.tied_target_larger_first, pairs.total),
    ),
    "d2q": Convention(
        "Over all pairs, one tied in the target counts 1; one tied in the prediction only counts 1 if the row "
        "stored first has the larger target, else 0 (Ks-D2Q's and CWM's code).",
        lambda pairs: _share(pairs.concordant + pairs.tied_target + pairs.tied_prediction_larger_first, pairs.total),
    ),
    "ptpm": Convention(
        "Over all pairs, one counts 1 if the product of its two differences is positive; ties count 0 "
        "(PTPM's formula).",
        lambda pairs: _share(pairs.concordant, pairs.total),
    ),
    "prowtp": Convention(
        "Over all ordered pairs, one counts 1 if (p_i > p_j) = (y_i > y_j): a pair tied in both counts 1, one "
        "tied in exactly one counts 1/2 (ProWTP, eq. 27).",
        lambda pairs: _share(2 * pairs.concordant + pairs.tied_target + pairs.tied_prediction, 2 * pairs.total),
    ),
    "dadf": Convention(
        "Over all pairs, one tied in the target, the prediction or both counts 0 (DADF's code; equals ptpm).",
        lambda pairs: _share(pairs.concordant, pairs.total),
    ),
}

CONVENTIONS = {name: convention.definition for name, convention in _TABLE.items()}
SAME_AS = {"dadf": "ptpm"}
"""Conventions that always have the value of another one, so that a table needs one of the two."""


def count_pairs(target: npt.ArrayLike, prediction: npt.ArrayLike) -> PairCounts:
    """Count all pairs of rows exactly, in O(n log n).

    ``target`` and ``prediction`` have shape (n,). Raises WatchtimeError where the shapes differ or a value is
    not finite (the first such row is named).
    """
    return summed(Pairs(target, prediction))


def summed(pairs: Pairs) -> PairCounts:
    """Return the counts of ``pairs``, summed over its groups."""
    tied_both = int(pairs.tied_both.sum())
    return PairCounts(
        pairs=int(pairs.total.sum()),
        concordant=int(pairs.concordant.sum()),
        discordant=int(pairs.discordant.sum()),
        tied_target_only=int(pairs.tied_target.sum()) - tied_both,
        tied_prediction_only=int(pairs.tied_prediction.sum()) - tied_both,
        tied_both=tied_both,
    )


def score(pairs: Pairs, convention: str = "strict") -> FloatArray:
    """Return XAUC for each group of ``pairs``, (groups,); NaN where a group has no pair that counts."""
    if convention not in _TABLE:
        raise WatchtimeError(unknown("XAUC convention", convention, CONVENTIONS))
    return _TABLE[convention].score(pairs)


def xauc(target: npt.ArrayLike, prediction: npt.ArrayLike, convention: str = "strict") -> float:
    """Return the share of pairs whose order the prediction p gets right, ties as ``CONVENTIONS`` says.

    XAUC = Σ credit(i, j) / number of pairs that count. The credit is 1 for a concordant pair, 0 for a
    discordant one, and what the convention says for a tied one. NaN where no pair counts: a single row, or
    under ``strict`` a constant target.

    ``tpm`` exactly: the rows are stably sorted by falling prediction, so rows of equal prediction keep the
    order in which they are stored; an inversion counter then counts the places k < l of that order with
    y_k > y_l, over n (n − 1) / 2. ``rqreg`` does the same with y and p exchanged, ``d2q`` with y_k ≥ y_l.

    ``target`` and ``prediction`` have shape (n,). Raises WatchtimeError where the shapes differ, a value is not
    finite (the first such row is named), or the convention is unknown.
    """
    return float(score(Pairs(target, prediction), convention)[0])


def strict_of_rows(pairs: Pairs) -> tuple[FloatArray, FloatArray]:
    """Return for each row, both (n,), the credit that strict XAUC gives its pairs, and how many of them count.

    These are the rows' Hájek projections: XAUC = Σ_i credit_i / Σ_i counted_i, where both sums have every pair twice.
    """
    counted = (pairs.rows - 1)[pairs.group] - pairs.tied_target_of_rows()
    halved = pairs.tied_prediction_of_rows() - pairs.tied_both_of_rows()
    return counted - pairs.discordant_of_rows() - halved / 2, counted.astype(np.float64)


def _share(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> FloatArray:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
