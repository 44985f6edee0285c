"""Base of every settings model: unknown keys are refused and values do not change after validation."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A validated group of settings."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, validate_default=True)


class EncoderSettings(Settings):
    """The shared feature encoder: embeddings of width ``embedding`` and a multi-layer perceptron."""

    embedding: int = 16
    layers: tuple[int, ...] = (128, 64)
    numeric: bool = True


class TrainingSettings(Settings):
    """What the engine does with every network of a run."""

    batch: int = 1024
    epochs: int = 10
    patience: int = 2
    learning_rate: float = 1e-3
    embedding_decay: float = 0.0
    unknown_rate: float = 0.0
    evaluation_batch: int = 8192
