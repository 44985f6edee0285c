"""Where an online test is replayed: the visitors, the items that may be shown to each, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from watchtime.core.settings import Settings
from watchtime.labels.base import Floats, Integers

Booleans = npt.NDArray[np.bool_]
# What follows on a day from showing each visitor the items in places [visitors, m]: by kind, each [visitors, m].
Outcome = Callable[[int, Integers], Mapping[str, Floats]]
DRAWN, EXPECTED = "drawn", "expected"


class Options(Settings):
    """How the test is replayed.

    Every day each visitor is offered ``candidates`` items, of which a policy shows the ``shown`` with the highest
    prediction. On ``test_days``, first and last, the treatment's bucket has the treatment; on ``same_days`` both
    buckets have the control. ``visitors`` and ``products`` bound how large a simulated stage is; ``visit`` names the
    features that belong to a click's visit and not to its product; ``tail`` is the level of the price from which on
    a product belongs to the long tail.
    """

    candidates: int = 20
    shown: int = 5
    test_days: tuple[int, int]
    same_days: tuple[int, int] | None = None
    visitors: int = 1000
    products: int = 30
    visit: list[str] = []
    tail: float = 0.9


@dataclass(frozen=True)
class Stage:
    """Visitors and items.

    ``available`` [visitors, items] says what may be shown to whom, ``scores`` has per policy the predictions of every
    repetition, [repetitions, visitors, items], ``parts`` which items belong to a part of all, [visitors, items].
    """

    available: Booleans
    scores: Mapping[str, Floats]
    outcome: Outcome
    parts: Mapping[str, Booleans] = field(default_factory=dict)

    def with_enough(self, candidates: int) -> Booleans:
        """Return which visitors have at least so many items, [visitors]."""
        return np.asarray(self.available.sum(axis=1) >= candidates)


def candidates(stage: Stage, count: int, rng: np.random.Generator) -> Integers:
    """Return ``count`` different available items of each visitor in random order, [visitors, count]."""
    keys = np.where(stage.available, rng.random(stage.available.shape), np.inf)
    return np.argsort(keys, axis=1, kind="stable")[:, :count]


def best(scores: Floats, places: Integers, shown: int) -> Integers:
    """Return which of the candidates ``places`` [visitors, m] have the highest scores, as columns, [visitors, shown].

    ``scores`` are those of all items, [visitors, items]; of equal ones the first candidate is shown, and candidates
    come in random order.
    """
    offered = np.take_along_axis(scores, places, axis=1)
    return np.argsort(-offered, axis=1, kind="stable")[:, :shown]
