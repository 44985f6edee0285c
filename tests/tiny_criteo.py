"""A hand-made Criteo Sponsored Search Conversion Log of six lines in the official layout."""

from __future__ import annotations

from pathlib import Path

from watchtime.core.catalog import find_root
from watchtime.core.dataset_card import DatasetCard
from watchtime.core.yaml_files import read_yaml

CARD = DatasetCard.model_validate(read_yaml(find_root() / "config" / "datasets" / "criteo_ssc.yaml"))
FILE = "CriteoSearchData"

# sale, amount, delay, second, clicks, price | age, device, audience, gender, brand | categories | country, product, ...
LINES = [
    "0 -1.0 -1 0 -1 0.0 -1 2 401 F -1 A1 A2 A3 -1 -1 -1 -1 10 PX -1 SELLER USER1",
    "1 29.99 3600 1596585600 7 31.5 kid 1 -1 -1 B A1 A2 A3 A4 A5 A6 A7 10 PY T1|T2 SELLER USER2",
    # a sale whose delay is not known
    "1 4.3021400000000005 -1 1596671999 0 4.5 kid 1 0 M B A1 -1 -1 -1 -1 -1 -1 11 PX T3 -1 USER1",
    # an amount without a sale, and a sale without an amount
    "0 5.0 -1 1596672000 12 -1 kid 1.0 0 M 0 A1 -1 -1 -1 -1 -1 -1 11 PX T3 OTHER USER3",
    "1 -1.0 60 1596672001 12 2.0 kid 1 0 M 0 A1 -1 -1 -1 -1 -1 -1 11 PX T3 OTHER USER3",
    # line 1 once more
    "1 29.99 3600 1596585600 7 31.5 kid 1 -1 -1 B A1 A2 A3 A4 A5 A6 A7 10 PY T1|T2 SELLER USER2",
]


def write_folder(folder: Path, lines: list[str] | None = None) -> Path:
    """Write the file, with tabs for the spaces above, and return the folder."""
    folder.mkdir(parents=True)
    text = "".join(line + "\n" for line in (LINES if lines is None else lines))
    (folder / FILE).write_text(text.replace(" ", "\t").replace("|", " "), encoding="utf-8")
    return folder
