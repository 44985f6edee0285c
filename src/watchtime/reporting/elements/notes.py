"""The notes of a table: each text gets the next free letter, equal texts the same one."""

from __future__ import annotations

LETTERS = "abcdefghijklmnoprstuvwxyz"


class Notes:
    """Letters for texts, in the order in which they are first asked for."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}

    def letter(self, text: str) -> str:
        """Return the letter of ``text``; no letter for no text."""
        return self._letters.setdefault(text, LETTERS[len(self._letters)]) if text else ""

    @property
    def texts(self) -> dict[str, str]:
        """The text of every letter that was given, as a `Table` takes them."""
        return {letter: text for text, letter in self._letters.items()}
