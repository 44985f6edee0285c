"""The differences of two runs as text, Markdown or HTML."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment
from tabulate import tabulate

from watchtime.core.errors import plain
from watchtime.differences.section import Section
from watchtime.reporting.elements.text import escape

_HTML = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 15px/1.5 Georgia, serif; color: #222; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #bbb; }
table { border-collapse: collapse; font-size: 0.85rem; } th { text-align: left; border-bottom: 1px solid #222; }
th, td { padding: 0.15rem 0.8rem 0.15rem 0; vertical-align: top; overflow-wrap: anywhere; }
td { border-bottom: 1px solid #eee; font-variant-numeric: tabular-nums; } .equal { color: #666; }
pre { background: #f6f6f6; padding: 0.6rem; overflow-x: auto; font-size: 0.8rem; } img { max-width: 100%; }
</style></head><body>
<h1>{{ title }}</h1>
{% for section in sections %}
<h2>{{ section.title }}</h2>
<p{% if not section.rows %} class="equal"{% endif %}>{{ section.said }}</p>
{% if section.rows %}
<table><thead><tr>{% for column in section.columns %}<th>{{ column }}</th>{% endfor %}</tr></thead><tbody>
{% for row in section.rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table>
{% endif %}
{% for name, text in section.details %}<details><summary>{{ name }}</summary><pre>{{ text }}</pre></details>
{% endfor %}
{% for picture in section.pictures %}
<figure><img alt="{{ picture.title }}" src="data:image/png;base64,{{ encoded(picture.png) }}">
<figcaption>{{ picture.title }}</figcaption></figure>
{% endfor %}
{% endfor %}
</body></html>
"""


def text(title: str, sections: Sequence[Section]) -> str:
    """Return what a terminal shows: every sentence, and the rows of what differs."""
    parts = [title]
    for section in sections:
        parts.append(f"{section.title}: {section.said}")
        if section.rows:
            rows = [[plain(cell) for cell in row] for row in section.rows]
            parts.append(tabulate(rows, section.columns, tablefmt="plain", disable_numparse=True))
    return "\n\n".join(parts) + "\n"


def markdown(title: str, sections: Sequence[Section], pictures: Path | None = None) -> str:
    """Return Markdown; pictures are links to files in the folder ``pictures``, absent without it."""
    parts = [f"# {escape(title)}"]
    for section in sections:
        parts += [f"## {escape(section.title)}", escape(section.said)]
        if section.rows:
            rows = [[escape(cell).replace("|", "\\|") for cell in row] for row in section.rows]
            parts.append(tabulate(rows, section.columns, tablefmt="pipe", disable_numparse=True))
        for name, detail in section.details:
            parts.append(f"<details><summary>{escape(name)}</summary>\n\n{fenced(detail)}\n\n</details>")
        if pictures:
            names = [f"{pictures.name}/{place}" for place in picture_names(section)]
            parts += [f"![{escape(one.title)}]({name})" for one, name in zip(section.pictures, names, strict=True)]
    return "\n\n".join(parts) + "\n"


def fenced(text: str) -> str:
    """Return a block of code whose fence is longer than any in ``text``."""
    fence = "~" * max([10, *(len(run) + 1 for run in re.findall("~+", text))])
    return f"{fence}\n{text}\n{fence}"


def picture_names(section: Section) -> list[str]:
    """Return the files' names of a section's pictures."""
    return [f"{section.title.lower()}-{number:02d}.png" for number in range(1, len(section.pictures) + 1)]


def html(title: str, sections: Sequence[Section]) -> str:
    """Return one page that needs no other file; every text is escaped."""
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_HTML)
    return template.render(title=title, sections=sections, encoded=_encoded)


def _encoded(png: bytes) -> str:
    return base64.b64encode(png).decode()
