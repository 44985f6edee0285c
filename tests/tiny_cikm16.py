"""A hand-made CIKM Cup 2016 folder of seven sessions in the official layout."""

from __future__ import annotations

from pathlib import Path

from watchtime.core.catalog import find_root
from watchtime.core.dataset_card import DatasetCard
from watchtime.core.yaml_files import read_yaml

CARD = DatasetCard.model_validate(read_yaml(find_root() / "config" / "datasets" / "cikm16.yaml"))
VIEWS, QUERIES, CATEGORIES = "train-item-views.csv", "train-queries.csv", "product-categories.csv"

VIEW_HEADER = "sessionId;userId;itemId;timeframe;eventdate"
# session 1: the second row is first in time, the others tie; session 10: two users; session 4: twelve views
VIEW_ROWS = [
    "1;NA;11;500;2016-01-02",
    "1;NA;12;100;2016-01-01",
    "1;7;13;500;2016-01-02",
    "10;8;14;2000;2016-01-05",
    "10;9;12;900;2016-01-05",
    "2;NA;12;0;2016-01-02",
    "3;5;11;40;2016-01-03",
    *(f"4;5;{20 + k};{1000 - 10 * k};2016-01-04" for k in range(1, 13)),
    "5;NA;11;40;2016-01-04",
]
QUERY_HEADER = "queryId;sessionId;userId;timeframe;duration;eventdate;searchstring.tokens;categoryId;items;is.test"
# session 1: its second row is first in time; session 5: 6,000 ms in all; session 6: no view; session 10: a tie
QUERY_ROWS = [
    "1;1;NA;90000;700;2016-01-01;5,6;0;11,12,13;FALSE",
    "2;1;NA;10;231;2016-01-01;;3;11,12;TRUE",
    "3;2;NA;0;31;2016-01-02;9,10,11,12,13,14,15,16,17,18,19;0;11;FALSE",
    "4;4;5;3;5999;2016-01-04;4;0;11;FALSE",
    "5;5;NA;1;100;2016-01-04;8;0;11;FALSE",
    "6;5;NA;2;5900;2016-01-04;7;0;11;FALSE",
    "7;6;NA;2;500;2016-01-04;7;0;11;FALSE",
    "8;10;9;5;1000;2016-01-05;1;0;12;FALSE",
    "9;10;9;5;2000;2016-01-05;2;0;12;FALSE",
]
CATEGORY_HEADER = "itemId;categoryId"
# product 14 has no category
CATEGORY_ROWS = ["12;300", "11;100", "13;100", *(f"{20 + k};400" for k in range(1, 13))]


def write_folder(folder: Path) -> Path:
    """Write the three files and return the folder."""
    folder.mkdir(parents=True)
    for name, header, rows in (
        (VIEWS, VIEW_HEADER, VIEW_ROWS),
        (QUERIES, QUERY_HEADER, QUERY_ROWS),
        (CATEGORIES, CATEGORY_HEADER, CATEGORY_ROWS),
    ):
        (folder / name).write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return folder
