"""The diff of two runs, written where the user wants it."""

from __future__ import annotations

from pathlib import Path

import click

from watchtime.core.files import replacing_folder, write_text
from watchtime.differences import output
from watchtime.differences.compared import compared


def write(first: Path, second: Path, form: str, file: Path | None) -> bool:
    """Print the differences, or write them to ``file``; return whether there are any.

    Pictures of figures stand in HTML itself, and beside a Markdown file in the folder ``<file>.pictures``.
    """
    sections, title = compared(first, second), f"{first} (A) and {second} (B)"
    pictures = file.with_name(f"{file.name}.pictures") if file and form == "markdown" else None
    if form == "html":
        text = output.html(title, sections)
    elif form == "markdown":
        text = output.markdown(title, sections, pictures)
    else:
        text = output.text(title, sections)
    if pictures and any(section.pictures for section in sections):
        with replacing_folder(pictures) as folder:
            for section in sections:
                for name, picture in zip(output.picture_names(section), section.pictures, strict=True):
                    (folder / name).write_bytes(picture.png)
    if file:
        write_text(file, text)
    else:
        click.echo(text, nl=False)
    return any(section.differs for section in sections)
