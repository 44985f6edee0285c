"""Executed notebooks to PDF with wheels only: nbconvert to Markdown, pandoc to Typst, typst to PDF."""

# mypy: allow-untyped-calls

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pypandoc
import typst
from nbconvert.exporters import MarkdownExporter
from nbformat import NotebookNode
from traitlets.config import Config

from watchtime.core.errors import WatchtimeError
from watchtime.core.files import replacing
from watchtime.reporting.style import STYLE_FOLDER

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


def render(executed: Sequence[Path], pdf: Path, *, title: str, subtitle: str = "", banner: str | None = None) -> None:
    """Typeset executed notebooks, one after another, as one PDF.

    Inputs are hidden; outputs, tables and figures are numbered through. The title heads the first page
    and runs at the top of the others. A banner is a coloured strip with its text on every page. The
    first-level heading of a single notebook would repeat the title and is left out; where several are
    joined, it starts a page and a contents list stands under the title. Equal notebooks give equal bytes.

    Raises `WatchtimeError` where a notebook is missing, has a failed cell, or cannot be typeset.
    """
    names = ", ".join(map(str, executed))
    with tempfile.TemporaryDirectory(prefix="watchtime-") as name:
        folder = Path(name)
        bodies = [_markdown(path, folder, f"notebook-{number}") for number, path in enumerate(executed, 1)]
        body = _typst("\n\n".join(bodies), names)
        source = folder / "report-body.typ"
        source.write_text(f'#import "report.typ": *\n#show: report\n\n{body}', encoding="utf-8")
        for style_file in ("report.typ", "style.json"):
            shutil.copyfile(STYLE_FOLDER / style_file, folder / style_file)
        inputs = {
            "title": title,
            "subtitle": subtitle,
            "banner": banner or "",
            "notebooks": str(len(executed)),
        }
        try:
            document = typst.compile(
                source,
                root=folder,
                font_paths=[_figure_fonts()],
                ignore_system_fonts=True,
                sys_inputs=inputs,
                timestamp=0,
            )
        except typst.TypstError as error:
            raise WatchtimeError(f"{names}: the page cannot be typeset ({error}).") from None
    with replacing(pdf) as temporary:
        temporary.write_bytes(document)


def _figure_fonts() -> Path:
    """Return the folder of the fonts that come with matplotlib: figures hold text, not outlines."""
    matplotlib = find_spec("matplotlib")
    assert matplotlib is not None
    assert matplotlib.origin is not None
    return Path(matplotlib.origin).parent / "mpl-data" / "fonts" / "ttf"


def _markdown(executed: Path, folder: Path, name: str) -> str:
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
    except (OSError, ValueError, AttributeError) as error:
        raise WatchtimeError(f"{executed}: the executed notebook cannot be read ({error}).") from None
    for cell in notebook.cells:
        outputs = cell.get("outputs", [])
        if any(output.output_type == "error" for output in outputs):
            raise WatchtimeError(f"{executed}: the notebook has a failed cell, so it is not rendered.")
        if outputs:
            cell.outputs = [output for output in outputs if output.get("name") != "stderr"]
    return notebook


def _typst(markdown: str, names: str) -> str:
    """Return Typst for Markdown, through the pandoc that comes with pypandoc; what it cannot read is an error."""
    pandoc = Path(pypandoc.__file__).parent / "files" / "pandoc"
    options = ["--wrap=none", "--columns=10000", "--syntax-highlighting=none", "--sandbox", "--fail-if-warnings"]
    command = [str(pandoc), f"--from={_READER}", "--to=typst", *options]
    finished = subprocess.run(command, input=markdown.encode(), capture_output=True, check=False)
    if finished.returncode:
        reason = " ".join(finished.stderr.decode().split())
        raise WatchtimeError(f"{names}: pandoc cannot read the page ({reason}).")
    return finished.stdout.decode()
