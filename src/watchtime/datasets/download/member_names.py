"""Names inside an archive: which may become files, and which would meet on one path."""

from __future__ import annotations

import re
import unicodedata

DRIVE = re.compile(r"[A-Za-z]:")


def normal_name(name: str) -> str:
    """Return a relative path with single slashes and no ``.`` parts, "" for the top folder itself.

    Raises ValueError, which completes the sentence "member 'x' …", for a name that could lead out of a folder.
    """
    if name.startswith("/"):
        raise ValueError("has an absolute path")
    if DRIVE.match(name):
        raise ValueError("names a drive")
    if "\\" in name:
        raise ValueError("has a backslash in its name")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise ValueError("has a control character in its name")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ValueError("leads out of its folder by '..'")
    return "/".join(parts)


class Paths:
    """The paths that are taken, as a disk sees them that tells neither case nor Unicode composition apart."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._folders: dict[str, str] = {}

    def add_folder(self, name: str) -> None:
        """Take a folder and those above it; the same folder may come again."""
        parts = name.split("/") if name else []
        for end in range(1, len(parts) + 1):
            folder = "/".join(parts[:end])
            self._refuse(folder, self._files)
            self._folders.setdefault(_folded(folder), name)

    def add_file(self, name: str) -> None:
        """Take a file, whose path must be free."""
        if not name:
            raise ValueError("has no name")
        self._refuse(name, self._files)
        self._refuse(name, self._folders)
        self.add_folder(name.rpartition("/")[0])
        self._files[_folded(name)] = name

    def _refuse(self, name: str, taken: dict[str, str]) -> None:
        if _folded(name) in taken:
            raise ValueError(f"meets '{taken[_folded(name)]}' on the same path")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())
