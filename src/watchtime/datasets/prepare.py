"""The three steps from raw files to arrays, as the command line calls them; each also writes what it counted."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from watchtime.core.catalog import DatasetCard, Protocol
from watchtime.core.config import RowRules
from watchtime.core.errors import WatchtimeError
from watchtime.core.files import replacing, write_json
from watchtime.datasets.encoded import read_array, replacing_folder, write_array
from watchtime.datasets.encoding import Encoding
from watchtime.datasets.interactions import apply_rules, check, count, without_features
from watchtime.datasets.protocols import PARTS, TEST, TRAINING, VALIDATION, split


def prepare_interactions(
    dataset: str, folder: Path, rules: RowRules, card: DatasetCard, output: Path, counts: Path
) -> None:
    """Read the raw files with ``watchtime.datasets.<dataset>``, apply the row rules, write parquet and counts."""
    frame = import_module(f"watchtime.datasets.{dataset}").load(folder, card)
    check(frame, card)
    frame, steps = apply_rules(frame, rules)
    with replacing(output) as temporary:
        frame.rechunk().write_parquet(temporary, compression="zstd", row_group_size=2**18)
    write_json(counts, {"rules": steps, "without_features": without_features(frame, card)})


def prepare_split(interactions: Path, protocol: Protocol, seed: int, output: Path, counts: Path) -> None:
    """Write the part of every row (int8 .npy) and, per part, its rows, users, items and what training has not seen."""
    columns = ["user", "item", "timestamp", "day", "raw_row"]
    frame = _read_interactions(interactions).select(columns).collect()
    parts = split(frame, protocol, seed)
    groups = [frame.filter(pl.Series(parts == part)) for part in (TRAINING, VALIDATION, TEST)]
    report = {name: _describe(group, groups[TRAINING]) for name, group in zip(PARTS, groups, strict=True)}
    write_array(output, parts)
    write_json(counts, report)


def prepare_encoding(interactions: Path, split: Path, card: DatasetCard, output: Path) -> None:
    """Fit the encoding on the training rows and write it with the encoded log and its counts into ``output``."""
    log = _read_interactions(interactions)
    parts = read_array(split)
    rows = log.select(pl.len()).collect().item()
    if parts.shape != (rows,):
        raise WatchtimeError(f"{split}: found {len(parts)} rows, {interactions} has {rows}.")
    encoding = Encoding.fit(log.filter(pl.Series(parts == TRAINING)), card)
    encoded = replace(encoding.encode(log, require_target=True), part=parts)
    report = {
        "cardinalities": encoding.cardinalities,
        "rows": {name: int(np.sum(parts == part)) for part, name in enumerate(PARTS)},
        "unknown_shares": {PARTS[part]: encoded.unknown_shares(part) for part in (VALIDATION, TEST)},
    }
    with replacing_folder(output) as temporary:
        encoding.save(temporary / "encoding.json")
        encoded.write_into(temporary)
        write_json(temporary / "counts.json", report)


def _read_interactions(path: Path) -> pl.LazyFrame:
    try:
        frame = pl.scan_parquet(path, glob=False)
        frame.collect_schema()
    except FileNotFoundError:
        raise WatchtimeError(f"{path}: the file does not exist.") from None
    except pl.exceptions.PolarsError:
        raise WatchtimeError(f"{path}: not a parquet file.") from None
    return frame


def _describe(part: pl.DataFrame, training: pl.DataFrame) -> dict[str, Any]:
    report: dict[str, Any] = {**count(part)}
    for side in ("user", "item"):
        known = training[side].unique()
        unseen = part.filter(~pl.col(side).is_in(known.implode()))
        report[f"share_of_{side}s_unseen"] = unseen[side].n_unique() / part[side].n_unique()
        report[f"share_of_rows_with_unseen_{side}"] = unseen.height / part.height
    return report
