"""The plan of one run: its jobs, and where every file of it lies. Rules and reports read the same plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from watchtime.core.catalog import UNASKED, Artifact, Catalog
from watchtime.core.check import check
from watchtime.core.config import RunConfig, load_config, to_yaml, validate, with_source
from watchtime.core.errors import WatchtimeError
from watchtime.core.files import write_text
from watchtime.core.job import JobSpec, method_settings, resolve
from watchtime.core.manifest import PAGES, page_name
from watchtime.core.own_card import as_read
from watchtime.core.run_data import RunData
from watchtime.core.yaml_files import read_yaml

RESULTS = Path("results")
# The run's own pages, and what each may read of the run.
SUMMARIES = {
    "summary": ["calibration", "counts", "metrics", "searches", "verdicts"],
    "across_papers": ["metrics"],
    "resources": ["resources"],
}
# The one page that is also HTML, by its name below the run's folder.
HTML_PAGE = Path("reports/summary.html")
DATA_PAGES, SIMULATOR_PAGE = "data/", "simulator"
DATA_PAGE_READS = ["counts", "interactions", "encoded rows"]
SIMULATOR_PAGE_READS = ["counts", "interactions"]
# Why several processes cannot train a method.
NOT_SEPARABLE = "its training looks at rows together, which several processes cannot share"
# The page with which the PDF of a whole paper begins.
PAPER_PAGE_READS = ["counts", "results"]
# The simulator's marginals are fitted to this data set, so its simulated log is shown beside them.
SIMULATOR_FITTED_TO = "kuairand_pure"


@dataclass(frozen=True)
class Plan(RunData):
    """What a run does, known from YAML alone."""

    @classmethod
    def load(cls, path: Path, root: Path) -> Plan:
        """Return the plan of a configuration file; every mistake in it is told at once."""
        return cls._checked(load_config(path), root, str(path))

    @classmethod
    def from_workflow(cls, values: Mapping[str, Any], files: Sequence[str], root: Path) -> Plan:
        """Return the plan of ``snakemake [--configfile FILE …] [--config key=value source=FOLDER]``."""
        paths = [Path(file) for file in files] or [root / "config" / "demo.yaml"]
        merged = {key: value for path in paths for key, value in read_yaml(path).items()} | dict(values)
        source, where = merged.pop("source", None), str(paths[-1])
        return cls._checked(with_source(validate(RunConfig, merged, where), source, where), root, where)

    @classmethod
    def _checked(cls, config: RunConfig, root: Path, where: str) -> Plan:
        catalog = as_read(Catalog.load(root), config, where)
        check(config, catalog, where)
        plan = cls(config, catalog)
        absent = [name for name in config.artifacts if name not in plan.artifacts] if config.artifacts != "all" else []
        if absent:
            raise WatchtimeError(
                "\n".join(f"{where}: artifacts: none of the run's data sets can be shown in {name}." for name in absent)
            )
        if not plan.jobs:
            reasons = "; ".join(f"{what}: {reason}" for what, reason in plan.excluded().items())
            raise WatchtimeError(f"{where}: methods: nothing can run ({reasons or 'the list is empty'}).")
        return plan

    @property
    def folder(self) -> Path:
        """The run's folder, ``results/<name>``."""
        return RESULTS / self.config.name

    def write_config(self) -> None:
        """Write ``config.yaml`` of the run, with every default filled in; all steps read it."""
        write_text(self.folder / "config.yaml", to_yaml(self.config))

    # What runs

    @cached_property
    def jobs(self) -> dict[str, JobSpec]:
        """Every training job of the run under its key."""
        return {spec.key: spec for spec in map(self._spec, self._runnable())}

    @cached_property
    def artifacts(self) -> dict[str, Artifact]:
        """The tables and figures of the run under their full names: those that a data set of it can be shown in."""
        chosen = self.catalog.chosen_artifacts(self.config)
        return {name: artifact for name, artifact in chosen.items() if self._fitting(artifact)}

    @cached_property
    def methods(self) -> list[str]:
        """The methods that stand in any table of the run, or would if they could run."""
        used = {method for table in self._tables() for method, _ in self.variants(*table)}
        return [name for name in self.catalog.methods if name in used]

    @cached_property
    def pages(self) -> dict[str, Sequence[str]]:
        """The run's own pages, and what each may read of the run."""
        data = {f"{DATA_PAGES}{dataset}": DATA_PAGE_READS for dataset in self.config.datasets}
        fitted = SIMULATOR_FITTED_TO in self.config.datasets and self.is_simulated(SIMULATOR_FITTED_TO)
        return {**SUMMARIES, **data, **({SIMULATOR_PAGE: SIMULATOR_PAGE_READS} if fitted else {})}

    @cached_property
    def papers(self) -> dict[str, list[str]]:
        """The papers of which the run shows anything, each with its artifacts in the order of the ledger."""
        shown: dict[str, list[str]] = {}
        for name in self.catalog.in_order():
            if name in self.artifacts and self.catalog.papers[name.split("/")[0]].reference:
                shown.setdefault(name.split("/")[0], []).append(name)
        return shown

    @property
    def page_names(self) -> list[str]:
        """All that has a PDF: artifacts, the run's own pages, whole papers."""
        return [*self.artifacts, *self.pages, *self.papers]

    def artifact_datasets(self, name: str) -> list[str]:
        """The data sets of an artifact's page: the paper's and all own logs; else all of the run with its target.

        Where jobs are shown, data sets that have the artifact's protocol leave out those that do not.
        """
        artifact = self.artifacts[name]
        fitting = self._fitting(artifact)
        same = [one for one in fitting if artifact.protocol_on(one) in self.protocols(one)]
        return same if artifact.rows and same else fitting

    def _fitting(self, artifact: Artifact) -> list[str]:
        """The data sets of the run that an artifact can be about; counts are about the paper's data sets alone."""
        named = [one for one, source in self.config.datasets.items() if one in artifact.datasets or source.log]
        if artifact.task == "stats":
            return named
        fitting = [
            one
            for one in self.config.datasets
            if artifact.task in self.tasks(one) and set(artifact.needs) <= self._provided(one, artifact)
            if len(self.protocols(one)) > 1 or not artifact.every_protocol
        ]
        return [one for one in fitting if one in named] or fitting

    def _provided(self, dataset: str, artifact: Artifact) -> set[str]:
        """What a data set has for an artifact; the test rows are every pair under the artifact's protocol alone."""
        provided = {*self.catalog.datasets[dataset].provides}
        if artifact.protocol_on(dataset) not in self.protocols(dataset):
            provided.discard("every_pair")
        return provided | ({"truth"} if self.has_truth(dataset, artifact.task) else set())

    def artifact_protocol(self, artifact: Artifact, dataset: str) -> str:
        """The artifact's own protocol where the data set has it, else the data set's first one."""
        own, there = artifact.protocol_on(dataset), self.protocols(dataset)
        return own if own in there else there[0]

    def artifact_protocols(self, artifact: Artifact, dataset: str) -> list[str]:
        """All protocols under which an artifact shows its rows on a data set, its own first."""
        own = self.artifact_protocol(artifact, dataset)
        others = [one for one in self.protocols(dataset) if one != own] if artifact.every_protocol else []
        return [own, *others]

    def variants(self, dataset: str, task: str, protocol: str) -> list[tuple[str, str]]:
        """The methods and variants of one table: those that the run lists, and those that its artifacts show."""
        wanted = set(self.catalog.listed(self.config, dataset))
        for name, artifact in self.artifacts.items():
            shown = artifact.task == task and dataset in self.artifact_datasets(name)
            if shown and protocol in self.artifact_protocols(artifact, dataset):
                rows = artifact.rows.values()
                wanted |= {(row.method, row.variant) for row in rows if row.method and row.variant}
        cards = self.catalog.methods
        return [
            (method, variant) for method in cards for variant in cards[method].variants if (method, variant) in wanted
        ]

    def job_keys(self, dataset: str, task: str, protocol: str) -> list[str]:
        """The keys of all jobs that may stand in one table."""
        prefix = f"{dataset}/{task}/{protocol}/{self.config.regime}/"
        return [key for key in self.jobs if key.startswith(prefix)]

    def artifact_keys(self, name: str) -> list[str]:
        """The keys of the jobs that an artifact shows: its own rows, the trivial ones and the oracle."""
        artifact = self.artifacts[name]
        if not artifact.rows:
            return []
        named = {(row.method, row.variant) for row in artifact.rows.values()}
        return [
            key
            for dataset in self.artifact_datasets(name)
            for protocol in self.artifact_protocols(artifact, dataset)
            for key in self.job_keys(dataset, artifact.task, protocol)
            if self.jobs[key].family in UNASKED or (self.jobs[key].method, self.jobs[key].variant) in named
        ]

    def row_jobs(self, name: str, dataset: str) -> dict[str, JobSpec]:
        """The jobs of an artifact under the keys of its rows, in their order; rows that cannot run are absent."""
        card = self.artifacts[name]
        prefix = [dataset, card.task, self.artifact_protocol(card, dataset), self.config.regime]
        keys = {row: "/".join([*prefix, str(one.method), str(one.variant)]) for row, one in card.rows.items()}
        return {row: self.jobs[key] for row, key in keys.items() if key in self.jobs}

    def template(self, name: str) -> Path:
        """The notebook template of an artifact, of one of the run's own pages, or of a paper's first page."""
        if name in self.papers:
            template = "paper"
        else:
            template = name.split("/")[0] if name in self.pages else self.artifacts[name].template
        return self.catalog.root / "reports" / f"{template}.py"

    def reads(self, name: str) -> Sequence[str]:
        """What the page of an artifact may read of the run."""
        if name in self.papers:
            return PAPER_PAGE_READS
        return self.pages[name] if name in self.pages else self.artifacts[name].reads

    @property
    def measured_pages(self) -> list[str]:
        """The pages that show measured time, which differs between equal runs, and the papers that hold such pages."""
        shown = {"measured_time", "resources"}
        pages = [name for name in [*self.artifacts, *self.pages] if shown & set(self.reads(name))]
        return [*pages, *(paper for paper, names in self.papers.items() if set(names) & set(pages))]

    def count_files(self, dataset: str, protocols: Sequence[str]) -> list[Path]:
        """The counts of a data set: per row rule, and per part of the given protocols."""
        folder = self.data_folder(dataset)
        return [place / "counts.json" for place in (folder, *(folder / name for name in protocols))]

    @property
    def published_files(self) -> list[Path]:
        """The published numbers, one file per paper."""
        return sorted((self.catalog.root / "config" / "published").glob("*.csv"))

    def reason_against(self, method: str, dataset: str, task: str, variant: str | None = None) -> str | None:
        """Why a method or variant cannot run on a data set of this run, None where it can."""
        reason = self.catalog.reason_against(method, dataset, task, self.has_truth(dataset, task), variant)
        return reason or self._reason_against_processes(method, dataset, variant)

    def _reason_against_processes(self, method: str, dataset: str, variant: str | None) -> str | None:
        card = self.catalog.methods[method]
        if self.config.processes == 1 or card.family != "network":
            return None
        settings = method_settings(self.catalog, self.config, dataset, method, variant or next(iter(card.variants)))
        return None if card.is_separable(settings) else f"{NOT_SEPARABLE}: set processes to 1"

    def excluded(self) -> dict[str, str]:
        """Methods that cannot run on a data set and task of this run, with the reason, unless nobody misses them."""
        reasons = {}
        for dataset, task, protocol in self._tables():
            for method, variant in self.variants(dataset, task, protocol):
                reason = self.reason_against(method, dataset, task, variant)
                if reason and not self.catalog.is_out_of_place(method, variant, task):
                    reasons[f"{method}/{variant} on {dataset}, {task}"] = reason
        return reasons

    def shown_variants(self, dataset: str) -> set[tuple[str, str]]:
        """The methods and variants of a leaderboard: those that the run lists, and every method as its paper has it.

        Ablation rows, which are in the run since an artifact shows them, stand on that artifact's page. So do variants
        that leak, whatever the run lists: they do not compete.
        """
        cards = self.catalog.methods
        shown = {(method, next(iter(card.variants))) for method, card in cards.items()}
        shown |= set(self.catalog.listed(self.config, dataset))
        return {(method, variant) for method, variant in shown if cards[method].variants[variant].leak is None}

    # Where files lie

    def belongs(self, name: Path) -> bool:
        """Whether a file below the run's folder is part of this plan, and not left by an earlier configuration."""
        place, rest = name.parts[0], name.parts[1:]
        if place == "jobs":
            return "/".join(rest[:-1]) in self.jobs
        if place == "codecs":
            return any(file and self.folder / name.with_suffix(".npz") == file for file in self._codec_files)
        if place == "analyses":
            return any(card.analysis and "/".join(rest).startswith(f"{one}/") for one, card in self.artifacts.items())
        if name.suffix == ".html":
            return name == HTML_PAGE
        if place in PAGES:
            return page_name(name) in self.page_names
        if place == "data":
            return rest[0] in self.config.datasets and (len(rest) == 2 or rest[1] in self.protocols(rest[0]))
        return True

    @cached_property
    def _codec_files(self) -> list[Path | None]:
        return [self.codec_file(spec) for spec in self.jobs.values()]

    def data_folder(self, dataset: str) -> Path:
        return self.folder / "data" / dataset

    def data_files(self, dataset: str) -> list[Path]:
        """The interactions of a data set and the tables of its users and items."""
        return [self.data_folder(dataset) / f"{name}.parquet" for name in ("interactions", "users", "items")]

    def encoded_folder(self, dataset: str, protocol: str) -> Path:
        return self.data_folder(dataset) / protocol / "encoded"

    def codec_file(self, spec: JobSpec) -> Path | None:
        if spec.codec_key is None:
            return None
        return self.folder / "codecs" / spec.dataset / spec.task / spec.protocol / f"{spec.codec_key}.npz"

    def analysis_folder(self, artifact: str) -> Path:
        return self.folder / "analyses" / artifact

    def job_folder(self, spec: JobSpec) -> Path:
        return self.folder / "jobs" / spec.key

    def _tables(self) -> list[tuple[str, str, str]]:
        return [
            (dataset, task, protocol)
            for dataset in self.config.datasets
            for task in self.tasks(dataset)
            for protocol in self.protocols(dataset)
        ]

    def _runnable(self) -> list[tuple[str, str, str, str, str]]:
        return [
            (*table, method, variant)
            for table in self._tables()
            for method, variant in self.variants(*table)
            if self.reason_against(method, *table[:2], variant) is None
        ]

    def _spec(self, names: tuple[str, str, str, str, str]) -> JobSpec:
        return resolve(self.catalog, self.config, *names)
