"""Which settings differ: those of the configuration, and those of jobs, which also come from the methods' cards."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from watchtime.core.files import canonical_json
from watchtime.differences.run import ComparedRun
from watchtime.differences.section import Section, counted

ABSENT = "–"
# The run's name is its folder's.
_NAMES = {"name"}
# What a job's spec repeats of its key, and of the run.
_KEYS = {"dataset", "task", "protocol", "regime", "method", "variant", "repetitions", "seed", "device", "size"}
_KEYS |= {"processes"}


def configuration(one: ComparedRun, other: ComparedRun) -> Section:
    """Compare the configurations key by key, with every default filled in."""
    ours, others = (flat(run.config.model_dump(mode="json", exclude=_NAMES)) for run in (one, other))
    rows = [[key, *texts] for key, *texts in differing(ours, others)]
    return Section("Configuration", _said(len(rows), "key differs", "keys differ"), ("Key", "A", "B"), rows)


def jobs(one: ComparedRun, other: ComparedRun) -> Section:
    """Compare the settings of the jobs that both runs have, those of one method and variant together."""
    places: dict[tuple[str, str, str, str], list[str]] = {}
    for key in one.jobs.keys() & other.jobs.keys():
        specs = (
            flat({name: value for name, value in run.jobs[key].items() if name not in _KEYS}) for run in (one, other)
        )
        for found in differing(*specs):
            spec = one.jobs[key]
            where = f"{spec['dataset']} {spec['task']} {spec['protocol']}"
            places.setdefault((f"{spec['method']}/{spec['variant']}", *found), []).append(where)
    rows = [
        [method, key, *texts, ", ".join(sorted(set(found)))] for (method, key, *texts), found in sorted(places.items())
    ]
    for title, own, than in (("only in A", one, other), ("only in B", other, one)):
        rows += [[key, title, "", "", ""] for key in sorted(own.jobs.keys() - than.jobs.keys())]
    return Section(
        "Jobs",
        _said(len(rows), "setting or job differs", "settings or jobs differ"),
        ("Job", "Setting", "A", "B", "Where"),
        rows,
    )


def flat(value: Any, place: str = "") -> dict[str, Any]:
    """Return every leaf of nested mappings under its dotted key; a list is one leaf, an empty mapping none."""
    if not isinstance(value, dict):
        return {place: value}
    return {
        key: leaf
        for name, inner in value.items()
        for key, leaf in flat(inner, f"{place}.{name}" if place else str(name)).items()
    }


def differing(ours: dict[str, Any], others: dict[str, Any]) -> Iterable[tuple[str, str, str]]:
    """Yield key, our value and theirs as text where they differ."""
    for key in dict.fromkeys([*ours, *others]):
        texts = [canonical_json(values[key]).strip('"') if key in values else ABSENT for values in (ours, others)]
        if texts[0] != texts[1]:
            yield key, texts[0], texts[1]


def _said(number: int, one: str, several: str) -> str:
    return f"{counted(number, one, several)}." if number else "Nothing differs."
