from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy.signal import find_peaks

import simulated_folder
from watchtime.datasets.simulator import criteo_ssc, valued_shoppers
from watchtime.datasets.simulator.market import ONE_CLICK, ONE_YEAR, make_market, spending_law
from watchtime.datasets.simulator.piecewise import whole
from watchtime.datasets.simulator.population import make_world
from watchtime.datasets.simulator.spending import KINDS, SPENDING
from watchtime.datasets.simulator.world import World

Floats = npt.NDArray[np.float64]
SIZES = {
    "criteo_ssc": {"rows": 900, "users": 500, "items": 40, "days": 5, "seed": 3},
    "valued_shoppers": {"rows": 700, "users": 90, "items": 23, "days": 30, "seed": 3},
}
FILES = {"criteo_ssc": "CriteoSearchData", "valued_shoppers": "transactions.csv"}
# Bytes of SIZES under simulator version 1: where they change on purpose, SIMULATOR_VERSION in core changes with them.
HASHES = {
    "criteo_ssc": "f4bce995834750a455cf5c82b8e88b0d7029e274968ca6ff41349e33cf82e6d8",
    "valued_shoppers": "ad9edc807f6034797f80ab103e9e25548cdfec2fcdee68deaad1a54def8a292c",
}
MODULES = {"criteo_ssc": criteo_ssc, "valued_shoppers": valued_shoppers}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {name: tmp_path_factory.mktemp(name) for name in SIZES}
    for name, folder in made.items():
        MODULES[name].simulate(folder, **SIZES[name])
    return made


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(users=300, items=200, seed=5)


def drawn(kind: str, price: float, draws: int) -> Floats:
    """Amounts in units of the price where the law has one kind only."""
    weights = np.zeros((draws, len(KINDS)))
    weights[:, KINDS.index(kind)] = 1.0
    uniform = np.random.default_rng(0).random(draws)
    return SPENDING.quantile(weights, np.full(draws, price), uniform)[0] / price


@pytest.mark.parametrize("dataset", list(SIZES))
def test_the_same_arguments_give_the_same_bytes_and_another_seed_others(
    folders: dict[str, Path], tmp_path: Path, dataset: str
) -> None:
    assert sorted(simulated_folder.hashes(folders[dataset])) == sorted([FILES[dataset], "truth.npz"])
    simulated_folder.assert_bytes_follow_from_the_arguments(
        folders[dataset], tmp_path, MODULES[dataset].simulate, SIZES[dataset]
    )


@pytest.mark.parametrize("dataset", list(SIZES))
def test_the_bytes_are_those_of_this_simulator_version(folders: dict[str, Path], dataset: str) -> None:
    assert simulated_folder.content_hash(folders[dataset], "ltv") == HASHES[dataset]


@pytest.mark.parametrize("dataset", list(SIZES))
def test_the_bytes_do_not_depend_on_the_processor(folders: dict[str, Path], tmp_path: Path, dataset: str) -> None:
    simulated_folder.assert_processor_does_not_matter(folders[dataset], tmp_path, dataset, SIZES[dataset])


def test_clusters_lie_side_by_side_and_their_quantile_functions_increase() -> None:
    price = np.array([99.0, 500.0, 799.0, 801.0, 2_999.0, 10_000.0, 29_999.0])
    low, high = SPENDING.limits(price)
    assert low.shape == high.shape == (len(KINDS) - 1, len(price))
    assert (low < high).all()
    assert (high[:-1] <= low[1:]).all()
    points = SPENDING.knots(price)
    assert (np.diff(points, axis=-1) > 0).all()
    assert (points >= low[:, :, None]).all()
    assert (points <= high[:, :, None] * (1 + 1e-12)).all()


@pytest.mark.parametrize("price", [499.0, 2_999.0, 9_999.0])
def test_clusters_are_modes_of_the_amount_over_the_price(price: float) -> None:
    """One, two, three, four and ten units are peaks that stand at least twice above the valleys beside them."""
    units = np.concatenate([drawn(kind, price, 40_000) for kind in ("one", "two", "basket", "large")])
    counts, edges = np.histogram(units, bins=np.arange(0.5, 12.0, 0.1))
    peaks = edges[find_peaks(counts, prominence=0.5 * counts.max() / 10)[0]] + 0.05
    for expected in (1.0, 2.0, 3.0, 4.0, 10.0):
        near = peaks[np.abs(peaks - expected) <= 0.15]
        assert len(near) == 1, (expected, peaks)
        density = counts[np.abs(edges[:-1] + 0.05 - near[0]) < 1e-6][0]
        for side in (expected - 0.45, expected + 0.45):
            assert density > 2 * counts[int((side - 0.5) / 0.1)], (expected, side)


def test_small_amounts_are_fixed_whatever_the_price() -> None:
    for price in (2_999.0, 9_999.0):
        cents = price * drawn("small", price, 20_000)
        counts, edges = np.histogram(cents, bins=np.arange(0, 401, 20))
        assert edges[counts.argmax()] in (280, 300)
        assert cents.max() <= 400
    assert drawn("small", 500.0, 20_000).max() <= 0.5


def test_the_tail_is_long(world: World) -> None:
    large = drawn("large", 499.0, 20_000)
    assert large.min() >= 7.5
    assert large.max() > 5 * np.median(large)
    market = make_market(world, ONE_CLICK, seed=1)
    rng = np.random.default_rng(2)
    law = spending_law(world, market, rng.integers(0, 300, 50_000), rng.integers(0, 200, 50_000))
    amount = SPENDING.quantile(law.weights, law.scale, rng.random(50_000))[0]
    sold = amount[amount > 0]
    assert np.quantile(sold, 0.99) > 15 * np.median(sold)


def test_cheap_products_are_bought_in_more_units_than_dear_ones(world: World) -> None:
    market = make_market(world, ONE_CLICK, seed=1)
    everyone, item = np.arange(300), np.zeros(300, dtype=int)
    shares = []
    for price in (499.0, 9_999.0):
        priced = replace(market, price_cents=np.full(200, price))
        weights = spending_law(world, priced, everyone, item).weights
        shares.append(weights[:, 4:].sum() / weights[:, 1:].sum())
    assert shares[0] > 3 * shares[1]


def test_desire_makes_buyers_and_appetite_makes_units(world: World) -> None:
    market = make_market(world, ONE_YEAR, seed=1)
    users, items = np.zeros(3, dtype=int), np.zeros(3, dtype=int)
    none = spending_law(world, market, users, items, np.array([-1.0, 0.0, 1.0])).weights[:, 0]
    assert none[0] > 1.3 * none[1] > 1.3 * 1.3 * none[2]
    hungry = replace(market, appetite=market.appetite + 1.0)
    before, after = (spending_law(world, one, users[:1], items[:1]).weights[0] for one in (market, hungry))
    assert np.isclose(before.sum(), 1.0)
    assert after[5] / after[2] > 2 * before[5] / before[2]
    assert after[5] / after[4] > 1.1 * before[5] / before[4]


def test_prices_end_in_nine_and_spread(world: World) -> None:
    price = make_market(world, ONE_CLICK, seed=1).price_cents
    assert (price % 10 == 9).all()
    assert np.quantile(price, 0.1) < 1_200
    assert 2_000 < np.median(price) < 4_000
    assert price.max() > 7_000


def test_amounts_are_whole_cents_and_what_is_bought_costs_something() -> None:
    assert whole(np.array([0.0, 0.2, 0.5, 1.49, 1.5, 2.5])).tolist() == [0, 1, 1, 1, 2, 3]
