"""What exists, read from YAML alone: data sets, methods, protocols, sizes and papers.

Planning and ``watchtime methods | datasets | artifacts`` need nothing else, so neither torch nor lightgbm is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field

from watchtime.core.config import RunConfig, validate
from watchtime.core.dataset_card import DatasetCard
from watchtime.core.errors import WatchtimeError
from watchtime.core.ledger import LedgerEntry, read_ledger
from watchtime.core.settings import EncoderSettings, Settings, TrainingSettings
from watchtime.core.yaml_files import read_yaml

Card = TypeVar("Card", bound=Settings)
Leak = Literal["selection_on_test", "statistics_over_all_rows"]

# Families whose rows stand in every table, whatever the paper prints.
UNASKED = {"trivial", "trees", "oracle"}


class CodecChoice(Settings):
    """Which codec a method uses; its settings are those under the method's ``codec`` setting."""

    name: str
    settings: dict[str, Any] = {}


class MethodOptions(Settings):
    """What a variant, a size, a regime or a data set changes; ``needs`` come on top of the method's own.

    ``features`` names the feature set of each data set that has a set of its own; on others all features are read.
    A variant ``without: [duration]`` reads no feature whose source is that column.
    ``parameters_of``, such as ``gr/paper``, widens the encoder until the network has as many parameters as that one.
    With ``codec_name`` another codec takes the place of the method's, and ``codec`` holds all its settings. ``sizes``
    of a variant are laid over it where the run has that size. A variant with a ``leak`` sees test rows on purpose, so
    that its worth can be measured: they choose its epoch, or its codec is fitted on all rows of the split.
    """

    note: str = ""
    tasks: list[str] = []
    needs: list[str] = []
    readouts: list[str] = []
    settings: dict[str, Any] = {}
    codec_name: str | None = None
    codec: dict[str, Any] = {}
    encoder: dict[str, Any] = {}
    training: dict[str, Any] = {}
    features: dict[str, str] = {}
    without: list[Literal["duration"]] = []
    parameters_of: str = ""
    leak: Leak | None = None
    sizes: dict[str, MethodOptions] = {}


class MethodCard(Settings):
    """One method: what it needs, its settings with their defaults, and its variants.

    ``watch_ratio`` and ``without_duration`` say what it does with that target and on data without a duration.
    ``separable`` is whether a training step is a mean over rows, so that several processes can share it; a mapping
    names the values that settings must have for that.
    """

    title: str
    summary: str
    reference: str
    family: Literal["trivial", "trees", "network", "oracle"]
    tasks: list[str]
    needs: list[str] = []
    watch_ratio: str = ""
    without_duration: str = ""
    readouts: list[str]
    deterministic: bool = False
    stackable: bool = False
    separable: bool | dict[str, list[Any]] = True
    settings: dict[str, Any] = {}
    codec: CodecChoice | None = None
    variants: dict[str, MethodOptions] = Field(min_length=1)
    sizes: dict[str, MethodOptions] = {}
    regimes: dict[str, MethodOptions] = {}
    datasets: dict[str, MethodOptions] = {}
    search: dict[str, list[Any]] = {}

    def is_separable(self, settings: Mapping[str, Any]) -> bool:
        """Return whether several processes can share the training with these settings; only networks train so."""
        if isinstance(self.separable, bool) or self.family != "network":
            return self.separable is True and self.family == "network"
        return all(settings[name] in values for name, values in self.separable.items())


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
    """The shared encoder and training of one size.

    ``vram_mb`` is an estimate of the GPU memory in MiB that a job takes beside its encoded rows.
    """

    encoder: EncoderSettings
    training: TrainingSettings
    vram_mb: int = 2000


class PublishedRow(Settings):
    """Which of our jobs stands for a row of a published table; without ``readout``, the job's own first one."""

    title: str
    method: str | None = None
    variant: str | None = None
    readout: str | None = None


class Artifact(Settings):
    """One table or figure of a paper and what regenerates it.

    ``rows`` has the keys of the published rows (``published.row_key``); ``conventions`` names the paper's own rule
    for a metric where it is not ``strict``; ``protocol`` is one for all data sets or one for each, and without any the
    page is about all rows of a log; ``protocol_stated`` is false where the paper names none; ``datasets`` are the
    paper's, ``needs`` what a data set must provide; ``reads`` is what the page may read of a run, so that nothing else
    reruns it; ``notes`` say what the paper leaves open. ``published`` is the artifact whose printed numbers of this
    ``task`` stand here, where it has another name. ``analysis`` is the module below ``analyses`` that makes the page's
    data files from the jobs of its rows, ``options`` are that module's. A ``study`` has rows of which the paper prints
    no number. With ``every_protocol`` its rows stand under all protocols of a data set, which has to have several.
    """

    title: str
    question: str
    template: str
    datasets: list[str] = []
    needs: list[str] = []
    reads: list[Literal["analysis", "counts", "interactions", "measured_time", "results"]] = ["counts", "results"]
    analysis: str | None = None
    options: dict[str, Any] = {}
    study: bool = False
    task: str = "watch_time"
    published: str | None = None
    protocol: str | dict[str, str] | None = None
    protocol_stated: bool = True
    every_protocol: bool = False
    metrics: list[str] = []
    conventions: dict[str, str] = {}
    rows: dict[str, PublishedRow] = {}
    reference_row: str | None = None
    notes: list[str] = []

    def protocol_on(self, dataset: str) -> str | None:
        """Return the paper's protocol on a data set, None where it has none."""
        return self.protocol.get(dataset) if isinstance(self.protocol, dict) else self.protocol


class Ambiguity(Settings):
    """What a paper leaves open or prints wrong, and what is done here.

    ``variants``, such as ``gr/released``, and ``settings``, such as ``gr.window`` or ``gr.codec.tolerance``, stand for
    other readings.
    """

    question: str
    choice: str
    variants: list[str] = []
    settings: list[str] = []


class Paper(Settings):
    """One paper and its artifacts; ``settings`` says where its printed ``hp_…`` stand in our jobs' settings.

    Without a ``reference`` it is no paper: its pages are this project's own.
    """

    title: str
    reference: str = ""
    artifacts: dict[str, Artifact]
    settings: dict[str, str] = {}
    ambiguities: list[Ambiguity] = []


@dataclass(frozen=True)
class Catalog:
    """Everything that ``config/`` declares, each mapping keyed by name."""

    root: Path
    datasets: Mapping[str, DatasetCard]
    methods: Mapping[str, MethodCard]
    protocols: Mapping[str, Protocol]
    sizes: Mapping[str, Size]
    papers: Mapping[str, Paper]
    ledger: Mapping[str, LedgerEntry] = field(default_factory=dict)

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
            ledger=read_ledger(folder / "ledger.csv", _shown(folder / "ledger.csv")),
        )

    def artifacts(self) -> dict[str, Artifact]:
        """Return every artifact under its full name, such as ``prowtp/table1``."""
        return {
            f"{paper}/{name}": artifact
            for paper, card in self.papers.items()
            for name, artifact in card.artifacts.items()
        }

    def printed_name(self, name: str) -> str:
        """Return the full name of the printed table or figure that an artifact shows: mostly its own."""
        paper, own = name.split("/")
        artifact = self.papers[paper].artifacts.get(own) if paper in self.papers else None
        return f"{paper}/{artifact.published}" if artifact and artifact.published else name

    def in_order(self) -> list[str]:
        """Return the full names of all that papers print and of all artifacts, in the order of the ledger.

        Where one printed table is two of ours, the other one follows it; what no paper prints is its paper's last.
        """
        names = list(dict.fromkeys([*self.ledger, *self.artifacts()]))
        papers = list(dict.fromkeys(name.split("/")[0] for name in names))
        places = {name: place for place, name in enumerate(self.ledger)}
        printed = {name: self.printed_name(name) for name in names}
        return sorted(
            names,
            key=lambda name: (
                papers.index(name.split("/")[0]),
                places.get(printed[name], len(places)),
                name != printed[name],
            ),
        )

    def chosen_artifacts(self, config: RunConfig) -> dict[str, Artifact]:
        """Return the artifacts of a run under their full names."""
        chosen = config.artifacts
        return {name: artifact for name, artifact in self.artifacts().items() if chosen == "all" or name in chosen}

    def used_methods(self, config: RunConfig) -> list[str]:
        """Return the methods that a run lists or that its artifacts show, on whatever data."""
        used = {method for dataset in config.datasets for method, _ in self.listed(config, dataset)}
        rows = [row for artifact in self.chosen_artifacts(config).values() for row in artifact.rows.values()]
        return [name for name in self.methods if name in used.union(row.method for row in rows)]

    def listed(self, config: RunConfig, dataset: str) -> list[tuple[str, str]]:
        """Return the methods and variants that a run lists for one data set; artifacts may need more.

        ``main`` are all methods in their first variant and every variant of those that stand in all tables. A variant
        with a leak is listed where it is named, and nowhere else.
        """
        own = config.datasets[dataset].methods
        chosen = config.methods if own is None else own
        names = [] if isinstance(chosen, str) else chosen
        return [
            (method, variant)
            for method, card in self.methods.items()
            for place, (variant, options) in enumerate(card.variants.items())
            if f"{method}/{variant}" in names
            or (not options.leak and (chosen == "all" or method in names))
            or (chosen == "main" and (not place or card.family in UNASKED))
        ]

    def is_out_of_place(self, method: str, variant: str, task: str) -> bool:
        """Return whether nobody misses a variant: it stands in tables unasked, and only in those of other targets."""
        card = self.methods[method]
        own = card.variants[variant].tasks
        return card.family in UNASKED and bool(own) and task not in own

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
            return f"predicts {', '.join(tasks)}, not {task}"
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
    return {
        path.stem: validate(model, read_yaml(path, card=True), _shown(path)) for path in sorted(folder.glob("*.yaml"))
    }


def _entries(path: Path, model: type[Card]) -> dict[str, Card]:
    return {
        name: validate(model, value, f"{_shown(path)}: {name}") for name, value in read_yaml(path, card=True).items()
    }


def _shown(path: Path) -> str:
    return "/".join(path.parts[path.parts.index("config") :]) if "config" in path.parts else str(path)
