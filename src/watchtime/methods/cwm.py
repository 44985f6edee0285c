"""Counterfactual watch model, CWM (Zhao et al., KDD 2024): a video watched to its end censors the interest in it."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import logsigmoid

from watchtime.core import settings as core
from watchtime.methods.base import Floats, Readouts
from watchtime.methods.network import Guide, NetworkMethod


class CounterfactualWatchModel(NetworkMethod):
    """min E[ℓ], ℓ = (s(x) − g(y))² / 2σ² where y < d, and −log P(W ≥ d) ≈ −log sigmoid((s(x) − g(d)) / σ) elsewhere.

    W is the watch time if the video d were long enough: y = W where y < d, and of all others, replays among them, only
    W ≥ d is known. g(w) = logit(e^{−c / (w + 1)}) is the interest behind w seconds under the ``cost`` c of a second,
    normal around s with standard deviation ``sigma``. Thus g⁻¹(s) = c / −log sigmoid(s) − 1 is the median of W, and

    ``truncated`` clip(g⁻¹(s), 0, d) is the median of min(W, d), which the paper predicts and is judged by. It cannot
    follow a target above d, but is nearest to the observed one, hence the default. ``counterfactual`` is g⁻¹(s) up to
    ``longest``, in s: the order of interests, and no estimate of the observed target of a short video.

    **Settings.** ``survival: logistic`` (code) has sigmoid(z) in the place of Φ(z), which it misses by up to 0.12, and
    pulls less towards longer watch times; ``normal`` has Φ, a Tobit model. The rest is in the code alone: ``margin`` ε
    = 1e-6 keeps interests in [ε, 1 − ε], so that a skipped video has the score −13.8 in place of −c; ``whole_seconds``
    rounds d and min(y, d); ``weighting: kinds`` adds the mean over a batch's rows with y < d to that over the others,
    in place of the mean over all, by which validation judges whatever the weighting.

    On watch ratios all this happens in seconds, y = ratio · d; predictions are divided by d, and 0 where d is.

    Source: the released code; c and σ are those of its run script.
    """

    needs_duration = True

    class Settings(core.Settings):
        cost: float = Field(40.0, gt=0)
        sigma: float = Field(2.0, gt=0)
        survival: Literal["logistic", "normal"] = "logistic"
        margin: float = Field(0.0, ge=0, lt=0.5)
        whole_seconds: bool = False
        weighting: Literal["rows", "kinds"] = "rows"
        longest: float = Field(3600.0, gt=0)

    def labels(self, target: Floats, duration: Floats) -> dict[str, npt.NDArray[Any]]:
        seconds = np.minimum(target * duration if self.task == "watch_ratio" else target, duration)
        if self.settings.whole_seconds:
            seconds, duration = np.round(seconds), np.round(duration)
        return {"score": self._score(seconds), "censored": seconds >= duration}

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        return self._losses(outputs, labels).mean()

    def training_loss(self, outputs: Tensor, guide: Guide) -> Tensor:
        if self.settings.weighting == "rows":
            return self.loss(outputs, guide.labels)
        losses, censored = self._losses(outputs, guide.labels), guide.labels["censored"]
        means = [(losses * rows).sum() / rows.sum().clamp(min=1) for rows in (censored, ~censored)]
        return means[0] + means[1]

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        surprise = -logsigmoid(torch.from_numpy(outputs[:, 0])).numpy()
        # Below this a second costs so little that the division would overflow.
        seconds = np.clip(self.settings.cost / np.maximum(surprise, 1e-300) - 1, 0, self.settings.longest)
        predicted = {"truncated": np.minimum(seconds, duration), "counterfactual": seconds}
        if self.task == "watch_ratio":
            return {name: _divided(one, duration) for name, one in predicted.items()}
        return predicted

    def _score(self, seconds: Floats) -> Floats:
        """Return g(w) [rows], logit(e^{−z}) = −z − log(1 − e^{−z}) with z = c / (w + 1)."""
        exponent = self.settings.cost / (seconds + 1)
        score: Floats = -exponent - np.log(-np.expm1(-exponent))
        if self.settings.margin:
            bound = np.log1p(-self.settings.margin) - np.log(self.settings.margin)
            score = np.clip(score, -bound, bound)
        return score

    def _losses(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        error = (outputs[..., 0] - labels["score"]) / self.settings.sigma
        logistic = self.settings.survival == "logistic"
        survival = logsigmoid(error) if logistic else torch.special.log_ndtr(error)
        return torch.where(labels["censored"], -survival, error**2 / 2)


def _divided(seconds: Floats, duration: Floats) -> Floats:
    return np.divide(seconds, duration, out=np.zeros(len(seconds)), where=duration > 0)
