"""The known conditional distribution of watch time, and its exact readouts: the oracle."""

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
from watchtime.datasets.simulator.law import LEVELS, knots, play_time

TASKS = ("watch_time", "watch_ratio")
BLOCK = 8192


@dataclass(frozen=True)
class Truth:
    """The law of the target of n views: kind weights (n, 5) and durations (n,), as ``law.py`` defines them.

    The target is the watch time in seconds, or the watch ratio for ``task="watch_ratio"``. Raw files hold whole
    milliseconds: a play time is rounded to the nearest, which moves no readout of location by more than 0.5 ms, and
    ``rank`` only where the density changes within one millisecond. ``perturbed`` marks rows that do not follow the
    law or hide its duration: repeated rows, watch ratios above 10, and videos whose duration is given as 0.
    """

    weights: Floats
    duration_ms: Floats
    perturbed: Booleans
    task: str = "watch_time"

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise WatchtimeError(unknown("task", self.task, TASKS))

    def __len__(self) -> int:
        return len(self.duration_ms)

    def select(self, rows: npt.ArrayLike) -> Truth:
        """Return the law of the given rows, which are indices from 0 into this one."""
        index = np.asarray(rows)
        return replace(
            self,
            weights=self.weights[index],
            duration_ms=self.duration_ms[index],
            perturbed=self.perturbed[index],
        )

    @staticmethod
    def joined(laws: Sequence[Truth]) -> Truth:
        """Return the law of the rows of all ``laws``, one after the other."""
        return Truth(
            np.concatenate([law.weights for law in laws]),
            np.concatenate([law.duration_ms for law in laws]),
            np.concatenate([law.perturbed for law in laws]),
        )

    def save(self, path: Path) -> None:
        """Write the law without its task; equal laws give equal bytes."""
        with replacing(path) as temporary, temporary.open("wb") as stream:
            np.savez(
                stream,
                version=np.int64(SIMULATOR_VERSION),
                weights=self.weights,
                duration_ms=self.duration_ms,
                perturbed=self.perturbed,
            )

    @classmethod
    def load(cls, path: Path, task: str = "watch_time") -> Truth:
        """Read the law of the rows of the standard-policy logs, in the order of file names and rows.

        Raises ``WatchtimeError`` where the file is absent, is not one of ours or has another simulator's version.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                found = int(stored["version"])
                law = cls(stored["weights"], stored["duration_ms"], stored["perturbed"], task)
        except FileNotFoundError:
            raise WatchtimeError(f"{path}: the file does not exist.") from None
        except (KeyError, TypeError, ValueError, OSError, EOFError, BadZipFile) as error:
            raise WatchtimeError(f"{path}: not the truth of a simulated log ({error}).") from None
        if found != SIMULATOR_VERSION:
            raise WatchtimeError(f"{path}: written by simulator version {found}, this is version {SIMULATOR_VERSION}.")
        return law

    def mean(self) -> Floats:
        """Return E[Y | x]."""
        return np.concatenate([_expectation(part, part._knots()) for part in self._blocks()])

    def median(self) -> Floats:
        """Return the smallest y with P(Y ≤ y | x) ≥ ½."""
        return self.quantile(0.5)

    def quantile(self, probability: npt.ArrayLike) -> Floats:
        """Return the smallest y with P(Y ≤ y | x) ≥ ``probability``, one number or one per row."""
        level = np.broadcast_to(np.asarray(probability, dtype=np.float64), self.duration_ms.shape)
        return play_time(self.weights, self.duration_ms, level)[0] / self._unit_ms()

    def cdf(self, value: npt.ArrayLike) -> Floats:
        """Return P(Y ≤ ``value`` | x), ``value`` one number or one per row."""
        values = np.broadcast_to(np.asarray(value, dtype=np.float64), self.duration_ms.shape)
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

    def _unit_ms(self) -> Floats:
        return self.duration_ms if self.task == "watch_ratio" else np.full_like(self.duration_ms, 1000.0)

    def _knots(self) -> Floats:
        return knots(self.duration_ms) / self._unit_ms()[:, None]

    def _block_bounds(self) -> Iterator[tuple[int, int]]:
        for low in range(0, max(len(self), 1), BLOCK):
            yield low, min(low + BLOCK, len(self))

    def _blocks(self) -> Iterator[Truth]:
        for low, high in self._block_bounds():
            yield self.select(np.arange(low, high))


def _mixture(weights: Floats, of_zero: float, of_played: Floats) -> Floats:
    """Return w₀ · of_zero + Σ_k w_k · of_played[k]."""
    return weights[:, 0] * of_zero + (weights[:, 1:].T * of_played).sum(axis=0)


def _expectation(law: Truth, at_knots: Floats) -> Floats:
    """Return the expectation of a function that is linear between knots and 0 at zero."""
    middle = 0.5 * (at_knots[:, :, 1:] + at_knots[:, :, :-1])
    return _mixture(law.weights, 0.0, (middle * np.diff(LEVELS)).sum(axis=-1))


def _cdf(law: Truth, value: Floats) -> Floats:
    points = law._knots()
    left = np.clip((points <= value[:, None]).sum(axis=-1) - 1, 0, len(LEVELS) - 2)[:, :, None]
    low, high = (np.take_along_axis(points, end, axis=-1)[:, :, 0] for end in (left, left + 1))
    level = LEVELS[left[:, :, 0]]
    along = np.clip((value - low) / (high - low), 0.0, 1.0)
    played = level + along * (LEVELS[left[:, :, 0] + 1] - level)
    return np.where(value < 0.0, 0.0, _mixture(law.weights, 1.0, played))


def _rank(law: Truth, targets: Floats, sums: Floats) -> Floats:
    points = law._knots()
    below = np.searchsorted(targets, points)
    area = below * points - sums[below]
    mean_rank = np.diff(area, axis=-1) / np.diff(points, axis=-1)
    at_zero = 0.5 * (np.searchsorted(targets, 0.0, "left") + np.searchsorted(targets, 0.0, "right"))
    total = _mixture(law.weights, float(at_zero), (mean_rank * np.diff(LEVELS)).sum(axis=-1))
    return total / len(targets)
