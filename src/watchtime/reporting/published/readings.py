"""Every way in which this run can count a data set, and which of them comes closest to a published count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from watchtime.core.files import read_json
from watchtime.core.plan import Plan

TITLES = {
    "n_users": "users",
    "n_items": "items",
    "n_interactions": "interactions",
    "n_samples": "samples",
    "n_sessions": "sessions",
    "positive_ratio_pct": "rows above 0 (%)",
    "density": "density",
    "n_duration_buckets": "duration buckets",
}
"""The published counts that can be judged."""

_DECIMALS = {"positive_ratio_pct": 2, "density": 4}


@dataclass(frozen=True)
class Reading:
    """One way to count a data set, in words, and the published measures that it gives."""

    name: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class Closest:
    """The reading that comes closest to a published count, its value, and (value − published) / published."""

    reading: str
    value: float
    off: float


def readings(plan: Plan, dataset: str, protocols: Iterable[str]) -> list[Reading]:
    """Return all readings of a data set, the log as read first.

    They are the log as read and after each row rule, what came before the rows stood, what the loader counts
    otherwise, and the k-core of each of ``protocols`` that has one; at last the duration buckets, which are a choice.
    """
    folder, card = plan.data_folder(dataset), plan.catalog.datasets[dataset]
    counts = read_json(folder / "counts.json")
    first, *later = counts["rules"]
    found = [(first["rule"], first), *((f"after {one['rule']}", one) for one in later)]
    found += [(one["rule"], one) for one in (*counts["before"], *counts["candidates"])]
    for protocol in protocols:
        if plan.core(dataset, protocol) is not None:
            core = read_json(folder / protocol / "counts.json")["core"]
            found.append((f"{core['k']}-core", core))
    buckets = {"n_duration_buckets": float(card.duration_buckets)} if "duration" in card.provides else {}
    return [
        *(Reading(name, measures(count)) for name, count in found),
        Reading("the number that this project uses", buckets),
    ]


def measures(count: Mapping[str, Any]) -> dict[str, float]:
    """Return the published measures that a count gives; density is rows / (users · items).

    Where a count does not tell sessions from rows, a row is a session, as in the one data set that has any.
    """
    rows, users, items = (count.get(name) for name in ("rows", "users", "items"))
    positives = count.get("positives")
    found = {"n_interactions": rows, "n_samples": rows, "n_users": users, "n_items": items}
    found["n_sessions"] = count.get("sessions", rows)
    if rows and positives is not None:
        found["positive_ratio_pct"] = 100 * positives / rows
    if rows and users and items:
        found["density"] = rows / (users * items)
    return {name: float(value) for name, value in found.items() if value is not None}


def closest(found: Sequence[Reading], metric: str, published: float) -> Closest | None:
    """Return the reading whose value is closest to the published one, the first of equals; None where none counts it.

    A published count is above 0.
    """
    counted = [(abs(one.values[metric] - published), place) for place, one in enumerate(found) if metric in one.values]
    if not counted:
        return None
    best = found[min(counted)[1]]
    return Closest(best.name, best.values[metric], best.values[metric] / published - 1)


def decimals(metric: str) -> int:
    """Return with how many decimals a published count is printed."""
    return _DECIMALS.get(metric, 0)
