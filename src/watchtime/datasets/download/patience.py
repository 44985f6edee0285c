"""How long a server is waited for, and how often it is asked again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random


class Interrupted(Exception):
    """A request that failed and may go well another time; ``wait`` is what the server asks for, in seconds."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass(frozen=True)
class Patience:
    """Times in seconds: ``connect`` until a connection stands, ``read`` until the next bytes come.

    ``attempts`` counts requests in a row that brought no new byte. The wait after the n-th of them is a random half
    to whole of first_wait · 2ⁿ⁻¹, or what the server asks for, and at most ``longest_wait``.
    """

    connect: float = 10.0
    read: float = 60.0
    attempts: int = 6
    first_wait: float = 1.0
    longest_wait: float = 120.0
    seed: int = 0
    sleep: Callable[[float], None] = time.sleep

    def wait(self, failures: int, random: Random) -> float:
        """Return the seconds to wait after ``failures`` requests in a row that brought nothing."""
        return min(self.first_wait * 2.0 ** (failures - 1), self.longest_wait) * random.uniform(0.5, 1.0)


PATIENCE = Patience()
