"""How often a decoder is shown the true token while it trains, from the first step to the last one."""

from __future__ import annotations

import math
from typing import Literal

Schedule = Literal["sigmoid", "linear", "exponential", "constant", "released"]


def truth_rate(schedule: Schedule, rate: float, step: int, steps: int, epochs: int) -> float:
    """Return p, the probability with which an input is the true token, at ``step`` of ``steps`` over all epochs.

    With p0 = ``rate`` and s = step / steps:
    sigmoid p0 ω / (ω + e^{step / ω}), GR, eq. 9 · linear p0 (1 − s) · exponential p0 · ½^{2s} · constant p0 ·
    released max(0, p0 − 0.9999 · step of the epoch), as GR's code has it: 0 from the second batch of every epoch on.
    GR prints no ω; it solves ω ln ω = steps / 2 here, so that p = p0 / 2 at half of the training, as it is for
    linear and exponential, and the three differ in shape alone.
    """
    share = step / steps
    if schedule == "sigmoid":
        omega = half_life(steps / 2)
        return rate * logistic(math.log(omega) - step / omega)
    if schedule == "linear":
        return rate * (1 - share)
    if schedule == "exponential":
        return rate * 0.5 ** (2 * share)
    if schedule == "released":
        return max(0.0, rate - 0.9999 * (step % max(steps // epochs, 1)))
    return rate


def half_life(step: float) -> float:
    """Return ω ≥ 1 with ω ln ω = ``step`` ≥ 0, at which ω / (ω + e^{step / ω}) = ½.

    Newton's iteration from above on a convex increasing function: it falls to the root and never below it.
    """
    omega = 1 + step
    for _ in range(64):
        omega -= (omega * math.log(omega) - step) / (math.log(omega) + 1)
    return omega


def epoch_sigmoid(epoch: float, epochs: int, steepness: float, pivot: float) -> float:
    """Return σ(−steepness · (epoch / epochs − pivot)), RQ-Reg, eq. 17, in shares of the training.

    Its k = 0.1 and t0 = 10 of 50 epochs are steepness 5 and pivot 0.2.
    """
    return logistic(-steepness * (epoch / epochs - pivot))


def logistic(value: float) -> float:
    """Return 1 / (1 + e^{−value}) without overflow."""
    return 0.5 * (1 + math.tanh(value / 2))
