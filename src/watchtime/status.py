"""What is done, running, failed and waiting in a run, with the last words of what failed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from watchtime.core.errors import WatchtimeError
from watchtime.core.plan import Plan
from watchtime.core.step_log import has_ended_itself, is_held, is_starting, last_words
from watchtime.core.workflow import Step, steps

# In the order in which they are told.
STATES = ("done", "running", "failed", "waiting")
LAST_LINES = 10


def run_states(run: Path, root: Path) -> list[tuple[Step, str]]:
    """Return every step of a run with its state; nothing is written.

    Raises `WatchtimeError` where the folder holds no run.
    """
    if not (run / "config.yaml").is_file():
        raise WatchtimeError(f"{run}: no run was started here: there is no config.yaml.")
    plan = Plan.load(run / "config.yaml", root)
    if run.resolve() != plan.folder.resolve():
        raise WatchtimeError(f"{run}: its configuration is that of {plan.folder}, seen from {Path.cwd()}: go there.")
    return [(step, _state(step)) for step in steps(plan)]


def _state(step: Step) -> str:
    log = step.log
    begun = log.is_file()
    if begun and is_held(log):
        return "running"
    if step.is_done:
        return "done"
    if not begun:
        return "waiting"
    return "running" if is_starting(log) else "failed"


def status_lines(run: Path, found: list[tuple[Step, str]]) -> list[str]:
    """Return how far a run is: in all, rule by rule, and for every failed step why, and how it runs again."""
    rules = dict.fromkeys(step.rule for step, _ in found)
    counted = {rule: Counter(state for step, state in found if step.rule == rule) for rule in rules}
    width = max(map(len, rules))
    return [
        f"{run}: {len(found)} steps: {_counts(Counter(state for _, state in found))}",
        *(f"  {rule:<{width}}  {counts.total():>4}: {_counts(counts)}" for rule, counts in counted.items()),
        *(f"running: {step.title}" for step, state in found if state == "running"),
        *(line for step, state in found if state == "failed" for line in _failure(step)),
    ]


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])


def _failure(step: Step) -> list[str]:
    said = [f"  | {line}" for line in last_words(step.log, LAST_LINES)]
    if not has_ended_itself(step.log):
        said.append("  (no last word: the process was killed, or the machine stopped)")
    return ["", f"failed: {step.title} ({step.log})", *said, f"  again: {step.rerun}"]
