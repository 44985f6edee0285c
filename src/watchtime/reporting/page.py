"""What stands around a page: its title, its subtitle and whether a banner says that the data are simulated."""

from __future__ import annotations

import re
from dataclasses import dataclass

from watchtime.core.errors import WatchtimeError, unknown
from watchtime.core.plan import SUMMARIES, Plan

SIMULATED = "SIMULATED DATA"


@dataclass(frozen=True)
class Page:
    """Title, subtitle and banner of a page; no banner where every data set is real."""

    title: str
    subtitle: str
    banner: str | None


def page_of(plan: Plan, name: str) -> Page:
    """Return what stands around the page of an artifact, or of one of the run's own pages.

    Raises WatchtimeError where the run has no such page.
    """
    if name not in (*SUMMARIES, *plan.artifacts):
        raise WatchtimeError(unknown("artifact", name, [*SUMMARIES, *plan.artifacts], "--artifact"))
    run = [f"run {plan.config.name}", f"size {plan.config.size}"]
    if name in SUMMARIES:
        protocols = [plan.catalog.protocols[protocol].title for protocol in plan.config.protocols]
        title, subtitle = name.capitalize(), [*run, *protocols]
    else:
        artifact = plan.artifacts[name]
        title = f"{artifact_label(plan, name)}: {artifact.title}"
        protocol = plan.catalog.protocols[plan.artifact_protocol(artifact)].title
        subtitle = [*run, protocol if artifact.protocol else "all rows"]
    return Page(title, " · ".join(subtitle), _banner(plan))


def _banner(plan: Plan) -> str | None:
    datasets = list(plan.config.datasets)
    simulated = [plan.catalog.datasets[name].title for name in datasets if plan.is_simulated(name)]
    if not simulated:
        return None
    return SIMULATED if len(simulated) == len(datasets) else f"{SIMULATED}: {', '.join(simulated)}"


def artifact_label(plan: Plan, name: str) -> str:
    """Return how an artifact is cited: ``ProWTP, table 1``."""
    paper, artifact = name.split("/")
    return f"{plan.catalog.papers[paper].title}, {re.sub(r'(?<=[a-z])(?=[0-9])', ' ', artifact)}"
