"""The run configuration: one model from which the default YAML, its comments and the JSON schema are generated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import Field, StringConstraints, ValidationError, model_validator

from watchtime.core.errors import WatchtimeError
from watchtime.core.mistakes import sentences
from watchtime.core.settings import Settings
from watchtime.core.yaml_files import read_yaml

# Raised when the simulator writes other bytes from the same settings.
SIMULATOR_VERSION = 2

Model = TypeVar("Model", bound=Settings)
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]*$")]
Methods = Literal["main", "all"] | list[str]
ZeroDuration = Literal["drop", "keep"]
RepeatedKey = Literal["keep_first", "keep_all"]


class SimulatorSettings(Settings):
    """How large a simulated log is and from which seed it comes."""

    rows: int = Field(20_000, ge=100, description="rows of the main log: impressions, clicks, sessions or customers")
    users: int = Field(720, ge=10, description="users of the simulated world")
    items: int = Field(600, ge=10, description="items of the simulated world: videos, products or companies")
    days: int = Field(14, ge=2, le=150, description="days that the log covers")
    seed: int = Field(1, ge=0, description="seed from which every byte of the raw files follows")


class RowRules(Settings):
    """Which rows of a raw log count; null is the data set's own rule. The report shows what each rule dropped."""

    zero_duration: ZeroDuration | None = Field(
        None, description="rows whose video has duration 0: drop, or keep (watch ratio needs drop)"
    )
    repeated_key: RepeatedKey | None = Field(
        None, description="rows that repeat a (user, item, time) key: keep_first or keep_all"
    )
    largest_ratio: float | None = Field(
        None, gt=0, description="rows with a watch ratio above this are dropped (1.0e+9 keeps them all)"
    )


class OwnFeature(Settings):
    """One feature of an own log and the column it stands in."""

    kind: Literal["categorical", "numeric", "multi_valued", "bucket"] = Field(
        "categorical", description="categorical, numeric, multi_valued (a list) or bucket (a number cut into buckets)"
    )
    side: Literal["user", "item", "context"] = Field("context", description="whom it describes: user, item or context")
    column: str | None = Field(None, description="its column; null: the feature's own name")
    separator: str = Field(",", description="what parts the values of a multi_valued column that is text")
    scale: Literal["linear", "log"] = Field("linear", description="of a numeric feature: linear or log(1 + x)")
    buckets: int = Field(20, ge=2, description="of a bucket feature: their number")
    min_count: int = Field(1, ge=1, description="categories with fewer training rows count as unknown")


class OwnLog(Settings):
    """A log of one's own: which column of the file means what."""

    file: str = Field(description="the log: .parquet, .csv or .tsv")
    user: str = Field("user", description="column with the user")
    item: str = Field("item", description="column with the item")
    target: str = Field("watch_time", description="column with the target, at least 0")
    task: Literal["watch_time", "ltv"] = Field("watch_time", description="what the target is: watch_time or ltv")
    unit: Literal["s", "ms", "currency"] = Field(
        "s", description="unit of target and duration: s or ms; currency for ltv"
    )
    duration: str | None = Field(None, description="column with the item's duration; null: there is none")
    time: str | None = Field(None, description="column with the time of the row; null: there is none")
    time_unit: Literal["s", "ms", "text"] = Field(
        "s", description="since 1970 in s or ms, or text such as 2026-01-31 23:59:59"
    )
    features: dict[Name, OwnFeature] = Field({}, description="further features: {name: {kind, side, column}}")
    feedback: dict[Name, str] = Field({}, description="feedback columns of 0 and 1: {name: column}")


class DatasetSource(Settings):
    """Where the raw files of one data set come from, and what of them counts."""

    folder: str | None = Field(None, description="folder with the raw files in official layout; null: simulated logs")
    download: bool = Field(False, description="fetch the official files into data/official; their checksums are known")
    log: OwnLog | None = Field(None, description="a log of one's own instead (config/own_log.yaml shows one)")
    simulator: SimulatorSettings = Field(SimulatorSettings(), description="used for simulated logs")
    options: dict[str, Any] = Field({}, description="how its files are read (watchtime datasets lists the options)")
    rules: RowRules = Field(RowRules(), description="which rows count; null: the data set's own rule")
    core: int | None = Field(
        None, ge=1, description="least rows per user and item under a protocol with a k-core; null: the protocol's own"
    )
    tasks: list[Name] | None = Field(None, description="its targets; null: those of the run that it has")
    protocols: list[str] | None = Field(None, description="its protocols; null: the run's")
    methods: Methods | None = Field(None, description="its methods; null: the run's")

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        given = [name for name in ("folder", "download", "log") if getattr(self, name)]
        if len(given) > 1:
            raise ValueError(f"found {' and '.join(given)}, allowed: one of them, or none for simulated logs")
        return self

    @property
    def is_simulated(self) -> bool:
        return self.folder is None and not self.download and self.log is None


def _simulated(rows: int, users: int, items: int, **other: Any) -> DatasetSource:
    simulator = SimulatorSettings(rows=rows, users=users, items=items)
    plain = ["training_constant", "user_item_mean", "lightgbm", "oracle", "vr/paper"]
    return DatasetSource(simulator=simulator, methods=plain, **other)


SIMULATED_LOGS = {
    "kuairand_pure": DatasetSource(),
    "kuairec": _simulated(
        10_000, 256, 256, tasks=["watch_time", "watch_ratio"], protocols=["big_to_small", "random_811"]
    ),
    # So many rows per user that most have a list of ten on the test day.
    "wechat21": _simulated(20_000, 64, 600, tasks=["watch_time", "label"], protocols=["days_12_1_1"], core=20),
    "cikm16": _simulated(10_000, 900, 900, protocols=["random_82"]),
    "criteo_ssc": _simulated(18_000, 3_600, 500, protocols=["random_712"]),
    "valued_shoppers": _simulated(20_000, 4_000, 24, protocols=["random_712"]),
}


class RunConfig(Settings):
    """One run: what is compared on which data, and how."""

    name: Name = Field("demo", description="results go to results/<name>")
    datasets: dict[Name, DatasetSource] = Field(
        SIMULATED_LOGS,
        min_length=1,
        description="data sets (see: watchtime datasets), each with what differs from the first",
    )
    tasks: list[Name] | None = Field(
        None,
        min_length=1,
        description="targets, such as [watch_time, watch_ratio]; null: the first that each data set has",
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
    methods: Methods = Field(
        "main",
        description="main: every method as its paper has it; all: every variant too; or a list of method or "
        "method/variant; those that the artifacts show come on top",
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
    processes: int = Field(
        1,
        ge=1,
        description="processes that train a job together, each with a share of its rows (and a GPU), for logs that one "
        "device cannot hold",
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

    @model_validator(mode="after")
    def _looped_in_processes(self) -> Self:
        if self.processes > 1 and self.seeds_together == "stacked":
            raise ValueError(f"found processes: {self.processes} and seeds_together: stacked, allowed: looped with it")
        return self


DEMO = RunConfig(repetitions=3)
"""The default run: the defaults, but with fewer repetitions, since it shows what there is and judges nothing real."""


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
    """Return the configuration with ``source`` as the raw folder, or as the own log, of its only data set."""
    if not source:
        return config
    if len(config.datasets) != 1:
        raise WatchtimeError(
            f"{where}: SOURCE={source} needs a config with exactly one data set, found {len(config.datasets)}."
        )
    name, only = next(iter(config.datasets.items()))
    given = {"log": only.log.model_copy(update={"file": source})} if only.log else {"folder": source, "download": False}
    return config.model_copy(update={"datasets": {name: only.model_copy(update=given)}})


def default_yaml() -> str:
    """Return ``config/demo.yaml``: every key of the default run and, as a comment, what it means.

    The comment says where a run without the key differs.
    """
    head = "# The default run: simulated logs, no network. Written by `watchtime config --write`; a test holds it.\n"
    return head + "\n".join(_yaml_lines(DEMO, 0)) + "\n"


def _yaml_lines(settings: Settings, depth: int) -> list[str]:
    lines = []
    for key, field in type(settings).model_fields.items():
        pad = "  " * depth
        value = getattr(settings, key)
        other = "" if value == field.default else f" (without this key: {_flow(field.default)})"
        lines += [f"{pad}# {field.description}{other}", *_yaml_value(key, value, depth)]
    return lines


def _yaml_value(key: str, value: Any, depth: int) -> list[str]:
    pad = "  " * depth
    if isinstance(value, Settings):
        return [f"{pad}{key}:", *_yaml_lines(value, depth + 1)]
    if isinstance(value, dict) and value and all(isinstance(item, Settings) for item in value.values()):
        (first, explained), *others = value.items()
        brief = [(name, item.model_dump(mode="json", exclude_defaults=True)) for name, item in others]
        nested = _yaml_value(first, explained, depth + 1)
        return [f"{pad}{key}:", *nested, *(f"{pad}  {name}: {_flow(differing)}" for name, differing in brief)]
    return [f"{pad}{key}: {_flow(value)}"]


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000).strip()
    return text.removesuffix("...").strip()


def schema_json() -> str:
    """Return the JSON schema of a run configuration, for editors."""
    return json.dumps(RunConfig.model_json_schema(), sort_keys=True, indent=2) + "\n"


def to_yaml(config: RunConfig) -> str:
    """Return a configuration as YAML with every key."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, width=100)
