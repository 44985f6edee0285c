"""Large raw files in official layout, drawn quickly: right in size, types and cardinalities, without any signal.

`python benchmarks/large_raw_files.py kuairec data/large/kuairec [--rows N]` writes those of one data set.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

CHUNK = 1_000_000
CHINA_MS = 8 * 3_600_000
FIRST_MOMENT = 1_593_878_400_000  # 2020-07-05 in China, in milliseconds since 1970
SIZES = {"kuairec": 12_530_806, "criteo_ssc": 15_995_634, "valued_shoppers": 50_000_000}
# Distinct values of Criteo's columns from the sixth on; a click has a user of its own more often than not.
CRITEO_LEVELS = {
    "product_age_group": 12,
    "device_type": 5,
    "audience_id": 25_000,
    "product_gender": 16,
    "product_brand": 150_000,
    "product_category1": 20,
    "product_category2": 200,
    "product_category3": 1_000,
    "product_category4": 2_000,
    "product_category5": 1_500,
    "product_category6": 500,
    "product_category7": 30,
    "product_country": 20,
    "product_id": 1_800_000,
    "product_title": 1_200_000,
    "partner_id": 350,
    "user_id": 9_000_000,
}


def write(dataset: str, rows: int, folder: Path) -> None:
    """Write the raw files of ``dataset`` with ``rows`` rows into the empty ``folder``; any older content goes."""
    shutil.rmtree(folder, ignore_errors=True)
    _WRITERS[dataset](rows, folder)


def _chunks(rows: int) -> Iterator[tuple[int, int, np.random.Generator]]:
    for start in range(0, rows, CHUNK):
        yield start, min(CHUNK, rows - start), np.random.default_rng(start)


def _write(path: Path, frames: Iterator[pl.DataFrame], separator: str = ",", header: bool = True) -> None:
    with path.open("wb") as stream:
        for place, frame in enumerate(frames):
            frame.write_csv(stream, separator=separator, include_header=header and place == 0)


def _kuairec(rows: int, folder: Path) -> None:
    """The feature files are the simulator's at full size; the big matrix is drawn here."""
    users, items = 7_176, 10_728
    simulator: Any = import_module("watchtime.datasets.simulator.kuairec")
    simulator.simulate(folder, rows=10_000, users=users, items=items, days=1, seed=1)
    (folder / "data" / "small_matrix.csv").unlink()
    (folder / "truth.npz").unlink()

    def frames() -> Iterator[pl.DataFrame]:
        duration = np.random.default_rng(7).integers(3_000, 60_000, items)
        for start, count, rng in _chunks(rows):
            user = np.sort(rng.integers(start * users // rows, 1 + (start + count) * users // rows, count) % users)
            item, moment = rng.integers(0, items, count), rng.integers(0, 63 * 86_400_000, count)
            play = (duration[item] * rng.exponential(0.7, count)).astype(np.int64)
            yield _matrix(user, item, play, duration[item], moment)

    _write(folder / "data" / "big_matrix.csv", frames())


def _matrix(
    user: npt.NDArray[np.int64],
    item: npt.NDArray[np.int64],
    play: npt.NDArray[np.int64],
    duration: npt.NDArray[np.int64],
    moment: npt.NDArray[np.int64],
) -> pl.DataFrame:
    at = pl.from_epoch(pl.Series("time", moment + FIRST_MOMENT + CHINA_MS), "ms")
    return pl.DataFrame(
        {
            "user_id": user,
            "video_id": item,
            "play_duration": play,
            "video_duration": duration,
            "time": at.dt.to_string("%Y-%m-%d %H:%M:%S%.3f"),
            "date": at.dt.to_string("%Y%m%d"),
            "timestamp": (moment + FIRST_MOMENT) / 1000,
            "watch_ratio": play / duration,
        }
    )


def _criteo_ssc(rows: int, folder: Path) -> None:
    folder.mkdir(parents=True)
    vocabularies = {name: _hashes(size, seed) for seed, (name, size) in enumerate(CRITEO_LEVELS.items())}

    def frames() -> Iterator[pl.DataFrame]:
        for start, count, rng in _chunks(rows):
            sale = rng.random(count) < 0.072
            amount = np.round(rng.lognormal(3.5, 1.0, count), 2)
            yield pl.DataFrame(
                {
                    "sale": sale.astype(np.int8),
                    "amount": np.where(sale, amount, -1.0),
                    "delay": np.where(sale, rng.integers(60, 2_000_000, count), -1),
                    "moment": np.sort(rng.integers(0, 86_400, count)) + 1_596_585_600 + 90 * 86_400 * start // rows,
                    "clicks": rng.integers(-1, 3_000, count),
                    "price": np.where(sale, amount, 0.0),
                    **{
                        name: words.gather((len(words) * rng.random(count) ** 2).astype(np.int64))
                        for name, words in vocabularies.items()
                    },
                }
            )

    _write(folder / "CriteoSearchData", frames(), separator="\t", header=False)


def _hashes(size: int, seed: int) -> pl.Series:
    """Return distinct texts of 32 hexadecimal digits."""
    halves = np.random.default_rng(seed).integers(2**60, 2**63, (2, size))
    return pl.Series([f"{high:016X}{low:016X}" for high, low in halves.T.tolist()])


def _valued_shoppers(rows: int, folder: Path) -> None:
    """As in the real file: about 1,100 purchases per customer, sorted by customer and day."""
    folder.mkdir(parents=True)
    first = np.datetime64("2012-03-02")
    companies = np.random.default_rng(5).integers(100_000_000, 1_500_000_000, 30_000)

    def frames() -> Iterator[pl.DataFrame]:
        for start, count, rng in _chunks(rows):
            customer = 86_246 + 7 * ((start + np.arange(count)) // 1_100)
            day = (np.arange(start, start + count) % 1_100) * 513 // 1_100
            amount = np.round(rng.lognormal(1.1, 0.8, count), 2)
            category = rng.integers(100, 9_900, count)
            yield pl.DataFrame(
                {
                    "id": customer,
                    "chain": customer % 500,
                    "dept": category // 100,
                    "category": category,
                    "company": companies[(len(companies) * rng.random(count) ** 4).astype(np.int64)],
                    "brand": rng.integers(0, 40_000, count),
                    "date": first + day,
                    "productsize": np.round(rng.uniform(1, 60, count), 1),
                    "productmeasure": pl.Series(["OZ", "CT", "LB", "RL"]).gather(rng.integers(0, 4, count)),
                    "purchasequantity": rng.integers(1, 4, count),
                    "purchaseamount": np.where(rng.random(count) < 0.03, -amount, amount),
                }
            )

    _write(folder / "transactions.csv", frames())


_WRITERS: dict[str, Callable[[int, Path], None]] = {
    "kuairec": _kuairec,
    "criteo_ssc": _criteo_ssc,
    "valued_shoppers": _valued_shoppers,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=SIZES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, help="instead of the official number, or 50 million of Valued Shoppers")
    given = parser.parse_args()
    write(given.dataset, given.rows or SIZES[given.dataset], given.folder)


if __name__ == "__main__":
    main()
