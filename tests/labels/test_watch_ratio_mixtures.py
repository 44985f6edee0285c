"""Peaks of the watch ratio per duration bucket: counted on known shapes, fitted as the rows of each bucket alone."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from watchtime.core.errors import WatchtimeError
from watchtime.labels.base import Floats
from watchtime.labels.watch_ratio_mixtures import WatchRatioMixtures, peaks

DRAWS = np.random.default_rng(0)
ROWS = 4000
SETTINGS = {
    "buckets": 2,
    "components": 2,
    "largest_components": 8,
    "prominence": 0.02,
    "knots": 101,
    "variance_floor": 1e-6,
    "tolerance": 1e-9,
    "iterations": 500,
}
DURATION: Floats = np.where(np.arange(ROWS) % 2, 40.0, 10.0) + np.floor(DRAWS.uniform(0, 5, ROWS))
# Short videos are skipped at .1 or watched to .9, long ones skipped at .05 or left at .5.
CENTRES = np.where(DURATION < 20, 0.9, 0.5)
RATIO: Floats = np.abs(np.where(DRAWS.random(ROWS) < 0.4, DRAWS.normal(0.08, 0.02, ROWS), DRAWS.normal(CENTRES, 0.1)))


def fit(**changes: object) -> WatchRatioMixtures:
    settings = WatchRatioMixtures.Settings.model_validate({**SETTINGS, **changes})
    return WatchRatioMixtures.fit(settings, RATIO * DURATION, DURATION)


def counted(values: Floats) -> int:
    distinct, counts = np.unique(values, return_counts=True)
    return peaks(distinct, counts.astype(float), 0.02)


@pytest.mark.parametrize(
    ("centres", "expected"), [([0.5], 1), ([0.1, 0.9], 2), ([0.1, 0.6, 1.2], 3), ([0.1, 0.5, 0.9, 1.3], 4)]
)
def test_as_many_peaks_as_there_are(centres: list[float], expected: int) -> None:
    assert counted(np.concatenate([DRAWS.normal(centre, 0.05, 20_000) for centre in centres]).clip(0)) == expected


def test_a_maximum_at_zero_is_a_peak_and_a_shoulder_is_none() -> None:
    assert counted(DRAWS.exponential(0.3, 50_000)) == 1
    assert counted(np.concatenate([np.zeros(5000), DRAWS.normal(0.8, 0.1, 20_000).clip(0)])) == 2
    assert counted(np.zeros(10)) == 1


def test_every_bucket_has_the_mixture_of_its_own_rows() -> None:
    codec = fit()
    assert codec.starts.tolist() == [10.0, 40.0]
    for bucket, rows in enumerate((RATIO[DURATION < 20], RATIO[DURATION > 20])):
        known = GaussianMixture(2, tol=1e-9, reg_covar=1e-6, max_iter=500, random_state=0).fit(rows[:, None])
        order = np.argsort(known.means_[:, 0])
        np.testing.assert_allclose(codec.means[bucket], known.means_[order, 0], rtol=1e-3)
        np.testing.assert_allclose(codec.weights[bucket], known.weights_[order], rtol=1e-3)
        np.testing.assert_allclose(codec.deviations[bucket] ** 2, known.covariances_[order, 0, 0], rtol=1e-2)
        np.testing.assert_allclose(codec.quantiles[bucket], np.quantile(rows, np.linspace(0, 1, 101)), atol=1e-9)


def test_buckets_with_fewer_peaks_have_components_without_weight() -> None:
    ratio = np.where(DURATION < 20, RATIO, DRAWS.normal(0.5, 0.05, ROWS))
    settings = WatchRatioMixtures.Settings.model_validate({**SETTINGS, "components": "peaks"})
    codec = WatchRatioMixtures.fit(settings, ratio * DURATION, DURATION)
    assert (codec.weights > 0).sum(1).tolist() == [2, 1]
    assert codec.weights.sum(1) == pytest.approx([1, 1])
    assert codec.facts() == {"buckets": 2, "components": 2}


def test_the_label_is_the_target_in_its_deviations() -> None:
    codec = fit()
    target = RATIO[:5] * DURATION[:5]
    assert codec.encode(target, DURATION[:5])["value"] == pytest.approx(target / np.std(RATIO * DURATION))
    assert codec.decode(codec.encode(target, DURATION[:5])["value"]) == pytest.approx(target)


def test_rows_without_a_duration_have_no_ratio() -> None:
    settings = WatchRatioMixtures.Settings.model_validate(SETTINGS)
    without = WatchRatioMixtures.fit(settings, np.append(RATIO * DURATION, 7.0), np.append(DURATION, 0.0))
    np.testing.assert_array_equal(without.means, fit().means)
    with pytest.raises(WatchtimeError, match=r"^codec 'watch_ratio_mixtures': no training row has a duration above 0"):
        WatchRatioMixtures.fit(settings, np.ones(3), np.zeros(3))
