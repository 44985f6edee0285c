"""What of the machine and the packages differs: it explains differences, and makes none by itself."""

from __future__ import annotations

from watchtime.differences.run import ComparedRun
from watchtime.differences.section import Section
from watchtime.differences.settings import differing, flat


def environment(one: ComparedRun, other: ComparedRun) -> Section:
    found = [flat(run.json("environment.json")) for run in (one, other)]
    rows = [list(row) for row in differing(*found)]
    said = f"{len(rows)} of {len(found[0])} facts differ." if rows else "Same code, packages and machine."
    return Section("Environment", said, ("What", "A", "B"), rows, counts=False)
