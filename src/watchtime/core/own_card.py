"""The card of a log of one's own, made from the columns that its configuration names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from watchtime.core.catalog import Catalog
from watchtime.core.config import OwnLog, RunConfig
from watchtime.core.dataset_card import DatasetCard, Feature, Rules
from watchtime.core.errors import WatchtimeError

UNITS = {"s": "s", "ms": "s", "currency": "currency"}
# Names that the interactions give to their own columns and inputs.
_COLUMNS = ("user", "item", "watch_time", "watch_ratio", "ltv", "views_span", "duration", "timestamp", "day")
TAKEN = (*_COLUMNS, "raw_row", "log", "duration_level", "duration_seconds")


def own_card(name: str, log: OwnLog, where: str = "") -> DatasetCard:
    """Return the card of the own log ``name``; user, item and duration are features beside those it names.

    Raises a ``WatchtimeError`` with a line per mistake, beginning with ``where``, if its columns contradict each other.
    """
    place = f"{where}: " if where else ""
    if mistakes := [f"{place}datasets.{name}.log.{said}" for said in _mistakes(log)]:
        raise WatchtimeError("\n".join(mistakes))
    features: dict[str, Feature] = {
        "user": Feature(kind="categorical", side="user"),
        "item": Feature(kind="categorical", side="item"),
    }
    if log.duration:
        features["duration_level"] = Feature(kind="bucket", side="item", source="duration", buckets=20)
        features["duration_seconds"] = Feature(kind="numeric", side="item", source="duration", scale="log")
    for feature, own in log.features.items():
        buckets = own.buckets if own.kind == "bucket" else None
        scale = own.scale if own.kind == "numeric" else "linear"
        features[feature] = Feature(kind=own.kind, side=own.side, scale=scale, min_count=own.min_count, buckets=buckets)
    tasks: dict[str, str] = {log.task: UNITS[log.unit]}
    if log.duration and log.task == "watch_time":
        tasks["watch_ratio"] = "ratio"
    return DatasetCard(
        title=name.replace("_", " ").capitalize(),
        summary="a log of one's own",
        reference="this run's configuration",
        licence="one's own",
        redistribution="as its owner allows",
        tasks=tasks,
        provides=[*(["duration"] if log.duration else []), *(["timestamp"] if log.time else [])],
        item_title="Items",
        logs=[Path(log.file).name],
        rules=Rules(repeated_key="keep_first" if log.task == "watch_time" else "keep_all"),
        features=features,
        feedback=list(log.feedback),
        own_log=log,
    )


def _mistakes(log: OwnLog) -> Iterator[str]:
    """An outcome must be no input, and every name and column stands for one thing."""
    if (log.task == "ltv") != (log.unit == "currency"):
        allowed = "currency" if log.task == "ltv" else "s or ms"
        yield f"unit: found {log.unit!r}, allowed for the task {log.task}: {allowed}."
    named = {"user": log.user, "item": log.item, "target": log.target, "duration": log.duration, "time": log.time}
    keys: dict[str, str] = {}
    for key, column in named.items():
        if column in keys:
            yield f"{key}: found the column '{column}', which is the {keys[column]} already; each has its own."
        elif column:
            keys[column] = key
    outcomes = {log.target: "the target"} | dict.fromkeys(log.feedback.values(), "feedback")
    for feature, own in log.features.items():
        column = own.column or feature
        if feature in (*TAKEN, *log.feedback):
            yield f"features: '{feature}' is taken; give it another name and `column: {column}`."
        elif column in outcomes:
            yield f"features.{feature}: the column '{column}' is {outcomes[column]}; an outcome cannot be a feature."
        if not own.separator:
            yield f"features.{feature}.separator: found '', allowed: one character or more."
    for one in log.feedback:
        if one in TAKEN:
            yield f"feedback: '{one}' is taken; give it another name."


def as_read(catalog: Catalog, config: RunConfig, where: str = "") -> Catalog:
    """Return the catalog with the data sets as the run reads them, and a card for every own log.

    ``where`` is the file of the configuration, which mistakes name.
    """
    cards = dict(catalog.datasets)
    for name, source in config.datasets.items():
        if source.log:
            cards[name] = own_card(name, source.log, where)
        elif name in cards:
            cards[name] = cards[name].under(source.options)
    return replace(catalog, datasets=cards)
