"""Text in reports: plain strings are data and are escaped, Markdown is what an author wrote as such."""

from __future__ import annotations

import re

# What starts a heading, a list or a term in Typst where it starts a cell; pandoc leaves it as it is.
_STARTS_A_BLOCK = re.compile(r"^(=+|[-+/]|\d+\.)(?= |$)")
_WORD_JOINER = "\u2060"

_MEANS_SOMETHING = re.compile(r"([!\"#$&'()*+:;<=>?@\[\\\]^_`{|}~-])")


class Markdown(str):
    """Text that already is Markdown; it is printed as it stands, and notebooks can display it.

    Build it from data with `escape`: ``Markdown(f"On *{escape(name)}*, $n = {rows}$.")``.
    """

    __slots__ = ()

    def _repr_markdown_(self) -> str:
        return str(self)


def escape(text: str) -> Markdown:
    """Return Markdown that prints ``text`` letter by letter, on one line, whatever is in it."""
    line = " ".join(text.split())
    guard = _WORD_JOINER if _STARTS_A_BLOCK.match(line) else ""
    return Markdown(guard + _MEANS_SOMETHING.sub(r"\\\1", line))


def as_markdown(text: str) -> Markdown:
    """Return ``text`` on one line: `Markdown` as it stands, anything else escaped."""
    return Markdown(" ".join(text.split())) if isinstance(text, Markdown) else escape(text)
