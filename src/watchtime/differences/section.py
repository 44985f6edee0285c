"""What a comparison of two runs says of one subject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


def counted(number: int, one: str, several: str) -> str:
    """Return ``1 key differs`` or ``3 keys differ``: the number and the words that go with it."""
    return f"{number} {one if number == 1 else several}"


@dataclass(frozen=True)
class Picture:
    """A PNG that shows one figure of both runs, and what differs between them."""

    title: str
    png: bytes


@dataclass(frozen=True)
class Section:
    """One subject: a sentence, and a row for each thing that differs.

    ``counts`` says whether it makes the runs different: another machine or other package versions alone do not.
    ``details`` are texts below the table, ``pictures`` what has to be seen.
    """

    title: str
    said: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    counts: bool = True
    details: Sequence[tuple[str, str]] = field(default=())
    pictures: Sequence[Picture] = field(default=())

    @property
    def differs(self) -> bool:
        return self.counts and bool(self.rows)
