"""What becomes of a printed table or figure: whether it can be made again, and on which data sets of a run."""

from __future__ import annotations

from watchtime.core.plan import Plan

STATES = {
    "schematic": "drawing only",
    "public": "offline",
    "private": "offline, public data for private ones",
    "online": "online, by a replay",
}
"""What can be made again of each kind of entry in the ledger."""


def state(plan: Plan, name: str) -> str:
    """Return what a printed table or figure is, or an artifact that no paper prints under this name."""
    entry = plan.catalog.ledger.get(name)
    if entry:
        is_built = entry.kind == "schematic" or name in plan.catalog.artifacts()
        return STATES[entry.kind] if is_built else f"{STATES[entry.kind]}: not built"
    printed = plan.catalog.printed_name(name)
    return "study" if printed == name else f"offline, a part of {printed.split('/')[1]}"


def reason_without(plan: Plan, name: str) -> str | None:
    """Return why a run shows no page of a table or figure, None where it does; a drawing needs no reason."""
    artifact = plan.catalog.artifacts().get(name)
    if name in plan.artifacts:
        return None
    if artifact is None:
        return plan.catalog.ledger[name].needs or "a drawing has no data"
    if name not in plan.catalog.chosen_artifacts(plan.config):
        return "left out by artifacts"
    if artifact.task == "stats":
        return f"its data sets are {', '.join(artifact.datasets)}"
    needs = f" with {', '.join(artifact.needs)}" if artifact.needs else ""
    return f"no data set of the run has the target {artifact.task}{needs}"
