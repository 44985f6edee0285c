"""Executed notebooks as Markdown with their figures as files, and Markdown through pandoc."""

# mypy: allow-untyped-calls

from __future__ import annotations

import subprocess
from pathlib import Path

import nbformat
import pypandoc
from nbconvert.exporters import MarkdownExporter
from nbformat import NotebookNode, ValidationError
from traitlets.config import Config

from watchtime.core.errors import WatchtimeError, first_words

_PRIORITY = ["text/markdown", "text/latex", "image/svg+xml", "image/png", "text/plain"]

# Code stays in the notebook; the page shows what it printed and displayed, figures with their captions.
_TEMPLATE = """
{%- extends 'markdown/index.md.j2' -%}
{% block stream %}

~~~~~~~~~~
{{ output.text }}
~~~~~~~~~~

{% endblock stream %}
{% block data_text scoped %}

~~~~~~~~~~
{{ output.data['text/plain'] }}
~~~~~~~~~~

{% endblock data_text %}
{% block data_markdown scoped %}
{% if output.metadata.repeats != "caption" %}

{{ output.data['text/markdown'] }}

{% endif %}
{% endblock data_markdown %}
{% block data_svg %}

![{{ output.metadata.caption or "" }}]({{ output.metadata.filenames['image/svg+xml'] }})

{% endblock data_svg %}
{% block data_png %}

![{{ output.metadata.caption or "" }}]({{ output.metadata.filenames['image/png'] }})

{% endblock data_png %}
"""

# Raw HTML, TeX and Typst are off: what is not Markdown is printed letter by letter.
_READER = "markdown-raw_html-raw_tex-raw_attribute-native_divs-native_spans-auto_identifiers"


def as_markdown(executed: Path, folder: Path, name: str) -> str:
    """Return the notebook as Markdown and write its figures to ``folder/name``."""
    config = Config()
    config.NbConvertBase.display_data_priority = _PRIORITY
    config.ExtractOutputPreprocessor.extract_output_types = {"image/svg+xml", "image/png"}
    exporter = MarkdownExporter(config=config, raw_template=_TEMPLATE, exclude_input=True)
    body, resources = exporter.from_notebook_node(_read(executed), {"output_files_dir": name})
    for path, content in resources["outputs"].items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(content)
    return body


def _read(executed: Path) -> NotebookNode:
    """Return the notebook without its standard error, once it is known to have run to its end."""
    try:
        notebook = nbformat.read(executed, as_version=4)
        nbformat.validate(notebook)
    except (AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError, ValidationError) as error:
        raise WatchtimeError(f"{executed}: the executed notebook cannot be read ({first_words(error)}).") from None
    for cell in notebook.cells:
        outputs = cell.get("outputs", [])
        if any(output.output_type == "error" for output in outputs):
            raise WatchtimeError(f"{executed}: the notebook has a failed cell, so it is not rendered.")
        if outputs:
            cell.outputs = [output for output in outputs if output.get("name") != "stderr"]
    return notebook


def pandoc(markdown: str, to: str, names: str, *more: str) -> str:
    """Return Markdown as Typst or HTML, through the pandoc that comes with pypandoc, with ``more`` options.

    Raises `WatchtimeError`, which tells ``names``, where it cannot be read.
    """
    program = Path(pypandoc.__file__).parent / "files" / "pandoc"
    options = ["--wrap=none", "--columns=10000", "--syntax-highlighting=none", "--sandbox", "--fail-if-warnings"]
    command = [str(program), f"--from={_READER}", f"--to={to}", *options, *more]
    finished = subprocess.run(command, input=markdown.encode(), capture_output=True, check=False)
    if finished.returncode:
        reason = " ".join(finished.stderr.decode().split())
        raise WatchtimeError(f"{names}: pandoc cannot read the page ({reason}).")
    return finished.stdout.decode()
