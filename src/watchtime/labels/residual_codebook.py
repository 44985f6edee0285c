"""The target as a sum of one centre per level, each level the clusters of what the ones before left over (RQ-Reg)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from pydantic import Field

from watchtime.core import settings as core
from watchtime.labels.base import Array, Floats, Integers
from watchtime.labels.intervals import Intervals
from watchtime.labels.one_dimensional_clusters import Centre, cluster, halfway, nearest, weighted_distinct
from watchtime.labels.sequence import FIRST_VALUE, SequenceCodec


@dataclass(frozen=True, eq=False)
class ResidualCodebook(SequenceCodec):
    """r_0 = min(y, clip); at level l = 1 … L, q_l is the centre of level l nearest to r_{l−1}, r_l = r_{l−1} − q_l.

    The K centres of a level are the K-means of the training rows' r_{l−1} (eqs. 1–5, algorithm 1). Centres are in
    ascending order; a residual half-way between two goes to the lower. ``levels: 1`` is plain K-means (table 5).

    **Tokens.** Centre k of level l is the token 3 + K (l − 1) + k: levels share one vocabulary, not their centres.
    Every sequence has L of them; none ends early, so ``END`` and ``PADDING`` do not occur.

    **Fewer than K distinct residuals** give one centre each, and the largest fills the rest of its level; ties go to
    the lower, so that the filling tokens are never a label. ``facts`` counts the distinct centres.

    **Settings.** ``first_level: medians`` is the deployed variant (section 4.3), for prices that cluster in peaks.
    ``clip`` caps labels before they are clustered and encoded (released for CIKM16: 6 s), but not ``target``, on
    which the regression is trained. ``small_residual`` keeps residuals of at most that size out of the clustering of
    all levels but the first (released: 0.005); rows are encoded alike, by the nearest centre. Where no residual is
    left, a level has the one centre 0. The paper mentions neither.

    **Intervals** are the cells of the first level: cut half-way between its centres, from the smallest to the largest
    training target; a cell predicts the mean of its training rows.

    Source: RQ-Reg, sections 3.2 and 4.3; the released code.
    """

    class Settings(core.Settings):
        """Size of the codebook: 3 × 48 in RQ-Reg, 3 × 32 as deployed."""

        levels: int = Field(3, ge=1, le=16)
        size: int = Field(48, ge=1, le=1024)
        first_level: Centre = "means"
        clip: float | None = Field(None, gt=0)
        small_residual: float = Field(0.0, ge=0)

    name = "residual_codebook"
    settings: Settings
    level_values: Floats
    """The centres of each level, ascending, filled with the largest, [levels, size]."""
    errors: Floats
    """Mean over the training rows of |y − Σ_{m ≤ l} q_m| for each level l, [levels]."""
    clipped_share: float
    """Share of the training rows above ``clip``."""
    edges: Floats
    """Bounds of the first level's cells, [cells + 1]."""
    cell_means: Floats
    """Mean training target of each cell, [cells]."""
    cell_shares: Floats
    """Share of the training rows in each cell, [cells]."""
    target_deviation: float
    """Standard deviation of the training targets."""

    @classmethod
    def _fit(cls, settings: Settings, target: Floats, duration: Floats | None) -> Self:
        distinct, weights = weighted_distinct(target)
        shares = weights / len(target)
        labels = _clipped(distinct, settings.clip)
        residual = labels.copy()
        levels, errors = [], []
        for level in range(settings.levels):
            levels.append(_centres(settings, level, residual, weights))
            residual -= levels[-1][nearest(levels[-1], residual)]
            errors.append((shares * np.abs(residual + (distinct - labels))).sum())
        cell = nearest(levels[0], labels)
        cell_shares = np.bincount(cell, weights=shares).astype(np.float64)
        mean = (shares * distinct).sum()
        return cls(
            settings=settings,
            level_values=np.stack([_filled(level, settings.size) for level in levels]),
            errors=np.array(errors),
            clipped_share=float(shares[distinct > labels].sum()),
            edges=np.concatenate([distinct[:1], halfway(levels[0]), distinct[-1:]]),
            cell_means=np.bincount(cell, weights=shares * distinct) / cell_shares,
            cell_shares=cell_shares,
            target_deviation=float(np.sqrt((shares * (distinct - mean) ** 2).sum())),
        )

    @property
    def token_values(self) -> Floats:
        return np.concatenate([np.zeros(FIRST_VALUE), self.level_values.ravel()])

    @property
    def steps(self) -> int:
        return self.settings.levels

    @property
    def intervals(self) -> Intervals:
        return Intervals(self.edges, self.cell_means, self.cell_shares)

    @property
    def first_tokens(self) -> Integers:
        return FIRST_VALUE + np.arange(len(self.cell_means))

    @property
    def standard_deviation(self) -> float:
        return self.target_deviation

    def facts(self) -> dict[str, int | float]:
        facts: dict[str, int | float] = {"clipped_share": self.clipped_share}
        for level, (values, error) in enumerate(zip(self.level_values, self.errors, strict=True), start=1):
            facts[f"centres_of_level_{level}"] = len(np.unique(values))
            facts[f"error_after_level_{level}"] = float(error)
        return facts

    def _encode(self, target: Floats, duration: Floats | None) -> dict[str, Array]:
        tokens = np.empty((len(target), self.steps), dtype=np.int16)
        for level, (code, _) in enumerate(self._codes(target)):
            tokens[:, level] = FIRST_VALUE + self.settings.size * level + code
        return {"target": target, "tokens": tokens}

    def _reconstruct(self, target: Floats, duration: Floats | None) -> Floats:
        # The sum of the tokens' values without the tokens, which would take several times the memory.
        restored = np.zeros(len(target))
        for _, value in self._codes(target):
            restored += value
        return restored

    def _codes(self, target: Floats) -> Iterator[tuple[Integers, Floats]]:
        """Yield the number and the value of each row's centre, [rows] both, level by level."""
        residual = _clipped(target, self.settings.clip)
        for values in self.level_values:
            centres = np.unique(values)
            code = nearest(centres, residual)
            value = centres[code]
            residual = residual - value
            yield code, value


def _centres(settings: ResidualCodebook.Settings, level: int, residual: Floats, weights: Floats) -> Floats:
    """Return the distinct centres of one level, ascending, from the residuals that it is to cover."""
    if level == 0:
        return cluster(residual, settings.size, weights, settings.first_level)
    # A residual of 0 counts as well, unless the setting asks for larger ones only.
    large = np.abs(residual) > settings.small_residual if settings.small_residual else np.ones(len(residual), bool)
    return cluster(residual[large], settings.size, weights[large]) if large.any() else np.zeros(1)


def _clipped(target: Floats, clip: float | None) -> Floats:
    return target if clip is None else np.minimum(target, clip)


def _filled(centres: Floats, size: int) -> Floats:
    return np.pad(centres, (0, size - len(centres)), mode="edge")
