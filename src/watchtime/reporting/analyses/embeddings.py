"""What pages about embeddings share: points in a plane, coloured by value."""

# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from watchtime.reporting.elements.words import sentence, target_name
from watchtime.reporting.report import Report

RANDOM = "random"
RANDOM_TITLE = "Random embeddings"
_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def scatter(panel: Any, points: pl.DataFrame) -> None:
    """Draw ``points``, ascending in value, dark to light in their order; distances on the axes have no unit."""
    panel.scatter(points["x"], points["y"], c=np.linspace(0, 1, len(points)), s=7, linewidths=0, vmin=0, vmax=1)
    panel.set(xticks=[], yticks=[])
    for side in ("left", "bottom"):
        panel.spines[side].set_visible(False)


def colour_bar(drawing: Figure, panels: Sequence[Any], values: pl.Series, label: str) -> None:
    """Draw which colour stands for which of the ascending ``values``: even steps of their order, not of size."""
    bar = drawing.colorbar(ScalarMappable(), ax=panels, fraction=0.05, pad=0.01, label=label)
    bar.outline.set_visible(False)
    bar.set_ticks(_SHARES, labels=[f"{values[round(share * (len(values) - 1))]:.3g}" for share in _SHARES])


def target_label(report: Report, dataset: str) -> str:
    """Return the target's name with its unit."""
    name, unit = sentence(target_name(report.artifact.task)).rstrip("."), report.unit(dataset, report.artifact.task)
    return f"{name} ({unit})" if unit else name
