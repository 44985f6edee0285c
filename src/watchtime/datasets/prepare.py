"""The three steps from raw files to arrays, as the command line calls them; each also writes what it counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from watchtime.core.catalog import Protocol
from watchtime.core.dataset_card import DatasetCard, Rules
from watchtime.core.errors import WatchtimeError
from watchtime.core.faults import writing
from watchtime.core.files import replacing, replacing_folder, scratch_folder, write_json
from watchtime.core.progress import Progress
from watchtime.datasets.codes import SIDES, Mask, Sides
from watchtime.datasets.encoded import read_array, write_array
from watchtime.datasets.encoding import Encoding
from watchtime.datasets.interactions import (
    RawLog,
    apply_rules,
    check,
    check_values,
    count_sides,
    slim_columns,
    without_features,
)
from watchtime.datasets.log import ROWS, TABLES, Log, scan
from watchtime.datasets.protocols import OUTSIDE, PARTS, TEST, TRAINING, VALIDATION, split

COUNTS = "counts.json"
PARQUET: dict[str, Any] = {"compression": "zstd", "compression_level": 1, "row_group_size": 2**18}


def prepare_interactions(
    loader: str, folder: Path, options: Mapping[str, Any], rules: Rules, card: DatasetCard, output: Path
) -> None:
    """Read raw files with ``watchtime.datasets.<loader>`` and write interactions, user and item tables and counts.

    The rows stream from the raw files to Parquet; only the few columns that the row rules look at are held in memory.
    """
    if not folder.is_dir():
        raise WatchtimeError(f"{folder}: the folder does not exist; {card.title} is expected there.")
    with writing(output), scratch_folder(output) as place, Progress(4, "steps") as progress:
        progress.advance(0, "reading the raw files")
        raw = import_module(f"watchtime.datasets.{loader}").load(folder, card, options, place)
        check(raw, card)
        progress.advance(1, "making the interactions")
        as_read = place / "as read.parquet"
        raw.rows.sink_parquet(as_read, **PARQUET)
        rows = scan(as_read)
        progress.advance(1, "applying the row rules")
        slim = rows.select(slim_columns(rows.collect_schema().names(), card)).collect(engine="streaming")
        check_values(slim, card)
        kept, steps = apply_rules(slim, rules, card)
        report = _counts(raw, slim, kept, steps)
        progress.advance(1, "writing")
        for side, table in raw.tables.items():
            with replacing(output / TABLES[side]) as temporary:
                (slim.select(side).clear() if table is None else table).write_parquet(temporary, **PARQUET)
        with replacing(output / ROWS) as temporary:
            if kept.all():
                as_read.rename(temporary)
            else:
                rows.filter(kept).sink_parquet(temporary, **PARQUET)
        progress.advance(1)
    write_json(output / COUNTS, report)


def _counts(raw: RawLog, slim: pl.DataFrame, kept: pl.Series, steps: list[dict[str, Any]]) -> dict[str, Any]:
    left = slim.filter(kept)
    logs = left["log"].unique(maintain_order=True).to_list() if "log" in left.columns else []
    return {
        "before": list(raw.steps),
        "rules": steps,
        "candidates": list(raw.candidates),
        "logs": {log: count_sides(left.filter(log=log)) for log in logs},
        "without_features": without_features(left, raw.tables),
    }


def prepare_split(
    interactions: Path,
    protocol: Protocol,
    core: int | None,
    card: DatasetCard,
    seed: int,
    output: Path,
    counts: Path,
) -> None:
    """Write the part of every row (int8 .npy) and, per part, its rows, users, items and what training has not seen."""
    rows = scan(interactions)
    there = rows.collect_schema().names()
    columns = ["user", "item", "raw_row", *(name for name in ("timestamp", "day", "log") if name in there)]
    frame = rows.select(columns).collect(engine="streaming")
    found = split(frame, protocol, seed, core, card.main_log)
    sides = Sides.of_frame(frame)
    report = {name: _describe(sides, found.parts == part, found.parts == TRAINING) for part, name in enumerate(PARTS)}
    left = {"core": {"k": found.core, **sides.count(found.parts != OUTSIDE)}} if found.core else {}
    write_array(output, found.parts)
    write_json(counts, {**report, "left_out": found.left_out, **left})


def prepare_encoding(folder: Path, split: Path, card: DatasetCard, output: Path) -> None:
    """Fit the encoding on the training rows and write it with the encoded log and its counts into ``output``.

    Rows that the protocol leaves out are not encoded.
    """
    log = Log.read(folder)
    parts = read_array(split)
    if parts.shape != (len(log),):
        raise WatchtimeError(f"{split}: found {len(parts)} rows, {folder / ROWS} has {len(log)}.")
    inside = parts != OUTSIDE
    if not inside.all():
        log, parts = log.where(pl.Series(inside)), parts[inside]
    with Progress(2, "steps") as progress:
        progress.advance(0, "fitting the training rows")
        encoding = Encoding.fit(log.where(pl.Series(parts == TRAINING)), card)
        progress.advance(1, "encoding all rows")
        encoded = replace(encoding.encode(log, card.targets), part=parts)
        encoded = encoding.with_history(encoded, parts == TRAINING)
        progress.advance(1)
    report = {
        "cardinalities": encoding.cardinalities,
        "rows": {name: int(np.sum(parts == part)) for part, name in enumerate(PARTS)},
        "unknown_shares": {PARTS[part]: encoded.unknown_shares(part) for part in (VALIDATION, TEST)},
    }
    with replacing_folder(output) as temporary:
        encoding.save(temporary / "encoding.json")
        encoded.write_into(temporary)
        write_json(temporary / COUNTS, report)


def _describe(sides: Sides, part: Mask, training: Mask) -> dict[str, Any]:
    counts = sides.count(part)
    report: dict[str, Any] = {**counts}
    for side in SIDES:
        known = sides.seen(side, training)
        unseen = part & ~known[sides.of[side]]
        report[f"share_of_{side}s_unseen"] = int((sides.seen(side, part) & ~known).sum()) / counts[f"{side}s"]
        report[f"share_of_rows_with_unseen_{side}"] = int(unseen.sum()) / counts["rows"]
    return report
