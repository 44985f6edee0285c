"""The card of a data set: its schema, its raw files, where they come from and what a reader of them may choose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from watchtime.core.config import OwnLog, RepeatedKey, ZeroDuration
from watchtime.core.errors import unknown
from watchtime.core.settings import Settings


class Feature(Settings):
    """One input column of a data set.

    ``bucket`` is the equal-frequency bucket of a numeric ``source`` column; ``scale: log`` takes log(1 + x) first;
    categories with fewer than ``min_count`` training rows count as unknown.
    """

    kind: Literal["categorical", "numeric", "multi_valued", "bucket", "vector"]
    side: Literal["user", "item", "context"]
    source: str | None = None
    buckets: int | None = None
    scale: Literal["linear", "log"] = "linear"
    min_count: int = Field(1, ge=1)


class OptionChoice(Settings):
    """One way to read a data set.

    It needs ``tables`` and has what it ``provides`` on top of the card, has the targets ``tasks`` only, and has no
    features in ``without``.
    """

    note: str
    tables: dict[str, str] = {}
    provides: list[str] = []
    tasks: list[str] | None = None
    without: list[str] = []


class DatasetOption(Settings):
    """What a reader of the raw files may choose; without ``choices``, any value of the default's kind."""

    note: str
    default: Any
    choices: dict[str, OptionChoice] = {}


class Rules(Settings):
    """Which rows of a data set count, unless a run says otherwise."""

    zero_duration: ZeroDuration = "drop"
    repeated_key: RepeatedKey = "keep_first"
    largest_ratio: float | Literal["any"] = 10.0


class Source(Settings):
    """One file that is fetched: ``checksum`` is ``md5:…``, ``sha256:…`` or ``git-blob:…``.

    ``unpack`` maps members of an archive (or ``folder/``, all below it) to files below the data set's folder, an
    archive itself is not kept; ``members`` holds their own checksums where the publisher states them.
    """

    url: str
    checksum: str = Field(pattern=r"^(md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}|git-blob:[0-9a-f]{40})$")
    size: int | None = None
    save_as: str | None = None
    unpack: dict[str, str] = {}
    members: dict[str, str] = {}

    @model_validator(mode="after")
    def _makes_something(self) -> Self:
        if not (self.save_as or self.unpack):
            raise ValueError("found neither save_as nor unpack, so nothing would come of it")
        return self


class DatasetCard(Settings):
    """One data set: its schema, its raw files, where they come from and what its licence allows.

    ``logs`` are read in order, at least one must be there; ``tables`` must all be there, ``optional_tables`` are read
    where they are. ``log_names`` are the values of a column ``log``: protocols that name no logs split the rows of the
    first. ``truth`` lists the targets whose law the simulator stores, which holds under the default options.
    ``feedback`` names columns of 0 or 1, ``positive_feedback`` those of them that mean approval, ``history`` the
    categorical features that tell of a past event which item it was of, ``category`` the feature that says what kind of
    item one is.
    """

    title: str
    summary: str
    reference: str
    licence: str
    redistribution: str
    tasks: dict[str, str]
    provides: list[str] = []
    truth: list[str] = []
    item_title: str = "Videos"
    logs: list[str]
    tables: dict[str, str] = {}
    optional_tables: dict[str, str] = {}
    options: dict[str, DatasetOption] = {}
    log_names: list[str] = []
    rules: Rules = Rules()
    features: dict[str, Feature]
    feature_sets: dict[str, list[str]] = {}
    feedback: list[str] = []
    positive_feedback: list[str] = []
    history: list[str] = []
    category: str | None = None
    duration_buckets: int = 5
    sources: list[Source] = []
    by_hand: str = ""
    own_log: OwnLog | None = None

    @model_validator(mode="after")
    def _names_are_there(self) -> Self:
        known = [name for name, one in self.features.items() if one.kind in ("categorical", "bucket")]
        if "label" in self.tasks and not (self.positive_feedback and self.history and "duration" in self.provides):
            raise ValueError("the task 'label' needs positive_feedback, history and a duration")
        named = [("positive_feedback", self.positive_feedback, self.feedback), ("history", self.history, known)]
        for key, names, allowed in named:
            for name in names:
                if name not in allowed:
                    raise ValueError(unknown("column" if key == "positive_feedback" else "feature", name, allowed, key))
        return self

    @property
    def main_log(self) -> str | None:
        """The log whose rows all protocols split that name no logs; None where there is no column ``log``."""
        return self.log_names[0] if self.log_names else None

    @property
    def targets(self) -> list[str]:
        """The target columns of the interactions; a watch ratio and a crafted label are made of several columns."""
        return [task for task in self.tasks if task not in ("watch_ratio", "label")]

    def read_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return a value for every option."""
        return {name: options.get(name, option.default) for name, option in self.options.items()}

    def under(self, options: Mapping[str, Any]) -> DatasetCard:
        """Return the card as it is when the raw files are read with these options."""
        values = self.read_options(options)
        chosen = [one.choices[values[name]] for name, one in self.options.items() if str(values[name]) in one.choices]
        limits = [one.tasks for one in chosen if one.tasks is not None]
        without = {name for one in chosen for name in one.without}
        usual = all(option.default == values[name] for name, option in self.options.items())
        return self.model_copy(
            update={
                "tables": {**self.tables, **{name: path for one in chosen for name, path in one.tables.items()}},
                "tasks": {task: unit for task, unit in self.tasks.items() if all(task in limit for limit in limits)},
                "provides": [*self.provides, *(what for one in chosen for what in one.provides)],
                "truth": self.truth if usual else [],
                "features": {name: one for name, one in self.features.items() if name not in without},
                "history": [name for name in self.history if name not in without],
                "feature_sets": {
                    name: [one for one in names if one not in without] for name, names in self.feature_sets.items()
                },
            }
        )
