"""Which cells of executed notebooks differ, as nbdime tells."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import nbdime
import nbformat
from nbdime.prettyprint import PrettyPrintConfig, pretty_print_notebook_diff

from watchtime.differences.run import ComparedRun, alone, changed, shared
from watchtime.differences.section import Section, counted

# nbformat and nbdime have no annotations.
NBDIME: Any = nbdime
NBFORMAT: Any = nbformat
_DRAWN = "image/svg+xml"
_LONGEST = 4000


class Notebook(NamedTuple):
    """An executed notebook that differs, in both runs."""

    name: str
    ours: Any
    others: Any


def changed_notebooks(one: ComparedRun, other: ComparedRun) -> list[Notebook]:
    """Return the notebooks that differ by more than the run's name, but for those that show measured time."""
    names = changed(one, other, shared(one, other, "notebooks/", ".ipynb"))
    found = [Notebook(_page(name), *(_read(run, name) for run in (one, other))) for name in names]
    return [notebook for notebook in found if any(_cells(notebook.ours, notebook.others))]


def notebooks(found: list[Notebook], one: ComparedRun, other: ComparedRun) -> Section:
    """List the cells of which source or outputs differ, and the changed lines; figures are compared on their own."""
    rows, details = list[list[str]](), list[tuple[str, str]]()
    for name, ours, others in found:
        rows.append([name, *_cells(ours, others)])
        text = _pretty(ours, others)
        details.append(
            (name, text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n… {len(text) - _LONGEST} more characters")
        )
    rows += [[_page(name), said, ""] for name, said in sorted(alone(one, other)) if name.startswith("notebooks/")]
    said = f"{counted(len(rows), 'notebook differs', 'notebooks differ')}." if rows else "All notebooks are equal."
    return Section("Notebooks", said, ("Notebook", "Source of cells", "Outputs of cells"), rows, details=details)


def _page(name: str) -> str:
    return name.removeprefix("notebooks/").removesuffix(".ipynb")


def _read(run: ComparedRun, name: str) -> Any:
    """Return the notebook with the name of its run, which differs by itself, left out."""
    with run.reading(name) as path:
        text = path.read_text(encoding="utf-8").replace(f"results/{run.config.name}", "results/…")
        notebook = NBFORMAT.reads(text, as_version=4)
        NBFORMAT.validate(notebook)
        return notebook


def _cells(ours: Any, others: Any) -> tuple[str, str]:
    """Return the numbers of the cells whose source differs, and of those whose outputs do."""
    source, outputs = list[str](), list[str]()
    for place in range(max(len(ours.cells), len(others.cells))):
        pair = [notebook.cells[place] if place < len(notebook.cells) else {} for notebook in (ours, others)]
        if pair[0].get("source") != pair[1].get("source"):
            source.append(str(place + 1))
        if pair[0].get("outputs") != pair[1].get("outputs"):
            outputs.append(str(place + 1))
    return ", ".join(source), ", ".join(outputs)


def _pretty(ours: Any, others: Any) -> str:
    """Return nbdime's account of the difference, without drawings, which are no text to read."""
    plain = [_without_drawings(notebook) for notebook in (ours, others)]
    stream = io.StringIO()
    config = PrettyPrintConfig(out=stream, include=None, color_words=False)
    config.use_color = False
    pretty_print_notebook_diff("A", "B", plain[0], NBDIME.diff_notebooks(*plain), config)
    return stream.getvalue().strip()


def _without_drawings(notebook: Any) -> Any:
    copy = NBFORMAT.from_dict(notebook)
    for cell in copy.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(_DRAWN, None)
    return copy
