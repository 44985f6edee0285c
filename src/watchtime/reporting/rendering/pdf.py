"""Executed notebooks to PDF with wheels only: nbconvert to Markdown, pandoc to Typst, typst to PDF."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import typst

from watchtime.core.errors import WatchtimeError
from watchtime.core.files import replacing
from watchtime.reporting.elements.style import STYLE_FOLDER
from watchtime.reporting.rendering.executed import as_markdown, pandoc


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
        bodies = [as_markdown(path, folder, f"notebook-{number}") for number, path in enumerate(executed, 1)]
        body = pandoc("\n\n".join(bodies), "typst", names)
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
