"""What stands between the numbers of a run and the published ones."""

from __future__ import annotations

from collections.abc import Iterable

from watchtime.core.plan import Plan
from watchtime.reporting.published import rules
from watchtime.reporting.published.cells import PRIVATE
from watchtime.reporting.published.readings import readings


def value_obstacles(plan: Plan, artifact: str, dataset: str, published_rows: float | None) -> list[str]:
    """Return why values that an artifact shows on a data set cannot be compared with published ones."""
    card = plan.artifacts[artifact]
    protocol = plan.artifact_protocol(card, dataset)
    own = card.protocol_on(dataset)
    data = data_obstacles(plan, dataset, [protocol] if card.protocol else [], published_rows)
    if not card.rows:
        return data
    return data + rules.run_obstacles(plan.config.size, plan.config.regime, protocol, own, card.protocol_stated)


def data_obstacles(plan: Plan, dataset: str, protocols: Iterable[str], published_rows: float | None) -> list[str]:
    """Return why values measured on a data set cannot be compared with those of a paper that has so many rows."""
    if plan.config.datasets[dataset].log:
        return [own_log(dataset)]
    return rules.data_obstacles(plan.is_simulated(dataset), rows(plan, dataset, protocols), published_rows)


def rows(plan: Plan, dataset: str, protocols: Iterable[str]) -> list[float]:
    """Return the numbers of rows under every reading, as read first."""
    found = readings(plan, dataset, protocols)
    return [one.values["n_interactions"] for one in found if "n_interactions" in one.values]


def own_log(dataset: str) -> str:
    """Return why nothing published can be compared with a log of one's own under the name of a data set."""
    stands = "a log of one's own stands for it"
    return f"private data, {stands}" if dataset in PRIVATE else stands
