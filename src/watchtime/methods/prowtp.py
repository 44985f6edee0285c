"""Rows aligned with prototypes of watch-ratio distributions by optimal transport (ProWTP)."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.functional import normalize

from watchtime.core.seeds import derive_seed
from watchtime.losses.compactness import compactness
from watchtime.methods.base import Floats, Readouts
from watchtime.methods.network import Guide, GuidedHead, NetworkMethod, Representations
from watchtime.prototypes.autoencoder import AutoencoderSettings, learned
from watchtime.prototypes.vectors import VectorSettings, drawn
from watchtime.transport.balanced import balanced
from watchtime.transport.semi_relaxed import semi_relaxed
from watchtime.transport.unbalanced import unbalanced

# A row of an exact plan has a few entries; of one with a gap the others are small, but above 0 and above their means.
_SMALLEST_SHARE = 0.01


class Alignment(NamedTuple):
    """A batch beside the C K prototypes.

    ``representations`` h [rows, width] · ``logits`` h · p / τ [rows, C K] · ``plan`` n_b T [rows, C K], which is α
    where nothing is transported · ``prototypes`` p [C K, width].
    """

    representations: Tensor
    logits: Tensor
    plan: Tensor
    prototypes: Tensor


class PrototypeHead(GuidedHead):
    """f(x) → h = f / ‖f‖ → α = softmax(h · p / τ) over the prototypes p = W_p c → g(Σ_k α_k p_k).

    The codebook c [C K, codebook width] is a constant unless its prototypes are random; W_p and the linear g learn.
    In training the outputs are the prediction, h, the logits, the plan and ‖h − Σ_k α_k p_k‖, side by side.
    """

    def __init__(self, width: int, settings: Any) -> None:
        super().__init__()
        self.settings = settings
        codebook_width = width if settings.prototypes == "k_means" else settings.codebook_width
        number = settings.clusters * settings.size
        start = torch.randn(number, codebook_width) / codebook_width**0.5
        self.codebook = nn.Parameter(start, requires_grad=settings.prototypes == "random")
        self.projection = nn.Linear(codebook_width, width, bias=False)
        self.regressor = nn.Linear(width, 1)

    def forward(self, hidden: Tensor, guide: Guide | None = None) -> Tensor:
        aligned = self.aligned(hidden, transported=guide is not None)
        similarities = aligned.logits.softmax(-1) @ aligned.prototypes
        if guide is None:
            predicted: Tensor = self.regressor(similarities)
            return predicted
        on_plan = self.settings.regression_on == "plan"
        predicted = self.regressor(aligned.plan @ aligned.prototypes if on_plan else similarities)
        distance = torch.linalg.vector_norm(aligned.representations - similarities, dim=-1, keepdim=True)
        return torch.cat([predicted, aligned.representations, aligned.logits, aligned.plan, distance], -1)

    def aligned(self, hidden: Tensor, transported: bool) -> Alignment:
        """Return what ``hidden`` f [rows, width] is beside the prototypes, the plan being α unless ``transported``."""
        prototypes = self.projection(self.codebook)
        directions = prototypes if self.settings.prototype_norm == "none" else normalize(prototypes, dim=-1)
        representations = normalize(hidden, dim=-1)
        cosines = representations @ directions.T
        logits = cosines / self.settings.temperature
        plan = self._plan(1 - cosines) if transported else None
        content = directions if self.settings.prototype_norm == "both" else prototypes
        return Alignment(representations, logits, logits.softmax(-1) if plan is None else plan, content)

    def _plan(self, cost: Tensor) -> Tensor | None:
        """Return n_b T of the alignment for ``cost`` 1 − h · p [n_b, C K]; None where nothing is transported."""
        settings, (number, prototypes) = self.settings, cost.shape
        rows, columns = cost.new_full((number,), 1 / number), cost.new_full((prototypes,), 1 / prototypes)
        match settings.alignment:
            case "semi_relaxed":
                implicit = settings.plan_gradient == "implicit"
                found = semi_relaxed(
                    cost, rows, columns, settings.column_penalty, settings.tolerance, implicit=implicit
                )
            case "unbalanced":
                penalties = (number * settings.row_penalty, settings.column_penalty)
                found = unbalanced(cost, rows, columns, *penalties, settings.tolerance)
            case "balanced":
                found = balanced(cost, rows, columns)
            case _:
                return None
        return number * found.plan


class PrototypeAlignment(NetworkMethod):
    """L = L_task + a L_assign + b L_compact, whose plan T moves a batch's representations to prototypes (eqs. 8–12).

    **Stage 1**, anew for every seed: vectors of watch ratios around the peaks of each duration bucket
    (``prototypes/vectors.py``) become the codebook of an autoencoder (``prototypes/autoencoder.py``); ``vq_vae`` has
    one cluster of C K prototypes, ``k_means`` are centres of the representations that value regression learns of the
    same rows, ``random`` are parameters that learn with the network (w/o HVQ-VAE).

    **Stage 2**. With costs 1 − h · p, masses 1 / n_b and 1 / CK:

    * ``alignment: semi_relaxed`` solves eq. 8 with λ = ``column_penalty`` to a duality gap of ``tolerance``;
      ``unbalanced`` lets go of the rows, too, by n_b ``row_penalty`` ‖T1 − α‖², so that a row's penalty is of the order
      of its cost; ``balanced`` keeps both marginals. n_b T then takes the place of T, whose rows sum to 1.
    * L_task = mean (g(Σ_k t_k p_k) − y / s)², and at inference α stands for T. ``regression_on: similarities`` is the
      consistent alternative, α in both. The exact plan is piecewise constant in the cost: with ``plan_gradient: none``
      no gradient of L_task reaches the encoder, which then learns from L_assign and L_compact alone, so from no label
      but through the prototypes that g moves. ``implicit`` hands on the gradient that there is.
    * L_assign = −mean Σ_k t_k log α_k; with ``alignment: distance`` it is mean ‖h − Σ_k α_k p_k‖ (eq. 36), with
      ``none`` there is none. Neither has a plan: α takes its place in L_task and in L_compact.
    * L_compact is ``losses/compactness.py`` over ``compactness_share`` of the batch's rows, drawn anew each step, where
      S_k are the rows whose t_k is above the mean of the batch, and above 1 % of a row, which stands for 0. The printed
      sum is divided by the number of prototypes and grows with the square of the batch, so that at b = 0.1 it outweighs
      the other two by far; ``compactness_over: pairs`` takes the mean of its terms.
    * ``prototype_norm``: the text calls the cost a cosine distance, so prototypes have norm 1 there (``cost_only``);
      what the regressor gets is p as it is. ``both`` and ``none`` are the other readings.

    λ, τ, g's shape, the width of the codebook and of its network are printed nowhere. y / s has the standard deviation
    as unit, as value regression has here. The epoch is chosen by the squared error of what inference predicts.
    """

    needs_duration = True
    draws = 1

    class Settings(VectorSettings, AutoencoderSettings):
        prototypes: Literal["hvq_vae", "vq_vae", "k_means", "random"] = "hvq_vae"
        codebook_width: int = Field(64, ge=1)
        alignment: Literal["semi_relaxed", "unbalanced", "balanced", "distance", "none"] = "semi_relaxed"
        column_penalty: float = Field(1.0, gt=0)
        row_penalty: float = Field(1.0, gt=0)
        tolerance: float = Field(1e-4, gt=0)
        plan_gradient: Literal["none", "implicit"] = "none"
        regression_on: Literal["plan", "similarities"] = "plan"
        prototype_norm: Literal["cost_only", "both", "none"] = "cost_only"
        temperature: float = Field(0.05, gt=0)
        assignment_weight: float = Field(1.0, ge=0)
        compactness_weight: float = Field(0.1, ge=0)
        compactness_share: float = Field(0.2, ge=0, le=1)
        compactness_over: Literal["prototypes", "pairs"] = "prototypes"

        @model_validator(mode="after")
        def _gradient_exists(self) -> Self:
            if self.plan_gradient == "implicit" and self.alignment != "semi_relaxed":
                raise ValueError(f"plan_gradient: implicit needs alignment: semi_relaxed, found {self.alignment}")
            return self

    def head(self, width: int) -> nn.Module:
        return PrototypeHead(width, self.settings)

    def prepare(self, head: nn.Module, seed: int, representations: Representations) -> None:
        assert isinstance(head, PrototypeHead)
        match self.settings.prototypes:
            case "k_means":
                # Only these prototypes need scikit-learn, which takes a second to import.
                from watchtime.prototypes.centres import centres

                head.codebook.data.copy_(torch.from_numpy(centres(representations("vr"), len(head.codebook), seed)))
            case "hvq_vae" | "vq_vae":
                head.codebook.data.copy_(self._learned(seed))

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        return torch.mean((outputs[..., 0] - labels["value"]) ** 2)

    def training_loss(self, outputs: Tensor, guide: Guide) -> Tensor:
        settings = self.settings
        _, representations, logits, plan, distance = self._parts(outputs)
        loss = self.loss(outputs, guide.labels)
        if settings.alignment == "distance":
            loss = loss + settings.assignment_weight * distance.mean()
        elif settings.alignment != "none":
            assigned = -(plan.detach() * logits.log_softmax(-1)).sum(-1).mean()
            loss = loss + settings.assignment_weight * assigned
        if settings.compactness_weight:
            drawn_rows = guide.draws[:, 0].argsort()[: round(settings.compactness_share * len(plan))]
            members = plan > plan.mean(0).clamp(min=_SMALLEST_SHARE)
            averaged = settings.compactness_over == "pairs"
            compact = compactness(representations[drawn_rows], members[drawn_rows], settings.temperature, averaged)
            loss = loss + settings.compactness_weight * compact
        return loss

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        return {"mean": self.codec.decode(outputs[:, 0])}

    def _parts(self, outputs: Tensor) -> list[Tensor]:
        """Return the prediction, h, the logits, the plan and the distance of a training step's outputs."""
        number = self.settings.clusters * self.settings.size
        width = outputs.shape[-1] - 2 * number - 2
        return list(torch.split(outputs, [1, width, number, number, 1], -1))

    def _learned(self, seed: int) -> Tensor:
        """Return the codebook [C K, codebook width] of the autoencoder of vectors drawn from the codec's mixtures."""
        settings: PrototypeAlignment.Settings = self.settings
        if settings.prototypes == "vq_vae":
            whole = {"clusters": 1, "size": settings.clusters * settings.size}
            settings = settings.model_copy(update=whole)
        vectors = drawn(self.codec, settings, np.random.default_rng(derive_seed(seed, axis="vectors")))
        codes = learned(vectors, settings.codebook_width, settings, derive_seed(seed, axis="autoencoder"))
        return codes.prototypes.flatten(0, 1)
