"""The papers of the catalogue against the published numbers, the methods, and the templates."""

from __future__ import annotations

import importlib
from pkgutil import walk_packages
from typing import Any

import pytest

from watchtime import reporting
from watchtime.core.catalog import Artifact, Catalog, PublishedRow, find_root
from watchtime.core.config import RunConfig, validate
from watchtime.core.job import JobSpec
from watchtime.core.plan import Plan
from watchtime.core.sources import exists
from watchtime.evaluation.metrics import METRICS
from watchtime.reporting.findings.finding import Options
from watchtime.reporting.findings.findings_summary import TEMPLATE
from watchtime.reporting.published.cells import PublishedCell, read_published

CATALOG = Catalog.load(find_root())
PLAN = Plan(RunConfig(), CATALOG)
CELLS = read_published(PLAN.published_files)
ARTIFACTS = CATALOG.artifacts()
ROWS = [
    pytest.param(row, id=f"{name} {key}")
    for name, artifact in ARTIFACTS.items()
    for key, row in artifact.rows.items()
    if row.method
]


UNPRINTED = {"rmse_truncated", "mae_truncated"}
"""Metrics that stand beside the published ones."""


def cells_of(name: str) -> list[PublishedCell]:
    """Return the printed cells that an artifact shows: where one table is two of ours, those of its target.

    Measured time is no metric, and a statement about no one data set no cell.
    """
    paper, own = name.split("/")
    printed = ARTIFACTS[name].published or own
    sharing = [one for other, one in CATALOG.papers[paper].artifacts.items() if (one.published or other) == printed]
    found = [cell for cell in CELLS if cell.name == f"{paper}/{printed}" and cell.task != "cost"]
    found = [cell for cell in found if cell.dataset != "none"]
    return [cell for cell in found if len(sharing) == 1 or cell.task == ARTIFACTS[name].task]


@pytest.mark.parametrize("name", ARTIFACTS)
def test_the_rows_and_metrics_of_an_artifact_are_those_that_are_published(name: str) -> None:
    """An analysis may need the jobs of rows that no number is printed of."""
    artifact = ARTIFACTS[name]
    if artifact.analysis:
        assert set(artifact.metrics) <= {cell.metric for cell in cells_of(name)}
        return
    if not cells_of(name):
        assert bool(artifact.rows) == bool(artifact.metrics) == artifact.study
        return
    assert not artifact.study
    measured = {cell.row for cell in cells_of(name) if cell.task == artifact.task}
    assert set(artifact.rows) == (measured if artifact.rows else set())
    assert set(artifact.metrics) - UNPRINTED == {cell.measured for cell in cells_of(name)}
    assert artifact.rows or artifact.task == "stats"


@pytest.mark.parametrize("name", ARTIFACTS)
def test_the_reference_row_is_a_published_row_with_all_metrics_and_is_run(name: str) -> None:
    artifact: Artifact = ARTIFACTS[name]
    if artifact.reference_row is None:
        assert not artifact.rows or artifact.analysis or artifact.template == TEMPLATE
        return
    assert artifact.rows[artifact.reference_row].method
    for dataset in {cell.dataset for cell in cells_of(name)}:
        found = [
            cell.metric for cell in cells_of(name) if (cell.dataset, cell.row) == (dataset, artifact.reference_row)
        ]
        assert sorted(found) == sorted({*artifact.metrics} - UNPRINTED)


@pytest.mark.parametrize("name", ARTIFACTS)
def test_an_artifact_names_only_what_exists(name: str) -> None:
    artifact = ARTIFACTS[name]
    assert (CATALOG.root / "reports" / f"{artifact.template}.py").is_file()
    assert artifact.analysis is None or exists(f"analyses.{artifact.analysis}")
    assert (artifact.analysis is None) == ("analysis" not in artifact.reads)
    protocols = artifact.protocol if isinstance(artifact.protocol, dict) else dict.fromkeys(["any"], artifact.protocol)
    assert {*protocols.values()} <= {None, *CATALOG.protocols}
    if isinstance(artifact.protocol, dict):
        assert set(artifact.protocol) >= set(artifact.datasets), "no data set of the paper is without a protocol"
    assert set(artifact.conventions) <= set(artifact.metrics)
    for metric, convention in artifact.conventions.items():
        assert convention in METRICS[metric].conventions


@pytest.mark.parametrize("name", [name for name, artifact in ARTIFACTS.items() if artifact.options])
def test_options_are_those_of_the_analysis_or_of_the_page(name: str) -> None:
    artifact = ARTIFACTS[name]
    if artifact.analysis:
        module = f"watchtime.analyses.{artifact.analysis}"
    else:
        found = [one.name for one in walk_packages(reporting.__path__, "watchtime.reporting.")]
        (module,) = (one for one in found if one.endswith(f".{artifact.template}"))
    validate(importlib.import_module(module).Options, artifact.options, name)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_names_a_method_a_variant_and_a_readout_that_exist(row: PublishedRow) -> None:
    card = CATALOG.methods[str(row.method)]
    variant = card.variants[str(row.variant)]
    assert row.readout is None or row.readout in (variant.readouts or card.readouts)


@pytest.mark.parametrize("paper", CATALOG.papers)
def test_a_printed_table_is_shown_once_for_each_target(paper: str) -> None:
    artifacts = CATALOG.papers[paper].artifacts
    printed = [(one.published or name, one.task) for name, one in artifacts.items()]
    assert len(set(printed)) == len(printed)
    there = {(cell.artifact, cell.task) for cell in CELLS if cell.paper == paper}
    assert {(one.published, one.task) for one in artifacts.values() if one.published} <= there


@pytest.mark.parametrize("paper", CATALOG.papers)
def test_a_setting_of_a_paper_is_published_and_stands_in_the_jobs_of_its_method(paper: str) -> None:
    """Where its own row has no such setting, another network of the paper has."""
    rows = {key: row for one in CATALOG.papers[paper].artifacts.values() for key, row in one.rows.items()}
    for key, path in CATALOG.papers[paper].settings.items():
        named = {cell.method for cell in CELLS if cell.paper == paper and f"{cell.artifact}/{cell.metric}" == key}
        assert named
        own = [row for method in named if (row := rows.get(method)) and row.method]
        others = [row for row in rows.values() if row.method and CATALOG.methods[row.method].family == "network"]
        values = values_at(path, own) or values_at(path, others)
        assert values
        assert all(isinstance(value, int | float | tuple) for value in values)


def values_at(path: str, rows: list[PublishedRow]) -> list[Any]:
    """Return the values of a setting in the jobs of some rows; a job without such a setting has none."""
    jobs = {(row.method, row.variant) for row in rows}
    found = [value_at(spec, path) for spec in PLAN.jobs.values() if (spec.method, spec.variant) in jobs]
    return [value for value in found if value is not None]


def value_at(spec: JobSpec, path: str) -> Any:
    """Return the value of a job's setting, None where the job has none of that name."""
    value: Any = {**spec.model_dump(), "split": {"training": 6, "validation": 2, "test": 2}}
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def test_every_published_paper_is_in_the_catalogue() -> None:
    assert {cell.paper for cell in CELLS} == {name for name, paper in CATALOG.papers.items() if paper.reference}


def test_pages_of_this_projects_own_are_studies_of_one_change() -> None:
    own = [paper for paper in CATALOG.papers.values() if not paper.reference]
    assert [paper.title for paper in own] == ["Findings"]
    for artifact in own[0].artifacts.values():
        assert artifact.study
        assert artifact.template == TEMPLATE
        changes = validate(Options, artifact.options, artifact.title).changes
        assert {row for pairs in changes.values() for pair in pairs.items() for row in pair} <= set(artifact.rows)
