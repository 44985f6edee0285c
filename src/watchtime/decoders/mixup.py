"""What a decoder is fed for a token that it predicted: its embedding, or a mixture with other tokens' (GR, 3.5.2)."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import embedding

from watchtime.labels.sequence import END, FIRST_VALUE

Mixup = Literal["window", "vocabulary", "none"]


def predicted_tokens(scores: Tensor) -> Tensor:
    """Return the arg-max token of scores [..., vocabulary]; ``PADDING`` and ``START`` are never predicted."""
    return scores[..., END:].argmax(-1) + END


def mixed_embeddings(mixup: Mixup, window: int, scores: Tensor, centres: Tensor, embeddings: Tensor) -> Tensor:
    """Return Σ_w σ_w E_w [..., width] for the tokens ``centres`` [...] with logits ρ = ``scores`` [..., vocabulary].

    ``window``: σ is the softmax of ρ over the ``window`` // 2 value tokens on either side of the centre and the centre
    itself, fewer at the ends of the vocabulary; a special token as centre, such as a predicted ``END``, is not mixed.
    ``vocabulary``: σ is the softmax over all tokens, whatever the centre. ``none``: E of the centre.
    ``embeddings`` is E [vocabulary, width]. Gradients reach E and, through σ, the scores.

    GR, eqs. 11 and 12: the printed fraction has e^{−ρ} above e^{+ρ} and sums an even number of tokens; a softmax of +ρ
    over an odd window is what its text describes.
    """
    if mixup == "none":
        return embedding(centres, embeddings)
    if mixup == "vocabulary":
        return scores.softmax(-1) @ embeddings
    outside = torch.where(windows(len(embeddings), window // 2, scores.device), 0.0, -math.inf)
    return (scores + embedding(centres, outside)).softmax(-1) @ embeddings


def windows(vocabulary: int, reach: int, device: torch.device) -> Tensor:
    """Return [vocabulary, vocabulary], which tokens (columns) are in the window around each token (rows)."""
    places = torch.arange(vocabulary, device=device)
    distance = (places - places[:, None]).abs()
    values = places >= FIRST_VALUE
    return ((distance <= reach) & values & values[:, None]) | (distance == 0)
