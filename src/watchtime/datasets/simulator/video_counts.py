"""Daily or total counts of what happens to videos, under the official names of Kuaishou's data sets."""

from __future__ import annotations

import numpy as np

from watchtime.datasets.simulator.arithmetic import Booleans, Floats, Integers
from watchtime.datasets.simulator.exposure import Views
from watchtime.datasets.simulator.law import KINDS

COUNTS = (
    "show_cnt,show_user_num,play_cnt,play_user_num,play_duration,complete_play_cnt,complete_play_user_num,"
    "valid_play_cnt,valid_play_user_num,long_time_play_cnt,long_time_play_user_num,short_time_play_cnt,"
    "short_time_play_user_num,play_progress,comment_stay_duration,like_cnt,like_user_num,click_like_cnt,"
    "double_click_cnt,cancel_like_cnt,cancel_like_user_num,comment_cnt,comment_user_num,direct_comment_cnt,"
    "reply_comment_cnt,delete_comment_cnt,delete_comment_user_num,comment_like_cnt,comment_like_user_num,follow_cnt,"
    "follow_user_num,cancel_follow_cnt,cancel_follow_user_num,share_cnt,share_user_num,download_cnt,download_user_num,"
    "report_cnt,report_user_num,reduce_similar_cnt,reduce_similar_user_num,collect_cnt,collect_user_num,"
    "cancel_collect_cnt,cancel_collect_user_num"
)
COPIES = {  # official columns that mean the same where nothing is cancelled and all comments are direct
    "click_like_cnt": "like_cnt",
    "direct_comment_cnt": "comment_cnt",
    "direct_comment_user_num": "comment_user_num",
    "share_all_cnt": "share_cnt",
    "share_all_user_num": "share_user_num",
    "outsite_share_all_cnt": "share_cnt",
}
CLICK_MS = 7_000.0
LONG_VIEW_MS = 18_000.0


def reaches(views: Views, duration_ms: Floats, threshold_ms: float) -> Booleans:
    """Return whether a view lasted ``threshold_ms`` or, of a shorter video, all of it."""
    return views.play_ms >= np.minimum(duration_ms, threshold_ms)


class VideoCounts:
    """Totals per cell, a cell being a video or one day of a video, over all views added."""

    def __init__(self, cells: int) -> None:
        self.cells = cells
        self.counts: dict[str, Integers] = {}
        self.pairs: dict[str, list[Integers]] = {}

    def add(self, views: Views, cell: Integers, duration_ms: Floats) -> None:
        """Count views that belong to the given cells and whose videos last ``duration_ms``."""
        events: dict[str, Booleans] = {
            "show": np.ones(len(cell), dtype=np.bool_),
            "play": views.kind != KINDS.index("zero"),
            "complete_play": views.kind >= KINDS.index("finish"),
            "valid_play": reaches(views, duration_ms, CLICK_MS),
            "long_time_play": reaches(views, duration_ms, LONG_VIEW_MS),
            "short_time_play": views.kind == KINDS.index("skip"),
            "like": views.feedback["is_like"] == 1,
            "comment": views.feedback["is_comment"] == 1,
            "follow": views.feedback["is_follow"] == 1,
            "share": views.feedback["is_forward"] == 1,
            "reduce_similar": views.feedback["is_hate"] == 1,
        }
        for name, event in events.items():
            self._count(f"{name}_cnt", cell[event], 1)
            self.pairs.setdefault(name, []).append(views.users[event] * self.cells + cell[event])
        self._count("play_duration", cell, views.play_ms)
        self._count("comment_stay_duration", cell, views.comment_stay_ms)

    def columns(self, duration_ms: Floats) -> dict[str, Integers | Floats]:
        """Return the counts by name; ``play_progress`` is watched time over shown duration, ``duration_ms`` per cell.

        What the world does not know, such as downloads, has no entry.
        """
        columns: dict[str, Integers | Floats] = dict(self.counts)
        for name, codes in self.pairs.items():
            columns[f"{name}_user_num"] = distinct(codes, self.cells)
        for copy, original in COPIES.items():
            columns[copy] = columns[original]
        shown = columns["show_cnt"] * duration_ms
        columns["play_progress"] = columns["play_duration"] / np.maximum(shown, 1)
        return columns

    def _count(self, name: str, cell: Integers, amount: Integers | int) -> None:
        np.add.at(self.counts.setdefault(name, np.zeros(self.cells, dtype=np.int64)), cell, amount)


def distinct(codes: list[Integers], cells: int) -> Integers:
    """Return per cell how many different codes there are, a code being anything · cells + cell."""
    return np.bincount(np.unique(np.concatenate(codes)) % cells, minlength=cells)
