"""Base of every settings model: unknown keys are refused and values do not change after validation."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticKnownError


class Settings(BaseModel):
    """A validated group of settings; ``true`` is no number, and neither are infinity and NaN."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, validate_default=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation in (int, float, float | None):
            raise PydanticKnownError("float_type")
        return value


class HistorySettings(Settings):
    """A user's last ``events``, weighed by an attention unit of ``attention`` hidden numbers."""

    events: int = Field(20, ge=1)
    attention: int = Field(36, ge=1)


class EncoderSettings(Settings):
    """The shared feature encoder: embeddings of width ``embedding`` and a multi-layer perceptron.

    Without ``history`` it does not see what users watched before.
    """

    embedding: int = Field(16, ge=1)
    layers: tuple[Annotated[int, Field(ge=1)], ...] = (128, 64)
    numeric: bool = True
    history: HistorySettings | None = None

    @property
    def events(self) -> int:
        """How many of a user's past events the encoder sees."""
        return self.history.events if self.history else 0


class TrainingSettings(Settings):
    """What the engine does with every network of a run.

    ``embedding_decay`` adds that share of the embeddings to their gradient; ``weight_decay`` shrinks all parameters
    beside the step, as AdamW does.
    """

    batch: int = Field(1024, ge=1)
    epochs: int = Field(10, ge=1)
    patience: int = Field(2, ge=0)
    learning_rate: float = Field(1e-3, gt=0)
    embedding_decay: float = Field(0.0, ge=0)
    weight_decay: float = Field(0.0, ge=0)
    unknown_rate: float = Field(0.0, ge=0, lt=1)
    evaluation_batch: int = Field(8192, ge=1)


def shared_groups(family: str) -> dict[str, type[Settings]]:
    """Return the groups of settings that a method shares with all others of its family; only networks have any."""
    return {"encoder": EncoderSettings, "training": TrainingSettings} if family == "network" else {}
