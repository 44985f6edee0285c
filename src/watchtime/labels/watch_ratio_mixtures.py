"""Watch time in units of its deviation, beside the peaks of the watch ratio per duration bucket (ProWTP, stage 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field

from watchtime.core import settings as core
from watchtime.core.errors import WatchtimeError
from watchtime.labels.base import Array, Codec, Floats
from watchtime.labels.duration_groups import distinct_targets, equal_frequency_starts, group_by_start
from watchtime.labels.gaussian_mixture import GaussianMixture
from watchtime.labels.quantile_functions import QuantileFunctions

# How peaks are counted: bins up to this quantile, smoothed by a Gaussian of so many bins.
_BINS, _LAST_LEVEL, _SMOOTHING = 200, 0.99, 3.0


@dataclass(frozen=True, eq=False)
class WatchRatioMixtures(Codec):
    """value = y / s, and per duration bucket b the mixture Σ_c θ_bc N(μ_bc, σ_bc²) of the watch ratio y / d.

    s is the standard deviation of the training targets, 1 where that is 0. **Buckets** hold equal numbers of training
    rows, as the groups of D2Q do; ProWTP's are "unequal-length" and otherwise not told. **Components** are as many as
    the distribution of the bucket has peaks (``components: peaks``), or one number for all. A peak is a maximum of the
    histogram of ratios up to their 99 % quantile in 200 bins, smoothed over 3, which rises above its surroundings by
    ``prominence`` of the highest one; the rule and its numbers are ours, the paper counts peaks by eye. Rows with no
    duration have no ratio and count for s alone.

    ``quantiles`` are those of the ratio in each bucket, from which stage 1 draws.

    Labels: ``value`` float64 [rows]. Source: ProWTP, section 4.2 and A.2, steps 1 and 2.
    """

    class Settings(core.Settings):
        """Buckets and components; the last three are scikit-learn's defaults of a Gaussian mixture."""

        buckets: int = Field(5, ge=1)
        components: Annotated[int, Field(ge=1)] | Literal["peaks"] = "peaks"
        largest_components: int = Field(8, ge=1)
        prominence: float = Field(0.02, gt=0, lt=1)
        knots: int = Field(1001, ge=2)
        variance_floor: float = Field(1e-6, gt=0, allow_inf_nan=False)
        tolerance: float = Field(1e-3, gt=0)
        iterations: int = Field(100, ge=1)

    name = "watch_ratio_mixtures"
    settings: Settings
    unit: float
    """s, in the target's unit."""
    starts: Floats
    """Smallest duration of each bucket, increasing, [buckets]."""
    weights: Floats
    """θ, [buckets, components]; 0 where a bucket has fewer than the largest number of them."""
    means: Floats
    """μ, [buckets, components]."""
    deviations: Floats
    """σ, [buckets, components]."""
    quantiles: Floats
    """Of the watch ratio in each bucket at the knots' levels, [buckets, knots]."""

    @classmethod
    def _fit(cls, settings: Settings, target: Floats, duration: Floats | None) -> Self:
        assert duration is not None
        known = duration > 0
        if not known.any():
            raise WatchtimeError(f"codec '{cls.name}': no training row has a duration above 0, so none has a ratio.")
        ratio, lasting = target[known] / duration[known], duration[known]
        starts = equal_frequency_starts(lasting, settings.buckets)
        bucket = group_by_start(starts, lasting)
        mixtures = [_mixture(settings, *part) for part in distinct_targets(bucket, ratio, len(starts))]
        most = max(len(one.weights) for one in mixtures)
        rows = [ratio[bucket == number] for number in range(len(starts))]
        return cls(
            settings=settings,
            unit=float(np.std(np.sort(target))) or 1.0,
            starts=starts,
            weights=np.stack([np.pad(one.weights, (0, most - len(one.weights))) for one in mixtures]),
            means=np.stack([np.pad(one.means, (0, most - len(one.means)), mode="edge") for one in mixtures]),
            deviations=np.sqrt(
                np.stack([np.pad(one.variances, (0, most - len(one.variances)), mode="edge") for one in mixtures])
            ),
            quantiles=QuantileFunctions.fit(rows, settings.knots).knots,
        )

    @staticmethod
    def needs_duration(settings: Any) -> bool:
        return True

    def decode(self, value: Floats) -> Floats:
        """Return the target y = s · value, [rows]."""
        return value * self.unit

    def facts(self) -> dict[str, int | float]:
        return {"buckets": len(self.starts), "components": self.weights.shape[1]}

    def _encode(self, target: Floats, duration: Floats | None) -> dict[str, Array]:
        return {"value": target / self.unit}

    def _reconstruct(self, target: Floats, duration: Floats | None) -> Floats:
        return self.decode(target / self.unit)


def peaks(values: Floats, counts: Floats, prominence: float) -> int:
    """Return how many peaks the distribution of ``values`` [distinct] with ``counts`` [distinct] has, at least one."""
    # Not above, since scipy.signal loads all of scipy.stats, and a fitted codec needs neither.
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    last = values[min(int(np.searchsorted(np.cumsum(counts), _LAST_LEVEL * counts.sum())), len(values) - 1)]
    if last <= 0:
        return 1
    rows, _ = np.histogram(values, bins=_BINS, range=(0.0, float(last)), weights=counts)
    # Nothing lies beyond the ends, so that a maximum at 0 is a peak.
    smooth = gaussian_filter1d(np.pad(rows.astype(np.float64), 1), _SMOOTHING, mode="constant")
    found, _ = find_peaks(np.pad(smooth, 1), prominence=prominence * smooth.max())
    return max(len(found), 1)


def _mixture(settings: WatchRatioMixtures.Settings, values: Floats, counts: Floats) -> GaussianMixture:
    if isinstance(settings.components, int):
        components = settings.components
    else:
        components = min(peaks(values, counts, settings.prominence), settings.largest_components)
    return GaussianMixture.fit(
        values, counts, components, settings.variance_floor, settings.tolerance, settings.iterations
    )
