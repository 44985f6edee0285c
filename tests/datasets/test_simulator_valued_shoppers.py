import csv
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simulated_folder import header, refuse_size, simulated_once
from tiny_shoppers import HEADER
from watchtime.datasets.simulator.market import ONE_YEAR, make_market
from watchtime.datasets.simulator.population import make_world
from watchtime.datasets.simulator.purchases import Pairs, draw_purchases, split
from watchtime.datasets.simulator.shelf import make_shelf
from watchtime.datasets.simulator.truth import Truth
from watchtime.datasets.simulator.valued_shoppers import simulate

ROWS, USERS, COMPANIES, DAYS = 20_000, 4_000, 24, 140
SMALL = {"rows": 300, "users": 40, "items": 20, "days": 5, "seed": 3}
FIRST, LAST = date(2012, 3, 2), date(2013, 7, 28)


def transactions(folder: Path) -> list[dict[str, str]]:
    with (folder / "transactions.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


@dataclass
class Value:
    """What the log says of one company and customer."""

    start: date
    calibration: Decimal = Decimal(0)
    purchases: int = 0
    target: Decimal = Decimal(0)
    chain: str = ""


def finished(rows: list[dict[str, str]]) -> dict[tuple[int, int], Value]:
    """The pairs of the 20 companies with the most customers, in order, by the published recipe."""
    bought = [row for row in rows if Decimal(row["purchaseamount"]) > 0]
    customers: dict[int, set[int]] = defaultdict(set)
    first: dict[tuple[int, int], date] = {}
    for row in bought:
        pair, day = (int(row["company"]), int(row["id"])), date.fromisoformat(row["date"])
        customers[pair[0]].add(pair[1])
        first[pair] = min(first.get(pair, day), day)
    chosen = sorted(customers, key=lambda company: (-len(customers[company]), company))[:20]
    pairs = {pair: Value(start) for pair, start in sorted(first.items()) if pair[0] in chosen}
    for row in bought:
        value = pairs.get((int(row["company"]), int(row["id"])))
        if value is not None:
            after = (date.fromisoformat(row["date"]) - value.start).days
            if after == 0:
                value.calibration += Decimal(row["purchaseamount"])
                value.purchases += 1
                value.chain = row["chain"]
            elif after <= 365:
                value.target += Decimal(row["purchaseamount"])
    return pairs


folder = simulated_once(simulate, rows=ROWS, users=USERS, items=COMPANIES, days=DAYS, seed=1)


@pytest.fixture(scope="module")
def rows(folder: Path) -> list[dict[str, str]]:
    return transactions(folder)


@pytest.fixture(scope="module")
def pairs(rows: list[dict[str, str]]) -> dict[tuple[int, int], Value]:
    return finished(rows)


@pytest.fixture(scope="module")
def truth(folder: Path) -> Truth:
    return Truth.load(folder / "truth.npz", "ltv")


def test_the_layout_is_the_official_one(folder: Path, rows: list[dict[str, str]]) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["transactions.csv", "truth.npz"]
    assert header(folder / "transactions.csv") == HEADER
    order = [(int(row["id"]), row["date"]) for row in rows]
    assert order == sorted(order)
    days = [date.fromisoformat(day) for _, day in order]
    assert min(days) == FIRST
    assert max(days) <= LAST
    for row in rows:
        assert len(row["purchaseamount"].split(".")[1]) == 2
        assert int(row["dept"]) == int(row["category"]) // 100
        assert float(row["productsize"]) > 0
        assert (Decimal(row["purchaseamount"]) < 0) == (int(row["purchasequantity"]) < 0)
    assert {"OZ", "CT", ""} < {row["productmeasure"] for row in rows}
    assert 0 < sum(row["brand"] == "0" for row in rows) < 0.3 * len(rows)


def test_sizes_are_pairs_customers_and_companies(rows: list[dict[str, str]]) -> None:
    bought = {(row["company"], row["id"]) for row in rows if Decimal(row["purchaseamount"]) > 0}
    assert len(bought) == ROWS
    assert 0.9 * USERS < len({customer for _, customer in bought}) <= USERS
    customers = Counter(company for company, _ in bought)
    assert len(customers) == COMPANIES
    popular = [company for company, _ in sorted(customers.items(), key=lambda one: -one[1])]
    assert popular != sorted(popular)
    assert max(customers.values()) > 3 * min(customers.values())
    per_customer = Counter(customer for _, customer in bought)
    assert max(per_customer.values()) > 2 * np.median(list(per_customer.values()))


def test_first_purchases_spread_over_the_days(pairs: dict[tuple[int, int], Value]) -> None:
    starts = Counter((value.start - FIRST).days for value in pairs.values())
    assert sorted(starts) == list(range(DAYS))
    assert {value.purchases for value in pairs.values()} == {1, 2, 3}


def test_returns_and_late_purchases_are_there_and_do_not_count(
    rows: list[dict[str, str]], pairs: dict[tuple[int, int], Value]
) -> None:
    known = {pair: value.start for pair, value in pairs.items()}
    before = after = late = free = within = 0
    for row in rows:
        pair, day = (int(row["company"]), int(row["id"])), date.fromisoformat(row["date"])
        if pair not in known:
            continue
        amount, start = Decimal(row["purchaseamount"]), known[pair]
        before += amount <= 0 and day < start
        after += amount <= 0 and start <= day <= start + timedelta(365)
        free += amount == 0
        late += amount > 0 and day > start + timedelta(365)
        within += amount > 0 and start < day <= start + timedelta(365)
    assert before > 20
    assert after > 200
    assert free > 100
    assert late > 0.25 * len(pairs)
    assert within > 2 * len(pairs)


def test_the_share_of_customers_who_come_back_is_like_the_published_one(pairs: dict[tuple[int, int], Value]) -> None:
    positive = np.mean([value.target > 0 for value in pairs.values()])
    assert positive == pytest.approx(0.88, abs=0.03)
    assert min(value.target for value in pairs.values()) == 0


def test_truth_rows_are_the_pairs_of_the_twenty_companies(pairs: dict[tuple[int, int], Value], truth: Truth) -> None:
    assert len(truth) == len(pairs) < ROWS
    companies = np.array([company for company, _ in pairs])
    for company in set(companies.tolist()):
        assert len(set(truth.scale[companies == company])) == 1
    target = np.array([float(value.target) for value in pairs.values()])
    rng = np.random.default_rng(0)
    uniform = np.where(target > 0, truth.cdf(target), truth.weights[:, 0] * rng.random(len(truth)))
    assert stats.kstest(uniform, "uniform").pvalue > 1e-3
    shuffled = np.arange(len(truth))
    for company in set(companies.tolist()):
        own = np.flatnonzero(companies == company)
        shuffled[own] = rng.permutation(own)
    known, wrong = (
        np.corrcoef(law.rank(np.sort(target)), stats.rankdata(target))[0, 1] for law in (truth, truth.select(shuffled))
    )
    assert known > wrong + 0.1


def test_the_first_day_tells_of_the_year(pairs: dict[tuple[int, int], Value], truth: Truth) -> None:
    """Relative to the price, who spends more on the first day spends more in the year; the chain tells of it too."""
    price = truth.scale / 100
    first = np.array([float(value.calibration) for value in pairs.values()]) / price
    year = np.array([float(value.target) for value in pairs.values()]) / price
    assert stats.spearmanr(first, year).statistic > 0.1
    chains = np.array([value.chain for value in pairs.values()])
    groups = [stats.rankdata(year)[chains == chain] for chain, count in Counter(chains).items() if count > 100]
    assert stats.f_oneway(*groups).pvalue < 1e-6


def test_purchases_within_the_year_sum_to_the_target() -> None:
    world = make_world(users=50, items=20, seed=1)
    shelf = make_shelf(make_market(world, ONE_YEAR, seed=1), np.random.default_rng(0))
    rng = np.random.default_rng(1)
    count = 8_000
    kind = rng.integers(0, 6, count)
    pairs = Pairs(
        customer=rng.integers(0, 50, count),
        company=rng.integers(0, 20, count),
        start=rng.integers(0, 148, count),
        target_cents=np.where(kind > 0, rng.integers(1, 30, count) ** 3, 0),
        kind=kind,
        wanted=rng.normal(size=count),
    )
    bought = draw_purchases(pairs, shelf, 513, rng)
    after = bought.day - pairs.start[bought.pair]
    counts = (bought.cents > 0) & (after > 0) & (after <= 365)
    assert np.array_equal(np.bincount(bought.pair[counts], bought.cents[counts], count), pairs.target_cents)
    first = np.bincount(bought.pair[(after == 0) & (bought.cents > 0)], minlength=count)
    assert set(first.tolist()) == {1, 2, 3}
    positive = after[bought.cents > 0]
    assert set(positive.tolist()) >= {0, 1, 365, 366}
    assert positive.min() == 0
    assert bought.day.min() >= 0
    assert bought.day.max() <= 513
    assert (bought.product // 6 == pairs.company[bought.pair]).all()
    wanted = pairs.wanted[bought.pair]
    for taste in (
        bought.product % 6,
        np.where(after == 0, bought.quantity, 0),
        np.where(after == 0, first[bought.pair], 0),
    ):
        assert taste[(after == 0) & (wanted > 1)].mean() > 1.1 * taste[(after == 0) & (wanted < -1)].mean()


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 12)), min_size=1, max_size=20), st.integers(0, 10))
def test_split_amounts_are_whole_and_exact(rows: list[tuple[int, int]], seed: int) -> None:
    total: npt.NDArray[np.int64] = np.array([amount for amount, _ in rows], dtype=np.int64)
    parts = np.minimum(total, [number for _, number in rows])
    amounts = split(total, parts, np.random.default_rng(seed))
    assert np.array_equal(amounts.sum(axis=1), total)
    assert np.array_equal((amounts > 0).sum(axis=1), parts)
    assert (amounts >= 0).all()


def test_every_pair_may_exist_or_each_company_only_one(tmp_path: Path) -> None:
    simulate(tmp_path / "full", rows=20 * 7, users=7, items=20, days=1, seed=0)
    simulate(tmp_path / "thin", rows=25, users=7, items=25, days=1, seed=0)
    for name, held in (("full", 140), ("thin", 20)):
        assert len(finished(transactions(tmp_path / name))) == held
        assert len(Truth.load(tmp_path / name / "truth.npz", "ltv")) == held


def test_companies_with_equally_many_customers_are_chosen_by_their_id(tmp_path: Path) -> None:
    """With one customer each, the law of row i is that of the i-th smallest company id among all 25."""
    simulate(tmp_path, rows=25, users=7, items=25, days=1, seed=0)
    truth = Truth.load(tmp_path / "truth.npz", "ltv")
    rows = transactions(tmp_path)
    for (company, _), cents in zip(finished(rows), truth.scale, strict=True):
        paid = [
            Decimal(row["purchaseamount"]) / int(row["purchasequantity"])
            for row in rows
            if int(row["company"]) == company
            and row["date"] == "2012-03-02"
            and int(row["purchasequantity"]) > 0
            and Decimal(row["purchaseamount"]) > 0
        ]
        assert paid
        factors = np.array([float(one) * 100 / cents for one in paid])
        assert (np.abs(factors[:, None] - np.array([0.6, 0.75, 0.9, 1.0, 1.2, 1.6])).min(axis=1) < 0.51 / cents).all()


@pytest.mark.parametrize(
    ("key", "value"),
    [("rows", 19), ("rows", 801), ("users", 0), ("items", 19), ("days", 0), ("days", 149)],
)
def test_impossible_sizes_are_named(tmp_path: Path, key: str, value: int) -> None:
    refuse_size(tmp_path, simulate, SMALL, key, value)
