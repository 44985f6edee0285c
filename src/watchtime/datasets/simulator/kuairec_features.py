"""The official video feature files of KuaiRec 2.0, written from a world."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from watchtime.datasets.simulator import attributes
from watchtime.datasets.simulator.arithmetic import generator
from watchtime.datasets.simulator.exposure import Views
from watchtime.datasets.simulator.features import level, named
from watchtime.datasets.simulator.layout import DAY_MS
from watchtime.datasets.simulator.video_counts import COUNTS, VideoCounts
from watchtime.datasets.simulator.world import World

DAILY_HEADER = (
    "video_id,date,author_id,video_type,upload_dt,upload_type,visible_status,video_duration,video_width,video_height,"
    f"music_id,video_tag_id,video_tag_name,{COUNTS}"
)
FIRST_TAG, UNKNOWN_ID, UNKNOWN = 1_000, -124, "UNKNOWN"
CAPTION_SHARE, COVER_SHARE, SECOND_SHARE, THIRD_SHARE = 0.87, 0.38, 0.67, 0.36
VIDEOS_PER_CARRIAGE_RETURN = 300
LONGEST_AGE_DAYS = 90


def categories(world: World) -> pl.DataFrame:
    """Return ``item_categories.csv``: a list of category numbers per video, "[8]" or "[27, 9]"."""
    feat = [str([code + 1 for code in codes if code >= 0]) for codes in world.items.tags.tolist()]
    return pl.DataFrame({"video_id": np.arange(len(feat)), "feat": feat})


def captions(world: World, seed: int) -> pl.DataFrame:
    """Return ``kuairec_caption_category.csv``, its cells quoted where they hold a comma: write it as it is.

    As in the real file, what is not known is ``UNKNOWN`` with number −124, no caption is an empty cell, and a few
    captions hold a carriage return.
    """
    items = world.items
    count = len(items.author)
    rng = generator(seed, part="captions")
    has_caption, has_cover, has_second, has_third = (
        (rng.random(count) < share).tolist() for share in (CAPTION_SHARE, COVER_SHARE, SECOND_SHARE, THIRD_SHARE)
    )
    rows = []
    for video, (codes, author) in enumerate(zip(items.tags.tolist(), items.author.tolist(), strict=True)):
        topics = [f"topic{code}" for code in codes if code >= 0]
        ending = "\r" if video % VIDEOS_PER_CARRIAGE_RETURN == 1 else ""
        caption = " ".join(f"#{topic}" for topic in topics) + f"{'' if ending else ','} by author {author}{ending}"
        first = UNKNOWN_ID if items.untagged[video] else codes[0] + 1
        second = 100 + 4 * first + author % 4 if has_second[video] and first > 0 else UNKNOWN_ID
        third = 1_000 + 3 * second + author % 3 if has_third[video] and second > 0 else UNKNOWN_ID
        texts = (
            f"cover {topics[-1]}" if has_cover[video] else UNKNOWN,
            caption if has_caption[video] or ending else "",
            f"[{','.join(topics[1:])}]",
        )
        row: list[int | str] = [video, *(f'"{text}"' if "," in text else text for text in texts)]
        for number in (first, second, third):
            row += [number, UNKNOWN if number == UNKNOWN_ID else f"category {number}"]
        rows.append(row)
    levels = [f"{name}_level_category_{part}" for name in ("first", "second", "third") for part in ("id", "name")]
    return pl.DataFrame(rows, schema=["video_id", "manual_cover_text", "caption", "topic_tag", *levels], orient="row")


def daily_features(world: World, views: Views, first_day: date, days: int, seed: int) -> pl.DataFrame:
    """Return ``item_daily_features.csv``: one row per video and day, its counts those of the day's ``views``.

    All videos were uploaded on the first day or up to 90 days before it.
    """
    items = world.items
    count = len(items.author)
    age = np.floor(LONGEST_AGE_DAYS * generator(seed, part="uploads").random(count)).astype(np.int64)
    sizes = named(list(attributes.FRAME_SIZES), items.levels["frame_size"]).str.split("x")
    tag = FIRST_TAG + 10 * items.tags[:, 0] + items.author % 10
    of_video = pl.DataFrame(
        {
            "video_id": np.arange(count),
            "author_id": items.author,
            "video_type": level("video_type", items.levels["video_type"]),
            "upload_dt": pl.Series([(first_day - timedelta(past)).isoformat() for past in age.tolist()]),
            "upload_type": level("upload_type", items.levels["upload_type"]),
            "visible_status": pl.Series(["public"]).new_from_index(0, count),
            "video_duration": items.duration_ms,
            "video_width": sizes.list.get(0).cast(pl.Int64),
            "video_height": sizes.list.get(1).cast(pl.Int64),
            "music_id": items.music,
            "video_tag_id": tag,
            "video_tag_name": [f"tag {number}" for number in tag.tolist()],
        }
    )
    cells = count * days
    daily = VideoCounts(cells)
    daily.add(views, views.items * days + views.millisecond // DAY_MS, items.duration_ms[views.items])
    zero = np.zeros(cells, dtype=np.int64)
    counted = daily.columns(np.repeat(items.duration_ms, days))
    dates = [int((first_day + timedelta(day)).strftime("%Y%m%d")) for day in range(days)]
    return of_video[np.repeat(np.arange(count), days)].with_columns(
        pl.Series("date", np.tile(dates, count)),
        *(pl.Series(name, counted.get(name, zero)) for name in COUNTS.split(",")),
    )[DAILY_HEADER.split(",")]
