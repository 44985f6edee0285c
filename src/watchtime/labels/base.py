"""What a codec is: it is fitted on training rows, turns targets into labels and turns labels back into targets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from watchtime.core import settings as core
from watchtime.core.errors import WatchtimeError

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Codec(ABC):
    """A fitted codec: its settings and, as its other fields, the arrays and single numbers that fitting found.

    A codec is the frozen dataclass in ``labels/<name>.py`` with that ``name``. It sees training rows only, through
    ``fit``. Targets are finite numbers of at least 0 in any unit (seconds, a ratio, euros), durations are too.
    ``readouts`` names what a predicted distribution over the codec's labels can answer; it is empty where labels
    are single numbers and no distribution is predicted.
    """

    name: ClassVar[str]
    Settings: ClassVar[type[core.Settings]]
    readouts: ClassVar[tuple[str, ...]] = ()

    settings: core.Settings

    @classmethod
    def fit(cls, settings: Any, target: Floats, duration: Floats | None = None) -> Self:
        """Return the codec of the training rows ``target`` [rows] and ``duration`` [rows].

        Raises ``WatchtimeError`` for no rows, a target or duration that is negative or not finite, and a missing
        duration that the codec needs.
        """
        target, duration = cls._checked(settings, target, duration)
        if not len(target):
            raise WatchtimeError(f"codec '{cls.name}': at least one training row is needed, found none.")
        return cls._fit(settings, target, duration)

    def encode(self, target: Floats, duration: Floats | None = None) -> dict[str, Array]:
        """Return the labels of each row, every array with rows first; raises as ``fit`` does, but takes no rows too."""
        return self._encode(*self._checked(self.settings, target, duration))

    def reconstruct(self, target: Floats, duration: Floats | None = None) -> Floats:
        """Return decode(encode(target)) [rows]: what is left of the target after the codec's own round trip."""
        return self._reconstruct(*self._checked(self.settings, target, duration))

    def reconstruction_error(self, target: Floats, duration: Floats | None = None) -> float:
        """Return the mean over rows of |reconstruct(y) − y|, in the target's unit; NaN where there are no rows."""
        errors = np.abs(self.reconstruct(target, duration) - target)
        return float(np.mean(errors)) if len(errors) else float("nan")

    def facts(self) -> dict[str, int | float]:
        """Return what the report says about the fitted codec beside its settings."""
        return {}

    def arrays(self) -> dict[str, Array]:
        """Return all that was fitted, a single number as an array []; with the settings it rebuilds the codec."""
        return {name: np.asarray(getattr(self, name), order="C") for name in self._array_names()}

    @classmethod
    def from_arrays(cls, settings: Any, arrays: Mapping[str, Array]) -> Self:
        """Return the codec whose ``arrays()`` these are; raises ``WatchtimeError`` where their names are others."""
        expected = cls._array_names()
        if sorted(arrays) != sorted(expected):
            found = ", ".join(sorted(arrays)) or "none"
            raise WatchtimeError(f"codec '{cls.name}' has the arrays {', '.join(expected)}, found {found}.")
        return cls(settings=settings, **{name: each if each.ndim else each.item() for name, each in arrays.items()})

    @staticmethod
    def needs_duration(settings: Any) -> bool:
        """Whether a codec with these settings uses the duration; one that does not is never given it."""
        return False

    @classmethod
    @abstractmethod
    def _fit(cls, settings: Any, target: Floats, duration: Floats | None) -> Self: ...

    @abstractmethod
    def _encode(self, target: Floats, duration: Floats | None) -> dict[str, Array]: ...

    @abstractmethod
    def _reconstruct(self, target: Floats, duration: Floats | None) -> Floats: ...

    @classmethod
    def _array_names(cls) -> list[str]:
        return [field.name for field in fields(cls) if field.name != "settings"]

    @classmethod
    def _checked(cls, settings: Any, target: Floats, duration: Floats | None) -> tuple[Floats, Floats | None]:
        target = checked(target, "target")
        if not cls.needs_duration(settings):
            return target, None
        if duration is None or (len(duration) and np.isnan(duration).all()):
            raise WatchtimeError(f"codec '{cls.name}' needs a duration for every row, and this data set has none.")
        duration = checked(duration, "duration")
        if len(duration) != len(target):
            raise ValueError(f"{len(target)} targets but {len(duration)} durations")
        return target, duration


def checked(values: npt.ArrayLike, what: str) -> Floats:
    """Return ``values`` as float64 [rows]; raise ``WatchtimeError`` for the first that is negative or not finite."""
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1:
        raise ValueError(f"{what}: one dimension is needed, found shape {column.shape}")
    good = np.isfinite(column) & (column >= 0)
    if not good.all():
        row = int(np.argmin(good))
        raise WatchtimeError(
            f"row {row} (counted from 0): the {what} is {column[row]}, allowed are finite numbers of at least 0."
        )
    return column
