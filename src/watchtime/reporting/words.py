"""Small phrases that pages share."""

from __future__ import annotations


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
