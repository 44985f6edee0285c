"""The effects of a finding as dots with intervals."""

# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from watchtime.evaluation.metrics import METRICS
from watchtime.reporting.elements.figures import PALETTE, figure, show
from watchtime.reporting.findings.effects import Size
from watchtime.reporting.findings.finding import Finding
from watchtime.reporting.report import Report

_MARKERS = "osD^vP*X"
_FAINT = "0.85"
_SPREAD, _STEP = 0.7, 0.2
"""Which share of a row's height the dots of its changes fill at most, and how far two of them are apart."""


def draw(report: Report, finding: Finding) -> None:
    """Draw every effect in per cent of the usual mean, a panel per measure, rows sorted by their mean effect.

    Where all effects are of one row, its changes are the rows.
    """
    if not finding.sizes:
        return
    measures = list(dict.fromkeys(size.effect.measure for size in finding.sizes))
    changes = list(dict.fromkeys(size.effect.change for size in finding.sizes))
    alone = len({size.effect.title for size in finding.sizes}) == 1
    names = _sorted_names(finding.sizes, alone)
    drawing = figure("full", 24 + len(names) * max(5.0, 0.0 if alone else 1.7 * _most_changes(finding)))
    panels = drawing.subplots(1, len(measures), squeeze=False, sharey=True)[0]
    for panel, measure in zip(panels, measures, strict=True):
        panel.axvline(0, color=PALETTE["black"], linewidth=0.6)
        groups = [group for group in finding.groups if group.measure == measure]
        for place, group in enumerate(groups):
            offset = 0.0 if alone else _offset(place, len(groups))
            look = _look(0 if alone else changes.index(group.change))
            for size in group.sizes:
                _dot(panel, size, names.index(_name(size, alone)) + offset, label=group.change, **look)
        for border in range(1, len(names)):
            panel.axhline(border - 0.5, color=_FAINT, linewidth=0.4)
        panel.set(title=METRICS[measure.metric].title, xlabel="Change (%)", yticks=range(len(names)))
        panel.set_yticklabels(names)
        panel.set_ylim(len(names) - 0.5, -0.5)
    if len(changes) > 1 and not alone:
        found = {label: one for panel in panels for one, label in zip(*panel.get_legend_handles_labels(), strict=True)}
        drawing.legend([found[one] for one in changes], changes, loc="outside lower center", ncols=min(len(changes), 4))
    what = f" of {finding.sizes[0].effect.title}" if alone else ""
    caption = (
        f"Effects{what} on {report.data_title(finding.dataset)} in per cent of the mean as usual, with 95 % intervals "
        "over repetitions; rows from the largest mean increase to the largest decrease."
    )
    show(drawing, caption)


def _name(size: Size, alone: bool) -> str:
    return size.effect.change if alone else size.effect.title


def _sorted_names(found: Sequence[Size], alone: bool) -> list[str]:
    effects: dict[str, list[float]] = {}
    for one in found:
        effects.setdefault(_name(one, alone), []).append(one.percent or 0.0)
    return sorted(effects, key=lambda name: -float(np.mean(effects[name])))


def _most_changes(finding: Finding) -> int:
    """Return how many changes one panel shows at most."""
    measures = [group.measure for group in finding.groups]
    return max(measures.count(one) for one in measures)


def _offset(place: int, count: int) -> float:
    step = min(_STEP, _SPREAD / max(count - 1, 1))
    return step * (place - (count - 1) / 2)


def _look(place: int) -> dict[str, Any]:
    colours = list(PALETTE.values())
    return {"color": colours[place % len(colours)], "marker": _MARKERS[place % len(_MARKERS)]}


def _dot(panel: Any, size: Size, place: float, **look: Any) -> None:
    if size.percent is None:
        return
    low, high = size.percent_ends or (size.percent, size.percent)
    reach = [[size.percent - low], [high - size.percent]]
    panel.errorbar([size.percent], [place], xerr=reach, linestyle="none", linewidth=0.8, **look)
