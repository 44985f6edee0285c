from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from scipy import stats

from watchtime.core.errors import WatchtimeError
from watchtime.datasets.simulator import spending, tables, truth
from watchtime.datasets.simulator.arithmetic import generator
from watchtime.datasets.simulator.exposure import draw_views
from watchtime.datasets.simulator.kuairand_pure import RANDOM, STANDARD, simulate
from watchtime.datasets.simulator.law import WATCHING
from watchtime.datasets.simulator.market import ONE_YEAR, make_market, spending_law
from watchtime.datasets.simulator.population import make_world
from watchtime.datasets.simulator.truth import Truth
from watchtime.datasets.simulator.world import Context, World, conditional

Floats = npt.NDArray[np.float64]
PAIRS = 6


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(users=300, items=200, seed=5)


@pytest.fixture(scope="module")
def law(world: World) -> Truth:
    """The law of a few pairs that differ in user, item, tab and hour."""
    rng = np.random.default_rng(0)
    context = Context(tab=np.array([0, 1, 1, 1, 4, 6]), hour=rng.integers(0, 24, PAIRS))
    return conditional(world, rng.integers(0, 300, PAIRS), rng.integers(0, 200, PAIRS), context)


def redrawn(law: Truth, row: int, draws: int, rng: np.random.Generator) -> Floats:
    """Play times in ms drawn by the law's definition, kind first, with none of its code."""
    duration = float(law.duration_ms[row])
    limits = [0.0, min(5000.0, duration / 2), 0.95 * duration, 1.05 * duration + 1000, 10 * duration]
    kind = rng.choice(5, draws, p=law.weights[row] / law.weights[row].sum())
    play = np.zeros(draws)
    for k, name in enumerate(("skip", "partial", "finish", "replay"), start=1):
        by_level = np.asarray(tables.SHAPES[name])
        shape = [np.interp(duration, tables.DURATION_NODES_MS, by_level[:, j]) for j in range(len(tables.LEVELS))]
        place = np.interp(rng.random(draws), tables.LEVELS, shape)
        play = np.where(kind == k, limits[k - 1] + place * (limits[k] - limits[k - 1]), play)
    return play


@pytest.fixture(scope="module")
def worth(world: World) -> Truth:
    """The law of what a few customers spend on products that are cheap, dear and in between."""
    rng = np.random.default_rng(3)
    market = replace(make_market(world, ONE_YEAR, seed=5), price_cents=rng.choice([99.0, 499.0, 2999.0, 19999.0], 200))
    return spending_law(world, market, rng.integers(0, 300, PAIRS), rng.integers(0, 200, PAIRS))


def respent(law: Truth, row: int, draws: int, rng: np.random.Generator) -> Floats:
    """Amounts in cents drawn by the spending law's definition, kind first, with none of its code."""
    price = float(law.scale[row])
    bounds = {"small": (0.0, min(400.0, price / 2)), "one": (0.5, 1.5), "two": (1.5, 2.5)}
    bounds = {**bounds, "basket": (2.5, 7.5), "large": (7.5, 107.5)}
    kind = rng.choice(6, draws, p=law.weights[row] / law.weights[row].sum())
    dearness = np.clip((price - 500.0) / 9_500.0, 0.0, 1.0)
    amount = np.zeros(draws)
    for k, (name, (low, high)) in enumerate(bounds.items(), start=1):
        shape = (1 - dearness) * np.asarray(spending.SHAPES[name][0]) + dearness * np.asarray(spending.SHAPES[name][1])
        place = low + np.interp(rng.random(draws), spending.LEVELS, shape) * (high - low)
        amount = np.where(kind == k, place if name == "small" else place * price, amount)
    return amount


@pytest.mark.parametrize("task", ["watch_time", "watch_ratio", "ltv"])
def test_readouts_agree_with_redrawn_targets(law: Truth, worth: Truth, task: str) -> None:
    law = worth if task == "ltv" else replace(law, task=task)
    rng = np.random.default_rng(1)
    draws = 200_000
    mean, median, high = law.mean(), law.median(), law.quantile(0.9)
    for row in range(PAIRS):
        unit = {"watch_time": 1000.0, "watch_ratio": law.scale[row], "ltv": 100.0}[task]
        played = (respent if task == "ltv" else redrawn)(law, row, draws, rng) / unit
        assert mean[row] == pytest.approx(played.mean(), abs=5 * played.std() / draws**0.5)
        for level, found in ((0.5, median[row]), (0.9, high[row])):
            assert (played <= found).mean() >= level - 5 * 0.5 / draws**0.5
            assert (played < found).mean() <= level + 5 * 0.5 / draws**0.5
        for value in np.quantile(played, [0.2, 0.4, 0.6, 0.8, 0.97]):
            chance = law.cdf(value)[row]
            assert chance == pytest.approx((played <= value).mean(), abs=5 * 0.5 / draws**0.5)


@pytest.mark.parametrize(("task", "greatest"), [("watch_time", 10 / 1000), ("ltv", 107.5 / 100)])
def test_the_cdf_inverts_the_quantile_function(law: Truth, worth: Truth, task: str, greatest: float) -> None:
    law = worth if task == "ltv" else law
    for level in (0.05, 0.3, 0.5, 0.77, 0.99, 0.9999):
        found = law.quantile(level)
        assert np.allclose(law.cdf(found), np.maximum(level, law.weights[:, 0]), atol=1e-9)
    assert np.allclose(law.cdf(0.0), law.weights[:, 0], atol=1e-15)
    assert (law.cdf(-1e-9) == 0).all()
    assert np.allclose(law.cdf(greatest * law.scale), 1)


@pytest.mark.parametrize("task", ["watch_time", "watch_ratio", "ltv"])
def test_rank_is_the_integral_of_the_mid_distribution(law: Truth, worth: Truth, task: str) -> None:
    law = worth if task == "ltv" else replace(law, task=task)
    rng = np.random.default_rng(2)
    training = np.sort(np.round(rng.choice([0, 1.0, 5.0, 60.0], 500) * rng.random(500), 2))
    steps = 10_000
    levels = (np.arange(steps) + 0.5) / steps
    targets = np.stack([law.quantile(level) for level in levels])
    below, upto = np.searchsorted(training, targets, "left"), np.searchsorted(training, targets, "right")
    brute = ((below + upto) / 2 / len(training)).mean(axis=0)
    assert law.rank(training) == pytest.approx(brute, abs=1e-4)


@pytest.mark.parametrize("task", ["watch_time", "ltv"])
def test_rank_counts_ties_at_zero_as_one_half(law: Truth, worth: Truth, task: str) -> None:
    law = worth if task == "ltv" else law
    certain = replace(law, weights=np.eye(law.weights.shape[1])[np.zeros(PAIRS, dtype=int)])
    assert certain.rank([0.0, 0.0, 0.0, 5.0]) == pytest.approx(0.375)


def test_rank_of_customer_values_is_one_half_on_average(world: World) -> None:
    rng = np.random.default_rng(4)
    market = make_market(world, ONE_YEAR, seed=6)
    law = spending_law(world, market, rng.integers(0, 300, 20_000), rng.integers(0, 200, 20_000))
    amounts = np.round(law.quantile(rng.random(20_000)), 2)
    ranks = law.rank(np.sort(amounts))
    assert ranks.mean() == pytest.approx(0.5, abs=0.004)
    assert ranks.std() > 0.1


def test_rank_of_the_population_is_one_half(world: World) -> None:
    """E[F(Y)] = ½ where F is the distribution of Y itself; whole milliseconds make ties that count ½."""
    views = draw_views(world, generator(0, part="test"), 20_000)
    law = Truth(views.weights, world.items.duration_ms[views.items], views.perturbed)
    ranks = law.rank(np.sort(views.play_ms) / 1000)
    assert ranks.mean() == pytest.approx(0.5, abs=0.004)
    assert ranks.std() > 0.1


def test_simulated_watch_times_follow_the_law(world: World) -> None:
    views = draw_views(world, generator(1, part="test"), 40_000)
    law = Truth(views.weights, world.items.duration_ms[views.items], views.perturbed)
    rng = np.random.default_rng(3)
    uniform = law.cdf(views.play_ms / 1000)
    uniform = np.where(views.play_ms == 0, law.weights[:, 0] * rng.random(len(law)), uniform)
    kept = ~views.perturbed
    assert kept.mean() > 0.9
    assert stats.kstest(uniform[kept], "uniform").pvalue > 1e-3
    short = kept & (law.duration_ms < 20_000)
    assert stats.kstest(uniform[short], "uniform").pvalue > 1e-3
    other_pairs = law.select(rng.permutation(len(law))).cdf(views.play_ms / 1000)
    assert stats.kstest(other_pairs[kept & (views.play_ms > 0)], "uniform").pvalue < 1e-3


def test_truth_rows_are_those_of_the_three_logs(tmp_path: Path) -> None:
    simulate(tmp_path, rows=3_000, users=50, items=40, days=4, seed=7)
    log = pl.concat([pl.read_csv(tmp_path / "data" / name) for name in (*STANDARD, RANDOM)])
    users, items = log["user_id"].to_numpy(), log["video_id"].to_numpy()
    context = Context(tab=log["tab"].to_numpy(), hour=log["hourmin"].to_numpy() // 100)
    again = conditional(make_world(50, 40, seed=7), users, items, context)
    stored = Truth.load(tmp_path / "truth.npz")
    assert np.array_equal(stored.weights, again.weights)
    assert np.array_equal(stored.duration_ms, again.duration_ms)
    positive = (log["duration_ms"] > 0).to_numpy()
    assert np.array_equal(stored.duration_ms[positive], log["duration_ms"].to_numpy()[positive])
    assert stored.perturbed[~positive].all()
    assert stored.perturbed[(log["play_time_ms"] > 10 * stored.duration_ms).to_numpy()].all()
    repeats = ~log.select(pl.struct("user_id", "video_id", "time_ms").is_first_distinct()).to_series().to_numpy()
    assert stored.perturbed[repeats].all()
    kept = ~stored.perturbed
    assert kept.mean() > 0.85
    assert (log["play_time_ms"].to_numpy()[kept] <= 10 * stored.duration_ms[kept]).all()


def test_selected_rows_keep_their_law(law: Truth) -> None:
    chosen = law.select([4, 1])
    assert len(chosen) == 2
    assert np.array_equal(chosen.mean(), law.mean()[[4, 1]])
    assert np.array_equal(chosen.cdf([3.0, 9.0]), np.array([law.cdf(3.0)[4], law.cdf(9.0)[1]]))


def test_joined_laws_keep_their_task_and_order(worth: Truth) -> None:
    both = Truth.joined([worth.select([4, 1]), worth.select([0])])
    assert both.task == "ltv"
    assert np.array_equal(both.median(), worth.median()[[4, 1, 0]])


@pytest.mark.parametrize("task", ["watch_time", "ltv"])
def test_blocks_do_not_change_readouts(law: Truth, worth: Truth, task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    law = worth if task == "ltv" else law
    values = np.linspace(0, 60, PAIRS)
    whole = (law.mean(), law.cdf(values), law.rank([1.0, 2.0, 30.0]))
    monkeypatch.setattr(truth, "BLOCK", 4)
    for expected, found in zip(whole, (law.mean(), law.cdf(values), law.rank([1.0, 2.0, 30.0])), strict=True):
        assert np.array_equal(expected, found)
    empty = law.select(np.array([], dtype=int))
    assert len(empty.mean()) == len(empty.cdf(1.0)) == len(empty.rank([1.0])) == len(empty.median()) == 0


def test_quantile_functions_increase_and_kinds_lie_side_by_side() -> None:
    points = WATCHING.knots(np.array([5_000.0, 7_200.0, 9_999.0, 31_000.0, 86_650.0, 500_000.0, 1_177_720.0]))
    assert (np.diff(points, axis=-1) > 0).all()
    assert (points[1:, :, 0] >= points[:-1, :, -1] - 1e-9).all()
    assert (points[:, :, 0] >= 0).all()


def test_taste_meets_theme(world: World) -> None:
    """A user whose taste points along an item's theme finishes it more often than the opposite user does."""
    item = 7
    liking = world.users.taste.T @ world.items.theme[:, item]
    users = np.array([int(np.argmax(liking)), int(np.argmin(liking))])
    same = replace(
        world,
        users=replace(world.users, patience=np.zeros(300), depth=np.zeros(300), browsing=np.zeros(300)),
    )
    law = conditional(same, users, np.full(2, item), Context(np.ones(2, dtype=int), np.full(2, 20)))
    assert np.allclose(law.weights.sum(axis=1), 1)
    assert law.weights[0, 3] > 2 * law.weights[1, 3]
    assert law.weights[0, 1] < law.weights[1, 1]


def test_what_is_no_truth_is_told_in_one_sentence(law: Truth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "truth.npz"
    with pytest.raises(WatchtimeError, match=r"truth\.npz: the file does not exist"):
        Truth.load(path)
    law.save(path)
    assert Truth.load(path, "watch_ratio").task == "watch_ratio"
    with pytest.raises(WatchtimeError, match="did you mean 'watch_ratio'"):
        Truth.load(path, "watchratio")
    monkeypatch.setattr(truth, "SIMULATOR_VERSION", 10**6)
    with pytest.raises(WatchtimeError, match="written by simulator version"):
        Truth.load(path)
    for damaged in (path.read_bytes()[:50], b"no archive", b""):
        path.write_bytes(damaged)
        with pytest.raises(WatchtimeError, match="not the truth of a simulated log"):
            Truth.load(path)
    with pytest.raises(WatchtimeError, match="must be sorted"):
        law.rank([2.0, 1.0])


def test_each_law_answers_its_own_tasks(law: Truth, worth: Truth, tmp_path: Path) -> None:
    watched, spent = tmp_path / "watched.npz", tmp_path / "spent.npz"
    law.save(watched)
    worth.save(spent)
    again = Truth.load(spent, "ltv")
    assert np.array_equal(again.scale, worth.scale)
    assert np.array_equal(again.rank([1.0, 20.0]), worth.rank([1.0, 20.0]))
    assert np.array_equal(Truth.load(watched).duration_ms, law.scale)
    with pytest.raises(
        WatchtimeError, match=r"watched\.npz: task: found 'ltv', the truth of watch time answers: watch_"
    ):
        Truth.load(watched, "ltv")
    for task in ("watch_time", "watch_ratio"):
        with pytest.raises(WatchtimeError, match=rf"found '{task}', the truth of customer value answers: ltv\.$"):
            Truth.load(spent, task)
    with pytest.raises(WatchtimeError, match="unknown task 'lvt', did you mean 'ltv'"):
        Truth.load(spent, "lvt")


def test_what_is_stored_of_a_law(law: Truth, worth: Truth, tmp_path: Path) -> None:
    for number, (one, scale) in enumerate(((law, "duration_ms"), (worth, "price_cents"))):
        path = tmp_path / f"{number}.npz"
        one.save(path)
        with np.load(path, allow_pickle=False) as stored:
            assert stored.files == ["version", "weights", scale, "perturbed"]
            assert np.array_equal(stored[scale], one.scale)
