"""Every step of a run with its log, its outputs and its command, as the rules have them, without Snakemake."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from watchtime.core.plan import HTML_PAGE, Plan

JOB_FILES = ("model.safetensors", "predictions.parquet", "history.parquet", "metrics.json", "resources.json")
TABLES = ("metrics.parquet", "calibration.parquet", "scores.json", "scores.csv", "history.parquet")


@dataclass(frozen=True)
class Step:
    """One job of the workflow: its rule, its name among the jobs of the rule, and the files that it makes."""

    run: Path
    rule: str
    name: str
    outputs: tuple[Path, ...]

    @property
    def title(self) -> str:
        return f"{self.rule} {self.name}".rstrip()

    @property
    def log(self) -> Path:
        return self.run / "logs" / f"{'/'.join(filter(None, (self.rule, self.name)))}.log"

    @property
    def is_done(self) -> bool:
        """Whether its files are there; whether a change has outdated them is Snakemake's to say."""
        return all(path.exists() for path in self.outputs)

    @property
    def rerun(self) -> str:
        """The command that runs this step again, and before it whatever it lacks."""
        config, output = str(self.run / "config.yaml"), str(self.outputs[0])
        return shlex.join(["snakemake", "--cores", "1", "--configfile", config, "--", output])


def steps(plan: Plan) -> list[Step]:
    """Return every step of a run, rule by rule in the order of the data."""
    return [
        Step(plan.folder, rule, name, tuple(outputs))
        for part in (_data(plan), _training(plan), _study(plan), _pages(plan))
        for rule, name, outputs in part
    ]


Described = Iterator[tuple[str, str, list[Path]]]


def _data(plan: Plan) -> Described:
    for dataset, source in plan.config.datasets.items():
        raw = plan.raw_folder(dataset)
        if plan.is_simulated(dataset):
            yield "simulate", raw.name, [raw]
        elif source.download:
            yield "download", dataset, [raw]
        yield "interactions", dataset, [*plan.data_files(dataset), plan.data_folder(dataset) / "counts.json"]
        for protocol in plan.protocols(dataset):
            place = plan.data_folder(dataset) / protocol
            yield "split", f"{dataset}/{protocol}", [place / "part.npy", place / "counts.json"]
            yield "encode", f"{dataset}/{protocol}", [place / "encoded"]


def _training(plan: Plan) -> Described:
    for file in dict.fromkeys(filter(None, map(plan.codec_file, plan.jobs.values()))):
        name = file.relative_to(plan.folder / "codecs").with_suffix("")
        yield "codec", str(name), [file, file.with_suffix(".json")]
    for key, spec in plan.jobs.items():
        yield "train", key, [plan.job_folder(spec) / name for name in JOB_FILES]


def _study(plan: Plan) -> Described:
    for name, artifact in plan.artifacts.items():
        if artifact.analysis:
            yield "analyse", name, [plan.analysis_folder(name)]
    yield "collect", "", [plan.folder / name for name in (*TABLES, "resources.parquet", "environment.json")]
    yield "verdicts", "", [plan.folder / "verdicts.parquet"]


def _pages(plan: Plan) -> Described:
    for name in plan.page_names:
        yield "paper" if name in plan.papers else "artifact", name, [plan.folder / "reports" / f"{name}.pdf"]
    yield "html", "", [plan.folder / HTML_PAGE]
    yield "manifest", "", [plan.folder / "manifest.json"]
