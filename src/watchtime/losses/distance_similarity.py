"""Rows are as similar in their representation as in their value (in the manner of MDAN)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize


def distance_similarity(representations: Tensor, value: Tensor) -> Tensor:
    """Return the mean over ordered pairs i ≠ j with v_i, v_j > 0 of (cos(h_i, h_j) − e^{−|log v_i − log v_j|})².

    A scalar, of ``representations`` h [rows, width] and ``value`` v [rows]. Equal values are to have the same
    direction, and directions come apart with the ratio of values; an h of length 0 is similar to none. Rows of value 0
    are left out: where most are 0, their pairs would ask for one direction for all rows. 0 where there is no pair;
    time and memory O(rows²).
    """
    positive = (value > 0).to(representations.dtype)
    logarithm = torch.where(value > 0, value, 1.0).log()
    directions = normalize(representations, dim=-1)
    near = torch.exp(-(logarithm[:, None] - logarithm).abs())
    pairs = positive[:, None] * positive
    pairs = pairs - torch.diag(positive)
    return (pairs * (directions @ directions.T - near) ** 2).sum() / pairs.sum().clamp(min=1)
