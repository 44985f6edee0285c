"""Whether a run configuration names only what exists; every mistake is told at once."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from watchtime.core.catalog import Catalog, MethodCard
from watchtime.core.config import DatasetSource, RunConfig, validate
from watchtime.core.dataset_card import DatasetCard
from watchtime.core.errors import WatchtimeError, unknown
from watchtime.core.job import searched_setting
from watchtime.core.settings import shared_groups
from watchtime.core.sources import exists


def check(config: RunConfig, catalog: Catalog, where: str) -> None:
    """Raise one ``WatchtimeError`` with a line per mistake, or return nothing."""
    mistakes = [
        *_names("data set", config.datasets, catalog.datasets, f"{where}: datasets"),
        *_names("protocol", config.protocols, catalog.protocols, f"{where}: protocols"),
        *_methods(config.methods, catalog, f"{where}: methods"),
        *_names("artifact", _listed(config.artifacts), catalog.artifacts(), f"{where}: artifacts"),
        *_names("method", config.settings, catalog.methods, f"{where}: settings"),
        *_sources(config, catalog, where),
        *_targets(config, catalog, where),
        *_settings(config, catalog, where),
        *_search_spaces(config, catalog),
    ]
    if mistakes:
        raise WatchtimeError("\n".join(mistakes))


def _listed(names: str | list[str]) -> list[str]:
    return [] if isinstance(names, str) else names


def _names(kind: str, found: Iterable[str], allowed: Iterable[str], where: str) -> list[str]:
    choices = list(allowed)
    return [unknown(kind, name, choices, where) for name in found if name not in choices]


def _methods(names: str | list[str], catalog: Catalog, where: str) -> list[str]:
    mistakes = []
    for name in _listed(names):
        method, slash, variant = name.partition("/")
        mistakes += _names("method", [method], catalog.methods, where)
        if slash and method in catalog.methods:
            mistakes += _names("variant", [variant], catalog.methods[method].variants, f"{where}: {method}")
    return mistakes


def _sources(config: RunConfig, catalog: Catalog, where: str) -> list[str]:
    mistakes = []
    for name, source in config.datasets.items():
        if name not in catalog.datasets:
            continue
        place, card = f"{where}: datasets.{name}", catalog.datasets[name]
        wrong = _options(source, card, f"{place}.options")
        mistakes += wrong or [*_files(name, source, card, place), *_tasks(config, name, card, place)]
        mistakes += _methods(source.methods or [], catalog, f"{place}.methods")
        mistakes += _names("protocol", source.protocols or [], catalog.protocols, f"{place}.protocols")
        mistakes += _protocols(source.protocols or config.protocols, catalog, card, f"{place}.protocols")
    return mistakes


def _options(source: DatasetSource, card: DatasetCard, where: str) -> list[str]:
    mistakes = _names("option", source.options, card.options, where)
    defaults = {name: option.default for name, option in card.options.items()}
    mistakes += _kinds(defaults, source.options, where)
    chosen = {name: value for name, value in source.options.items() if name in defaults and not mistakes}
    return mistakes + [
        unknown("choice", str(value), card.options[name].choices, f"{where}.{name}")
        for name, value in chosen.items()
        if card.options[name].choices and value not in card.options[name].choices
    ]


def _files(name: str, source: DatasetSource, card: DatasetCard, where: str) -> list[str]:
    if source.log is not None:
        file = Path(source.log.file)
        return [] if file.is_file() else [f"{where}.log.file: the file '{file}' does not exist."]
    if source.download:
        return [f"{where}.download: {card.title} cannot be fetched whole: {card.by_hand}"] if card.by_hand else []
    if source.folder is None:
        simulated = exists(f"datasets.simulator.{name}")
        return [] if simulated else [f"{where}.folder: found nothing, and {name} has no simulated logs."]
    folder = Path(source.folder)
    if not folder.is_dir():
        hint = card.by_hand or "make reproduce takes it as SOURCE=…."
        return [f"{where}.folder: the folder '{folder}' does not exist; {hint}"]
    mistakes = [
        f"{where}.folder: '{folder / table}' is missing."
        for table in card.tables.values()
        if not (folder / table).is_file()
    ]
    if not any((folder / log).is_file() for log in card.logs):
        mistakes.append(f"{where}.folder: '{folder}' holds none of the logs {', '.join(card.logs)}.")
    return mistakes


def _tasks(config: RunConfig, name: str, card: DatasetCard, where: str) -> list[str]:
    source = config.datasets[name]
    there = list(card.tasks)
    if source.tasks is not None:
        return [
            f"{where}.tasks: {card.title} has no target '{task}', only {', '.join(there)}."
            for task in source.tasks
            if task not in there
        ]
    if config.tasks is None or any(task in there for task in config.tasks):
        return []
    return [f"{where}: {card.title} has none of the targets {', '.join(config.tasks)}, only {', '.join(there)}."]


def _targets(config: RunConfig, catalog: Catalog, where: str) -> list[str]:
    cards = [catalog.datasets[name] for name in config.datasets if name in catalog.datasets]
    known = {task for card in catalog.datasets.values() for task in card.tasks}
    had = {task for card in cards for task in card.tasks}
    asked = config.tasks or []
    mistakes = _names("target", asked, sorted(known), f"{where}: tasks")
    return mistakes or [
        f"{where}: tasks: none of the run's data sets has the target '{task}', only {', '.join(sorted(had))}."
        for task in asked
        if cards and task not in had
    ]


def _protocols(names: list[str], catalog: Catalog, card: DatasetCard, where: str) -> list[str]:
    """A protocol that needs times, days or several logs does not fit every data set."""
    mistakes = []
    for name in names:
        protocol = catalog.protocols.get(name)
        if protocol is None:
            continue
        if protocol.order in ("time", "days") and "timestamp" not in card.provides and "day" not in card.provides:
            mistakes.append(f"{where}: '{name}' needs times, which {card.title} does not have.")
        elif protocol.order == "time" and "timestamp" not in card.provides:
            mistakes.append(f"{where}: '{name}' needs times of day, {card.title} has days only.")
        missing = [log for log in protocol.logs or () if log not in card.log_names]
        if missing:
            mistakes.append(f"{where}: '{name}' needs the log '{missing[0]}', which {card.title} does not have.")
    return mistakes


def _settings(config: RunConfig, catalog: Catalog, where: str) -> list[str]:
    used, mistakes = catalog.used_methods(config), []
    for method, values in config.settings.items():
        if method in catalog.methods:
            mistakes += _method_settings(catalog.methods[method], values, f"{where}: settings.{method}")
            if method not in used:
                mistakes.append(f"{where}: settings.{method}: this run does not use {method}; add it to methods.")
    return mistakes


def _method_settings(card: MethodCard, values: dict[str, Any], where: str) -> list[str]:
    """Shared settings are those of their models; a method's own and its codec's are known by their defaults."""
    models = shared_groups(card.family)
    codecs = {"codec": card.codec.settings} if card.codec else {}
    mistakes = _names("setting", values, [*card.settings, *codecs, *models], where)
    mistakes += _kinds(card.settings, values, where)
    for group, defaults in codecs.items():
        inner = values.get(group, {})
        if isinstance(inner, dict):
            mistakes += [
                *_names("setting", inner, defaults, f"{where}.{group}"),
                *_kinds(defaults, inner, f"{where}.{group}"),
            ]
        else:
            mistakes.append(f"{where}.{group}: found {inner!r}, allowed: a mapping of keys to values.")
    for group, model in models.items():
        try:
            validate(model, values.get(group, {}), f"{where}.{group}")
        except WatchtimeError as error:
            mistakes.append(str(error))
    return mistakes


def _search_spaces(config: RunConfig, catalog: Catalog) -> list[str]:
    mistakes = []
    searched = catalog.used_methods(config) if config.search_trials else []
    for method in searched:
        card = catalog.methods[method]
        for name in card.search:
            try:
                searched_setting(name, method, card.family, card.settings)
            except WatchtimeError as error:
                mistakes.append(str(error))
    return mistakes


def _kinds(defaults: dict[str, Any], values: dict[str, Any], where: str) -> list[str]:
    """Compare each value with its default: YAML reads ``1e-3`` as text and ``on`` as true."""
    return [
        f"{where}.{key}: found {value!r}, allowed: {_kind(defaults[key])} such as {defaults[key]!r}."
        for key, value in values.items()
        if key in defaults and defaults[key] is not None and not _alike(defaults[key], value)
    ]


def _alike(default: Any, value: Any) -> bool:
    if isinstance(default, float):
        return type(value) in (int, float) and math.isfinite(value)
    if isinstance(default, list):
        return isinstance(value, list) and all(_alike(default[0], one) for one in value if default)
    return type(value) is type(default)


def _kind(default: Any) -> str:
    return {bool: "true or false", int: "a whole number", float: "a number", str: "text", list: "a list"}[type(default)]
