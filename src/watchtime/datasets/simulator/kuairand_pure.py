"""Simulated raw files in the official layout of KuaiRand-Pure."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from watchtime.datasets.simulator.arithmetic import generator
from watchtime.datasets.simulator.exposure import Views, draw_views
from watchtime.datasets.simulator.features import user_features
from watchtime.datasets.simulator.folder import completed
from watchtime.datasets.simulator.kuairand_features import basic_video_features
from watchtime.datasets.simulator.kuairand_statistics import VideoStatistics
from watchtime.datasets.simulator.layout import check_size, evenly, midnight_ms
from watchtime.datasets.simulator.population import make_world
from watchtime.datasets.simulator.truth import Truth
from watchtime.datasets.simulator.video_counts import CLICK_MS, LONG_VIEW_MS, reaches
from watchtime.datasets.simulator.world import World

SECOND_FILE_STARTS = date(2022, 4, 22)
LONGEST = 28  # days that the official dates, 2022-04-08 to 2022-05-08, hold with the split in the middle
STANDARD = ("log_standard_4_08_to_4_21_pure.csv", "log_standard_4_22_to_5_08_pure.csv")
RANDOM = "log_random_4_22_to_5_08_pure.csv"
STANDARD_ROWS_PER_RANDOM_ROW = 4
HEADER = (
    "user_id,video_id,date,hourmin,time_ms,is_click,is_like,is_follow,is_comment,is_forward,is_hate,long_view,"
    "play_time_ms,duration_ms,profile_stay_time,comment_stay_time,is_profile_enter,is_rand,tab"
)


def simulate(folder: Path, rows: int, users: int, items: int, days: int, seed: int) -> None:
    """Write the official files into ``folder/data`` and the known distribution into ``folder/truth.npz``.

    ``rows`` counts the two standard-policy logs, which part at 2022-04-22, the middle of the ``days``; the
    random-policy log covers the second half. Row i of the truth is row i of the two standard logs and the random one,
    one after the other. Every byte follows from the arguments and the simulator's version.

    Raises ``WatchtimeError`` where a size is not positive or the days do not fit the official dates.
    """
    for name, found in (("rows", rows), ("users", users), ("items", items)):
        check_size(name, found, 1)
    check_size("days", days, 2, LONGEST)
    world = make_world(users, items, seed)
    statistics = VideoStatistics(world)
    dates = [SECOND_FILE_STARTS + timedelta(day - days // 2) for day in range(days)]
    first = {day: count for day, count in evenly(rows, dates).items() if day < SECOND_FILE_STARTS}
    second = {day: count for day, count in evenly(rows, dates).items() if day >= SECOND_FILE_STARTS}
    random = evenly(rows // STANDARD_ROWS_PER_RANDOM_ROW, list(second))
    with completed(folder) as place:
        data = place / "data"
        data.mkdir()
        laws = [
            _write_log(data / name, world, counts, seed, statistics)
            for name, counts in zip(STANDARD, (first, second), strict=True)
        ]
        laws.append(_write_log(data / RANDOM, world, random, seed, statistics, random_policy=True))
        Truth.joined(laws).save(place / "truth.npz")
        user_features(world).write_csv(data / "user_features_pure.csv")
        basic_video_features(world).write_csv(data / "video_features_basic_pure.csv")
        statistics.frame().write_csv(data / "video_features_statistic_pure.csv")


def _write_log(
    path: Path,
    world: World,
    counts: dict[date, int],
    seed: int,
    statistics: VideoStatistics,
    random_policy: bool = False,
) -> Truth:
    """Write one log day by day, so that memory does not grow with the days, and return its law."""
    laws = []
    with path.open("wb") as stream:
        stream.write(f"{HEADER}\n".encode())
        for day, rows in counts.items():
            rng = generator(seed, part="random log" if random_policy else "standard log", day=day.isoformat())
            views = draw_views(world, rng, rows, random_policy)
            _log_frame(views, world, day, random_policy).write_csv(stream, include_header=False)
            statistics.add(views, day)
            laws.append(Truth(views.weights, world.items.duration_ms[views.items], views.perturbed))
    return Truth.joined(laws)


def _log_frame(views: Views, world: World, day: date, random_policy: bool) -> pl.DataFrame:
    duration = world.items.duration_ms[views.items]
    hidden = world.items.hidden_duration[views.items]
    constant = np.zeros(len(duration), dtype=np.int64)
    columns = {
        "user_id": views.users,
        "video_id": views.items,
        "date": constant + int(day.strftime("%Y%m%d")),
        "hourmin": views.hour * 100,
        "time_ms": views.millisecond + midnight_ms(day),
        "is_click": reaches(views, duration, CLICK_MS).astype(np.int64),
        "long_view": reaches(views, duration, LONG_VIEW_MS).astype(np.int64),
        "play_time_ms": views.play_ms,
        "duration_ms": np.where(hidden, 0.0, duration).astype(np.int64),
        "profile_stay_time": constant,
        "comment_stay_time": views.comment_stay_ms,
        "is_rand": constant + int(random_policy),
        "tab": views.tab,
        **views.feedback,
    }
    return pl.DataFrame({name: columns[name] for name in HEADER.split(",")})
