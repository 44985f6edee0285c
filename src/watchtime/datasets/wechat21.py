"""WeChat21: short videos ("feeds") of WeChat Channels over two weeks (WeChat Big Data Challenge 2021).

The log has no times and no calendar days, only the number of each day: day 1 counts as 2021-01-01. Within a user and a
day its order is therefore not known, and no rule about repeated (user, item, time) keys applies.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from watchtime.core.dataset_card import DatasetCard
from watchtime.core.errors import WatchtimeError
from watchtime.datasets.interactions import Count, RawLog, count_sides, feature_columns
from watchtime.datasets.protocols import k_core
from watchtime.datasets.raw import (
    CATEGORY,
    Cell,
    check_unique_key,
    convert_delimited,
    number,
    read_delimited,
    whole,
)
from watchtime.datasets.units import seconds

FIRST_DAY = date(2021, 1, 1)
DAYS = 14
CORE = 120  # LabelCraft's
FEEDBACK = ("read_comment", "comment", "like", "click_avatar", "forward", "follow", "favorite")
_BASE = ("user", "item", "watch_time", "duration", "day", "raw_row")
_NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"


def _parse_ids(text: pl.Expr) -> pl.Expr:
    shape = f"^[0-9]+( {_NUMBER})?(;[0-9]+( {_NUMBER})?)*$"
    return pl.when(text.str.contains(shape)).then(text.str.replace_all(" [^;]*", "").str.split(";"))


def _parse_vector(text: pl.Expr) -> pl.Expr:
    numbers = text.str.strip_chars().str.split(" ").cast(pl.List(pl.Float32), strict=False)
    return pl.when(numbers.list.eval(pl.element().is_finite().fill_null(False)).list.all()).then(numbers)


_IDS = Cell("ids such as 81;269, each with or without a probability as in 81 0.85", _parse_ids, optional=True)
_VECTOR = Cell("finite numbers separated by spaces", _parse_vector)

_ACTIONS: dict[str, Cell | None] = {
    "userid": whole(),
    "feedid": whole(),
    "date_": whole(least=1, most=DAYS),
    "device": CATEGORY,
    **dict.fromkeys(FEEDBACK, whole(most=1)),
    "play": number(),
    "stay": None,
}
_FEEDS: dict[str, Cell | None] = {
    "feedid": whole(),
    "authorid": CATEGORY,
    "videoplayseconds": number(),
    "description": None,
    "ocr": None,
    "asr": None,
    "bgm_song_id": CATEGORY,
    "bgm_singer_id": CATEGORY,
    "manual_keyword_list": _IDS,
    "machine_keyword_list": _IDS,
    "manual_tag_list": _IDS,
    "machine_tag_list": _IDS,
    "description_char": None,
    "ocr_char": None,
    "asr_char": None,
}
_NAMES = {
    "feedid": "item",
    "authorid": "author",
    "videoplayseconds": "duration",
    "bgm_song_id": "bgm_song",
    "bgm_singer_id": "bgm_singer",
    "manual_keyword_list": "manual_keyword",
    "machine_keyword_list": "machine_keyword",
    "manual_tag_list": "manual_tag",
    "machine_tag_list": "machine_tag",
}


def load(folder: Path, card: DatasetCard, options: Mapping[str, Any], scratch: Path) -> RawLog:
    """Return the rows of ``user_action.csv``, or with ``without_feed: drop`` those whose feed has a row in its table.

    The other rows have neither duration nor features. A tag that the machine found counts, however improbable. With
    ``item_vectors: embeddings`` a feed without an embedding has none.
    """
    path = folder / card.logs[0]
    if not path.exists():
        raise WatchtimeError(f"{folder}: no log was found, {card.logs[0]} is needed.")
    actions = convert_delimited(path, _ACTIONS, scratch / "actions.parquet")
    feeds = _read_feeds(folder, card, options["item_vectors"] == "embeddings", scratch)
    all_rows = _rows(actions, feeds)
    rows = all_rows
    steps: list[Count] = []
    if options["without_feed"] == "drop":
        rows = all_rows.filter(pl.col("duration").is_not_null())
        steps = [{"rule": f"rows of {path.name}", **count_sides(all_rows.select("user", "item").collect())}]
        if not rows.head(1).collect().height:
            raise WatchtimeError(f"{path}: none of its feeds is in {folder / card.tables['items']}.")
    return RawLog(
        rows.with_row_index("raw_row").select(*_BASE, *feature_columns(card, "context"), *FEEDBACK),
        items=feeds.select("item", *feature_columns(card, "item")),
        steps=steps,
        candidates=_candidates(all_rows),
    )


def _rows(actions: pl.LazyFrame, feeds: pl.DataFrame) -> pl.LazyFrame:
    durations = feeds.lazy().select("item", "duration")
    return actions.select(
        pl.col("userid").alias("user"),
        pl.col("feedid").alias("item"),
        seconds("play").alias("watch_time"),
        (FIRST_DAY + pl.duration(days=pl.col("date_") - 1)).cast(pl.Date).alias("day"),
        "device",
        pl.col(FEEDBACK).cast(pl.Int8),
    ).join(durations, on="item", how="left", maintain_order="left")


def _read_feeds(folder: Path, card: DatasetCard, vectors: bool, scratch: Path) -> pl.DataFrame:
    """Return one row per feed of ``feed_info.csv``, with its embedding if ``vectors``."""
    path = folder / card.tables["items"]
    feeds = read_delimited(path, _FEEDS)
    check_unique_key(feeds, "feedid", path)
    if vectors:
        embeddings = _read_embeddings(folder / card.tables["embeddings"], scratch)
        feeds = feeds.join(embeddings, on="feedid", how="left", maintain_order="left")
    return feeds.rename(_NAMES)


def _read_embeddings(path: Path, scratch: Path) -> pl.DataFrame:
    """Return a vector per feed, as wide as the first one; refuses another width."""
    table = convert_delimited(path, {"feedid": whole(), "feed_embedding": _VECTOR}, scratch / "embeddings.parquet")
    widths = table.select("feedid", width=pl.col("feed_embedding").list.len()).collect(engine="streaming")
    check_unique_key(widths, "feedid", path)
    width = widths["width"][0]
    other = (widths["width"] != width).arg_true()
    if len(other):
        row = other[0]
        raise WatchtimeError(
            f"{path}: row {row + 1}, column feed_embedding: found {widths['width'][row]} numbers, row 1 has {width}."
        )
    return table.with_columns(pl.col("feed_embedding").list.to_array(width)).collect(engine="streaming")


def _candidates(rows: pl.LazyFrame) -> list[Count]:
    """Count what PTPM (7.3 million rows), ProWTP (7,210,290) and LabelCraft (4,778,294) may have counted."""
    watch_time, duration = pl.col("watch_time"), pl.col("duration")
    watched, known = watch_time > 0, duration.fill_null(0) > 0
    readings = {
        "all rows": pl.lit(True),
        "watched at all": watched,
        "with a row in feed_info.csv": duration.is_not_null(),
        "watched at all, duration above 0": watched & known,
        "watched at all, duration above 0, less than ten times (DADF)": watched & known & (watch_time < 10 * duration),
        "duration from 5 to 60 s (CWM)": duration.is_between(5, 60),
        "every (user, feed) once": pl.struct("user", "item").is_first_distinct(),
    }
    frame = rows.select("user", "item", **readings).collect(engine="streaming")
    pairs = frame.select("user", "item")
    found = {rule: pairs.filter(frame[rule]) for rule in readings}
    found |= _cores(pairs)
    return [{"rule": rule, **count_sides(left)} for rule, left in found.items() if left.height]


def _cores(pairs: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """LabelCraft keeps users and feeds with 120 rows each; it does not say whether again and again until all have."""
    once = pl.all_horizontal(pl.len().over(side) >= CORE for side in ("user", "item"))
    found = {f"users and feeds with {CORE} rows each, counted once": pairs.filter(once)}
    with suppress(WatchtimeError):  # a small log has no such core
        found[f"{CORE}-core (LabelCraft)"] = pairs.filter(pl.Series(k_core(pairs, CORE, "WeChat21")))
    return found
