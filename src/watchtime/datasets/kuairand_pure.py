"""KuaiRand-Pure: the standard-policy logs joined with the user and basic video features (Gao et al., CIKM 2022).

The raw ``date`` and ``hourmin`` are the log's own day and hour in China; ``time_ms`` lies up to an hour beside them, so
that about 1 % of the rows fall on another day by ``time_ms`` than by ``date``. Days and hours are the log's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from watchtime.core.dataset_card import DatasetCard
from watchtime.datasets.interactions import Count, RawLog, count_sides, feature_columns
from watchtime.datasets.kuaishou import USERS, present_logs, read_table
from watchtime.datasets.raw import CATEGORY, Cell, convert_delimited, date, number, whole
from watchtime.datasets.units import seconds

_BASE = ("user", "item", "watch_time", "duration", "timestamp", "day", "log", "raw_row")

FEEDBACK = (
    "is_click",
    "is_like",
    "is_follow",
    "is_comment",
    "is_forward",
    "is_hate",
    "long_view",
    "is_profile_enter",
)
_LOG: dict[str, Cell | None] = {
    "user_id": whole(),
    "video_id": whole(),
    "date": date("%Y%m%d", "20220408"),
    "hourmin": whole(most=2359),
    "time_ms": whole(),
    **dict.fromkeys(FEEDBACK, whole(most=1)),
    "play_time_ms": number(),
    "duration_ms": number(),
    "profile_stay_time": None,
    "comment_stay_time": None,
    "is_rand": None,
    "tab": whole(),
}
_VIDEOS: dict[str, Cell | None] = {
    "video_id": whole(),
    "author_id": CATEGORY,
    "video_type": CATEGORY,
    "upload_dt": date("%Y-%m-%d", "2022-04-08", optional=True),
    "upload_type": CATEGORY,
    "visible_status": None,
    "video_duration": None,
    "server_width": None,
    "server_height": None,
    "music_id": CATEGORY,
    "music_type": CATEGORY,
    "tag": CATEGORY,
}


def load(folder: Path, card: DatasetCard, options: Mapping[str, Any], scratch: Path) -> RawLog:
    """Return the interactions of the raw files in ``folder``: all rows, in the order of ``card.logs``.

    ``log`` says by which policy a video was chosen. ``video_age`` is the number of days from a video's upload to the
    row's day; where the row lies before the stated upload, that day cannot be right and the age is missing.
    """
    log = _read_logs(folder, card, scratch)
    users = read_table(folder / card.tables["users"], USERS, "user_id").rename({"user_id": "user"})
    videos = (
        read_table(folder / card.tables["items"], _VIDEOS, "video_id")
        .rename({"video_id": "item", "author_id": "author", "music_id": "music"})
        .with_columns(pl.col("tag").str.split(","))
    )
    age = (pl.col("day") - pl.col("upload_dt")).dt.total_days().cast(pl.Float64)
    rows = (
        log.join(videos.lazy().select("item", "upload_dt"), on="item", how="left", maintain_order="left")
        .with_columns(video_age=pl.when(age >= 0).then(age))
        .drop("upload_dt")
    )
    return RawLog(
        rows.select(*_BASE, *feature_columns(card, "context"), *FEEDBACK),
        users.select("user", *feature_columns(card, "user")),
        videos.select("item", *feature_columns(card, "item")),
        candidates=_candidates(rows),
    )


def _read_logs(folder: Path, card: DatasetCard, scratch: Path) -> pl.LazyFrame:
    paths = [folder / name for name in present_logs(folder, card)]
    logs = [
        convert_delimited(path, _LOG, scratch / f"{path.stem}.parquet").with_columns(
            log=pl.lit("random" if "random" in path.name else "standard"), file=pl.lit(path.stem)
        )
        for path in paths
    ]
    return (
        pl.concat(logs)
        .with_row_index("raw_row")
        .select(
            pl.col("user_id").alias("user"),
            pl.col("video_id").alias("item"),
            seconds("play_time_ms").alias("watch_time"),
            seconds("duration_ms").alias("duration"),
            pl.col("time_ms").alias("timestamp"),
            pl.col("date").alias("day"),
            "log",
            "file",
            "raw_row",
            pl.col("tab").cast(pl.String),
            (pl.col("hourmin") // 100).cast(pl.String).alias("hour"),
            pl.col(FEEDBACK).cast(pl.Int8),
        )
    )


def _candidates(rows: pl.LazyFrame) -> list[Count]:
    """Count what ProWTP may have counted: it names no rule."""
    frame = rows.select("user", "item", "timestamp", "watch_time", "duration", "log", "file").collect(
        engine="streaming"
    )
    standard = frame.filter(log="standard")
    known = standard.filter(pl.col("duration") > 0)
    readings = {
        "standard policy": standard,
        "standard policy, duration above 0": known,
        "standard policy, without repeated (user, video, time)": standard.unique(["user", "item", "timestamp"]),
        "standard policy, every (user, video) once": standard.unique(["user", "item"]),
        "standard policy, watched at all": standard.filter(pl.col("watch_time") > 0),
        "standard policy, watched at all, duration above 0": known.filter(pl.col("watch_time") > 0),
        "standard policy, 5 to 400 s (CWM)": known.filter(pl.col("duration").round().is_between(5, 400)),
        "standard policy, 5 to 240 s (D2Co)": known.filter(pl.col("duration").round().is_between(5, 240)),
    }
    if standard.height < frame.height:
        readings["standard and random policy"] = frame
    readings |= {
        f"the file {name} alone": frame.filter(file=name) for name in frame["file"].unique(maintain_order=True)
    }
    return [{"rule": rule, **count_sides(found)} for rule, found in readings.items() if found.height]
