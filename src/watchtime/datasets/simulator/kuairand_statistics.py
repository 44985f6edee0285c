"""The official video statistics of KuaiRand-Pure, counted over the simulated logs."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from watchtime.datasets.simulator.arithmetic import Integers
from watchtime.datasets.simulator.exposure import Views
from watchtime.datasets.simulator.video_counts import COUNTS, VideoCounts, distinct
from watchtime.datasets.simulator.world import World

HEADER = (
    f"video_id,counts,{COUNTS},"
    "direct_comment_user_num,reply_comment_user_num,share_all_cnt,share_all_user_num,outsite_share_all_cnt"
)


class VideoStatistics:
    """Totals per video over all logs added; what the world does not know, such as downloads, stays 0.

    ``counts`` is the number of days on which a video was shown.
    """

    def __init__(self, world: World) -> None:
        self.duration_ms = world.items.duration_ms
        self.totals = VideoCounts(len(self.duration_ms))
        self.days: list[Integers] = []

    def add(self, views: Views, day: date) -> None:
        """Count one day of a log."""
        self.totals.add(views, views.items, self.duration_ms[views.items])
        self.days.append(day.toordinal() * self.totals.cells + views.items)

    def frame(self) -> pl.DataFrame:
        """Return ``video_features_statistic_pure.csv``."""
        columns = {
            **self.totals.columns(self.duration_ms),
            "counts": distinct(self.days, self.totals.cells),
            "video_id": np.arange(self.totals.cells),
        }
        zero = np.zeros(self.totals.cells, dtype=np.int64)
        return pl.DataFrame({name: columns.get(name, zero) for name in HEADER.split(",")})
