"""Sampling rates: their ends, their middle, and the equations written out."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import lambertw

from watchtime.decoders.schedules import Schedule, epoch_sigmoid, half_life, truth_rate

FALLING: list[Schedule] = ["sigmoid", "linear", "exponential"]
STEPS, EPOCHS = 4000, 20


@pytest.mark.parametrize("schedule", FALLING)
@pytest.mark.parametrize("rate", [1.0, 0.6])
def test_falling_schedules_start_at_their_rate_and_are_half_of_it_at_half_of_the_training(
    schedule: Schedule, rate: float
) -> None:
    rates = [truth_rate(schedule, rate, step, STEPS, EPOCHS) for step in range(STEPS + 1)]
    assert rates[0] == pytest.approx(rate, rel=0.01)
    assert rates[STEPS // 2] == pytest.approx(rate / 2, rel=1e-9)
    assert all(later < earlier for earlier, later in pairwise(rates))
    assert rates[-1] >= 0


def test_at_the_end_the_linear_one_is_nought_and_the_exponential_one_a_quarter() -> None:
    assert truth_rate("linear", 1, STEPS, STEPS, EPOCHS) == 0
    assert truth_rate("exponential", 1, STEPS, STEPS, EPOCHS) == pytest.approx(0.25)
    assert truth_rate("sigmoid", 1, STEPS, STEPS, EPOCHS) < 0.01


@given(step=st.integers(0, 400))
def test_the_sigmoid_is_equation_9(step: int) -> None:
    omega = math.exp(lambertw(200).real)
    expected = 0.7 * omega / (omega + math.exp(step / omega))
    assert truth_rate("sigmoid", 0.7, step, 400, 4) == pytest.approx(expected, rel=1e-9)


@given(step=st.floats(0, 1e9))
def test_omega_solves_its_equation(step: float) -> None:
    omega = half_life(step)
    assert omega >= 1
    assert omega * math.log(omega) == pytest.approx(step, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 10**9])
def test_the_sigmoid_does_not_overflow(steps: int) -> None:
    """e^{τ / ω} itself would, from some 30,000 steps on, were ω left at a constant."""
    for step in {0, steps // 2, steps}:
        assert 0 <= truth_rate("sigmoid", 1, step, steps, 1) <= 1


def test_the_constant_one_does_not_move() -> None:
    assert {truth_rate("constant", 0.3, step, 10, 2) for step in range(10)} == {0.3}


def test_the_released_one_is_nought_after_the_first_batch_of_every_epoch() -> None:
    rates = [truth_rate("released", 0.5, step, 12, 3) for step in range(12)]
    assert rates == [0.5, 0, 0, 0] * 3
    assert [truth_rate("released", 1, step, 6, 2) for step in range(3)] == [1, pytest.approx(1e-4), 0]


def test_rq_regs_rate_is_equation_17() -> None:
    """k = 0.1 and t0 = 10 of 50 epochs; the same shape over any number of them."""
    for epoch in range(50):
        expected = 1 / (1 + math.exp(0.1 * (epoch - 10)))
        assert epoch_sigmoid(epoch, 50, 5, 0.2) == pytest.approx(expected, rel=1e-12)
    assert epoch_sigmoid(2, 10, 5, 0.2) == 0.5
    assert epoch_sigmoid(10**6, 1, 5, 0.2) == 0
