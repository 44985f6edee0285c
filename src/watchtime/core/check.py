"""Whether a run configuration names only what exists; every mistake is told at once."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from watchtime.core.catalog import Catalog, MethodCard
from watchtime.core.config import RunConfig, validate
from watchtime.core.errors import WatchtimeError, unknown
from watchtime.core.job import searched_setting
from watchtime.core.settings import shared_groups
from watchtime.core.sources import exists


def check(config: RunConfig, catalog: Catalog, where: str) -> None:
    """Raise one ``WatchtimeError`` with a line per mistake, or return nothing."""
    mistakes = [
        *_names("data set", config.datasets, catalog.datasets, f"{where}: datasets"),
        *_names("protocol", config.protocols, catalog.protocols, f"{where}: protocols"),
        *_names("method", _listed(config.methods), catalog.methods, f"{where}: methods"),
        *_names("artifact", _listed(config.artifacts), catalog.artifacts(), f"{where}: artifacts"),
        *_names("method", config.settings, catalog.methods, f"{where}: settings"),
        *_folders(config, catalog, where),
        *_tasks(config, catalog, where),
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


def _folders(config: RunConfig, catalog: Catalog, where: str) -> list[str]:
    mistakes = []
    for name, source in config.datasets.items():
        if name not in catalog.datasets:
            continue
        if source.folder is None:
            if not exists(f"datasets.simulator.{name}"):
                mistakes.append(f"{where}: datasets.{name}.folder: found nothing, and {name} has no simulated logs.")
            continue
        folder, card = Path(source.folder), catalog.datasets[name]
        place = f"{where}: datasets.{name}.folder"
        if not folder.is_dir():
            mistakes.append(f"{place}: the folder '{folder}' does not exist; make reproduce takes it as SOURCE=….")
            continue
        mistakes += [
            f"{place}: '{folder / table}' is missing."
            for table in card.tables.values()
            if not (folder / table).is_file()
        ]
        if not any((folder / log).is_file() for log in card.logs):
            mistakes.append(f"{place}: '{folder}' holds none of the logs {', '.join(card.logs)}.")
    return mistakes


def _tasks(config: RunConfig, catalog: Catalog, where: str) -> list[str]:
    return [
        f"{where}: tasks: {catalog.datasets[name].title} has no target '{task}', only "
        f"{', '.join(catalog.datasets[name].tasks)}."
        for name in config.datasets
        if name in catalog.datasets
        for task in config.tasks
        if task not in catalog.datasets[name].tasks
    ]


def _settings(config: RunConfig, catalog: Catalog, where: str) -> list[str]:
    used, mistakes = catalog.chosen_methods(config), []
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
    searched = catalog.chosen_methods(config) if config.search_trials else []
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
