"""What a platform wants of the lists that users are shown: usage, engagement and diversity (LabelCraft, eqs. 9–12)."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

Objective = Literal["usage", "engagement", "diversity"]
OBJECTIVES: tuple[Objective, ...] = ("usage", "engagement", "diversity")
Scaling = Literal["piecewise", "released", "none"]
Diversity = Literal["deviation", "released"]
Balance = Literal["softmax", "released", "none"]
# The variance of a list has no gradient of its root at 0.
_SMALLEST_VARIANCE = 1e-12
# By what the released code multiplies until all objectives reach 1.
_STEP = 10.0


class Candidates(NamedTuple):
    """The rows that each user's list is chosen from, [users, rows] each; ``present`` is False where a user has fewer.

    ``watch_time`` and ``duration`` are scaled, ``feedback`` is 1 where it was positive.
    """

    watch_time: Tensor
    feedback: Tensor
    duration: Tensor
    present: Tensor


def scaled(values: Tensor, level: float = 0.8, scaling: Scaling = "piecewise") -> Tensor:
    """Return values in [0, 1], [rows]: w ↦ β' w / w_β up to w_β, from there on linearly to 1 at the largest.

    w_β is the quantile of ``level`` β and β' = max(w_β / w_max, 1 − β), so that the many small values fill at least a
    share 1 − β (eq. 11). ``released``: everything above w_β becomes 0, as in the released code, whose branch for it is
    never taken. ``none``: values as they are (w/o S).
    """
    if scaling == "none" or not len(values):
        return values
    largest, bend = float(values.max()), float(torch.quantile(values.double(), level))
    if largest <= 0:
        return values
    share = max(bend / largest, 1 - level)
    head = values / bend * share if bend > 0 else torch.zeros_like(values)
    tail = 1 - (1 - share) * (largest - values) / (largest - bend) if largest > bend else torch.ones_like(values)
    return torch.where(values <= bend, head, torch.zeros_like(tail) if scaling == "released" else tail)


def objectives(membership: Tensor, rows: Candidates, size: int, diversity: Diversity = "deviation") -> Tensor:
    """Return [usage, engagement, diversity], each a mean over users, from the share of every row in its user's list.

    ``membership`` α [users, rows] sums to the list's ``size`` k per user. Usage is Σ α w / k, engagement Σ α e / k with
    e = 1 where feedback was positive, diversity (Σ α (d − Σ α d / k)² / k)^½; eq. 9 prints the exponent −½, which would
    reward lists of one duration. ``released``: the deviation of α d over all rows of the user.
    """
    usage = (membership * rows.watch_time).sum(-1) / size
    engagement = (membership * rows.feedback).sum(-1) / size
    if diversity == "released":
        weighted = membership * rows.duration
        count = rows.present.sum(-1)
        mean = weighted.sum(-1) / count
        squares = ((weighted - mean.unsqueeze(-1)) ** 2 * rows.present).sum(-1) / (count - 1).clamp(min=1)
    else:
        mean = (membership * rows.duration).sum(-1) / size
        squares = (membership * (rows.duration - mean.unsqueeze(-1)) ** 2).sum(-1) / size
    spread = squares.clamp(min=_SMALLEST_VARIANCE).sqrt()
    return torch.stack([usage.mean(), engagement.mean(), spread.mean()])


def weights(found: Tensor, temperature: float, balance: Balance = "softmax") -> Tensor:
    """Return the weights softmax(−τ M) of objectives M [objectives], without gradient: what lags counts most (eq. 12).

    ``none``: 1 each (eq. 10). ``released``: M is multiplied by 10 until its smallest is at least 1.
    """
    found = found.detach()
    if balance == "none":
        return torch.ones_like(found)
    if balance == "released":
        smallest = found.amin().clamp(min=1e-12)
        found = found * _STEP ** torch.ceil(-torch.log10(smallest)).clamp(min=0)
    return torch.softmax(-temperature * found, -1)
