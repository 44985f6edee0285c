"""The run configuration: one model from which the default YAML, its comments and the JSON schema are generated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import Field, StringConstraints, ValidationError

from watchtime.core.errors import WatchtimeError
from watchtime.core.mistakes import sentences
from watchtime.core.settings import Settings

# Raised when the simulator writes other bytes from the same settings.
SIMULATOR_VERSION = 1

Model = TypeVar("Model", bound=Settings)
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]*$")]


class SimulatorSettings(Settings):
    """How large a simulated log is and from which seed it comes."""

    rows: int = Field(40_000, ge=100, description="rows of the standard-policy log")
    users: int = Field(1_500, ge=10, description="users in the simulated world")
    items: int = Field(600, ge=10, description="videos in the simulated world")
    days: int = Field(14, ge=2, le=21, description="days that the log covers")
    seed: int = Field(1, ge=0, description="seed from which every byte of the raw files follows")


class RowRules(Settings):
    """Which rows of a raw log count; the report shows how many rows each rule dropped."""

    zero_duration: Literal["drop", "keep"] = Field(
        "drop", description="rows whose video has duration 0: drop, or keep (watch ratio needs drop)"
    )
    repeated_key: Literal["keep_first", "keep_all"] = Field(
        "keep_first", description="rows that repeat a (user, item, time) key: keep_first or keep_all"
    )
    largest_ratio: float | None = Field(
        10.0, gt=0, description="rows with a watch ratio above this are dropped; null keeps them all"
    )


class DatasetSource(Settings):
    """Where the raw files of one data set come from."""

    folder: str | None = Field(None, description="folder with the raw files in official layout; null: simulated logs")
    simulator: SimulatorSettings = Field(SimulatorSettings(), description="used where folder is null")
    rules: RowRules = Field(RowRules(), description="which rows count")


class RunConfig(Settings):
    """One run: what is compared on which data, and how."""

    name: Name = Field("demo", description="results go to results/<name>")
    datasets: dict[str, DatasetSource] = Field(
        {"kuairand_pure": DatasetSource()},
        min_length=1,
        description="data sets (see: watchtime datasets)",
    )
    tasks: list[Literal["watch_time", "watch_ratio"]] = Field(
        ["watch_time"], min_length=1, description="targets: watch_time (seconds), watch_ratio"
    )
    protocols: list[str] = Field(
        ["random_622"],
        min_length=1,
        description="how rows are split; one leaderboard each (config/protocols.yaml lists them)",
    )
    regime: Literal["shared", "as_published"] = Field(
        "shared",
        description="shared: same encoder, features and training for all; as_published: each paper's own",
    )
    size: Literal["tiny", "small", "paper"] = Field(
        "tiny",
        description="tiny: demo and tests; small: real samples on a CPU; paper: published sizes, for GPUs",
    )
    methods: Literal["all"] | list[str] = Field(
        "all", description="methods of the leaderboard: all, or a list (watchtime methods lists them)"
    )
    artifacts: Literal["all"] | list[str] = Field(
        "all",
        description="tables and figures: all, or a list such as [prowtp/table1] (watchtime artifacts lists them)",
    )
    settings: dict[str, dict[str, Any]] = Field(
        {},
        description="settings of methods that differ from config/methods, e.g. {d2q: {codec: {groups: 60}}}",
    )
    repetitions: int = Field(5, ge=1, le=100, description="seeds per method; every interval comes from them")
    seed: int = Field(2026, ge=0, description="root of every seed of the run")
    device: Literal["cpu", "cuda"] = Field("cpu", description="where networks train: cpu or cuda")
    seeds_together: Literal["looped", "stacked"] = Field(
        "looped",
        description="repetitions one after another (looped) or as one batched network (stacked, for GPUs)",
    )
    search_trials: int = Field(
        0, ge=0, description="random draws per method from its search space, chosen on validation; 0: off"
    )
    tolerance: float = Field(
        0.02,
        gt=0,
        lt=1,
        description="largest relative difference at which a published number counts as reproduced",
    )


class _StrictLoader(yaml.SafeLoader):
    """Safe YAML that refuses a key given twice."""


def _mapping_without_repeats(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    repeated = {str(key) for key in keys if keys.count(key) > 1}
    if repeated:
        line = node.start_mark.line + 1
        raise WatchtimeError(f"the mapping that begins in line {line} has the key {sorted(repeated)[0]!r} twice.")
    return loader.construct_mapping(node, deep=True)


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping_without_repeats)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file; anything else is a ``WatchtimeError`` that names the file."""
    try:
        value = yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)
    except FileNotFoundError:
        raise WatchtimeError(f"{path}: the file does not exist.") from None
    except IsADirectoryError:
        raise WatchtimeError(f"{path}: a folder was found where a YAML file was expected.") from None
    except OSError as error:
        raise WatchtimeError(f"{path}: the file cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError as error:
        raise WatchtimeError(f"{path}: the file is not UTF-8 text (byte {error.start}).") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise WatchtimeError(f"{path}: not valid YAML: line {line}: {error.problem}.") from None
    except RecursionError:
        raise WatchtimeError(f"{path}: not valid YAML: it is nested too deeply.") from None
    except (yaml.YAMLError, ValueError) as error:
        raise WatchtimeError(f"{path}: not valid YAML: {' '.join(str(error).split())}.") from None
    except WatchtimeError as error:
        raise WatchtimeError(f"{path}: {error}") from None
    if value is None:
        raise WatchtimeError(f"{path}: the file is empty, a mapping of keys to values was expected.")
    if not isinstance(value, dict):
        found = "a list" if isinstance(value, list) else repr(value)
        raise WatchtimeError(f"{path}: a mapping of keys to values was expected, found {found}.")
    return value


def validate(model: type[Model], values: Any, where: str) -> Model:
    """Return ``model`` with these values, a mapping; or raise one ``WatchtimeError`` with a line per mistake."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise WatchtimeError("\n".join(sentences(model, error, where))) from None


def load_config(path: Path) -> RunConfig:
    """Read a run configuration; every mistake in it is told at once."""
    return validate(RunConfig, read_yaml(path), str(path))


def with_source(config: RunConfig, source: str | None, where: str) -> RunConfig:
    """Return the configuration with ``source`` as the folder of its only data set's raw files."""
    if not source:
        return config
    if len(config.datasets) != 1:
        raise WatchtimeError(
            f"{where}: SOURCE={source} needs a config with exactly one data set, found {len(config.datasets)}."
        )
    name, only = next(iter(config.datasets.items()))
    return config.model_copy(update={"datasets": {name: only.model_copy(update={"folder": source})}})


def default_yaml() -> str:
    """Return ``config/demo.yaml``: every key with its default and, as a comment, what it means."""
    head = "# The default run: simulated logs, no network. Written by `watchtime config --write`; a test holds it.\n"
    return head + "\n".join(_yaml_lines(RunConfig(), 0)) + "\n"


def _yaml_lines(settings: Settings, depth: int) -> list[str]:
    lines = []
    for key, field in type(settings).model_fields.items():
        pad = "  " * depth
        lines.append(f"{pad}# {field.description}")
        lines += _yaml_value(key, getattr(settings, key), depth)
    return lines


def _yaml_value(key: str, value: Any, depth: int) -> list[str]:
    pad = "  " * depth
    if isinstance(value, Settings):
        return [f"{pad}{key}:", *_yaml_lines(value, depth + 1)]
    if isinstance(value, dict) and value and all(isinstance(item, Settings) for item in value.values()):
        nested = [line for name, item in value.items() for line in _yaml_value(name, item, depth + 1)]
        return [f"{pad}{key}:", *nested]
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000).strip()
    return [f"{pad}{key}: {text.removesuffix('...').strip()}"]


def schema_json() -> str:
    """Return the JSON schema of a run configuration, for editors."""
    return json.dumps(RunConfig.model_json_schema(), sort_keys=True, indent=2) + "\n"


def to_yaml(config: RunConfig) -> str:
    """Return a configuration as YAML with every key."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, width=100)
