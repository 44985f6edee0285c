"""What would follow if a user were shown an item: the outcomes of all pairs, for the replay of online tests.

Every pair has its own uniforms on every day, which depend on the simulation's seed, the day, the user and the item
alone. Two policies that show a user the same item therefore see the same outcome (common random numbers), and the
outcomes of a pair follow exactly the law by which the log was drawn, without the log's perturbed rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from watchtime.core.errors import WatchtimeError, unknown
from watchtime.datasets.simulator import kuairec, tables, wechat21
from watchtime.datasets.simulator.arithmetic import Booleans, Floats, Integers, choose, generator
from watchtime.datasets.simulator.exposure import feedback_chance
from watchtime.datasets.simulator.law import MS_PER_SECOND, WATCHING
from watchtime.datasets.simulator.layout import main_context, with_durations
from watchtime.datasets.simulator.market import ONE_VIEW, Market, make_market, spending_law
from watchtime.datasets.simulator.piecewise import whole
from watchtime.datasets.simulator.population import make_world
from watchtime.datasets.simulator.spending import CENTS, SPENDING
from watchtime.datasets.simulator.truth import Truth
from watchtime.datasets.simulator.world import World, affinity, conditional

DURATIONS = {  # how the worlds of the data sets differ: quantiles of the durations and their unit in ms
    "kuairand_pure": None,
    "kuairec": (kuairec.LEVELS, kuairec.DURATIONS_MS, 1),
    "wechat21": (wechat21.LEVELS, wechat21.DURATIONS_MS, 1_000),
}
FEEDBACK = tuple(name for name in tables.FEEDBACK_RATES if name != "comment_stay")
WATCH, BUY, REACT = 0, 1, 2  # which uniform of a pair decides what; from REACT on one for each feedback
PAIRS_PER_BLOCK = 200_000


@dataclass(frozen=True)
class Simulation:
    """The world behind a simulated log, and the market of what its users buy after a view."""

    world: World
    market: Market
    seed: int


@dataclass(frozen=True)
class Outcomes:
    """What follows from showing each of n users m candidates: arrays (n, m)."""

    watch_time: Floats  # seconds, whole milliseconds
    kind: npt.NDArray[np.int8]  # index into law.KINDS
    feedback: dict[str, Booleans]
    purchases: Floats  # euros, whole cents


def simulation(dataset: str, users: int, items: int, seed: int) -> Simulation:
    """Return the world of a data set's simulated log, which these three settings determine.

    Raises ``WatchtimeError`` for a data set without simulated views.
    """
    if dataset not in DURATIONS:
        raise WatchtimeError(unknown("data set with counterfactual outcomes", dataset, DURATIONS))
    world, durations = make_world(users, items, seed), DURATIONS[dataset]
    if durations is not None:
        world = with_durations(world, *durations)
    return Simulation(world, make_market(world, ONE_VIEW, seed), seed)


def outcomes(simulation: Simulation, users: npt.ArrayLike, candidates: npt.ArrayLike, day: int) -> Outcomes:
    """Return the outcomes on ``day`` of showing ``users`` (n,) the ``candidates``, (m,) for all or (n, m).

    Both are indices into the world. Each user comes once a day, at an hour that depends on neither the candidates
    nor the other users, and looks at the main tab. Memory beyond the result does not grow with the pairs.

    Raises ``WatchtimeError`` where a user or a candidate is not of the world.
    """
    parts = list(_blocks(simulation, *_pairs(simulation, users, candidates), day))
    return Outcomes(
        watch_time=np.concatenate([part.watch_time for part in parts]),
        kind=np.concatenate([part.kind for part in parts]),
        feedback={name: np.concatenate([part.feedback[name] for part in parts]) for name in FEEDBACK},
        purchases=np.concatenate([part.purchases for part in parts]),
    )


def laws(simulation: Simulation, users: npt.ArrayLike, candidates: npt.ArrayLike, day: int) -> tuple[Truth, Truth]:
    """Return the laws of the watch time and of the purchases of ``outcomes``' pairs, user by user: n · m rows."""
    chosen, shown = _pairs(simulation, users, candidates)
    hours = np.asarray([_hour(_stream(simulation, int(user), day)) for user in chosen], dtype=np.int64)
    return _laws(simulation, np.repeat(chosen, shown.shape[1]), shown.ravel(), np.repeat(hours, shown.shape[1]))


def _pairs(simulation: Simulation, users: npt.ArrayLike, candidates: npt.ArrayLike) -> tuple[Integers, Integers]:
    world, chosen = simulation.world, np.asarray(users, dtype=np.int64)
    shown = np.asarray(candidates, dtype=np.int64)
    for name, found, count in (("user", chosen, len(world.users.patience)), ("item", shown, len(world.items.quality))):
        outside = found[(found < 0) | (found >= count)]
        if len(outside):
            raise WatchtimeError(f"counterfactual outcomes: {name}: found {outside[0]}, allowed: 0 to {count - 1}.")
    return chosen, np.broadcast_to(shown, (len(chosen), shown.shape[-1]))


def _blocks(simulation: Simulation, users: Integers, candidates: Integers, day: int) -> Iterator[Outcomes]:
    step = max(1, PAIRS_PER_BLOCK // max(1, candidates.shape[1]))
    for low in range(0, max(len(users), 1), step):
        yield _block(simulation, users[low : low + step], candidates[low : low + step], day)


def _block(simulation: Simulation, users: Integers, candidates: Integers, day: int) -> Outcomes:
    world, shape = simulation.world, candidates.shape
    hours, uniforms = np.empty(len(users), dtype=np.int64), np.empty((*shape, REACT + len(FEEDBACK)))
    for row, user in enumerate(users):
        stream = _stream(simulation, int(user), day)
        hours[row] = _hour(stream)
        uniforms[row] = stream.random((len(world.items.quality), uniforms.shape[2]))[candidates[row]]
    user, item = np.repeat(users, shape[1]), candidates.ravel()
    uniform = uniforms.reshape(len(item), uniforms.shape[2])
    watching, buying = _laws(simulation, user, item, np.repeat(hours, shape[1]))
    play, kind = WATCHING.quantile(watching.weights, watching.scale, uniform[:, WATCH])
    spent = SPENDING.quantile(buying.weights, buying.scale, uniform[:, BUY])[0]
    liking = affinity(world, user, item)
    feedback = {
        name: (uniform[:, REACT + k] < feedback_chance(tables.FEEDBACK_RATES[name], kind, liking)).reshape(shape)
        for k, name in enumerate(FEEDBACK)
    }
    return Outcomes(
        watch_time=(whole(play) / MS_PER_SECOND).reshape(shape),
        kind=kind.astype(np.int8).reshape(shape),
        feedback=feedback,
        purchases=(whole(spent) / CENTS).reshape(shape),
    )


def _laws(simulation: Simulation, users: Integers, items: Integers, hours: Integers) -> tuple[Truth, Truth]:
    watching = conditional(simulation.world, users, items, main_context(hours))
    return watching, spending_law(simulation.world, simulation.market, users, items)


def _stream(simulation: Simulation, user: int, day: int) -> np.random.Generator:
    return generator(simulation.seed, part="counterfactual", day=day, user=user)


def _hour(stream: np.random.Generator) -> int:
    """Return the hour of a user's visit, the first draw of the stream."""
    return int(choose(tables.HOUR_SHARES, stream.random(1))[0])
