import csv
import re
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from simulated_folder import SAMPLES, refuse_size, simulated_once
from watchtime.datasets.simulator.criteo_ssc import simulate
from watchtime.datasets.simulator.truth import Truth

SAMPLE = SAMPLES / "criteo_ssc_sample/CriteoSearchData"
SMALL = {"rows": 300, "users": 40, "items": 10, "days": 3, "seed": 3}
ROWS, USERS, ITEMS, DAYS = 30_000, 12_000, 800, 14
(SALE, AMOUNT, DELAY, TIME, CLICKS, PRICE) = range(6)
AGE, DEVICE, AUDIENCE, GENDER, BRAND, CATEGORIES = 6, 7, 8, 9, 10, range(11, 18)
COUNTRY, PRODUCT, TITLE, PARTNER, USER = range(18, 23)
FIRST_SECOND = 1_596_585_600  # 2020-08-05 00:00:00 UTC
HEX = re.compile(r"[0-9A-F]{32}")


def lines(path: Path) -> list[list[str]]:
    with path.open(newline="") as stream:
        return list(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))


folder = simulated_once(simulate, rows=ROWS, users=USERS, items=ITEMS, days=DAYS, seed=1)


@pytest.fixture(scope="module")
def rows(folder: Path) -> list[list[str]]:
    return lines(folder / "CriteoSearchData")


@pytest.fixture(scope="module")
def truth(folder: Path) -> Truth:
    return Truth.load(folder / "truth.npz", "ltv")


def test_the_layout_is_the_official_one(folder: Path, rows: list[list[str]]) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["CriteoSearchData", "truth.npz"]
    assert len(rows) == ROWS
    assert {len(row) for row in rows} == {23}
    cents = re.compile(r"\d+\.\d{1,2}")
    for row in rows:
        assert row[SALE] in ("0", "1")
        assert row[AMOUNT] == "-1.0" or cents.fullmatch(row[AMOUNT])
        assert row[PRICE] == "0.0" or cents.fullmatch(row[PRICE])
        assert all(re.fullmatch(r"-1|\d+", row[k]) for k in (DELAY, TIME, CLICKS, *range(AGE, COUNTRY + 1), TITLE))
        assert all(HEX.fullmatch(row[k]) for k in (PRODUCT, PARTNER, USER))


def test_the_sample_has_the_same_number_text() -> None:
    if not SAMPLE.exists():
        pytest.skip("the real Criteo sample is not beside the project")
    real = lines(SAMPLE)
    for row in real:
        sold = row[SALE] == "1"
        assert len(row) == 23
        assert (row[AMOUNT] == "-1.0") == (row[PRICE] == "0.0") == (not sold)
        assert re.fullmatch(r"\d+\.\d+", row[PRICE])
        assert HEX.fullmatch(row[PRODUCT])
        assert HEX.fullmatch(row[PARTNER])


def test_a_sale_is_an_amount_a_delay_and_a_price(rows: list[list[str]]) -> None:
    """The price is printed with the sale alone: whoever keeps the column as a feature reads the label."""
    for row in rows:
        sold = row[SALE] == "1"
        assert (float(row[AMOUNT]) > 0) == (float(row[PRICE]) > 0) == sold
        assert sold or (row[AMOUNT], row[DELAY], row[PRICE]) == ("-1.0", "-1", "0.0")
    sales = [row for row in rows if row[SALE] == "1"]
    assert len(sales) / len(rows) == pytest.approx(0.072, abs=0.006)
    assert 0 < sum(row[DELAY] == "-1" for row in sales) < 0.03 * len(sales)
    delays = np.array([int(row[DELAY]) for row in sales if row[DELAY] != "-1"])
    assert delays.min() >= 60
    assert delays.max() < 30 * 86_400
    assert 600 < np.median(delays) < 3_000


def test_without_the_price_column_a_sale_cannot_be_told(rows: list[list[str]], truth: Truth) -> None:
    """The leak ranks all sales above all else; the true chance of a sale, all that can be known, ranks far worse."""
    sold = np.array([row[SALE] == "1" for row in rows])

    def area(score: np.ndarray) -> float:
        ranks = stats.rankdata(score)
        return float((ranks[sold].mean() - (sold.sum() + 1) / 2) / (~sold).sum())

    assert area(np.array([float(row[PRICE]) for row in rows])) == 1.0
    assert 0.55 < area(1 - truth.weights[:, 0]) < 0.85


def test_lines_are_in_the_order_of_time_and_unknown_times_come_first(rows: list[list[str]]) -> None:
    times = np.array([int(row[TIME]) for row in rows])
    unknown = (times == 0).sum()
    assert unknown == ROWS // 2_000
    assert (times[:unknown] == 0).all()
    assert (np.diff(times) >= 0).all()
    per_day = Counter((times[unknown:] - FIRST_SECOND) // 86_400)
    assert sorted(per_day) == list(range(DAYS))
    assert max(per_day.values()) - min(per_day.values()) < 20
    hours = Counter((times[unknown:] - FIRST_SECOND) // 3_600 % 24)
    assert len(hours) == 24
    assert hours[12] > 2 * hours[4]


def test_clicks_of_the_week_before_are_counted(tmp_path: Path) -> None:
    simulate(tmp_path, rows=1_999, users=300, items=12, days=20, seed=2)
    earlier: dict[str, list[int]] = defaultdict(list)
    counted = 0
    rows = lines(tmp_path / "CriteoSearchData")
    for row in rows:
        time = int(row[TIME])
        week = sum(time - 7 * 86_400 <= other < time for other in earlier[row[PRODUCT]])
        assert row[CLICKS] in ("-1", str(week))
        counted += row[CLICKS] != "-1"
        earlier[row[PRODUCT]].append(time)
    assert counted / len(rows) == pytest.approx(0.94, abs=0.03)


def test_products_have_one_brand_one_path_of_categories_one_seller_and_one_price(rows: list[list[str]]) -> None:
    known: dict[str, tuple[str, ...]] = {}
    prices: dict[str, set[str]] = defaultdict(set)
    parents: dict[tuple[int, str], str] = {}
    for row in rows:
        fixed = (row[AGE], *row[GENDER:PRODUCT], row[TITLE], row[PARTNER])
        assert known.setdefault(row[PRODUCT], fixed) == fixed
        prices[row[PRODUCT]].add(row[PRICE])
        for child, parent in zip(CATEGORIES[1:], CATEGORIES, strict=False):
            if row[child] != "-1":
                assert parents.setdefault((child, row[child]), row[parent]) == row[parent] != "-1"
    assert 0.8 * ITEMS < len(known) <= ITEMS
    assert max(len(found - {"0.0"}) for found in prices.values()) == 1
    assert 0.5 * USERS < len({row[USER] for row in rows}) <= USERS
    ids = [{row[k] for row in rows} for k in (PRODUCT, PARTNER, USER)]
    assert len(set.union(*ids)) == sum(map(len, ids))
    assert len(ids[1]) == ITEMS // 25


def test_missing_values(rows: list[list[str]]) -> None:
    shares = {k: sum(row[k] == "-1" for row in rows) / ROWS for k in range(AGE, 23)}
    for always in (DEVICE, BRAND, COUNTRY, PRODUCT, PARTNER, USER, *CATEGORIES[:2]):
        assert shares[always] == 0, always
    assert shares[AUDIENCE] == pytest.approx(0.6, abs=0.02)
    assert 0.3 < shares[GENDER] < 0.7
    assert 0 < shares[TITLE] < 0.15
    deep = [shares[k] for k in CATEGORIES]
    assert deep == sorted(deep)
    assert 0.7 < deep[-1] < 1


def test_truth_rows_are_the_lines(rows: list[list[str]], truth: Truth) -> None:
    assert len(truth) == ROWS
    assert not truth.perturbed.any()
    assert np.allclose(truth.weights.sum(axis=1), 1)
    printed = np.array([float(row[PRICE]) for row in rows])
    sold = printed > 0
    assert np.allclose(truth.scale[sold], 100 * printed[sold])
    amount = np.array([max(float(row[AMOUNT]), 0.0) for row in rows])
    uniform = np.where(sold, truth.cdf(amount), truth.weights[:, 0] * np.random.default_rng(0).random(ROWS))
    assert stats.kstest(uniform, "uniform").pvalue > 1e-3
    among_sales = (truth.cdf(amount) - truth.weights[:, 0]) / (1 - truth.weights[:, 0])
    assert stats.kstest(among_sales[sold], "uniform").pvalue > 1e-3
    likely = np.argsort(truth.weights[:, 0])[: ROWS // 10]
    assert sold[likely].sum() == pytest.approx(
        (1 - truth.weights[likely, 0]).sum(), abs=4 * (1 - truth.weights[likely, 0]).sum() ** 0.5
    )
    assert sold[likely].mean() > 1.5 * sold.mean()


def test_the_device_and_the_audience_bear_on_sales(rows: list[list[str]]) -> None:
    by_device: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        by_device[row[DEVICE]].append(row[SALE] == "1")
    assert np.mean(by_device["1"]) > 1.5 * np.mean(by_device["0"])
    units: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row[SALE] == "1" and row[AUDIENCE] in ("3", "5"):
            units[row[AUDIENCE]].append(float(row[AMOUNT]) / float(row[PRICE]))
    assert np.mean(units["3"]) > np.mean(units["5"])


@pytest.mark.parametrize("rows", [1, 2])
def test_tiny_logs_have_all_lines(tmp_path: Path, rows: int) -> None:
    simulate(tmp_path, rows=rows, users=1, items=1, days=3, seed=0)
    assert len(lines(tmp_path / "CriteoSearchData")) == rows
    assert len(Truth.load(tmp_path / "truth.npz", "ltv")) == rows


@pytest.mark.parametrize(("key", "value"), [("rows", 0), ("users", 0), ("items", -1), ("days", 0), ("days", 91)])
def test_impossible_sizes_are_named(tmp_path: Path, key: str, value: int) -> None:
    refuse_size(tmp_path, simulate, SMALL, key, value)
