"""RQ-Reg: a target as a sum of residual codes, predicted one after the other (Cui et al.)."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.functional import embedding, huber_loss

from watchtime.core import settings as core
from watchtime.decoders.base import Decoder
from watchtime.decoders.recurrent import LongShortTermMemory, Recurrence
from watchtime.decoders.schedules import epoch_sigmoid
from watchtime.decoders.transformer import TransformerDecoder
from watchtime.labels.base import Codec
from watchtime.labels.sequence import END, PADDING, START
from watchtime.losses.rank_contrast import rank_contrast
from watchtime.methods.base import Floats, Readouts
from watchtime.methods.network import Guide, GuidedHead, Moment, NetworkMethod


class RegressionSettings(core.Settings):
    """Every choice of RQ-Reg's network, loss and training.

    **Network.** ``width`` D of embeddings and decoder. ``encoder_layers`` of f_enc: with 1, the shared encoder's last
    layer is f_enc's first. ``predictor_layers`` of f_pred: 2 in the text, 1 in the code. ``regressor: false`` takes
    ŷ_l = E[q_l] and has no f_reg (table 3). ``residual_regressor``, of the code alone: another two-layer perceptron
    adds a prediction of y − Σ q_l from ê_L. ``regressor_unit``: what an output of 1 of both regressors stands for, 1
    in the target's unit or its training standard deviation s. ``transformer_layers`` and ``transformer_heads`` are
    the unused keys of the code's configuration, as the text names neither; a Transformer gets learned positions and
    an inner layer of 4 D.

    **Loss.** ``delta`` of Huber's loss is in the target's unit, as the paper's are. ``error_unit: target`` (text and
    code) adds L_reg to the likelihood as it is, in the target's unit; ``standard_deviation`` divides it by s, so that
    errors beyond δ count δ |error| / s, about as much as the likelihood. Undivided, targets of many seconds drown
    the likelihood until the regression is learnt, which a few hundred steps are too few for. ``huber_on:
    cumulative`` (code) compares running sums of ŷ with those of the codes, and only the last summand learns.
    ``reduction: sum`` adds the terms of a row (text), ``mean`` averages the steps' likelihoods and the errors (code).
    ``contrast_rows`` is how many rows of a batch L_rnc contrasts, whose cost grows with their square; null is all of
    them, as in text and code.

    **Scheduled sampling.** p = σ(−``steepness`` (epoch / epochs − ``pivot``)), eq. 17 in shares of the training, or
    always ``rate`` (``schedule: constant``). ``sampling: row`` draws for every row and step, as scheduled sampling
    does; ``batch`` once per step for all rows (code).
    """

    width: int = Field(64, ge=1)
    backbone: Literal["lstm", "rnn", "transformer"] = "lstm"
    transformer_layers: int = Field(2, ge=1)
    transformer_heads: int = Field(8, ge=1)
    encoder_layers: Literal[1, 2] = 2
    predictor_layers: Literal[1, 2] = 2
    regressor: bool = True
    residual_regressor: bool = False
    regressor_unit: Literal["standard_deviation", "target"] = "target"
    error_unit: Literal["standard_deviation", "target"] = "target"
    huber_on: Literal["levels", "cumulative"] = "levels"
    delta: float = Field(2.0, gt=0)
    reduction: Literal["sum", "mean"] = "sum"
    likelihood_weight: float = Field(1.0, ge=0)
    regression_weight: float = Field(1.0, ge=0)
    contrast_weight: float = Field(0.1, ge=0)
    temperature: float = Field(2.0, gt=0)
    contrast_rows: int | None = Field(None, ge=2)
    schedule: Literal["inverse_sigmoid", "constant"] = "inverse_sigmoid"
    steepness: float = 5.0
    pivot: float = 0.2
    rate: float = Field(1.0, ge=0, le=1)
    sampling: Literal["row", "batch"] = "row"

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> RegressionSettings:
        if self.backbone == "transformer" and self.width % self.transformer_heads:
            raise ValueError(f"width {self.width} is no multiple of transformer_heads {self.transformer_heads}")
        return self

    def truth_rate(self, moment: Moment) -> float:
        """Return p, the probability with which an input is the true code."""
        if self.schedule == "constant":
            return self.rate
        return epoch_sigmoid(moment.epoch, moment.epochs, self.steepness, self.pivot)

    def decoder(self, steps: int) -> Decoder:
        if self.backbone == "lstm":
            return LongShortTermMemory(self.width)
        if self.backbone == "rnn":
            return Recurrence(self.width)
        return TransformerDecoder(
            self.width, self.transformer_layers, self.transformer_heads, 4 * self.width, positions=steps
        )


class CodeHead(GuidedHead):
    """state_0 = f_enc(h); o_l = decoder(e_{l−1}); z_l = f_pred(o_l); ê_l = Σ_c softmax(z_l)_c e(c); ŷ_l = f_reg(z_l).

    e_0 is the embedding of ``START``; e_{l−1} is ê_{l−1} in inference, and in training with probability p the
    embedding of the true code. The softmax spans the one vocabulary of all levels: "a single shared codebook" of
    size L × K (section 3.2). Returns [batch, steps · vocabulary + regressors], the logits step by step and the
    regressors' outputs in their unit; in training ê_1 … ê_L follow, [batch, steps · width] (eqs. 7–10, 14).
    """

    def __init__(self, width: int, settings: RegressionSettings, vocabulary: int, steps: int) -> None:
        super().__init__()
        inner, self.settings, self.steps = settings.width, settings, steps
        self.embeddings = nn.Parameter(torch.randn(vocabulary, inner))
        self.decoder = settings.decoder(steps)
        self.encode = _perceptron(width, *[self.decoder.entry] * settings.encoder_layers)
        self.predict = _perceptron(*[inner] * settings.predictor_layers, vocabulary)
        self.regress = _perceptron(vocabulary, inner, 1) if settings.regressor else None
        self.regress_residual = _perceptron(inner, inner, 1) if settings.residual_regressor else None

    def forward(self, hidden: Tensor, guide: Guide | None = None) -> Tensor:
        state = self.decoder.begin(self.encode(hidden))
        inputs = self.embeddings[START].expand(len(hidden), -1)
        logits, expected = list[Tensor](), list[Tensor]()
        for step in range(self.steps):
            output, state = self.decoder.step(inputs, state)
            logits.append(self.predict(output))
            expected.append(logits[-1].softmax(-1) @ self.embeddings)
            inputs = expected[-1]
            if guide is not None and step + 1 < self.steps:
                inputs = self._sampled(guide, step, inputs)
        parts = list(logits)
        if self.regress is not None:
            parts.append(self.regress(torch.stack(logits, -2)).squeeze(-1))
        if self.regress_residual is not None:
            parts.append(self.regress_residual(expected[-1]))
        return torch.cat(parts if guide is None else parts + expected, -1)

    def _sampled(self, guide: Guide, step: int, predicted: Tensor) -> Tensor:
        """Return the next step's inputs: embeddings of the true codes of ``step`` where the draw says so."""
        draws = guide.draws[:, step : step + 1]
        if self.settings.sampling == "batch":
            draws = draws[:1]
        true = embedding(guide.labels["tokens"][:, step].long(), self.embeddings)
        return torch.where(draws < self.settings.truth_rate(guide.moment), true, predicted)


class SequentialRegression(NetworkMethod):
    """L = w₁ L_gen + λ₁ L_reg + λ₂ L_rnc over the codes q_1 … q_L with y ≈ Σ q_l (eqs. 11–16).

    L_gen = −Σ_l log p(q_l), steps after a sequence's end left out; L_reg = huber(y, Σ ŷ_l) + Σ_l huber(q_l, ŷ_l) in
    its ``error_unit``, where steps after the end count with q_l = 0, since inference adds up all steps; L_rnc is
    Rank-N-Contrast on [ê_1; …; ê_L]. Validation leaves L_rnc out: it depends on which rows share a batch, and is no
    mean over rows.

    Readouts: ``regression`` Σ ŷ_l, the paper's, which may be negative; ``mean`` Σ_l P(not ended before l) E[g(q_l)]
    under the distributions of all steps; ``median``, ``rank`` and ``variance`` from the first step's distribution
    over the codec's intervals. Where the likelihood has no weight, nothing trains the distributions and
    ``regression`` is alone.
    """

    Settings = RegressionSettings

    def __init__(self, settings: core.Settings, codec: Codec | None, task: str) -> None:
        super().__init__(settings, codec, task)
        self.steps, self.vocabulary = self.codec.steps, len(self.codec.token_values)
        regressors = self.steps * self.settings.regressor + self.settings.residual_regressor
        self.outputs = self.steps * self.vocabulary + regressors
        self.draws = self.steps - 1
        # A constant target has no standard deviation to measure by.
        deviation = self.codec.standard_deviation or 1.0
        self.regressor_unit = deviation if self.settings.regressor_unit == "standard_deviation" else 1.0
        self.error_unit = deviation if self.settings.error_unit == "standard_deviation" else 1.0
        self.values = torch.tensor(self.codec.token_values, dtype=torch.float64)
        # The smallest target is the empty sequence where sequences have their own lengths.
        self.ends = bool(np.any(self.codec.encode(np.zeros(1))["tokens"] == END))

    def head(self, width: int) -> CodeHead:
        return CodeHead(width, self.settings, self.vocabulary, self.steps)

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        tokens = labels["tokens"].long()
        logits = self._logits(outputs)
        chosen = logits.log_softmax(-1).gather(-1, tokens.unsqueeze(-1)).squeeze(-1)
        likelihoods = -chosen * (tokens != PADDING)
        errors = self._errors(self._predicted(outputs), self._values(outputs)[tokens], labels["target"])
        likelihood, error = likelihoods.sum(-1), errors.sum(-1)
        if self.settings.reduction == "mean":
            likelihood, error = likelihood / self.steps, error / errors.shape[-1]
        return (self.settings.likelihood_weight * likelihood + self.settings.regression_weight * error).mean()

    def training_loss(self, outputs: Tensor, guide: Guide) -> Tensor:
        loss = self.loss(outputs[:, : self.outputs], guide.labels)
        if not self.settings.contrast_weight or len(outputs) < 2:
            return loss
        # A batch is drawn at random, so its first rows are as good as any.
        rows = slice(self.settings.contrast_rows)
        vectors, target = outputs[rows, self.outputs :], guide.labels["target"][rows]
        contrast = rank_contrast(vectors, target, self.settings.temperature)
        return loss + self.settings.contrast_weight * contrast

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        tensor = torch.from_numpy(outputs)
        regression = {"regression": self._predicted(tensor).sum(-1).numpy()}
        probabilities, intervals = self.distribution(outputs), self.codec.intervals
        if probabilities is None:
            return regression
        return regression | {
            "mean": self._expected(self._logits(tensor)).sum(-1).numpy(),
            "median": intervals.median(probabilities),
            "rank": intervals.rank(probabilities),
            "variance": intervals.variance(probabilities),
        }

    def distribution(self, outputs: Floats) -> Floats | None:
        """Return the first step's probabilities of the tokens with which targets of each interval begin."""
        if not self.settings.likelihood_weight:
            return None
        first = torch.from_numpy(outputs[:, : self.vocabulary][:, self.codec.first_tokens])
        probabilities: Floats = first.softmax(-1).numpy()
        return probabilities

    def _logits(self, outputs: Tensor) -> Tensor:
        """Return z [batch, steps, vocabulary]."""
        return outputs[:, : self.steps * self.vocabulary].view(-1, self.steps, self.vocabulary)

    def _predicted(self, outputs: Tensor) -> Tensor:
        """Return ŷ_1 … ŷ_L and the prediction of the residual, where there is one, in the target's unit."""
        regressed = outputs[:, self.steps * self.vocabulary :] * self.regressor_unit
        if self.settings.regressor:
            return regressed
        return torch.cat([self._expected(self._logits(outputs)), regressed], -1)

    def _expected(self, logits: Tensor) -> Tensor:
        """Return E[g(q_l)] of every step, 0 where the sequence has ended before, [batch, steps]."""
        probabilities = logits.softmax(-1)
        expected = probabilities @ self._values(logits)
        if not self.ends:
            return expected
        going_on = (1 - probabilities[..., END]).cumprod(-1)
        return torch.cat([expected[:, :1], expected[:, 1:] * going_on[:, :-1]], -1)

    def _errors(self, predicted: Tensor, codes: Tensor, target: Tensor) -> Tensor:
        """Return Huber's loss of every step and, last, of the target, [batch, steps + 1]."""
        if self.settings.huber_on == "cumulative":
            predicted = predicted + (predicted.cumsum(-1) - predicted).detach()
            whole, codes = predicted[:, -1:], codes.cumsum(-1)
        else:
            whole = predicted.sum(-1, keepdim=True)
        pairs = torch.cat([predicted[:, : self.steps], whole], -1), torch.cat([codes, target.unsqueeze(-1)], -1)
        return huber_loss(*pairs, reduction="none", delta=self.settings.delta) / self.error_unit

    def _values(self, like: Tensor) -> Tensor:
        """Return g of every token on the device and in the precision of ``like``."""
        self.values = self.values.to(like.device)
        return self.values.to(like.dtype)


def _perceptron(*widths: int) -> nn.Sequential:
    """Return linear layers from one width to the next with ReLU between them."""
    layers = [layer for pair in pairwise(widths) for layer in (nn.ReLU(), nn.Linear(*pair))]
    return nn.Sequential(*layers[1:])
