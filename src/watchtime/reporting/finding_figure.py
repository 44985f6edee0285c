"""The effects of a finding as dots with intervals, and the schedules that a finding about them compares."""

# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from watchtime.decoders.schedules import Schedule, truth_rate
from watchtime.evaluation.metrics import METRICS
from watchtime.reporting.effects import Size
from watchtime.reporting.figures import PALETTE, figure, show
from watchtime.reporting.finding import Finding
from watchtime.reporting.report import Report

_MARKERS = "osD^vP*X"
_SPREAD = 0.7
"""Which share of a row's height the dots of its changes fill."""


def draw(report: Report, finding: Finding) -> None:
    """Draw every effect in per cent of the usual mean, a panel per measure, rows sorted by their mean effect."""
    if not finding.sizes:
        return
    measures = [one for one in finding.measures if any(size.effect.measure == one for size in finding.sizes)]
    changes = list(dict.fromkeys(size.effect.change for size in finding.sizes))
    titles = _sorted_titles(finding.sizes)
    drawing = figure("full", 22 + len(titles) * max(4.5, 2.0 * len(changes)))
    panels = drawing.subplots(1, len(measures), squeeze=False, sharey=True)[0]
    for panel, measure in zip(panels, measures, strict=True):
        panel.axvline(0, color=PALETTE["black"], linewidth=0.6)
        for place, change in enumerate(changes):
            own = [one for one in finding.sizes if (one.effect.measure, one.effect.change) == (measure, change)]
            _dots(panel, own, titles, _offset(place, len(changes)), _look(place), change)
        panel.set(title=METRICS[measure.metric].title, xlabel="Change (%)", yticks=range(len(titles)))
        panel.set_yticklabels(titles)
        panel.set_ylim(len(titles) - 0.5, -0.5)
    if len(changes) > 1:
        handles, labels = _legend(panels)
        drawing.legend(handles, labels, loc="outside lower center", ncols=min(len(changes), 4))
    caption = (
        f"Effects on {report.data_title(finding.dataset)} in per cent of the mean as usual, with 95 % intervals over "
        "repetitions; rows from the largest mean increase to the largest decrease."
    )
    show(drawing, caption)


def draw_schedules(report: Report, finding: Finding) -> None:
    """Draw p(t), the chance that a step is fed the true token, of the rows that a page about schedules compares."""
    if finding.options.draws != "schedules":
        return
    jobs = report.jobs(finding.dataset)
    rows = report.split_counts(finding.dataset, report.protocol(finding.dataset))["training"]["rows"]
    drawing = figure("full", 50)
    panel, means, drawn = drawing.subplots(), list[str](), list[tuple[str, float]]()
    for key, spec in jobs.items():
        settings, training = spec.settings, spec.training
        # Without a curriculum there is one pass, fed the true tokens.
        is_guided = settings["curriculum"] == "none"
        schedule: Schedule = "constant" if is_guided else settings["curriculum"]
        rate: float = 1.0 if is_guided else settings["rate"]
        title = report.artifact.rows[key].title
        if (schedule, rate) in drawn:
            continue
        drawn.append((schedule, rate))
        steps = training.epochs * max(rows // training.batch, 1)
        rates = [truth_rate(schedule, rate, step, steps, training.epochs) for step in range(steps)]
        means.append(f"{title} {np.mean(rates):.3f}")
        panel.plot(np.arange(steps) * training.epochs / steps, rates, label=title)
    panel.set(xlabel="Epoch", ylabel="p (share of true tokens)", ylim=(-0.03, 1.03))
    panel.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    caption = (
        f"The schedules on {report.data_title(finding.dataset)}, step by step, where training takes all its epochs. "
        f"Mean p over all steps: {', '.join(means)}."
    )
    show(drawing, caption)


def _sorted_titles(found: Sequence[Size]) -> list[str]:
    effects: dict[str, list[float]] = {}
    for one in found:
        effects.setdefault(one.effect.title, []).append(one.percent or 0.0)
    return sorted(effects, key=lambda title: -float(np.mean(effects[title])))


def _offset(place: int, count: int) -> float:
    return 0.0 if count == 1 else _SPREAD * (place / (count - 1) - 0.5)


def _look(place: int) -> dict[str, Any]:
    colours = list(PALETTE.values())
    return {"color": colours[place % len(colours)], "marker": _MARKERS[place % len(_MARKERS)]}


def _dots(
    panel: Any, found: Sequence[Size], titles: Sequence[str], offset: float, look: dict[str, Any], label: str
) -> None:
    for one in found:
        if one.percent is None:
            continue
        low, high = one.percent_ends or (one.percent, one.percent)
        reach = [[one.percent - low], [high - one.percent]]
        place = titles.index(one.effect.title) + offset
        panel.errorbar([one.percent], [place], xerr=reach, linestyle="none", linewidth=0.8, label=label, **look)


def _legend(panels: Sequence[Any]) -> tuple[list[Any], list[str]]:
    """Return one handle for each change, in the order in which they are drawn."""
    found: dict[str, Any] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return list(found.values()), list(found)
