"""Notebook templates executed by papermill: percent scripts in, executed notebooks with stable bytes out."""

# mypy: allow-untyped-calls
# ruff: noqa: E402

from __future__ import annotations

import ast
import logging
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# jsonschema, with which notebooks are checked, builds 38 grammars of addresses wherever this package is there, which
# takes longer than a page: no notebook of ours has an address to check.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

import jupytext
import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError
from papermill.translators import PythonTranslator, Translator, papermill_translators

from watchtime.core.errors import WatchtimeError, unknown
from watchtime.core.files import write_text
from watchtime.reporting.rendering.kernel import this_interpreter

_SECONDS_TO_START = 300
_SECONDS_FOR_OUTPUT = 120
_KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}


def execute(template: Path, parameters: Mapping[str, Any], executed: Path, *, directory: Path | None = None) -> Path:
    """Run a template with parameters in ``directory`` and write the executed notebook to ``executed``.

    The template is a jupytext percent script. Its cell tagged ``parameters`` assigns the defaults;
    ``name: type`` without a value declares a parameter that has to be given. Paths are passed as text.
    The kernel is the running interpreter. Two runs with equal results write equal bytes: cells have
    fixed ids, and times and machine paths are left out. What cells write to standard error goes to
    this process's and stays out of the notebook.

    Raises `WatchtimeError` for an unknown or missing parameter (nothing is run) and for a failing cell,
    in which case ``executed`` holds the notebook up to the failure, with the traceback.
    """
    notebook = read_template(template)
    values = _checked(template, notebook, parameters)
    with tempfile.TemporaryDirectory(prefix="watchtime-") as folder:
        raw = Path(folder) / "executed.ipynb"
        try:
            _run(notebook, raw, values, Path(folder), directory)
        except PapermillExecutionError as error:
            reason = " ".join(f"failed with {error.ename}: {error.evalue}".split())
            place = _place(template, raw, error.traceback)
            raise WatchtimeError(f"{place}: the cell {reason} (see {executed}).") from None
        except DeadKernelError:
            reason = "ended the notebook's process, as a lack of memory does"
            raise WatchtimeError(f"{_place(template, raw)}: the cell {reason} (see {executed}).") from None
        finally:
            if raw.exists():
                _write_normalised(raw, executed)
    return executed


def read_template(template: Path) -> NotebookNode:
    """Return the notebook that a percent script describes, with fixed cell ids."""
    try:
        text = template.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WatchtimeError(f"{template}: the template cannot be read ({error}).") from None
    notebook = jupytext.reads(text, fmt="py:percent")
    notebook.metadata = NotebookNode(kernelspec=_KERNELSPEC, language_info={"name": "python"})
    _number_cells(notebook)
    return notebook


def _number_cells(notebook: NotebookNode) -> None:
    for number, cell in enumerate(notebook.cells, 1):
        cell.id = f"cell-{number:02d}"


def _checked(template: Path, notebook: NotebookNode, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters as plain values, once each is known and none is missing."""
    declared = _declared_parameters(template, notebook)
    for name in parameters:
        if name not in declared:
            raise WatchtimeError(unknown("parameter", name, declared, str(template)))
    for name, has_default in declared.items():
        if not has_default and name not in parameters:
            raise WatchtimeError(f"{template}: parameter '{name}' has no default and was not given.")
    return {name: _plain(value) for name, value in parameters.items()}


def _declared_parameters(template: Path, notebook: NotebookNode) -> dict[str, bool]:
    """Return the names that the parameters cell declares, and whether each has a default."""
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) > 1:
        raise WatchtimeError(f"{template}: {len(tagged)} cells are tagged 'parameters', expected one.")
    declared: dict[str, bool] = {}
    try:
        statements = ast.parse(tagged[0].source).body if tagged else []
    except SyntaxError as error:
        line = _first_lines(template).get(tagged[0].id, 1) + (error.lineno or 1) - 1
        raise WatchtimeError(f"{template}, line {line}: the parameters are not valid Python ({error.msg}).") from None
    for statement in statements:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            declared[statement.target.id] = statement.value is not None
        elif isinstance(statement, ast.Assign):
            declared |= {target.id: True for target in statement.targets if isinstance(target, ast.Name)}
    return declared


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


class _Python(PythonTranslator):  # type: ignore[misc]
    """Writes the parameters the same way whether or not a code formatter is installed."""

    codify: Any = classmethod(Translator.codify.__func__)


def _run(notebook: NotebookNode, raw: Path, values: dict[str, Any], folder: Path, directory: Path | None) -> None:
    # Parameters are checked and failures told by this module, in one sentence.
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    papermill_translators.register("python", _Python)
    papermill.execute_notebook(
        notebook,
        raw,
        parameters=values,
        cwd=directory,
        progress_bar=sys.stderr.isatty(),
        stderr_file=sys.stderr,
        start_timeout=_SECONDS_TO_START,
        iopub_timeout=_SECONDS_FOR_OUTPUT,
        coalesce_streams=True,
        shutdown_kernel="immediate",  # a second sooner; the kernel holds nothing that has to be closed
        record_timing=False,
        kernel_manager_class=this_interpreter(folder),
    )


def _write_normalised(raw: Path, executed: Path) -> None:
    """Keep of the executed notebook what two equal runs have in common."""
    notebook = nbformat.read(raw, as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    failed = any(output.output_type == "error" for output in outputs)
    notebook.metadata = NotebookNode(kernelspec=_KERNELSPEC, language_info={"name": "python"})
    _number_cells(notebook)
    for cell in notebook.cells:
        tags = cell.metadata.get("tags")
        cell.metadata = NotebookNode(tags=tags) if tags else NotebookNode()
        if cell.cell_type == "code" and not failed:
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    write_text(executed, nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n")


def _place(template: Path, raw: Path, traceback: list[str] | None = None) -> str:
    """Return where the cell that was started last stands in the template, as closely as is known."""
    cells = nbformat.read(raw, as_version=4).cells
    started = [cell for cell in cells if cell.metadata.get("papermill", {}).get("start_time")]
    line = _first_lines(template).get(started[-1].id) if started else None
    if line is None:
        return str(template)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(traceback or []))
    inside = re.search(r"Cell In\[\d+\], line (\d+)", plain)
    return f"{template}, line {line + (int(inside.group(1)) - 1 if inside else 0)}"


def _first_lines(template: Path) -> dict[str, int]:
    """Return the line on which each cell's source starts, by cell id."""
    text, position = template.read_text(encoding="utf-8"), 0
    lines = {}
    for cell in read_template(template).cells:
        found = text.find(cell.source, position)
        if cell.cell_type == "code" and found >= 0:
            lines[cell.id] = text.count("\n", 0, found) + 1
            position = found + len(cell.source)
    return lines
