"""The schedules that a finding about them compares: how often training shows the true token, step by step."""

# mypy: allow-untyped-calls

from __future__ import annotations

import numpy as np

from watchtime.decoders.schedules import Schedule, truth_rate
from watchtime.reporting.elements.figures import figure, show
from watchtime.reporting.findings.finding import Finding
from watchtime.reporting.report import Report


def draw(report: Report, finding: Finding) -> None:
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
