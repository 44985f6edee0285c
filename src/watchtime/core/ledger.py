"""The ledger: every table and figure that the papers print, from ``config/ledger.csv``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from watchtime.core.config import validate
from watchtime.core.csv_files import read_rows
from watchtime.core.errors import WatchtimeError
from watchtime.core.settings import Settings


class LedgerEntry(Settings):
    """One printed table or figure.

    Of which ``kind`` it is: a schematic is a drawing without data; ``public`` data can be had, ``private`` ones cannot,
    so that public ones stand for them; ``online`` is live traffic, for which a replay stands. ``needs`` says what it
    takes to make it again.
    """

    paper: str
    artifact: str
    title: str
    kind: Literal["schematic", "public", "private", "online"]
    needs: str = ""

    @property
    def name(self) -> str:
        """The full name, such as ``prowtp/table1``."""
        return f"{self.paper}/{self.artifact}"


def read_ledger(path: Path, where: str) -> dict[str, LedgerEntry]:
    """Return the entries under their full names, in the order of the papers.

    Raises WatchtimeError where the file cannot be read, a cell is not what is allowed, or an entry stands twice.
    """
    entries: dict[str, LedgerEntry] = {}
    _, rows = read_rows(path, where)
    for line, row in rows.items():
        entry = validate(LedgerEntry, row, f"{where}: line {line}")
        if entry.name in entries:
            raise WatchtimeError(f"{where}: line {line}: '{entry.name}' stands in the ledger twice.")
        entries[entry.name] = entry
    return entries
