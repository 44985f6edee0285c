"""How a metric heads a column of a table: its title, an arrow towards the better side, and its unit."""

from __future__ import annotations

from watchtime.evaluation.metrics import METRICS
from watchtime.reporting.elements.tables import Column
from watchtime.reporting.measured.results import Measure

ARROWS = {"lower": " ↓", "higher": " ↑", "none": ""}


def measure_column(measure: Measure, unit: str | None) -> Column:
    """Return the column of a metric; ``unit`` is the target's and stands where the metric has it too."""
    metric = METRICS[measure.metric]
    return Column(metric.title + ARROWS[metric.direction], unit if metric.unit == "target" else None)
