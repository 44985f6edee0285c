"""Generative regression, GR (Ma et al., 2024): the target as a generated sequence of numbers that add up to it."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from torch import Tensor, nn
from torch.nn.functional import embedding, huber_loss

from watchtime.core import settings as core
from watchtime.decoders.mixup import Mixup, mixed_embeddings, predicted_tokens
from watchtime.decoders.schedules import Schedule, truth_rate
from watchtime.decoders.transformer import TransformerDecoder
from watchtime.labels.base import Codec
from watchtime.labels.sequence import END, PADDING, START
from watchtime.methods.base import Floats, Readouts
from watchtime.methods.network import Guide, GuidedHead, NetworkMethod


class GenerationSettings(core.Settings):
    """The decoder, and what it is fed.

    The paper prints no sizes; those of its code are the size ``paper``. Its code has no ``positions``, and neither
    has the paper's text: tokens never grow along a sequence, so their set tells their order, if not how often the
    largest of them came.

    ``curriculum`` is the schedule of p and p0 is ``rate``, 1 as the paper starts with "p ≈ 1"; ``none`` is teacher
    forcing in one pass. ``sampling: token`` draws for every token of every row, as the text reads; ``step`` is the
    code's one coin per step for the whole batch. ``window`` is n_w, for which the paper has no number: 5, two
    neighbours on either side, is the smallest that reaches beyond the nearest ones. ``mixup_on_truth`` mixes around
    the true token too, by the first pass's scores: table 4 names a row "EM with TF", and without it mixing is no part
    of a training that only sees true tokens.
    """

    width: int = Field(64, ge=1)
    layers: int = Field(2, ge=1)
    heads: int = Field(4, ge=1)
    feed_forward: int = Field(128, ge=1)
    positions: Literal["none", "learned"] = "none"
    dropout: float = Field(0.0, ge=0, lt=1)
    curriculum: Schedule | Literal["none"] = "sigmoid"
    rate: float = Field(1.0, ge=0, le=1)
    sampling: Literal["token", "step"] = "token"
    mixup: Mixup = "window"
    window: int = Field(5, ge=1)
    mixup_on_truth: bool = False
    loss_on: Literal["second", "both"] = "second"

    @model_validator(mode="after")
    def _fit_together(self) -> GenerationSettings:
        if self.window % 2 == 0:
            raise PydanticCustomError("even_window", "an odd window, which has a centre")
        if self.width % self.heads:
            raise PydanticCustomError("heads", "a width that is a multiple of heads")
        return self


class GenerativeHead(GuidedHead):
    """P(s_t | h, s_{<t}) for t = 1 … T: logits [batch, T × vocabulary] from the encoder's h [batch, width].

    **Inference** generates: a step is fed what the one before it predicted, mixed. All T steps are taken, so that
    shapes do not depend on the data; what follows an ``END`` counts in no readout.

    **Training** is CLEM's two passes over whole sequences (GR, 3.5.2). The first is fed the true tokens. The second is
    fed, step by step, the true token with probability p, else the mixture of embeddings that the first predicted
    there; gradients flow through it. The outputs are those of the second pass, or of both side by side.

    Token embeddings start at N(0, 0.05²) like those of ids, near the code's U(−0.08, 0.08): from N(0, 1) tokens speak
    louder than the memory, and generation runs away on rare prefixes.
    """

    def __init__(self, width: int, vocabulary: int, steps: int, settings: GenerationSettings) -> None:
        super().__init__()
        self.steps, self.settings = steps, settings
        self.memory = nn.Linear(width, settings.width)
        self.embeddings = nn.Parameter(torch.randn(vocabulary, settings.width) * 0.05)
        positions = steps if settings.positions == "learned" else 0
        self.decoder = TransformerDecoder(
            settings.width, settings.layers, settings.heads, settings.feed_forward, positions
        )
        self.scores = nn.Linear(settings.width, vocabulary)

    def forward(self, hidden: Tensor, guide: Guide | None = None) -> Tensor:
        memory = self.memory(hidden)
        passes = [self._generated(memory)] if guide is None else self._passes(memory, guide)
        return torch.cat([one.flatten(-2) for one in passes], -1)

    def _generated(self, memory: Tensor) -> Tensor:
        inputs = self.embeddings[START].expand(len(memory), -1)
        state, generated = self.decoder.begin(memory), list[Tensor]()
        for _ in range(self.steps):
            outputs, state = self.decoder.step(inputs, state)
            scores = self.scores(outputs)
            inputs = self._mixed(scores, predicted_tokens(scores))
            generated.append(scores)
        return torch.stack(generated, -2)

    def _passes(self, memory: Tensor, guide: Guide) -> list[Tensor]:
        """Return the scores [batch, T, vocabulary] of the passes that the loss looks at."""
        tokens = guide.labels["tokens"][..., :-1].long()
        truth = embedding(tokens, self.embeddings)
        first = self._guided(truth, memory)
        if self.settings.curriculum == "none":
            return [first]
        scores, moment = first[..., :-1, :], guide.moment
        predicted = self._mixed(scores, predicted_tokens(scores))
        if self.settings.mixup_on_truth:
            truth = self._mixed(scores, tokens)
        rate = truth_rate(self.settings.curriculum, self.settings.rate, moment.step, moment.steps, moment.epochs)
        draws = guide.draws if self.settings.sampling == "token" else guide.draws[:1]
        second = self._guided(torch.where((draws < rate).unsqueeze(-1), truth, predicted), memory)
        return [first, second] if self.settings.loss_on == "both" else [second]

    def _guided(self, inputs: Tensor, memory: Tensor) -> Tensor:
        """Return the scores of all steps at once, fed ``START`` and then ``inputs`` [batch, T − 1, width]."""
        start = self.embeddings[START].expand(len(inputs), 1, -1)
        outputs = self.decoder(torch.cat([start, inputs], -2), memory, self.settings.dropout)
        scores: Tensor = self.scores(outputs)
        return scores

    def _mixed(self, scores: Tensor, centres: Tensor) -> Tensor:
        return mixed_embeddings(self.settings.mixup, self.settings.window, scores, centres, self.embeddings)


class GenerativeRegression(NetworkMethod):
    """L = a · Σ_t −log P(s_t | h, s_{<t}) + λ · Huber(y, ŷ), a mean over rows (GR, eqs. 6 to 8).

    Readouts, with p_t the distribution of step t and END the first step whose arg-max is ``END``:

    * ``sequence`` Σ_{t < END} g(arg-max p_t), the paper's prediction;
    * ``window`` Σ_{t ≤ END} Σ_w p_t(w) g(w) over the tokens w within ``readout_window`` places of the arg-max, not
      renormalised, the released code's prediction: around ``END`` lie the largest tokens;
    * ``mean`` Σ_{t ≤ END} S_t Σ_w p_t(w) g(w), S_t = Π_{s < t} (1 − p_s(END)): the expectation along the generated
      sequence, as if later steps depended on the earlier ones through their mixture alone;
    * ``median``, ``rank`` and ``variance`` of the first token, which alone tells in which interval the target is.

    ŷ of the loss is no sum of arg-max tokens, as eq. 7 prints it, since that has no gradient: ``huber_on`` takes
    ``mean`` (``expectation``) or the released code's ``window``. ``unit: standard_deviation`` measures y, ŷ and δ in
    units of the training standard deviation, because λ and δ are not printed and seconds would drown the likelihood.
    The released code sums over the batch; the mean here has the same Adam steps.

    ``validation: first`` chooses the epoch by the likelihood of the first token and Huber's error of the generated
    value. With ``all`` it counts the later tokens too, but what follows a generated prefix that is not the true one is
    no prediction of the true next token: that sum is noise, and on real logs it picks epochs that overfit.
    ``prediction`` is the readout that comes first.
    """

    class Settings(GenerationSettings):
        likelihood_weight: float = Field(1.0, ge=0)
        huber_weight: float = Field(1.0, ge=0)
        huber_delta: float = Field(1.0, gt=0)
        huber_on: Literal["expectation", "window"] = "expectation"
        unit: Literal["standard_deviation", "target"] = "standard_deviation"
        validation: Literal["first", "all"] = "first"
        prediction: Literal["sequence", "window"] = "sequence"
        readout_window: int = Field(10, ge=0)

    def __init__(self, settings: core.Settings, codec: Codec | None, task: str) -> None:
        super().__init__(settings, codec, task)
        self.values = torch.from_numpy(self.codec.token_values)
        self.steps, self.vocabulary = self.codec.steps, len(self.values)
        self.outputs, self.draws = self.steps * self.vocabulary, self.steps - 1
        # A constant target has no standard deviation to divide by.
        self.unit = (self.codec.standard_deviation if self.settings.unit == "standard_deviation" else 0.0) or 1.0

    def head(self, width: int) -> nn.Module:
        return GenerativeHead(width, self.vocabulary, self.steps, self.settings)

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        return self._loss(outputs, labels, 1 if self.settings.validation == "first" else self.steps)

    def training_loss(self, outputs: Tensor, guide: Guide) -> Tensor:
        """Return the loss over all steps, the mean of both passes' losses where ``loss_on: both`` puts out both."""
        passes = outputs.view(len(outputs), -1, self.outputs).unbind(1)
        return torch.stack([self._loss(one, guide.labels, self.steps) for one in passes]).mean()

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        probabilities = self._steps(torch.from_numpy(outputs)).softmax(-1)
        tokens = predicted_tokens(probabilities)
        first, intervals = self.distribution(outputs), self.codec.intervals
        own = {
            "sequence": self.codec.value(tokens.numpy()),
            "window": self._window(probabilities, tokens).numpy(),
        }
        ordered = {self.settings.prediction: own[self.settings.prediction]} | own
        return ordered | {
            "mean": self._expectation(probabilities, tokens).numpy(),
            "median": intervals.median(first),
            "rank": intervals.rank(first),
            "variance": intervals.variance(first),
        }

    def distribution(self, outputs: Floats) -> Floats:
        """Return the first step's probabilities of the tokens with which targets of each interval begin."""
        first = torch.from_numpy(outputs[:, : self.vocabulary][:, self.codec.first_tokens])
        probabilities: Floats = first.softmax(-1).numpy()
        return probabilities

    def _loss(self, outputs: Tensor, labels: dict[str, Tensor], steps: int) -> Tensor:
        """Return the loss with the likelihood of the first ``steps`` tokens."""
        logs, tokens = self._steps(outputs).log_softmax(-1), labels["tokens"][:, :steps].long()
        entropy = -logs[:, :steps].gather(-1, tokens.unsqueeze(-1)).squeeze(-1)
        likelihood = torch.where(tokens == PADDING, 0.0, entropy).sum(-1).mean()
        predict = self._expectation if self.settings.huber_on == "expectation" else self._window
        probabilities = logs.exp()
        predicted = predict(probabilities, predicted_tokens(probabilities)) / self.unit
        target = labels["target"] / self.unit
        error = huber_loss(predicted, target.to(predicted.dtype), delta=self.settings.huber_delta)
        return self.settings.likelihood_weight * likelihood + self.settings.huber_weight * error

    def _steps(self, outputs: Tensor) -> Tensor:
        return outputs.view(-1, self.steps, self.vocabulary)

    def _expectation(self, probabilities: Tensor, tokens: Tensor) -> Tensor:
        """``mean`` of [..., T, vocabulary] with the arg-max ``tokens`` [..., T]."""
        going_on = 1 - probabilities[..., :-1, END]
        reached = torch.cat([torch.ones_like(probabilities[..., :1, END]), going_on], -1).cumprod(-1)
        steps = probabilities @ self._values(probabilities)
        return (_until_end(tokens) * reached * steps).sum(-1)

    def _window(self, probabilities: Tensor, tokens: Tensor) -> Tensor:
        """``window`` of the same; places are token numbers, special tokens have the value 0."""
        reach, last = self.settings.readout_window, self.vocabulary - 1
        summed = (probabilities * self._values(probabilities)).cumsum(-1)
        upper = summed.gather(-1, (tokens + reach).clamp(max=last).unsqueeze(-1))
        # Sums up to PADDING, whose value is 0, are 0: what begins below the vocabulary loses nothing.
        lower = summed.gather(-1, (tokens - reach - 1).clamp(min=PADDING).unsqueeze(-1))
        return (_until_end(tokens) * (upper - lower).squeeze(-1)).sum(-1)

    def _values(self, like: Tensor) -> Tensor:
        return self.values.to(like)


def _until_end(tokens: Tensor) -> Tensor:
    """Return which steps of [..., T] come no later than the first ``END``."""
    ended = (tokens == END).long()
    return ended.cumsum(-1) - ended == 0
