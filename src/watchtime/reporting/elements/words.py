"""Small phrases that pages share."""

from __future__ import annotations

from collections.abc import Sequence


def percent(share: float, places: int | None = 1) -> str:
    """Return a share as a percentage that no line break cuts; without ``places``, three digits at most."""
    number = f"{100 * share:.3g}" if places is None else f"{100 * share:.{places}f}"
    return f"{number}\u00a0%"


def target_name(task: str) -> str:
    """Return what a target is called inside a sentence."""
    return "LTV" if task == "ltv" else task.replace("_", " ")


def sentence(phrase: str) -> str:
    """Return the phrase with a capital and a full stop; no phrase stays none."""
    return f"{phrase[:1].upper()}{phrase[1:]}." if phrase else ""


def few(names: Sequence[str], most: int = 3) -> str:
    """Return the names inside a sentence, of more than ``most`` their number and the first ones."""
    listed = ", ".join(names[:most])
    return listed if len(names) <= most else f"{len(names)}, such as {listed}"
