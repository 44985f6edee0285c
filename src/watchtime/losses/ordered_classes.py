"""Classification of ordered classes with an ordinal regression as its teacher (MDME)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import softplus


def ordered_classification(logits: Tensor, ordinal: Tensor, label: Tensor, distillation: float) -> Tensor:
    """Return CE(softmax(f), c) + Σ_m CE(sigmoid(o_m), 1{c > m}) + w KL(q ‖ softmax(f)), [...].

    ``logits`` f [..., K] · ``ordinal`` o [..., K − 1], o_m for "above class m" · ``label`` c in 0 … K − 1, [...].
    q are the class probabilities of the ordinal regression; it teaches, and takes no gradient from what it teaches.
    """
    log_classes = logits.log_softmax(-1)
    classification = -log_classes.gather(-1, label[..., None])[..., 0]
    above = (label[..., None] > torch.arange(ordinal.shape[-1], device=ordinal.device)).to(ordinal.dtype)
    regression = (softplus(ordinal) - above * ordinal).sum(-1)
    teacher = class_probabilities(ordinal.detach())
    divergence = (teacher * (teacher.clamp(min=1e-12).log() - log_classes)).sum(-1)
    return classification + regression + distillation * divergence


def class_probabilities(ordinal: Tensor) -> Tensor:
    """Return P(c = m), [..., K], from the logits of P(c > m), [..., K − 1].

    Independent classifiers may rise from one class to the next; the running minimum repairs that.
    """
    falling = ordinal.sigmoid().cummin(-1).values
    ends = torch.ones_like(falling[..., :1])
    return torch.cat([ends, falling], -1) - torch.cat([falling, torch.zeros_like(ends)], -1)
