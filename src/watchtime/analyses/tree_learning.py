"""What learning trees costs, and the learning curves of three ways to choose a tree (PTPM, figure 6)."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from watchtime.analyses.study import Study
from watchtime.core.job import JobSpec
from watchtime.datasets.protocols import TRAINING

LINES = {"learned": "learned", "random": "random", "fixed": "search"}
"""A line of learning curves by the method's setting ``tree``; ``fixed`` jobs are the candidates of one search."""


def tables(study: Study) -> dict[str, pl.DataFrame]:
    """Return ``costs`` of TPM and of learned trees, and ``curves`` over the rows that training visits.

    ``costs``: trained numbers, and floating-point operations to predict a row. ``curves``: per line, repetition and
    epoch the mean ``absolute_error`` on validation rows of the tree that predicts, the ``lowest`` of the line so far,
    and the ``visits``, the training rows that all epochs up to it have seen. The search of eq. 5 trains one candidate
    after another from the beginning; every epoch of it counts, though only a candidate's last one ends its inner
    optimisation.
    """
    rows = len(study.target(TRAINING))
    return {"costs": _costs(study), "curves": pl.concat(_curves(study, rows))}


def _costs(study: Study) -> pl.DataFrame:
    specs = {row: spec for row, spec in study.jobs.items() if spec.settings.get("tree", "learned") == "learned"}
    models = {row: study.model(spec) for row, spec in specs.items()}
    return pl.DataFrame(
        [{"row": row, "parameters": one.parameters(), "flops": one.flops(study.log)} for row, one in models.items()]
    )


def _curves(study: Study, rows: int) -> list[pl.DataFrame]:
    lines: dict[str, dict[str, JobSpec]] = {}
    for row, spec in study.jobs.items():
        if "tree" in spec.settings:
            lines.setdefault(LINES[spec.settings["tree"]], {})[row] = spec
    return [_curve(study, line, specs, rows) for line, specs in lines.items()]


def _curve(study: Study, line: str, specs: Mapping[str, JobSpec], rows: int) -> pl.DataFrame:
    """Return the learning curves of jobs one after another."""
    parts = [
        study.history(spec).select(pl.lit(row).alias("row"), "repetition", "epoch", "absolute_error")
        for row, spec in specs.items()
    ]
    in_order = pl.concat(parts).sort("repetition", maintain_order=True)
    return in_order.select(
        pl.lit(line).alias("line"),
        pl.all(),
        visits=rows * pl.int_range(1, pl.len() + 1).over("repetition"),
        lowest=pl.col("absolute_error").cum_min().over("repetition"),
    )
