"""The papers of the catalogue against the published numbers, the methods, and the templates."""

from __future__ import annotations

import pytest

from watchtime.core.catalog import Artifact, Catalog, PublishedRow, find_root
from watchtime.core.config import RunConfig
from watchtime.core.plan import Plan
from watchtime.evaluation.metrics import METRICS
from watchtime.reporting.published import PublishedCell, read_published

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


def cells_of(name: str) -> list[PublishedCell]:
    return [cell for cell in CELLS if cell.name == name]


@pytest.mark.parametrize("name", ARTIFACTS)
def test_the_rows_and_metrics_of_an_artifact_are_those_that_are_published(name: str) -> None:
    artifact = ARTIFACTS[name]
    if not cells_of(name):
        assert not artifact.rows
        assert not artifact.metrics
        return
    measured = {cell.row for cell in cells_of(name) if cell.task == artifact.task}
    assert set(artifact.rows) == (measured if artifact.rows else set())
    assert set(artifact.metrics) == {cell.metric for cell in cells_of(name)}
    assert artifact.rows or artifact.task == "stats"


@pytest.mark.parametrize("name", ARTIFACTS)
def test_the_reference_row_is_a_published_row_with_all_metrics_and_is_run(name: str) -> None:
    artifact: Artifact = ARTIFACTS[name]
    if artifact.reference_row is None:
        assert not artifact.rows
        return
    assert artifact.rows[artifact.reference_row].method
    for dataset in {cell.dataset for cell in cells_of(name)}:
        found = [
            cell.metric for cell in cells_of(name) if (cell.dataset, cell.row) == (dataset, artifact.reference_row)
        ]
        assert sorted(found) == sorted(artifact.metrics)


@pytest.mark.parametrize("name", ARTIFACTS)
def test_an_artifact_names_only_what_exists(name: str) -> None:
    artifact = ARTIFACTS[name]
    assert PLAN.template(name).is_file()
    assert artifact.protocol is None or artifact.protocol in CATALOG.protocols
    assert set(artifact.conventions) <= set(artifact.metrics)
    for metric, convention in artifact.conventions.items():
        assert convention in METRICS[metric].conventions


@pytest.mark.parametrize("row", ROWS)
def test_a_row_names_a_method_a_variant_and_a_readout_that_exist(row: PublishedRow) -> None:
    card = CATALOG.methods[str(row.method)]
    variant = card.variants[str(row.variant)]
    assert row.readout is None or row.readout in (variant.readouts or card.readouts)


@pytest.mark.parametrize("paper", CATALOG.papers)
def test_a_setting_of_a_paper_is_published_and_stands_in_our_jobs(paper: str) -> None:
    spec = next(spec for spec in PLAN.jobs.values() if spec.family == "network")
    known = {**spec.model_dump(), "split": {"training": 6, "validation": 2, "test": 2}}
    published = {f"{cell.artifact}/{cell.metric}" for cell in CELLS if cell.paper == paper}
    for key, path in CATALOG.papers[paper].settings.items():
        assert key in published
        value = known
        for part in path.split("."):
            value = value[part]
        assert value is not None


def test_every_published_paper_is_in_the_catalogue() -> None:
    assert {cell.paper for cell in CELLS} == set(CATALOG.papers)
