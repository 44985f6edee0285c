"""KuaiRec 2.0: a log of Kuaishou, and a matrix in which nearly every user saw every video (Gao et al., CIKM 2022).

The ratio of the raw files is their play duration divided by their video duration, so it is not read. No pair of the
small matrix is in the big one. About 4 % of the small matrix, collected by showing people what they had not seen, have
neither time nor day.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from watchtime.core.dataset_card import DatasetCard
from watchtime.datasets.interactions import Count, RawLog, count_sides, feature_columns
from watchtime.datasets.kuaishou import USERS, present_logs, read_table
from watchtime.datasets.raw import CATEGORY, Cell, category, convert_delimited, date, moment, number, whole
from watchtime.datasets.units import seconds

_BASE = ("user", "item", "watch_time", "duration", "timestamp", "day", "log", "raw_row")
_CHINA_MS, _HOUR_MS = 8 * 3_600_000, 3_600_000  # China is 8 hours ahead of UTC all year


def _day() -> Cell:
    """A day, also as a number with decimals: a column of whole numbers with gaps is often written so."""
    plain = date("%Y%m%d", "20200705", optional=True)
    return Cell(plain.allowed, lambda text: plain.parse(text.str.strip_suffix(".0")), optional=True)


def _bracketed(value: str, example: str) -> Cell:
    """Values in brackets, separated by commas; the regular expression ``value`` says what one is: List(String)."""
    shape = rf"^\[({value}(, ?{value})*)?\]$"

    def parse(text: pl.Expr) -> pl.Expr:
        return pl.when(text.str.contains(shape)).then(text.str.extract_all(value))

    return Cell(f"a list such as {example}", parse, optional=True)


_UNKNOWN_OR_CATEGORY = category(missing=("-124",))

_LOG: dict[str, Cell | None] = {
    "user_id": whole(),
    "video_id": whole(),
    "play_duration": number(),
    "video_duration": number(),
    "time": None,
    "date": _day(),
    "timestamp": moment(optional=True),
    "watch_ratio": None,
}
_CATEGORIES: dict[str, Cell | None] = {"video_id": whole(), "feat": _bracketed("[0-9]+", "[27, 9]")}
_CAPTIONS: dict[str, Cell | None] = {
    "video_id": whole(),
    "manual_cover_text": None,
    "caption": None,
    "topic_tag": _bracketed(r"[^,\[\]]+", "[food,travel]"),
    "first_level_category_id": _UNKNOWN_OR_CATEGORY,
    "first_level_category_name": None,
    "second_level_category_id": _UNKNOWN_OR_CATEGORY,
    "second_level_category_name": None,
    "third_level_category_id": _UNKNOWN_OR_CATEGORY,
    "third_level_category_name": None,
}
# What is counted per day describes the days of the log itself, so none of it is read.
_COUNTS = (
    "show_cnt,show_user_num,play_cnt,play_user_num,play_duration,complete_play_cnt,complete_play_user_num,"
    "valid_play_cnt,valid_play_user_num,long_time_play_cnt,long_time_play_user_num,short_time_play_cnt,"
    "short_time_play_user_num,play_progress,comment_stay_duration,like_cnt,like_user_num,click_like_cnt,"
    "double_click_cnt,cancel_like_cnt,cancel_like_user_num,comment_cnt,comment_user_num,direct_comment_cnt,"
    "reply_comment_cnt,delete_comment_cnt,delete_comment_user_num,comment_like_cnt,comment_like_user_num,follow_cnt,"
    "follow_user_num,cancel_follow_cnt,cancel_follow_user_num,share_cnt,share_user_num,download_cnt,download_user_num,"
    "report_cnt,report_user_num,reduce_similar_cnt,reduce_similar_user_num,collect_cnt,collect_user_num,"
    "cancel_collect_cnt,cancel_collect_user_num"
)
_DAILY: dict[str, Cell | None] = {
    "video_id": whole(),
    "date": None,
    "author_id": CATEGORY,
    "video_type": CATEGORY,
    "upload_dt": date("%Y-%m-%d", "2020-06-30", optional=True),
    "upload_type": CATEGORY,
    "visible_status": None,
    "video_duration": None,
    "video_width": None,
    "video_height": None,
    "music_id": CATEGORY,
    "video_tag_id": _UNKNOWN_OR_CATEGORY,
    "video_tag_name": None,
    **dict.fromkeys(_COUNTS.split(",")),
}
_NAMES = {
    "video_id": "item",
    "feat": "tag",
    "first_level_category_id": "first_level_category",
    "second_level_category_id": "second_level_category",
    "third_level_category_id": "third_level_category",
    "author_id": "author",
    "music_id": "music",
    "video_tag_id": "video_tag",
}


def load(folder: Path, card: DatasetCard, options: Mapping[str, Any], scratch: Path) -> RawLog:
    """Return the rows of the big matrix, then those of the small one, whichever are there.

    ``hour`` is that of the row's time in China. ``video_age`` is the number of days from a video's upload to the row's
    day; it is missing where the upload is stated to be later. The features of an optional table that is not there are
    missing on every row.
    """
    log = _read_logs(folder, card, scratch)
    users = read_table(folder / card.tables["users"], USERS, "user_id").rename({"user_id": "user"})
    videos = _read_videos(folder, card, scratch)
    age = (pl.col("day") - pl.col("upload_dt")).dt.total_days().cast(pl.Float64)
    rows = log.join(
        videos.lazy().select("item", "upload_dt"), on="item", how="left", maintain_order="left"
    ).with_columns(video_age=pl.when(age >= 0).then(age))
    return RawLog(
        rows.select(*_BASE, *feature_columns(card, "context")),
        users.select("user", *feature_columns(card, "user")),
        videos.select("item", *feature_columns(card, "item")),
        candidates=_candidates(log, videos),
    )


def _read_logs(folder: Path, card: DatasetCard, scratch: Path) -> pl.LazyFrame:
    present = present_logs(folder, card)
    logs = [
        convert_delimited(folder / file, _LOG, scratch / f"{name}.parquet").with_columns(log=pl.lit(name))
        for name, file in zip(card.log_names, card.logs, strict=True)
        if file in present
    ]
    in_china = pl.col("timestamp") + _CHINA_MS
    return (
        pl.concat(logs)
        .with_row_index("raw_row")
        .select(
            pl.col("user_id").alias("user"),
            pl.col("video_id").alias("item"),
            seconds("play_duration").alias("watch_time"),
            seconds("video_duration").alias("duration"),
            "timestamp",
            pl.col("date").alias("day"),
            "log",
            "raw_row",
            (in_china // _HOUR_MS % 24).cast(pl.String).alias("hour"),
        )
    )


def _read_videos(folder: Path, card: DatasetCard, scratch: Path) -> pl.DataFrame:
    """Return one row per video of the table of categories, with what the optional tables say of it."""
    videos = read_table(folder / card.tables["items"], _CATEGORIES, "video_id")
    captions = folder / card.optional_tables["captions"]
    daily = folder / card.optional_tables["daily"]
    further = [
        read_table(captions, _CAPTIONS, "video_id") if captions.exists() else _absent(_CAPTIONS),
        _first_days(daily, scratch) if daily.exists() else _absent(_DAILY),
    ]
    for table in further:
        videos = videos.join(table, on="video_id", how="left", maintain_order="left")
    return videos.rename(_NAMES)


def _first_days(path: Path, scratch: Path) -> pl.DataFrame:
    """Return each video's first row of the daily features."""
    rows = convert_delimited(path, _DAILY, scratch / "daily.parquet")
    return rows.unique("video_id", keep="first", maintain_order=True).collect(engine="streaming")


def _absent(cells: Mapping[str, Cell | None]) -> pl.DataFrame:
    """Return a table without rows that has the columns of ``cells``, each with its type."""
    read = {name: cell for name, cell in cells.items() if cell is not None}
    texts = pl.DataFrame(schema=dict.fromkeys(read, pl.String))
    return texts.select(cell.value(name) for name, cell in read.items())


def _candidates(log: pl.LazyFrame, videos: pl.DataFrame) -> list[Count]:
    """Count what papers may have counted: all quote the 12,530,806 rows of the big matrix, whatever they filtered."""
    big, small = pl.col("log") == "big", pl.col("log") == "small"
    watched = big & (pl.col("watch_time") > 0) & (pl.col("duration") > 0)
    below_ten = watched & (pl.col("watch_time") < 10 * pl.col("duration"))
    readings = {
        "big matrix": big,
        "big matrix, without repeated (user, video, time)": big & _first("user", "item", "timestamp"),
        "big matrix, every (user, video) once": big & _first("user", "item"),
        "big matrix, watched at all": watched,
        "big matrix, watched at all, less than ten times": below_ten,
    }
    if videos["video_type"].count():
        unpaid = pl.col("video_type").ne_missing("AD")
        readings |= {
            "big matrix, no advertisements, watched at all (HEGM)": watched & unpaid,
            "big matrix, no advertisements, watched at all, less than ten times (EGMN, DADF)": below_ten & unpaid,
        }
    readings |= {"small matrix": small, "both matrices (GR)": big | small}
    types = videos.lazy().select("item", "video_type")
    frame = (
        log.join(types, on="item", how="left", maintain_order="left")
        .select("user", "item", **readings)
        .collect(engine="streaming")
    )
    counts = [{"rule": rule, **count_sides(frame.select("user", "item").filter(frame[rule]))} for rule in readings]
    return [count for count in counts if count["rows"]]


def _first(*key: str) -> pl.Expr:
    """Whether a row is the first one with its key; the two matrices share no pair of user and video."""
    return pl.struct(key).is_first_distinct()
