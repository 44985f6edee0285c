"""What a notebook works with: one page of one run, with the files that the page may read."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import polars as pl

from watchtime.core.catalog import Artifact, find_root
from watchtime.core.dataset_card import DatasetCard
from watchtime.core.errors import WatchtimeError
from watchtime.core.files import read_json
from watchtime.core.job import JobSpec
from watchtime.core.plan import Plan
from watchtime.datasets.encoded import EncodedLog
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.measured import collect
from watchtime.reporting.measured.results import Line, Results
from watchtime.reporting.published.verdicts import count_verdicts, paper_verdicts, verdicts
from watchtime.reporting.rendering.page import page_datasets, page_of


class Report:
    """One page of the run in the folder ``run``, such as ``Report("results/demo", "prowtp/table1")``.

    A page reads what its artifact declares under ``reads`` and nothing else; asking for more is an error, because the
    page would then not be made again when that file changes. Raises WatchtimeError where the run has no such page.
    """

    def __init__(self, run: str | Path, artifact: str) -> None:
        self.plan = Plan.load(Path(run) / "config.yaml", find_root())
        self.name = artifact
        self.page = page_of(self.plan, artifact)

    # What the page is about

    @property
    def artifact(self) -> Artifact:
        return self.plan.artifacts[self.name]

    @property
    def datasets(self) -> list[str]:
        return page_datasets(self.plan, self.name)

    def protocol(self, dataset: str) -> str:
        """The protocol under which the page's numbers on a data set stand."""
        return self.plan.artifact_protocol(self.artifact, dataset)

    def protocols(self, dataset: str) -> list[str]:
        """All protocols under which the page has numbers on a data set, its own first."""
        return self.plan.artifact_protocols(self.artifact, dataset)

    def card(self, dataset: str) -> DatasetCard:
        return self.plan.catalog.datasets[dataset]

    def items(self, dataset: str) -> str:
        """What the items of a data set are called inside a sentence."""
        return self.card(dataset).item_title.lower()

    def has_ratio(self, dataset: str) -> bool:
        """Whether the data set has durations, and so watch ratios."""
        return "watch_ratio" in self.card(dataset).tasks

    def origin(self, dataset: str) -> str:
        """Where the raw files are from."""
        source = self.plan.config.datasets[dataset]
        if source.is_simulated:
            return f"simulated from seed {source.simulator.seed}"
        return "a log of one's own" if source.log else "real"

    def data_title(self, dataset: str) -> str:
        """The data set's title, which says where the log is simulated."""
        title = self.card(dataset).title
        return f"{title} (simulated)" if self.plan.is_simulated(dataset) else title

    def method_title(self, method: str, variant: str) -> str:
        """The method's title, with the variant where it has several."""
        card = self.plan.catalog.methods[method]
        return f"{card.title} ({variant.replace('_', ' ')})" if len(card.variants) > 1 else card.title

    def parameters(self, results: Results, line: Line) -> int | None:
        """How many numbers were fitted; None for the oracle, which fits nothing."""
        is_fitted = self.plan.catalog.methods[line.method].family != "oracle"
        return results.parameters[line.method, line.variant] if is_fitted else None

    def unit(self, dataset: str, task: str) -> str | None:
        """The unit of a target, None for a ratio."""
        unit = self.card(dataset).tasks[task]
        return None if unit == "ratio" else unit

    def heading(self) -> Markdown:
        """The page's first heading, under which it stands where pages are joined."""
        return Markdown(f"# {escape(self.page.title)}")

    # What was measured

    def results(self, dataset: str) -> Results:
        """The values of the page's jobs on one data set."""
        frame = self.metrics.filter(dataset=dataset, task=self.artifact.task, protocol=self.protocol(dataset))
        return Results(frame, self.plan.config.repetitions)

    def test_rows(self, dataset: str) -> int:
        return self.metrics.filter(dataset=dataset, protocol=self.protocol(dataset))["test_rows"][0]

    def jobs(self, dataset: str) -> dict[str, JobSpec]:
        """The jobs of the page's rows on a data set, in their order; rows that cannot run are absent."""
        return self.plan.row_jobs(self.name, dataset)

    def history(self, dataset: str, method: str, variant: str) -> pl.DataFrame:
        """The learning curves of a job: repetition, epoch, training and validation loss."""
        self._may_read("results")
        key = "/".join((dataset, self.artifact.task, self.protocol(dataset), self.plan.config.regime, method, variant))
        return pl.read_parquet(self.plan.job_folder(self.plan.jobs[key]) / "history.parquet")

    def deciles(self, dataset: str) -> pl.DataFrame:
        """The mean target and prediction of the page's jobs by tenths of the prediction."""
        self._may_read("results")
        frame = collect.deciles(self.plan, self.plan.artifact_keys(self.name))
        return frame.filter(dataset=dataset, task=self.artifact.task, protocol=self.protocol(dataset))

    def measured_time(self, spec: JobSpec) -> dict[str, Any]:
        """Seconds, samples per second and memory of a job; these differ between equal runs."""
        self._may_read("measured_time")
        return read_json(self.plan.job_folder(spec) / "resources.json")

    def counts(self, dataset: str) -> dict[str, Any]:
        """The numbers of rows, users and items before and after every row rule, and under other readings."""
        self._may_read("counts")
        return read_json(self.plan.data_folder(dataset) / "counts.json")

    def split_counts(self, dataset: str, protocol: str) -> dict[str, dict[str, Any]]:
        """The numbers of rows, users and items of every part of the split, and what training has not seen."""
        self._may_read("counts")
        return read_json(self.plan.data_folder(dataset) / protocol / "counts.json")

    def interactions(self, dataset: str, columns: list[str]) -> pl.DataFrame:
        """Columns of the rows that are left after the row rules, of the main log where there are several."""
        self._may_read("interactions")
        rows = pl.scan_parquet(self.plan.data_folder(dataset) / "interactions.parquet", glob=False)
        main = self.card(dataset).main_log
        if main is not None and "log" in rows.collect_schema():
            rows = rows.filter(log=main)
        return rows.select(columns).collect()

    def encoded(self, dataset: str, protocol: str) -> EncodedLog:
        """The rows of a split as methods read them."""
        return EncodedLog.load(self._encoded(dataset, protocol))

    def encoding_counts(self, dataset: str, protocol: str) -> dict[str, dict[str, Any]]:
        """The numbers of ids of every field, and how many rows of validation and test have an unknown one."""
        return read_json(self._encoded(dataset, protocol) / "counts.json")

    def analysis(self, dataset: str, table: str) -> pl.DataFrame:
        """One of the data files that the artifact's analysis made."""
        self._may_read("analysis")
        return pl.read_parquet(self.plan.analysis_folder(self.name) / dataset / f"{table}.parquet")

    def table(self, name: Literal["metrics", "calibration", "verdicts", "resources"]) -> pl.DataFrame:
        """One of the tables of the whole run."""
        self._may_read(name)
        return pl.read_parquet(self.plan.folder / f"{name}.parquet")

    def searches(self) -> dict[str, dict[str, Any]]:
        """What the search of every searched job tried and chose, by the job's key."""
        self._may_read("searches")
        searched = [spec for spec in self.plan.jobs.values() if spec.search_trials]
        return {spec.key: read_json(self.plan.job_folder(spec) / "metrics.json")["search"] for spec in searched}

    def environment(self) -> dict[str, Any]:
        """The machine and the versions with which the run was collected."""
        self._may_read("resources")
        return read_json(self.plan.folder / "environment.json")

    # What was published

    @cached_property
    def verdicts(self) -> pl.DataFrame:
        """The verdicts on the published cells of the artifact or the paper, or on all counts of the page's data set."""
        if self.name in self.plan.artifacts:
            return verdicts(self.plan, self.name)
        self._may_read("counts")
        if self.name in self.plan.papers:
            return paper_verdicts(self.plan, self.name)
        return count_verdicts(self.plan, self.datasets[0])

    @cached_property
    def metrics(self) -> pl.DataFrame:
        """The values of all jobs of the page, under whatever protocol."""
        self._may_read("results")
        return collect.metrics(self.plan, self.plan.artifact_keys(self.name))

    def _encoded(self, dataset: str, protocol: str) -> Path:
        self._may_read("encoded rows")
        return self.plan.encoded_folder(dataset, protocol)

    def _may_read(self, kind: str) -> None:
        allowed = self.plan.reads(self.name)
        if kind not in allowed:
            raise WatchtimeError(f"{self.name}: the page reads {kind}, but declares only {', '.join(allowed)}.")
