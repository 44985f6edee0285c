"""What stands around a page: its title, its subtitle and whether a banner says that the data are simulated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from watchtime.core.errors import WatchtimeError, unknown
from watchtime.core.plan import DATA_PAGES, SIMULATOR_FITTED_TO, SIMULATOR_PAGE, Plan

_PLACES = {
    r"^text_s(?=[0-9])": "section ",
    r"^text_a(?=[0-9])": "appendix A",
    r"^text_(.*)_caption$": r"caption of \1",
    r"^text_": "",
    r"\b(table|figure)(?=[0-9])": r"\1 ",
    "_": " ",
}
"""How the key of a place is written out, one after the other."""
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
    if name not in plan.page_names:
        raise WatchtimeError(unknown("artifact", name, plan.page_names, "--artifact"))
    datasets = page_datasets(plan, name)
    if name in plan.papers:
        title = f"{paper_title(plan, name)}: all tables and figures"
        protocols = [one for artifact in plan.papers[name] for one in _artifact_protocols(plan, artifact)]
    elif name in plan.pages:
        title = _page_title(plan, name)
        protocols = [] if name == SIMULATOR_PAGE else [one for dataset in datasets for one in plan.protocols(dataset)]
    else:
        artifact = plan.artifacts[name]
        title = f"{_place(plan, name)}: {artifact.title}"
        protocols = _artifact_protocols(plan, name)
    subtitle = [f"run {plan.config.name}", f"size {plan.config.size}", _protocols(plan, protocols)]
    return Page(title, " · ".join(subtitle), _banner(plan, datasets))


def page_datasets(plan: Plan, name: str) -> list[str]:
    """Return the data sets that a page is about."""
    if name in plan.artifacts:
        return plan.artifact_datasets(name)
    if name in plan.papers:
        shown = {dataset for artifact in plan.papers[name] for dataset in plan.artifact_datasets(artifact)}
        return [dataset for dataset in plan.config.datasets if dataset in shown]
    if name == SIMULATOR_PAGE:
        return [SIMULATOR_FITTED_TO]
    return [name.removeprefix(DATA_PAGES)] if name.startswith(DATA_PAGES) else list(plan.config.datasets)


def _page_title(plan: Plan, name: str) -> str:
    if name.startswith(DATA_PAGES):
        return f"Data: {plan.catalog.datasets[name.removeprefix(DATA_PAGES)].title}"
    if name == SIMULATOR_PAGE:
        return f"Simulator: {plan.catalog.datasets[SIMULATOR_FITTED_TO].title}, real and simulated"
    return name.capitalize().replace("_", " ")


def _artifact_protocols(plan: Plan, name: str) -> list[str]:
    artifact = plan.artifacts[name]
    shown = plan.artifact_datasets(name) if artifact.protocol else []
    return [one for dataset in shown for one in plan.artifact_protocols(artifact, dataset)]


def _protocols(plan: Plan, names: Sequence[str]) -> str:
    """Return what the subtitle says of the protocols: the title of one, so that it stays one line."""
    titles = list(dict.fromkeys(plan.catalog.protocols[name].title for name in names))
    return f"{len(titles)} protocols" if len(titles) > 1 else next(iter(titles), "all rows")


def _banner(plan: Plan, datasets: Sequence[str]) -> str | None:
    simulated = [plan.catalog.datasets[name].title for name in datasets if plan.is_simulated(name)]
    if not simulated:
        return None
    return SIMULATED if len(simulated) == len(datasets) else f"{SIMULATED}: {', '.join(simulated)}"


def _place(plan: Plan, name: str) -> str:
    """Return where a page belongs: the place in a paper, or the title of this project's own pages."""
    paper = plan.catalog.papers[name.split("/")[0]]
    return artifact_label(plan, name) if paper.reference else paper.title


def artifact_label(plan: Plan, name: str) -> str:
    """Return how a place in a paper is cited: ``ProWTP, table 1``, ``RQ-Reg, section 4.1.1``."""
    paper, place = name.split("/")
    for pattern, words in _PLACES.items():
        place = re.sub(pattern, words, place)
    return f"{paper_title(plan, paper)}, {place}"


def paper_title(plan: Plan, paper: str) -> str:
    """Return the title of a paper, its name where the catalogue lacks it."""
    return plan.catalog.papers[paper].title if paper in plan.catalog.papers else paper
