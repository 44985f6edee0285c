"""Gains in per cent and their intervals over users."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from watchtime.core.errors import WatchtimeError
from watchtime.evaluation.gains import Gain, bucket_gain, paired_gain, users_needed

Floats = npt.NDArray[np.float64]


def users(count: int, seed: int) -> tuple[Floats, Floats]:
    """Return what each user brings under the control and the treatment, which is 10 % more and correlated."""
    rng = np.random.default_rng(seed)
    control = rng.gamma(2.0, 30.0, count)
    return control, 1.1 * control + rng.normal(0.0, 10.0, count)


def test_a_gain_is_a_ratio_of_sums_and_of_means() -> None:
    assert paired_gain(np.array([1.0, 3.0]), np.array([2.0, 4.0]), 1).percent == pytest.approx(50.0)
    assert bucket_gain(np.array([1.0, 3.0]), np.array([3.0, 3.0, 6.0]), 1).percent == pytest.approx(100.0)


def test_users_who_all_gain_alike_leave_no_doubt() -> None:
    control = np.array([1.0, 7.0, 2.0, 30.0])
    assert paired_gain(control, 1.2 * control, 3) == pytest.approx(Gain(20.0, 20.0, 20.0))


def test_the_paired_interval_is_that_of_the_linearised_ratio() -> None:
    """For many users the ratio of sums is normal with the variance of Σ (t − r c) / Σ c."""
    control, treatment = users(4_000, 5)
    gain = paired_gain(control, treatment, 1)
    ratio = treatment.sum() / control.sum()
    error = 100 * np.sqrt(len(control)) * np.std(treatment - ratio * control) / control.sum()
    assert gain.high - gain.low == pytest.approx(2 * 1.96 * error, rel=0.06)
    assert (gain.high + gain.low) / 2 == pytest.approx(gain.percent, abs=0.1 * error)


def test_the_interval_of_two_buckets_has_both_variances() -> None:
    (control, _), (_, treatment) = users(3_000, 6), users(1_000, 7)
    gain = bucket_gain(control, treatment, 1)
    relative = np.hypot(
        np.std(control) / control.mean() / np.sqrt(len(control)),
        np.std(treatment) / treatment.mean() / np.sqrt(len(treatment)),
    )
    error = (100 + gain.percent) * relative
    assert gain.high - gain.low == pytest.approx(2 * 1.96 * error, rel=0.06)


def test_the_same_users_tell_more_than_two_buckets() -> None:
    control, treatment = users(2_000, 8)
    paired, split = paired_gain(control, treatment, 1), bucket_gain(control[::2], treatment[1::2], 1)
    assert paired.high - paired.low < (split.high - split.low) / 5


def test_an_interval_shrinks_with_the_root_of_the_users() -> None:
    assert users_needed(Gain(1.0, -9.0, 11.0), users=100, wanted=1.0) == 10_000
    assert users_needed(Gain(1.0, -9.0, 11.0), users=100, wanted=-5.0) == 400


@pytest.mark.parametrize("control", [[], [0.0, 0.0]])
def test_a_control_that_brings_nothing_is_refused(control: list[float]) -> None:
    with pytest.raises(WatchtimeError, match="the control brings nothing"):
        paired_gain(np.array(control), np.ones(len(control)), 1)
