"""The official video statistics of KuaiRand-Pure, counted over the simulated logs."""

from __future__ import annotations

import numpy as np
import polars as pl

from watchtime.datasets.simulator.arithmetic import Booleans, Integers
from watchtime.datasets.simulator.exposure import Views
from watchtime.datasets.simulator.law import KINDS
from watchtime.datasets.simulator.world import World

HEADER = (
    "video_id,counts,show_cnt,show_user_num,play_cnt,play_user_num,play_duration,complete_play_cnt,"
    "complete_play_user_num,valid_play_cnt,valid_play_user_num,long_time_play_cnt,long_time_play_user_num,"
    "short_time_play_cnt,short_time_play_user_num,play_progress,comment_stay_duration,like_cnt,like_user_num,"
    "click_like_cnt,double_click_cnt,cancel_like_cnt,cancel_like_user_num,comment_cnt,comment_user_num,"
    "direct_comment_cnt,reply_comment_cnt,delete_comment_cnt,delete_comment_user_num,comment_like_cnt,"
    "comment_like_user_num,follow_cnt,follow_user_num,cancel_follow_cnt,cancel_follow_user_num,share_cnt,"
    "share_user_num,download_cnt,download_user_num,report_cnt,report_user_num,reduce_similar_cnt,"
    "reduce_similar_user_num,collect_cnt,collect_user_num,cancel_collect_cnt,cancel_collect_user_num,"
    "direct_comment_user_num,reply_comment_user_num,share_all_cnt,share_all_user_num,outsite_share_all_cnt"
)
COPIES = {  # official columns that mean the same where nothing is cancelled and all comments are direct
    "click_like_cnt": "like_cnt",
    "direct_comment_cnt": "comment_cnt",
    "direct_comment_user_num": "comment_user_num",
    "share_all_cnt": "share_cnt",
    "share_all_user_num": "share_user_num",
    "outsite_share_all_cnt": "share_cnt",
}


class VideoStatistics:
    """Totals per video over all logs added; what the world does not know, such as downloads, stays 0.

    ``counts`` is the number of days on which a video was shown.
    """

    def __init__(self, world: World) -> None:
        self.items = len(world.items.duration_ms)
        self.duration_ms = world.items.duration_ms.astype(np.int64)
        self.counts: dict[str, Integers] = {}
        self.pairs: dict[str, list[Integers]] = {}
        self.days: list[Integers] = []

    def add(self, views: Views, log: pl.DataFrame) -> None:
        """Count one day of a log."""
        happened = {name: log[name].to_numpy() == 1 for name in log.columns if name.startswith(("is_", "long_"))}
        everywhere = np.ones(len(views.items), dtype=np.bool_)
        events: dict[str, Booleans] = {
            "show": everywhere,
            "play": views.kind != KINDS.index("zero"),
            "complete_play": views.kind >= KINDS.index("finish"),
            "valid_play": happened["is_click"],
            "long_time_play": happened["long_view"],
            "short_time_play": views.kind == KINDS.index("skip"),
            "like": happened["is_like"],
            "comment": happened["is_comment"],
            "follow": happened["is_follow"],
            "share": happened["is_forward"],
            "reduce_similar": happened["is_hate"],
        }
        for name, event in events.items():
            self._count(f"{name}_cnt", views.items[event], 1)
            self.pairs.setdefault(name, []).append(views.users[event] * self.items + views.items[event])
        self.days.append(log["date"].to_numpy() * self.items + views.items)
        self._count("play_duration", views.items, views.play_ms)
        self._count("comment_stay_duration", views.items, views.comment_stay_ms)

    def frame(self) -> pl.DataFrame:
        """Return ``video_features_statistic_pure.csv``; ``play_progress`` is watched time over shown duration."""
        counts = dict(self.counts)
        for name, parts in self.pairs.items():
            counts[f"{name}_user_num"] = self._distinct(parts)
        counts["counts"] = self._distinct(self.days)
        for copy, original in COPIES.items():
            counts[copy] = counts[original]
        counts["video_id"] = np.arange(self.items)
        zero = np.zeros(self.items, dtype=np.int64)
        columns = {name: pl.Series(name, counts.get(name, zero)) for name in HEADER.split(",")}
        shown = counts["show_cnt"] * self.duration_ms
        columns["play_progress"] = pl.Series(counts["play_duration"] / np.maximum(shown, 1))
        return pl.DataFrame(columns)

    def _distinct(self, parts: list[Integers]) -> Integers:
        """Return per video how many different codes there are, a code being (user or day) · items + video."""
        return np.bincount(np.unique(np.concatenate(parts)) % self.items, minlength=self.items)

    def _count(self, name: str, items: Integers, amount: Integers | int) -> None:
        np.add.at(self.counts.setdefault(name, np.zeros(self.items, dtype=np.int64)), items, amount)
