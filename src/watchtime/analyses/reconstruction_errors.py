"""What is left of a target after a codec's round trip, on training and on test rows (RQ-Reg, table 6)."""

from __future__ import annotations

import numpy as np
import polars as pl

from watchtime.analyses.study import Study
from watchtime.datasets.protocols import TEST, TRAINING
from watchtime.labels.sequence import FIRST_VALUE, SequenceCodec


def tables(study: Study) -> dict[str, pl.DataFrame]:
    """Return ``codecs``: per row its numbers of tokens and steps, and mean |y − decode(encode(y))| of both parts."""
    parts = {"training": study.target(TRAINING), "test": study.target(TEST)}
    codecs = {row: codec for row, spec in study.jobs.items() if isinstance(codec := study.codec(spec), SequenceCodec)}
    rows = [
        {
            "row": row,
            "tokens": len(np.unique(codec.token_values[FIRST_VALUE:])),
            "steps": codec.steps,
            **{part: codec.reconstruction_error(target) for part, target in parts.items()},
        }
        for row, codec in codecs.items()
    ]
    return {"codecs": pl.DataFrame(rows)}
