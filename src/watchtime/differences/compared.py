"""All that differs between two runs, subject by subject."""

from __future__ import annotations

from pathlib import Path

from watchtime.core.progress import Progress
from watchtime.differences.data import data
from watchtime.differences.environment import environment
from watchtime.differences.figures import figures
from watchtime.differences.files import files
from watchtime.differences.metrics import metrics
from watchtime.differences.notebooks import changed_notebooks, notebooks
from watchtime.differences.run import ComparedRun
from watchtime.differences.section import Section
from watchtime.differences.settings import configuration, jobs


def compared(first: Path, second: Path) -> list[Section]:
    """Return what differs; raises ``WatchtimeError`` where one of the folders holds no run that has ended."""
    one, other = ComparedRun.of(first), ComparedRun.of(second)
    with Progress(6, "subjects") as progress:
        sections = [configuration(one, other), jobs(one, other)]
        progress.advance(1, "data")
        sections.append(data(one, other))
        progress.advance(1, "metrics")
        sections.append(metrics(one, other))
        progress.advance(1, "notebooks")
        found = changed_notebooks(one, other)
        sections.append(notebooks(found, one, other))
        progress.advance(1, "figures")
        sections.append(figures(found))
        progress.advance(1, "files")
        sections += [files(one, other), environment(one, other)]
        progress.advance(1)
    return sections
