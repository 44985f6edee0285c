"""The plan of one run: its jobs, and where every file of it lies. Rules and reports read the same plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from watchtime.core.catalog import Artifact, Catalog
from watchtime.core.check import check
from watchtime.core.config import SIMULATOR_VERSION, RunConfig, load_config, read_yaml, to_yaml, validate, with_source
from watchtime.core.errors import WatchtimeError
from watchtime.core.files import settings_hash, write_text
from watchtime.core.job import JobSpec, resolve
from watchtime.core.seeds import derive_seed

RESULTS = Path("results")
SIMULATED = Path("data/simulated")
# The run's own pages, and what each may read of the run.
SUMMARIES = {"summary": ["counts", "metrics", "searches", "verdicts"], "resources": ["resources"]}
# Families whose rows stand in every table, whatever the paper prints.
UNASKED = {"trivial", "trees", "oracle"}


@dataclass(frozen=True)
class Plan:
    """What a run does, known from YAML alone."""

    config: RunConfig
    catalog: Catalog

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
        catalog = Catalog.load(root)
        check(config, catalog, where)
        plan = cls(config, catalog)
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
    def methods(self) -> list[str]:
        """The methods of the leaderboard, with those that the run's artifacts need."""
        return self.catalog.chosen_methods(self.config)

    @cached_property
    def artifacts(self) -> dict[str, Artifact]:
        """The tables and figures of the run under their full names."""
        return self.catalog.chosen_artifacts(self.config)

    def artifact_protocol(self, artifact: Artifact) -> str:
        """The artifact's own protocol where the run has it, else the run's first one."""
        own = artifact.protocol
        return own if own in self.config.protocols else self.config.protocols[0]

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
            for dataset in self.config.datasets
            for key in self.job_keys(dataset, artifact.task, self.artifact_protocol(artifact))
            if self.jobs[key].family in UNASKED or (self.jobs[key].method, self.jobs[key].variant) in named
        ]

    def template(self, name: str) -> Path:
        """The notebook template of an artifact, or of one of the run's own pages."""
        template = name if name in SUMMARIES else self.artifacts[name].template
        return self.catalog.root / "reports" / f"{template}.py"

    def reads(self, name: str) -> Sequence[str]:
        """What the page of an artifact may read of the run."""
        return SUMMARIES[name] if name in SUMMARIES else self.artifacts[name].reads

    def artifact_inputs(self, name: str) -> list[Path]:
        """The files that an artifact's notebook reads, its template first."""
        if name in SUMMARIES:
            return [self.template(name), *self._summary_inputs(name)]
        artifact = self.artifacts[name]
        inputs = [self.template(name), *self.published_files]
        if "counts" in artifact.reads:
            inputs += self.count_files([self.artifact_protocol(artifact)] if artifact.protocol else [])
        if "interactions" in artifact.reads:
            inputs += [self.data_folder(dataset) / "interactions.parquet" for dataset in self.config.datasets]
        if "results" in artifact.reads:
            folders = [self.job_folder(self.jobs[key]) for key in self.artifact_keys(name)]
            inputs += [folder / file for folder in folders for file in ("metrics.json", "history.parquet")]
        return inputs

    def _summary_inputs(self, name: str) -> list[Path]:
        if name == "resources":
            return [self.folder / "resources.parquet", self.folder / "environment.json"]
        tables = [self.folder / "metrics.parquet", self.folder / "verdicts.parquet"]
        searches = [self.job_folder(spec) / "metrics.json" for spec in self.jobs.values() if spec.search_trials]
        return [*tables, *searches, *self.count_files(self.config.protocols)]

    def artifact_settings(self, name: str) -> dict[str, Any]:
        """What an artifact's page depends on beside its files."""
        if name in SUMMARIES:
            return self.shown_settings(self.catalog.methods)
        named = {row.method for row in self.artifacts[name].rows.values()}
        methods = [one for one, card in self.catalog.methods.items() if one in named or card.family in UNASKED]
        reference = self.catalog.papers[name.split("/")[0]].reference
        page = self.artifacts[name].model_dump(mode="json")
        return {**self.shown_settings(methods), "page": page, "reference": reference}

    def shown_settings(self, methods: Iterable[str]) -> dict[str, Any]:
        """What pages and verdicts on ``methods`` take from the configuration and the cards, not from files."""
        chosen = {name: self.catalog.methods[name] for name in methods}
        names = ("name", "tasks", "protocols", "regime", "size", "repetitions", "seed", "search_trials", "tolerance")
        cards = (chosen, self.catalog.protocols, self.catalog.papers)
        return {
            "run": {name: getattr(self.config, name) for name in names},
            "data": {
                name: {"simulated": self.is_simulated(name), **source.model_dump(mode="json", exclude={"folder"})}
                for name, source in self.config.datasets.items()
            },
            "titles": [{name: card.title for name, card in group.items()} for group in cards],
            "excluded": {what: reason for what, reason in self.excluded().items() if what.split("/")[0] in chosen},
        }

    def verdict_settings(self) -> dict[str, Any]:
        """What the verdicts depend on beside their files."""
        papers = {name: paper.model_dump(mode="json") for name, paper in self.catalog.papers.items()}
        return {**self.shown_settings(self.catalog.methods), "artifacts": list(self.artifacts), "papers": papers}

    def verdict_inputs(self) -> list[Path]:
        """The files from which the verdicts follow."""
        return [self.folder / "metrics.parquet", *self.count_files([]), *self.published_files]

    def count_files(self, protocols: Sequence[str]) -> list[Path]:
        """The counts of every data set: per row rule, and per part of the given protocols."""
        folders = [self.data_folder(dataset) for dataset in self.config.datasets]
        return [
            place / "counts.json" for folder in folders for place in (folder, *(folder / name for name in protocols))
        ]

    @property
    def published_files(self) -> list[Path]:
        """The published numbers, one file per paper."""
        return sorted((self.catalog.root / "config" / "published").glob("*.csv"))

    def excluded(self) -> dict[str, str]:
        """Methods that cannot run on a data set and task of this run, with the reason."""
        reasons = {}
        for dataset, task, _ in self._tables():
            for method in self.methods:
                for variant in self.catalog.methods[method].variants:
                    reason = self.catalog.reason_against(method, dataset, task, self.is_simulated(dataset), variant)
                    if reason:
                        reasons[f"{method}/{variant} on {dataset}, {task}"] = reason
        return reasons

    # Where the data come from

    def is_simulated(self, dataset: str) -> bool:
        return self.config.datasets[dataset].folder is None

    def raw_folder(self, dataset: str) -> Path:
        source = self.config.datasets[dataset]
        if source.folder is not None:
            return Path(source.folder)
        return SIMULATED / f"{dataset}-{settings_hash(self.raw_identity(dataset))[:8]}"

    def raw_identity(self, dataset: str) -> dict[str, Any]:
        """What identifies raw files before they are read: simulator settings, or the names and sizes of given files."""
        source = self.config.datasets[dataset]
        if source.folder is None:
            return {"simulator": SIMULATOR_VERSION, **source.simulator.model_dump()}
        return {str(path): path.stat().st_size for path in self.raw_files(dataset)}

    def raw_files(self, dataset: str) -> list[Path]:
        """The raw files that the loader reads: every log that is there, and every table."""
        card, folder = self.catalog.datasets[dataset], self.raw_folder(dataset)
        logs = [folder / name for name in card.logs]
        if not self.is_simulated(dataset):
            logs = [path for path in logs if path.is_file()]
        return logs + [folder / name for name in card.tables.values()]

    def truth(self, dataset: str) -> Path | None:
        """The known distribution of a simulated log."""
        return self.raw_folder(dataset) / "truth.npz" if self.is_simulated(dataset) else None

    def split_seed(self, dataset: str, protocol: str) -> int:
        return derive_seed(self.config.seed, axis="split", dataset=dataset, protocol=protocol)

    # Where files lie

    def belongs(self, name: Path) -> bool:
        """Whether a file below the run's folder is part of this plan, and not left by an earlier configuration."""
        place, rest = name.parts[0], name.parts[1:]
        if place == "jobs":
            return "/".join(rest[:-1]) in self.jobs
        if place == "codecs":
            return any(file and self.folder / name.with_suffix(".npz") == file for file in self._codec_files)
        if place in ("reports", "notebooks"):
            return Path(*rest).with_suffix("").as_posix() in {*self.artifacts, *SUMMARIES}
        if place == "data":
            return rest[0] in self.config.datasets and (len(rest) == 2 or rest[1] in self.config.protocols)
        return True

    @cached_property
    def _codec_files(self) -> list[Path | None]:
        return [self.codec_file(spec) for spec in self.jobs.values()]

    def data_folder(self, dataset: str) -> Path:
        return self.folder / "data" / dataset

    def encoded_folder(self, dataset: str, protocol: str) -> Path:
        return self.data_folder(dataset) / protocol / "encoded"

    def codec_file(self, spec: JobSpec) -> Path | None:
        if spec.codec_key is None:
            return None
        return self.folder / "codecs" / spec.dataset / spec.task / spec.protocol / f"{spec.codec_key}.npz"

    def job_folder(self, spec: JobSpec) -> Path:
        return self.folder / "jobs" / spec.key

    def _tables(self) -> list[tuple[str, str, str]]:
        return [
            (dataset, task, protocol)
            for dataset in self.config.datasets
            for task in self.config.tasks
            for protocol in self.config.protocols
        ]

    def _runnable(self) -> list[tuple[str, str, str, str, str]]:
        return [
            (*table, method, variant)
            for table in self._tables()
            for method in self.methods
            for variant in self.catalog.methods[method].variants
            if self.catalog.reason_against(method, *table[:2], self.is_simulated(table[0]), variant) is None
        ]

    def _spec(self, names: tuple[str, str, str, str, str]) -> JobSpec:
        return resolve(self.catalog, self.config, *names)
