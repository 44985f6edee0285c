"""What exists, read from YAML alone: data sets, methods, protocols, sizes and papers.

Planning and ``watchtime methods | datasets | artifacts`` need nothing else, so neither torch nor lightgbm is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import Field, model_validator

from watchtime.core.config import OwnLog, RepeatedKey, RunConfig, ZeroDuration, read_yaml, validate
from watchtime.core.errors import WatchtimeError
from watchtime.core.settings import EncoderSettings, Settings, TrainingSettings

Card = TypeVar("Card", bound=Settings)


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
    ``feedback`` names columns of 0 or 1.
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
    duration_buckets: int = 5
    sources: list[Source] = []
    by_hand: str = ""
    own_log: OwnLog | None = None

    @property
    def main_log(self) -> str | None:
        """The log whose rows all protocols split that name no logs; None where there is no column ``log``."""
        return self.log_names[0] if self.log_names else None

    @property
    def targets(self) -> list[str]:
        """The target columns of the interactions; a watch ratio is made of two of their columns."""
        return [task for task in self.tasks if task != "watch_ratio"]

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
                "feature_sets": {
                    name: [one for one in names if one not in without] for name, names in self.feature_sets.items()
                },
            }
        )


class CodecChoice(Settings):
    """Which codec a method uses; its settings are those under the method's ``codec`` setting."""

    name: str
    settings: dict[str, Any] = {}


class MethodOptions(Settings):
    """What a variant, a size or a regime changes; ``needs`` come on top of the method's own."""

    note: str = ""
    tasks: list[str] = []
    needs: list[str] = []
    readouts: list[str] = []
    settings: dict[str, Any] = {}
    codec: dict[str, Any] = {}
    encoder: dict[str, Any] = {}
    training: dict[str, Any] = {}
    features: str | None = None


class MethodCard(Settings):
    """One method: what it needs, its settings with their defaults, and its variants."""

    title: str
    summary: str
    reference: str
    family: Literal["trivial", "trees", "network", "oracle"]
    tasks: list[str]
    needs: list[str] = []
    readouts: list[str]
    deterministic: bool = False
    stackable: bool = False
    settings: dict[str, Any] = {}
    codec: CodecChoice | None = None
    variants: dict[str, MethodOptions] = Field(min_length=1)
    sizes: dict[str, MethodOptions] = {}
    regimes: dict[str, MethodOptions] = {}
    search: dict[str, list[Any]] = {}


class Protocol(Settings):
    """How rows are split: in which order, and in which proportions of training, validation and test.

    ``order: logs`` trains on one log and tests on the other one of ``logs``. With ``core`` only rows count whose user
    and item have that many rows each.
    """

    title: str
    order: Literal["random", "time", "days", "logs"]
    shares: tuple[float, float, float]
    core: int | None = None
    logs: tuple[str, str] | None = None


class Size(Settings):
    """The shared encoder and training of one size."""

    encoder: EncoderSettings
    training: TrainingSettings


class PublishedRow(Settings):
    """Which of our jobs stands for a row of a published table; without ``readout``, the job's own first one."""

    title: str
    method: str | None = None
    variant: str | None = None
    readout: str | None = None


class Artifact(Settings):
    """One table or figure of a paper and what regenerates it.

    ``rows`` has the keys of the published rows (``published.row_key``); ``conventions`` names the paper's own rule
    for a metric where it is not ``strict``; without ``protocol`` the page is about all rows of a log; ``datasets`` are
    the paper's, ``needs`` what a data set must provide; ``reads`` is what the page may read of a run, so that nothing
    else reruns it; ``notes`` say what the paper leaves open.
    """

    title: str
    question: str
    template: str
    datasets: list[str] = []
    needs: list[str] = []
    reads: list[Literal["counts", "interactions", "results"]] = ["counts", "results"]
    task: str = "watch_time"
    protocol: str | None = None
    metrics: list[str] = []
    conventions: dict[str, str] = {}
    rows: dict[str, PublishedRow] = {}
    reference_row: str | None = None
    notes: list[str] = []


class Paper(Settings):
    """One paper and its artifacts; ``settings`` says where its printed ``hp_…`` stand in our jobs' settings."""

    title: str
    reference: str
    artifacts: dict[str, Artifact]
    settings: dict[str, str] = {}


@dataclass(frozen=True)
class Catalog:
    """Everything that ``config/`` declares, each mapping keyed by name."""

    root: Path
    datasets: Mapping[str, DatasetCard]
    methods: Mapping[str, MethodCard]
    protocols: Mapping[str, Protocol]
    sizes: Mapping[str, Size]
    papers: Mapping[str, Paper]

    @classmethod
    def load(cls, root: Path) -> Catalog:
        folder = root / "config"
        return cls(
            root=root,
            datasets=_cards(folder / "datasets", DatasetCard),
            methods=_cards(folder / "methods", MethodCard),
            protocols=_entries(folder / "protocols.yaml", Protocol),
            sizes=_entries(folder / "sizes.yaml", Size),
            papers=_cards(folder / "papers", Paper),
        )

    def artifacts(self) -> dict[str, Artifact]:
        """Return every artifact under its full name, such as ``prowtp/table1``."""
        return {
            f"{paper}/{name}": artifact
            for paper, card in self.papers.items()
            for name, artifact in card.artifacts.items()
        }

    def chosen_artifacts(self, config: RunConfig) -> dict[str, Artifact]:
        """Return the artifacts of a run under their full names."""
        chosen = config.artifacts
        return {name: artifact for name, artifact in self.artifacts().items() if chosen == "all" or name in chosen}

    def chosen_methods(self, config: RunConfig, dataset: str | None = None) -> list[str]:
        """Return the methods of a run, or of one data set of it, with those that its artifacts need."""
        own = config.datasets[dataset].methods if dataset else None
        listed = config.methods if own is None else own
        if listed == "all":
            return list(self.methods)
        artifacts = self.chosen_artifacts(config) if own is None else {}
        needed = [row.method for artifact in artifacts.values() for row in artifact.rows.values()]
        return [name for name in self.methods if name in listed or name in needed]

    def reason_against(
        self, method: str, dataset: str, task: str, truth: bool, variant: str | None = None
    ) -> str | None:
        """Return why ``method`` (or one variant of it) cannot run on this data, or None where it can.

        ``truth`` says whether the law of the target is known, as on a simulated log.
        """
        card, data = self.methods[method], self.datasets[dataset]
        options = card.variants[variant] if variant else MethodOptions()
        tasks = options.tasks or card.tasks
        if task not in tasks:
            return f"predicts {' and '.join(tasks)}, not {task}"
        provided = {*data.provides, *(["truth"] if truth else [])}
        needs = [*card.needs, *options.needs]
        missing = [need for need in needs if need not in provided]
        if missing == ["truth"]:
            return "needs the known distribution of a simulated log"
        return f"needs {' and '.join(missing)}, which {data.title} does not have" if missing else None


def find_root() -> Path:
    """Return the folder that holds ``config/methods``: the working folder, or the one this package lives in."""
    for folder in (Path.cwd(), Path(__file__).resolve().parents[3]):
        if (folder / "config" / "methods").is_dir():
            return folder
    raise WatchtimeError("config/methods was found neither here nor beside the package: run in the project's folder.")


def _cards(folder: Path, model: type[Card]) -> dict[str, Card]:
    return {path.stem: validate(model, read_yaml(path), _shown(path)) for path in sorted(folder.glob("*.yaml"))}


def _entries(path: Path, model: type[Card]) -> dict[str, Card]:
    return {name: validate(model, value, f"{_shown(path)}: {name}") for name, value in read_yaml(path).items()}


def _shown(path: Path) -> str:
    return "/".join(path.parts[path.parts.index("config") :]) if "config" in path.parts else str(path)
