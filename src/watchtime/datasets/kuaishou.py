"""What the data sets of Kuaishou have in common: the table of user features and how a table is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from watchtime.core.dataset_card import DatasetCard
from watchtime.core.errors import WatchtimeError
from watchtime.datasets.raw import CATEGORY, Cell, check_unique_key, number, read_delimited, whole

USERS: Mapping[str, Cell | None] = {
    "user_id": whole(),
    "user_active_degree": CATEGORY,
    "is_lowactive_period": CATEGORY,
    "is_live_streamer": CATEGORY,
    "is_video_author": CATEGORY,
    "follow_user_num": number(optional=True),
    "follow_user_num_range": CATEGORY,
    "fans_user_num": number(optional=True),
    "fans_user_num_range": CATEGORY,
    "friend_user_num": number(optional=True),
    "friend_user_num_range": CATEGORY,
    "register_days": number(optional=True),
    "register_days_range": CATEGORY,
    **{f"onehot_feat{i}": CATEGORY for i in range(18)},
}


def present_logs(folder: Path, card: DatasetCard) -> list[str]:
    """Return those of ``card.logs`` that are in ``folder``; raises a ``WatchtimeError`` where none is."""
    present = [name for name in card.logs if (folder / name).exists()]
    if not present:
        raise WatchtimeError(f"{folder}: no log was found, at least one is needed: {', '.join(card.logs)}.")
    return present


def read_table(path: Path, cells: Mapping[str, Cell | None], key: str) -> pl.DataFrame:
    """Return a small table with one row per ``key``; raises as ``read_delimited`` does and for a repeated key."""
    table = read_delimited(path, cells)
    check_unique_key(table, key, path)
    return table
