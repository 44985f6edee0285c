"""Learning curves: the loss of every repetition on training and validation rows, epoch by epoch."""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import polars as pl

from watchtime.core.job import JobSpec
from watchtime.reporting.elements.figures import PALETTE, figure, show
from watchtime.reporting.report import Report

_PANELS_IN_A_ROW = 4
_PANEL_HEIGHT = 45.0


def learning_curves(report: Report, dataset: str) -> None:
    """Draw a panel for each published row that is trained epoch by epoch."""
    jobs = report.jobs(dataset)
    curves, unfinished = dict[str, pl.DataFrame](), list[str]()
    for key, spec in jobs.items():
        title, history = report.artifact.rows[key].title, report.history(dataset, spec.method, spec.variant)
        if history.height:
            curves[title] = history
            unfinished += [title] if _is_unfinished(history, spec) else []
    if not curves:
        return
    rows = -(-len(curves) // _PANELS_IN_A_ROW)
    drawing = figure("full", _PANEL_HEIGHT * rows)
    panels = drawing.subplots(rows, min(len(curves), _PANELS_IN_A_ROW), squeeze=False).flatten()
    for panel in panels[len(curves) :]:
        panel.set_visible(False)
    for panel, (title, history) in zip(panels, curves.items(), strict=False):
        _draw(panel, title, history)
    panels[0].set_ylabel("Loss")
    drawing.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    show(drawing, _caption(report, dataset, curves, unfinished))


def _is_unfinished(history: pl.DataFrame, spec: JobSpec) -> bool:
    """Return whether some repetition was best in the last epoch that its settings allow."""
    kept = [_kept(one) + 1 for _, one in history.group_by("repetition")]
    return max(kept) == spec.training.epochs


def _draw(panel: Any, title: str, history: pl.DataFrame) -> None:
    for repetition, (_, one) in enumerate(history.group_by("repetition", maintain_order=True)):
        epochs, kept = one["epoch"] + 1, _kept(one)
        for part, colour, dashes in (("training", "blue", "--"), ("validation", "vermilion", "-")):
            label = part if repetition == 0 else None
            panel.plot(epochs, one[part], color=PALETTE[colour], linestyle=dashes, linewidth=0.8, label=label)
        panel.plot(kept + 1, one.filter(epoch=kept)["validation"], "o", color=PALETTE["vermilion"], markersize=3)
    panel.set_title(title)
    panel.set_xlabel("Epoch")
    panel.xaxis.get_major_locator().set_params(integer=True)


def _caption(report: Report, dataset: str, curves: dict[str, pl.DataFrame], unfinished: list[str]) -> str:
    chosen = ", ".join(f"{title} {_epochs(history)}" for title, history in curves.items())
    more = f" Best in the last epoch that the run allows, so that more might help: {', '.join(unfinished)}."
    return (
        f"Learning curves on {report.data_title(dataset)}, one line per repetition; every method has its own loss, so "
        f"heights do not compare. A dot marks the epoch that is kept, the one of lowest validation loss: {chosen}."
    ) + (more if unfinished else "")


def _epochs(history: pl.DataFrame) -> str:
    kept = sorted(_kept(one) + 1 for _, one in history.group_by("repetition", maintain_order=True))
    return f"{kept[0]}" if kept[0] == kept[-1] else f"{kept[0]} to {kept[-1]}"


def _kept(one: pl.DataFrame) -> int:
    """Return the epoch, counted from 0, with the lowest validation loss, the first of several."""
    return int(one.sort("validation", "epoch")["epoch"][0])
