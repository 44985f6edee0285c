"""SWaT (Yang et al., KDD 2025): watch time as the buckets of a video that its viewer watches."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from watchtime.core import settings as core
from watchtime.labels.base import Codec
from watchtime.methods.base import Floats, Readouts
from watchtime.methods.network import NetworkMethod


class BucketedWatching(NetworkMethod):
    """min −E[Σ_b c_b log p_b + (a_b − c_b) log(1 − p_b)], p_b = sigmoid(f_b(x)); c_b of bucket b is watched.

    ``binomial`` (the wandering viewer) watches each bucket on its own, a_b = 1, so that p_b estimates E[c_b | x].
    ``geometric`` (the focused one) goes on from bucket to bucket, a_b = c_{b−1} and a_1 = 1: who stops inside a bucket
    is rounded to either of its ends at random, with a mean of where they stopped, and the loss is the expected
    log-likelihood. So ∏_{j ≤ b} p_j estimates E[c_b | x]. The mean Σ_b width_b E[c_b | x] is exact for both, up to the
    last edge. A soft label for the last bucket alone, a_b = 1 wherever c_{b−1} = 1, would not do: the chances of going
    on would be too high in each bucket, and their product far too high.

    Readouts: ``mean`` · ``median``, ``rank`` and ``variance`` of where a geometric viewer stops, over the codec's
    intervals; there is no ``rank`` among progress bars, since intervals of theirs are no intervals of the target.

    There is no code and the text was not at hand: built from the abstract, which tells the two viewers, buckets with
    probabilities of their own, the mean in closed form, and losses of classification. Which model RQ-Reg compares
    with is not known; ``geometric`` is the default because a log has one number per view, which is a prefix of the
    video if it is watched in order.
    """

    class Settings(core.Settings):
        viewer: Literal["geometric", "binomial"] = "geometric"

    def __init__(self, settings: core.Settings, codec: Codec | None, task: str) -> None:
        super().__init__(settings, codec, task)
        self.outputs = len(self.codec.widths)
        self.own_bar = self.codec.settings.unit == "duration"
        self.needs_duration = self.own_bar
        self.starts = torch.tensor(self.codec.edges[:-1], dtype=torch.float32)
        self.widths = torch.tensor(self.codec.widths, dtype=torch.float32)

    def loss(self, outputs: Tensor, labels: dict[str, Tensor]) -> Tensor:
        self.starts, self.widths = self.starts.to(outputs.device), self.widths.to(outputs.device)
        covered = ((labels["progress"][..., None] - self.starts) / self.widths).clamp(0, 1)
        tried = torch.ones_like(covered)
        if self.settings.viewer == "geometric":
            tried = torch.cat([tried[..., :1], covered[..., :-1]], -1)
        return (tried * softplus(outputs) - covered * outputs).sum(-1).mean()

    def readouts(self, outputs: Floats, duration: Floats) -> Readouts:
        probabilities = self._stopping(outputs)
        if probabilities is None:
            watched = torch.from_numpy(outputs).sigmoid().numpy()
            return {"mean": self.codec.in_targets(watched @ self.codec.widths, duration)}
        intervals = self.codec.intervals
        if not self.own_bar:
            return dict(intervals.readouts(probabilities))
        named = {"mean": intervals.mean(probabilities), "median": intervals.median(probabilities)}
        return {name: self.codec.in_targets(progress, duration) for name, progress in named.items()}

    def distribution(self, outputs: Floats) -> Floats | None:
        return None if self.own_bar else self._stopping(outputs)

    def _stopping(self, outputs: Floats) -> Floats | None:
        """Return the probabilities [rows, B + 1] of stopping at each edge; None of a viewer who wanders."""
        if self.settings.viewer == "binomial":
            return None
        reached = logsigmoid(torch.from_numpy(outputs)).cumsum(-1).exp().numpy()
        return -np.diff(reached, prepend=1.0, append=0.0, axis=1)
