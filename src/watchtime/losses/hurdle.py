"""The two parts of a hurdle model: whether there is a value at all, and how large it is (Cragg 1971)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import softplus


def hurdle_loss(outputs: Tensor, value: Tensor, weight: float, positives_only: bool) -> Tensor:
    """Return CE(sigmoid(z), 1{v > 0}) + w 1{v > 0} (r − v)², [...], from outputs [..., 2] = z, r and values v [...].

    At its minimum sigmoid(z) = P(V > 0 | x) and r = E[V | V > 0, x], whose product is E[V | x]. Without
    ``positives_only`` all rows count in the second term, so that r itself is E[V | x].
    """
    logit, regressed = outputs.unbind(-1)
    positive = (value > 0).to(outputs.dtype)
    classification = softplus(logit) - positive * logit
    counted = positive if positives_only else torch.ones_like(positive)
    return classification + weight * counted * (regressed - value) ** 2


def hurdle_mean(outputs: Tensor) -> Tensor:
    """Return sigmoid(z) r, [...], from outputs [..., 2] = z, r."""
    return outputs[..., 0].sigmoid() * outputs[..., 1]
