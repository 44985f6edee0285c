"""The known conditional distribution of watch time or of customer value, and its exact readouts: the oracle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from watchtime.core.config import SIMULATOR_VERSION
from watchtime.core.errors import WatchtimeError, unknown
from watchtime.core.files import replacing
from watchtime.datasets.simulator.arithmetic import Booleans, Floats
from watchtime.datasets.simulator.law import WATCHING
from watchtime.datasets.simulator.piecewise import Law
from watchtime.datasets.simulator.spending import SPENDING

LAWS = {task: law for law in (WATCHING, SPENDING) for task in law.units}  # which law answers which task
BLOCK = 8192


@dataclass(frozen=True)
class Truth:
    """The law of the target of n rows: weights of the kinds (n, kinds) and scales (n,).

    The task says which law it is. The watch law (``law.py``) has the duration in ms as its scale and answers
    ``watch_time`` in seconds and ``watch_ratio``; the spending law (``spending.py``) has the price in cents and
    answers ``ltv`` in euros or dollars. Raw files hold whole milliseconds and whole cents: a target is rounded to the
    nearest, which moves no readout of location by more than 0.5 ms or half a cent, and ``rank`` only where the density
    changes within one of them. ``perturbed`` marks rows that do not follow the law or hide its scale: repeated rows,
    watch ratios above 10, and videos whose duration is given as 0.
    """

    weights: Floats
    scale: Floats
    perturbed: Booleans
    task: str = "watch_time"

    def __post_init__(self) -> None:
        if self.task not in LAWS:
            raise WatchtimeError(unknown("task", self.task, LAWS))

    @property
    def law(self) -> Law:
        """The law that the rows follow."""
        return LAWS[self.task]

    @property
    def duration_ms(self) -> Floats:
        """The scale of the watch law."""
        return self.scale

    def __len__(self) -> int:
        return len(self.scale)

    def select(self, rows: npt.ArrayLike) -> Truth:
        """Return the law of the given rows, which are indices from 0 into this one."""
        index = np.asarray(rows)
        return replace(
            self,
            weights=self.weights[index],
            scale=self.scale[index],
            perturbed=self.perturbed[index],
        )

    @staticmethod
    def joined(laws: Sequence[Truth]) -> Truth:
        """Return the law of the rows of all ``laws``, one after the other; they have one task."""
        return Truth(
            np.concatenate([law.weights for law in laws]),
            np.concatenate([law.scale for law in laws]),
            np.concatenate([law.perturbed for law in laws]),
            laws[0].task,
        )

    def save(self, path: Path) -> None:
        """Write the law without its task; equal laws give equal bytes."""
        with replacing(path) as temporary, temporary.open("wb") as stream:
            arrays = {"weights": self.weights, self.law.scale: self.scale, "perturbed": self.perturbed}
            np.savez(stream, allow_pickle=False, version=np.int64(SIMULATOR_VERSION), **arrays)

    @classmethod
    def load(cls, path: Path, task: str = "watch_time") -> Truth:
        """Read the law of the rows of a simulated log, in the order in which its loader numbers them.

        Raises ``WatchtimeError`` where the file is absent, is not one of ours, has another simulator's version or
        holds the other law than the task's.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                found = int(stored["version"])
                held = next((law for law in LAWS.values() if law.scale in stored), WATCHING)
                weights, scale, perturbed = (stored[name] for name in ("weights", held.scale, "perturbed"))
        except FileNotFoundError:
            raise WatchtimeError(f"{path}: the file does not exist.") from None
        except (KeyError, TypeError, ValueError, OSError, EOFError, MemoryError, BadZipFile) as error:
            raise WatchtimeError(f"{path}: not the truth of a simulated log ({error}).") from None
        if found != SIMULATOR_VERSION:
            raise WatchtimeError(f"{path}: written by simulator version {found}, this is version {SIMULATOR_VERSION}.")
        if LAWS.get(task, held) is not held:
            answered = ", ".join(held.units)
            raise WatchtimeError(f"{path}: task: found '{task}', the truth of {held.target} answers: {answered}.")
        return cls(weights, scale, perturbed, task)

    def mean(self) -> Floats:
        """Return E[Y | x]."""
        return np.concatenate([_expectation(part, part._knots()) for part in self._blocks()])

    def median(self) -> Floats:
        """Return the smallest y with P(Y ≤ y | x) ≥ ½."""
        return self.quantile(0.5)

    def quantile(self, probability: npt.ArrayLike) -> Floats:
        """Return the smallest y with P(Y ≤ y | x) ≥ ``probability``, one number or one per row."""
        level = np.broadcast_to(np.asarray(probability, dtype=np.float64), self.scale.shape)
        return self.law.quantile(self.weights, self.scale, level)[0] / self._unit()

    def cdf(self, value: npt.ArrayLike) -> Floats:
        """Return P(Y ≤ ``value`` | x), ``value`` one number or one per row."""
        values = np.broadcast_to(np.asarray(value, dtype=np.float64), self.scale.shape)
        parts = zip(self._blocks(), self._block_bounds(), strict=True)
        return np.concatenate([_cdf(part, values[low:high]) for part, (low, high) in parts])

    def rank(self, sorted_training_targets: npt.ArrayLike) -> Floats:
        """Return E[F(Y) | x] with F(y) = P(Z < y) + P(Z = y) / 2 over the sorted training targets Z.

        ∫F is piecewise linear with the prefix sums of the training targets as its values, so the expectation over
        each linear piece of the quantile function is a difference of two of its values.
        """
        targets = np.asarray(sorted_training_targets, dtype=np.float64)
        if not len(targets) or not np.all(np.diff(targets) >= 0):
            raise WatchtimeError("rank: the training targets must be sorted and at least one.")
        sums = np.concatenate([[0.0], np.cumsum(targets)])
        return np.concatenate([_rank(part, targets, sums) for part in self._blocks()])

    def _unit(self) -> Floats:
        return self.law.unit(self.task, self.scale)

    def _knots(self) -> Floats:
        return self.law.knots(self.scale) / self._unit()[:, None]

    def _block_bounds(self) -> Iterator[tuple[int, int]]:
        for low in range(0, max(len(self), 1), BLOCK):
            yield low, min(low + BLOCK, len(self))

    def _blocks(self) -> Iterator[Truth]:
        for low, high in self._block_bounds():
            yield self.select(np.arange(low, high))


def _mixture(weights: Floats, of_zero: float, of_positive: Floats) -> Floats:
    """Return w₀ · of_zero + Σ_k w_k · of_positive[k]."""
    return weights[:, 0] * of_zero + (weights[:, 1:].T * of_positive).sum(axis=0)


def _expectation(truth: Truth, at_knots: Floats) -> Floats:
    """Return the expectation of a function that is linear between knots and 0 at zero."""
    middle = 0.5 * (at_knots[:, :, 1:] + at_knots[:, :, :-1])
    return _mixture(truth.weights, 0.0, (middle * np.diff(truth.law.levels)).sum(axis=-1))


def _cdf(truth: Truth, value: Floats) -> Floats:
    points, levels = truth._knots(), truth.law.levels
    left = np.clip((points <= value[:, None]).sum(axis=-1) - 1, 0, len(levels) - 2)[:, :, None]
    low, high = (np.take_along_axis(points, end, axis=-1)[:, :, 0] for end in (left, left + 1))
    level = levels[left[:, :, 0]]
    along = np.clip((value - low) / (high - low), 0.0, 1.0)
    positive = level + along * (levels[left[:, :, 0] + 1] - level)
    return np.where(value < 0.0, 0.0, _mixture(truth.weights, 1.0, positive))


def _rank(truth: Truth, targets: Floats, sums: Floats) -> Floats:
    points = truth._knots()
    below = np.searchsorted(targets, points)
    area = below * points - sums[below]
    mean_rank = np.diff(area, axis=-1) / np.diff(points, axis=-1)
    at_zero = 0.5 * (np.searchsorted(targets, 0.0, "left") + np.searchsorted(targets, 0.0, "right"))
    total = _mixture(truth.weights, float(at_zero), (mean_rank * np.diff(truth.law.levels)).sum(axis=-1))
    return total / len(targets)
