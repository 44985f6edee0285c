"""Whether the published cells name only what exists; every mistake is told at once, with its line and column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from watchtime.core.catalog import Artifact, Catalog
from watchtime.core.errors import WatchtimeError, unknown
from watchtime.core.files import from_here
from watchtime.core.plan import Plan
from watchtime.core.yaml_files import read_yaml
from watchtime.reporting.published.cells import PRIVATE, PublishedCell, read_published, shown_in
from watchtime.reporting.published.readings import TITLES

TEXT = "text_"
"""Begins the artifact of a cell that stands in a paper's running text."""


def published_cells(plan: Plan) -> list[PublishedCell]:
    """Return the published cells of all papers, once they name only what exists.

    Raises one WatchtimeError with a sentence for every unknown artifact, data set, task, metric or row.
    """
    cells = read_published(plan.published_files)
    mistakes = list(_mistakes(plan.catalog, cells))
    if mistakes:
        raise WatchtimeError("\n".join(mistakes))
    return cells


def _mistakes(catalog: Catalog, cells: Sequence[PublishedCell]) -> Iterable[str]:
    words = read_yaml(catalog.root / "config" / "published" / "words.yaml", card=True)
    datasets = {*catalog.datasets, *PRIVATE, "none"}
    targets = {task for card in catalog.datasets.values() for task in card.tasks}
    metrics = {*TITLES, *(word for kind in ("metrics", "measures", "settings") for word in words[kind])}
    places = {paper: _places(catalog, paper) for paper in {cell.paper for cell in cells}}
    methods = {paper: {*words["rows"], paper, *_methods(catalog, paper)} for paper in places}
    for cell in cells:
        wrong = [
            ("column artifact", "artifact", cell.artifact, places[cell.paper] | _texts(cell)),
            ("column dataset", "data set", cell.dataset, datasets),
            ("column task", "task", cell.task, targets | {*words["tasks"]}),
            ("column metric", "metric", cell.measured, metrics),
            ("column method", "row", cell.method, methods[cell.paper]),
        ]
        found = [(column, kind, name, allowed) for column, kind, name, allowed in wrong if name not in allowed]
        artifact = catalog.artifacts().get(shown_in(catalog, cell))
        if not found and artifact and _has_rows(artifact, cell) and cell.row not in artifact.rows:
            found = [("columns method and variant", f"row of {cell.name}", cell.row, set(artifact.rows))]
        for column, kind, name, allowed in found:
            file = from_here(catalog.root / "config" / "published" / f"{cell.paper}.csv")
            yield unknown(kind, name, allowed, f"{file}: line {cell.line}, {column}")


def _places(catalog: Catalog, paper: str) -> set[str]:
    """Return the printed tables and figures of a paper, and those that its artifacts show beside."""
    own = catalog.papers[paper].artifacts if paper in catalog.papers else {}
    return {entry.artifact for entry in catalog.ledger.values() if entry.paper == paper} | {*own}


def _texts(cell: PublishedCell) -> set[str]:
    """Return the cell's own place where it is in the text, of which nobody keeps a list."""
    return {cell.artifact} if cell.artifact.startswith(TEXT) else set()


def _methods(catalog: Catalog, paper: str) -> set[str]:
    artifacts = catalog.papers[paper].artifacts.values() if paper in catalog.papers else ()
    return {key.split("/")[0] for artifact in artifacts for key in artifact.rows}


def _has_rows(artifact: Artifact, cell: PublishedCell) -> bool:
    """Return whether a row of the artifact has to stand for a cell; an analysis may split a row into several."""
    return bool(artifact.rows) and not artifact.analysis and cell.measured in artifact.metrics
