"""Errors that a user can mend: one sentence that says what was found, what is allowed, and the nearest spelling."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST = 200
"""Letters of a user's word that are told again."""


class WatchtimeError(Exception):
    """A user's mistake, told in one sentence; the command line prints it without a traceback."""


# Where more words are allowed, a sentence names those that are spelled most alike.
ALL_NAMED, MOST_ALIKE = 40, 5


def plain(text: str) -> str:
    """Return ``text`` on one line, with what does not print (line ends, terminal commands, …) as escapes.

    >>> plain("a\\nb\\x1b[31m")
    'a\\\\nb\\\\x1b[31m'
    """
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def first_words(error: BaseException) -> str:
    """Return the first line of what a library says is wrong, or the kind of its error where it says nothing."""
    return plain(str(error).partition("\n")[0]).rstrip(".") or type(error).__name__


def nearest(word: str, allowed: Iterable[str]) -> str | None:
    """Return the allowed word that is spelled most like ``word``, or None where nothing is close."""
    matches = difflib.get_close_matches(word, list(allowed), n=1, cutoff=0.6)
    return matches[0] if matches else None


def unknown(kind: str, found: str, allowed: Iterable[str], where: str = "") -> str:
    """Return the sentence for a word that does not exist.

    >>> unknown("method", "tmp", ["tpm", "vr"], "config/demo.yaml: methods")
    "config/demo.yaml: methods: unknown method 'tmp', did you mean 'tpm'? Allowed: tpm, vr."
    """
    choices = sorted(allowed)
    guess = nearest(found, choices)
    middle = f", did you mean '{guess}'?" if guess else "."
    prefix = f"{where}: " if where else ""
    found = found if len(found) <= LONGEST else f"{found[:LONGEST]}…"
    return plain(f"{prefix}unknown {kind} '{found}'{middle} Allowed: {_listed(found, choices)}.")


def _listed(found: str, choices: list[str]) -> str:
    if len(choices) <= ALL_NAMED:
        return ", ".join(choices) or "nothing"
    alike = difflib.get_close_matches(found, choices, n=MOST_ALIKE, cutoff=0)
    return f"{len(choices)} names, the most alike: {', '.join(alike)}"
