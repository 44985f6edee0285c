"""Which encoder a run's settings ask for."""

from __future__ import annotations

from watchtime.core.settings import EncoderSettings
from watchtime.encoders.deep_interest import DeepInterestEncoder
from watchtime.encoders.perceptron import InputShape, PerceptronEncoder

Encoder = PerceptronEncoder | DeepInterestEncoder


def shared_encoder(shape: InputShape, settings: EncoderSettings) -> Encoder:
    """Return the encoder from looked-up embeddings and inputs to [batch, ``width``]."""
    return DeepInterestEncoder(shape, settings) if settings.history else PerceptronEncoder(shape, settings)
