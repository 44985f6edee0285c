"""Errors, order and the depth of learned trees over the depth of the global tree (PTPM, figure 8)."""

from __future__ import annotations

from typing import Any

import polars as pl

from watchtime.analyses.study import Study
from watchtime.core.job import JobSpec

SCORES = {"mae": "", "xauc": "strict"}
"""What is measured of the first readout, with its convention."""
LEARNED = ("depth_reached", "depth_tree")


def tables(study: Study) -> dict[str, pl.DataFrame]:
    """Return ``depths``: for each row and repetition the global ``depth``, ``mae``, ``xauc`` and two learned depths.

    Means over test rows: ``depth_reached`` of E[depth of the leaf that the row reaches], ``depth_tree`` of the mean
    depth of the leaves of the row's tree, each leaf alike. ``learned`` says whether trees are learned.
    """
    return {"depths": pl.DataFrame([one for row, spec in study.jobs.items() for one in _repetitions(study, row, spec)])}


def _repetitions(study: Study, row: str, spec: JobSpec) -> list[dict[str, Any]]:
    assert spec.codec is not None
    depth, learned = int(spec.codec.settings["leaves"]).bit_length() - 1, spec.settings["tree"] == "learned"
    frame, values = study.predictions(spec), study.metrics(spec)["values"]
    scores = {(one["repetition"], one["readout"], one["metric"], one["convention"]): one["value"] for one in values}
    return [
        {"row": row, "depth": depth, "learned": learned, "repetition": repetition}
        | {name: scores.get((repetition, spec.readouts[0], name, rule)) for name, rule in SCORES.items()}
        | {name: frame[f"{name}.{repetition}"].cast(pl.Float64).mean() for name in LEARNED}
        for repetition in range(spec.repetitions)
    ]
