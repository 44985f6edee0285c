"""The official video feature file of KuaiRand-Pure, written from a world."""

from __future__ import annotations

import numpy as np
import polars as pl

from watchtime.datasets.simulator import attributes
from watchtime.datasets.simulator.features import level, named
from watchtime.datasets.simulator.world import World

VIDEO_HEADER = (
    "video_id,author_id,video_type,upload_dt,upload_type,visible_status,video_duration,server_width,server_height,"
    "music_id,music_type,tag"
)
FIRST_AUTHOR, AUTHOR_STEP = 17, 7_919
FIRST_MUSIC, MUSIC_STEP = 4_094_640_033, 104_729


def basic_video_features(world: World) -> pl.DataFrame:
    """Return ``video_features_basic_pure.csv``: several tags as "39,68", hidden durations and missing tags empty."""
    items = world.items
    sizes = named(list(attributes.FRAME_SIZES), items.levels["frame_size"]).str.split("x")
    tags = list(attributes.TAGS)
    tagged = [",".join(tags[code] for code in codes if code >= 0) for codes in items.tags.tolist()]
    columns = {
        **{name: level(name, items.levels[name]) for name in attributes.ITEM_LEVELS},
        "video_id": pl.Series(np.arange(len(tagged))),
        "author_id": pl.Series(FIRST_AUTHOR + AUTHOR_STEP * items.author),
        "music_id": pl.Series(FIRST_MUSIC + MUSIC_STEP * items.music),
        "visible_status": pl.Series(np.zeros(len(tagged))),
        "video_duration": pl.Series(items.duration_ms).set(pl.Series(items.hidden_duration), None),
        "server_width": sizes.list.get(0).cast(pl.Float64),
        "server_height": sizes.list.get(1).cast(pl.Float64),
        "tag": pl.Series(tagged).set(pl.Series(items.untagged), None),
    }
    return pl.DataFrame({name: columns[name] for name in VIDEO_HEADER.split(",")})
