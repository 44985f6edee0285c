"""Lists of a user's best rows: what they are worth under every convention, and how labels learn to better them."""

# mypy: allow-untyped-calls

from __future__ import annotations

import polars as pl

from watchtime.evaluation.metrics import METRICS
from watchtime.evaluation.ranking import RANKING_CONVENTIONS
from watchtime.losses.platform_objectives import OBJECTIVES
from watchtime.reporting.comparisons.comparison import entries
from watchtime.reporting.elements.figures import PALETTE, figure, show
from watchtime.reporting.elements.tables import Column, Section, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.measured.results import Measure
from watchtime.reporting.report import Report


def conventions(report: Report, dataset: str) -> Table:
    """The metrics of every line by the paper's formula and as released, and how many users count."""
    results, names = report.results(dataset), report.artifact.metrics
    users = f"users@{names[0].rpartition('@')[2]}"
    shown = [Measure(name, rule) for name in [*names, users] for rule in METRICS[name].conventions]
    rows: list[Section | list[Value]] = []
    for title, section in entries(report, dataset).items():
        own: list[list[Value]] = [
            [entry.title, *(results.mean(entry.line, measure) for measure in shown)] for entry in section if entry.line
        ]
        rows += [Section(title), *own] if own else []
    heads = [Column(one.title, decimals=0 if one.metric == users else 4) for one in shown]
    caption = (
        f"The same lists on {report.data_title(dataset)} by the paper's formula and as released: means over "
        "repetitions. DS is the same but for the users that count. Rows of equal score share their places, exactly."
    )
    return Table([Column("Method"), *heads], rows, caption=caption)


def definitions() -> Markdown:
    """Say what the conventions are."""
    return Markdown("\n".join(f"- *{name}*: {escape(text)}" for name, text in RANKING_CONVENTIONS.items()))


def draw_objectives(report: Report, dataset: str) -> None:
    """Draw the objectives of the hold-out users' lists over the epochs, one line per repetition."""
    method = report.artifact.rows[str(report.artifact.reference_row)]
    history = report.history(dataset, str(method.method), str(method.variant))
    if not history.height:
        return
    drawing = figure("full", 44)
    panels = drawing.subplots(1, len(OBJECTIVES), squeeze=False)[0]
    changes = []
    for panel, name in zip(panels, OBJECTIVES, strict=True):
        found = []
        for _, one in history.group_by("repetition", maintain_order=True):
            panel.plot(one["epoch"] + 1, one[name], color=PALETTE["blue"], linewidth=0.8, marker=".", markersize=3)
            kept = one.filter(pl.col("validation") == pl.col("validation").min())[name][0]
            found.append((float(one[name][0]), float(kept)))
        panel.set(title=name.capitalize(), xlabel="Epoch")
        first, last = (sum(values) / len(values) for values in zip(*found, strict=True))
        changes.append(f"{name} from {first:.4f} to {last:.4f}")
    caption = (
        f"{method.title}'s objectives on {report.data_title(dataset)}, scaled as in training, of the soft lists of all "
        f"hold-out users after every epoch, one line per repetition. Means over repetitions after the first epoch and "
        f"in the epoch that is kept: {', '.join(changes)}."
    )
    show(drawing, caption)
