"""Which files only one run has, and which have other bytes, by what they are."""

from __future__ import annotations

from watchtime.differences.run import ComparedRun, alone, changed, shared
from watchtime.differences.section import Section


def files(one: ComparedRun, other: ComparedRun) -> Section:
    """Count the files of the manifests by their top folder, and name the first of those that differ."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name in changed(one, other, shared(one, other, "")):
        groups.setdefault((name.split("/")[0], "other bytes"), []).append(name)
    for name, where in alone(one, other):
        groups.setdefault((name.split("/")[0], where), []).append(name)
    # The configuration is compared by key and notebooks by cell; both name the run, and so does every PDF.
    named = {"config.yaml", "notebooks"} | ({"reports"} if one.config.name != other.config.name else set())
    for folder in named:
        groups.pop((folder, "other bytes"), None)
    rows = [[folder, what, str(len(names)), _named(names)] for (folder, what), names in sorted(groups.items())]
    total = len({*one.files, *other.files})
    differing = sum(len(names) for names in groups.values())
    said = f"{differing} of {total} files differ." if rows else f"All {total} files are equal but for measured time."
    return Section("Files", said, ("Folder", "What", "Files", "Such as"), rows)


def _named(names: list[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (" …" if len(names) > most else "")
