"""LabelCraft (Bai et al., WSDM 2024): labels that learn what the platform wants."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.func import functional_call

from watchtime.labels.base import Array
from watchtime.losses import platform_objectives
from watchtime.losses.platform_objectives import (
    OBJECTIVES,
    Balance,
    Candidates,
    Diversity,
    Objective,
    Scaling,
    scaled,
)
from watchtime.methods.base import Floats
from watchtime.methods.network import Guide, GuidedHead
from watchtime.methods.ranking import BilevelMethod, RankingSettings
from watchtime.transport.soft_topk import soft_topk

Feedback = Literal["watch_time", "duration", "positive_feedback"]


class LabelCraftHead(GuidedHead):
    """The recommender's score σ(w · h + b); in training [score, h], so that the labeller may see h."""

    def __init__(self, width: int, hidden: tuple[int, ...], inputs: int, features: bool) -> None:
        super().__init__()
        self.score = nn.Linear(width, 1)
        sizes = [inputs + (width if features else 0), *hidden, 1]
        layers = [nn.Sequential(nn.Linear(wide, narrow), nn.ReLU()) for wide, narrow in pairwise(sizes[:-1])]
        # Last, as the engine keeps the labeller's parameters at the end of its buffer.
        self.labeller = nn.Sequential(*layers, nn.Linear(sizes[-2], 1), nn.Sigmoid())

    def forward(self, hidden: Tensor, guide: Guide | None = None) -> Tensor:
        scores = self.score(hidden).sigmoid()
        return scores if guide is None else torch.cat([scores, hidden], -1)


class LabelCraft(BilevelMethod):
    """max_φ M(θ*(φ)) with θ* = argmin_θ E[(f_θ(x) − g_φ(x, y))²], step by step (eqs. 3 to 7).

    g is a perceptron with outputs in (0, 1) of log(1 + watch time), log(1 + duration), whether feedback was positive,
    and, with ``features``, the recommender's representation h(x), through which no gradient flows: the text has 48
    inputs and does not say which, the code (``released``) has the three numbers alone, in seconds.

    M = Σ_i softmax(−τ M)_i M_i over usage, engagement and diversity of soft lists (``losses/platform_objectives.py``):
    of each hold-out user's rows, α = SOFT top-k of the scores with ``softness`` ε, at which rows whose scores differ by
    less than about ε k² / 2 share places: .005 at k = 10 with the code's 0.0001; the text names none.

    ``hold_out: validation`` uses the validation rows, as the paper does, which then choose both labels and epoch;
    ``last_training_day`` takes the rows of the last training day out of the training.

    The paper descends and ascends by SGD; here both models have the engine's Adam, and only the tentative step is a
    plain one, of ``tentative_rate`` η.
    """

    class Settings(RankingSettings):
        features: bool = True
        logarithms: bool = True
        hidden: tuple[int, ...] = (256, 256)
        inputs: tuple[Feedback, ...] = ("watch_time", "duration", "positive_feedback")
        objectives: tuple[Objective, ...] = OBJECTIVES
        temperature: float = Field(0.5, ge=0)
        balance: Balance = "softmax"
        scaling: Scaling = "piecewise"
        scaling_percentile: float = Field(80.0, gt=0, lt=100)
        diversity: Diversity = "deviation"
        softness: float = Field(1e-4, gt=0)
        tentative_rate: float = Field(0.1, gt=0)
        label_rate: float = Field(1e-4, gt=0)
        hold_out: Literal["validation", "last_training_day"] = "validation"
        hold_out_users: int = Field(500, ge=1)
        hold_out_rows: int = Field(100, ge=2)

    def head(self, width: int) -> nn.Module:
        settings = self.settings
        return LabelCraftHead(width, settings.hidden, len(settings.inputs), settings.features)

    def labels(self, target: Floats, duration: Floats) -> dict[str, Array]:
        return {}

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        raise NotImplementedError

    def crafted(self, labeller: nn.Module, parameters: dict[str, Tensor], outputs: Tensor, labels: Any) -> Tensor:
        inputs = torch.stack([self._input(name, labels[name]) for name in self.settings.inputs], -1)
        if self.settings.features:
            inputs = torch.cat([inputs, outputs[:, 1:].detach()], -1)
        crafted: Tensor = functional_call(labeller, parameters, (inputs,)).squeeze(-1)
        return crafted

    def _input(self, name: Feedback, values: Tensor) -> Tensor:
        return values.log1p() if self.settings.logarithms and name != "positive_feedback" else values

    def fit(self, outputs: Tensor, crafted: Tensor) -> Tensor:
        return torch.mean((outputs[:, 0] - crafted) ** 2)

    def candidates(self, labels: dict[str, Tensor]) -> Candidates:
        level, scaling = self.settings.scaling_percentile / 100, self.settings.scaling
        watch_time, duration = (scaled(labels[name], level, scaling) for name in ("watch_time", "duration"))
        feedback = labels["positive_feedback"]
        return Candidates(watch_time, feedback, duration, torch.ones_like(feedback, dtype=torch.bool))

    def objectives(self, scores: Tensor, rows: Candidates) -> Tensor:
        size = self.settings.list_length
        membership = soft_topk(scores, size, self.settings.softness, rows.present).sum(-1)
        return platform_objectives.objectives(membership, rows, size, self.settings.diversity)

    def merit(self, found: Tensor) -> Tensor:
        chosen = torch.stack([found[OBJECTIVES.index(name)] for name in self.settings.objectives])
        return (platform_objectives.weights(chosen, self.settings.temperature, self.settings.balance) * chosen).sum()
