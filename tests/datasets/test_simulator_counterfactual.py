import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest

from simulated_folder import run_without_vector_instructions
from watchtime.core.errors import WatchtimeError
from watchtime.datasets.simulator import counterfactual, kuairec, tables, world
from watchtime.datasets.simulator.counterfactual import Outcomes, Simulation, laws, outcomes, simulation
from watchtime.datasets.simulator.law import KINDS

USERS, ITEMS = 60, 40
# Outcomes under simulator version 1: where they change on purpose, SIMULATOR_VERSION in core changes with them.
DIGEST = "6b3e5a43cd3c4704ab2b8f56c1b4ecf33b49e9c433c4552b8537649f3d711ad7"


@pytest.fixture(scope="module")
def simulated() -> Simulation:
    return simulation("kuairand_pure", USERS, ITEMS, seed=3)


def everything(simulated: Simulation, day: int) -> Outcomes:
    return outcomes(simulated, np.arange(USERS), np.arange(ITEMS), day)


def arrays(found: Outcomes) -> dict[str, np.ndarray]:
    return {"watch_time": found.watch_time, "kind": found.kind, "purchases": found.purchases, **found.feedback}


def digest(found: Outcomes) -> str:
    parts = [values.tobytes() for _, values in sorted(arrays(found).items())]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def test_arrays_have_one_row_per_user_and_one_column_per_candidate(simulated: Simulation) -> None:
    found = outcomes(simulated, [5, 1, 7], [2, 9], day=4)
    assert {values.shape for values in arrays(found).values()} == {(3, 2)}
    assert set(found.feedback) == set(tables.FEEDBACK_RATES) - {"comment_stay"}
    assert found.kind.dtype == np.int8
    assert {values.dtype for values in found.feedback.values()} == {np.dtype(bool)}
    assert outcomes(simulated, [], [2, 9], day=4).purchases.shape == (0, 2)


def test_a_pair_has_the_same_outcome_whichever_candidates_it_is_asked_with(simulated: Simulation) -> None:
    whole = arrays(everything(simulated, day=2))
    rng = np.random.default_rng(0)
    users = rng.permutation(USERS)[:25]
    shared = rng.permutation(ITEMS)[:7]
    own = np.stack([rng.permutation(ITEMS)[:5] for _ in users])
    for name, values in arrays(outcomes(simulated, users, shared, day=2)).items():
        assert np.array_equal(values, whole[name][np.ix_(users, shared)]), name
    for name, values in arrays(outcomes(simulated, users, own, day=2)).items():
        assert np.array_equal(values, whole[name][users[:, None], own]), name


def test_blocks_do_not_change_outcomes(simulated: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = digest(everything(simulated, day=2))
    monkeypatch.setattr(counterfactual, "PAIRS_PER_BLOCK", 7 * ITEMS)
    assert digest(everything(simulated, day=2)) == whole
    monkeypatch.setattr(counterfactual, "PAIRS_PER_BLOCK", 1)
    assert digest(everything(simulated, day=2)) == whole


def test_days_seeds_and_pairs_have_outcomes_of_their_own(simulated: Simulation) -> None:
    today, tomorrow = (everything(simulated, day).watch_time for day in (1, 2))
    other = everything(simulation("kuairand_pure", USERS, ITEMS, seed=4), 1).watch_time
    for different in (tomorrow, other):
        assert (today != different).mean() > 0.5
        assert abs(np.corrcoef(today.argsort().argsort().ravel(), different.argsort().argsort().ravel())[0, 1]) < 0.6
    positive = today[today > 0]
    assert len(set(positive.tolist())) > 0.9 * len(positive)


def test_mean_outcomes_are_those_of_the_law(simulated: Simulation) -> None:
    """Over 300 days the mean of each pair's outcomes lies within standard errors of the law's mean."""
    users, items, days = np.arange(12), np.arange(15), 300
    drawn = [outcomes(simulated, users, items, day) for day in range(days)]
    known = [laws(simulated, users, items, day) for day in range(days)]
    watched, spent = (
        np.stack([getattr(one, name) - law[k].mean().reshape(12, 15) for one, law in zip(drawn, known, strict=True)])
        for k, name in enumerate(("watch_time", "purchases"))
    )
    scores = watched.mean(axis=0) / (watched.std(axis=0, ddof=1) / days**0.5)
    assert np.abs(scores).max() < 4.5
    assert scores.std() == pytest.approx(1.0, abs=0.35)
    for error in (watched, spent):
        total = error.mean(axis=(1, 2))
        assert abs(total.mean()) < 3 * total.std() / days**0.5
    share = np.mean([[(one.kind == kind).mean() for kind in range(len(KINDS))] for one in drawn], axis=0)
    weights = np.mean([law[0].weights.mean(axis=0) for law in known], axis=0)
    assert np.abs(share - weights).max() < 0.01


def test_the_outcomes_follow_the_whole_law(simulated: Simulation) -> None:
    found = everything(simulated, day=9)
    watching, buying = laws(simulated, np.arange(USERS), np.arange(ITEMS), day=9)
    for law, values in ((watching, found.watch_time.ravel()), (buying, found.purchases.ravel())):
        for level in (0.3, 0.6, 0.8, 0.95, 0.99):
            below = (values <= law.quantile(level)).astype(float)
            chance = law.cdf(law.quantile(level))
            assert below.mean() == pytest.approx(chance.mean(), abs=4 * (0.25 / len(below)) ** 0.5)
    zero = found.watch_time.ravel() == 0
    assert np.array_equal(zero, found.kind.ravel() == KINDS.index("zero"))
    assert np.allclose(found.watch_time * 1000, np.round(found.watch_time * 1000))
    assert np.allclose(found.purchases * 100, np.round(found.purchases * 100))


def test_users_come_at_an_hour_of_their_own_which_the_law_knows(
    simulated: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world, "HOUR_EFFECTS", np.where(np.arange(24) < 14, -0.8, 0.8))
    watching, _ = laws(simulated, np.arange(USERS), np.arange(ITEMS), day=5)
    expected = watching.weights[:, 3:].sum(axis=1).reshape(USERS, ITEMS)
    finished = everything(simulated, day=5).kind >= KINDS.index("finish")
    spread = (expected * (1 - expected)).sum(axis=1) ** 0.5
    assert np.abs((finished.sum(axis=1) - expected.sum(axis=1)) / spread).max() < 4
    assert np.quantile(expected.mean(axis=1), 0.9) > 5 * np.quantile(expected.mean(axis=1), 0.1)


def test_feedback_follows_what_was_watched(simulated: Simulation) -> None:
    days = [everything(simulated, day) for day in range(40)]
    kind = np.concatenate([one.kind.ravel() for one in days])
    liked = np.concatenate([one.feedback["is_like"].ravel() for one in days])
    by_kind = [liked[kind == k].mean() for k in range(len(KINDS))]
    rates = tables.FEEDBACK_RATES["is_like"]
    assert by_kind[0] <= by_kind[1] < by_kind[3]
    for found, rate in zip(by_kind, rates, strict=True):
        assert 0.5 * rate <= found <= 3 * rate


def test_purchases_are_rare_and_depend_on_the_pair(simulated: Simulation) -> None:
    _, buying = laws(simulated, np.arange(USERS), np.arange(ITEMS), day=0)
    chance = 1 - buying.weights[:, 0]
    assert 0.01 < chance.mean() < 0.05
    assert np.quantile(chance, 0.95) > 3 * np.quantile(chance, 0.05)


def test_the_world_is_that_of_the_simulated_log(tmp_path: Path) -> None:
    kuairec.simulate(tmp_path, rows=400, users=25, items=20, days=3, seed=6)
    again = simulation("kuairec", 25, 20, seed=6).world
    with (tmp_path / "data/small_matrix.csv").open(newline="") as stream:
        shown = {int(row["video_id"]): int(row["video_duration"]) for row in csv.DictReader(stream)}
    assert shown
    assert all(again.items.duration_ms[item] == duration for item, duration in shown.items())
    seconds = simulation("wechat21", 25, 20, seed=6).world.items.duration_ms
    assert (seconds % 1000 == 0).all()


def test_outcomes_are_those_of_this_simulator_version(simulated: Simulation) -> None:
    assert digest(everything(simulated, day=1)) == DIGEST


def test_outcomes_do_not_depend_on_the_processor() -> None:
    here = Path(__file__).parent
    printed = run_without_vector_instructions(
        f"import sys; sys.path[:0] = {[str(here), str(here.parent)]!r}\n"
        "import test_simulator_counterfactual as t\n"
        "print(t.digest(t.everything(t.simulation('kuairand_pure', t.USERS, t.ITEMS, seed=3), day=1)))\n"
    )
    assert printed.strip() == DIGEST


def test_what_is_not_there_is_named(simulated: Simulation) -> None:
    with pytest.raises(WatchtimeError, match="outcomes 'kuairnd_pure', did you mean 'kuairand_pure'"):
        simulation("kuairnd_pure", 10, 10, seed=0)
    with pytest.raises(WatchtimeError, match="outcomes: user: found 60, allowed: 0 to 59"):
        outcomes(simulated, [0, 60], [0], day=0)
    with pytest.raises(WatchtimeError, match="outcomes: item: found -1, allowed: 0 to 39"):
        outcomes(simulated, [0], [3, -1], day=0)
