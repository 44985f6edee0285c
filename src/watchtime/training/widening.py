"""A job whose network is widened until it has as many parameters as another method's (GR, section 4.2.1)."""

from __future__ import annotations

import numpy as np
import torch

from watchtime.core.job import JobSpec
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.encoding import Encoding
from watchtime.datasets.protocols import TRAINING
from watchtime.encoders.perceptron import InputShape
from watchtime.labels.storage import fit_codec
from watchtime.methods.base import build
from watchtime.methods.network import NetworkMethod
from watchtime.training.model import chosen, durations, selected
from watchtime.training.network import TABLE, template
from watchtime.training.resident import ResidentRows

# Hidden layers grow by one part in so many until the other network's count is reached.
STEPS = 32


def widened(spec: JobSpec, log: EncodedLog, encoding: Encoding) -> JobSpec:
    """Return the job with hidden layers multiplied by one factor, so that its network is as large as ``spec.like``'s.

    Embedding tables do not count: they follow from the data, and all methods have the same. The factor is the
    multiple of 1 / ``STEPS`` whose count is nearest to the other's; 1 where the network is the larger one already.
    """
    assert spec.like is not None
    wanted = parameters(spec.like, log, encoding)
    best, counted = spec, parameters(spec, log, encoding)
    factor = STEPS
    while counted < wanted:
        factor += 1
        layers = tuple(round(width * factor / STEPS) for width in spec.encoder.layers)
        wider = spec.model_copy(update={"encoder": spec.encoder.model_copy(update={"layers": layers})})
        more = parameters(wider, log, encoding)
        if abs(more - wanted) < abs(counted - wanted):
            best = wider
        counted = more
    return best


def parameters(spec: JobSpec, log: EncodedLog, encoding: Encoding) -> int:
    """Return how many numbers the job's network learns beside its embedding table."""
    method, shape = _network(spec, log, encoding)
    named = template(method, shape, spec.encoder).named_parameters()
    return sum(value.numel() for name, value in named if name != TABLE)


def _network(spec: JobSpec, log: EncodedLog, encoding: Encoding) -> tuple[NetworkMethod, InputShape]:
    train, codec = log.rows(np.flatnonzero(log.part == TRAINING)), None
    if spec.codec is not None:
        codec = fit_codec(spec.codec.name, spec.codec.settings, train.target(spec.task), durations(train))
    one = selected(log.rows(np.arange(1)), spec.features)
    rows = ResidentRows(one, chosen(encoding, spec.features).cardinalities, torch.device("cpu"), spec.encoder.events)
    return build(spec.method, spec.settings, codec, spec.task), rows.shape
