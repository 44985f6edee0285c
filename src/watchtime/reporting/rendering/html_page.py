"""A page as one HTML file: tables that sort, figures drawn in place, nothing fetched from anywhere."""

from __future__ import annotations

import base64
import hashlib
import re
import tempfile
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

from jinja2 import Environment

from watchtime.core.errors import WatchtimeError
from watchtime.core.files import write_text
from watchtime.core.plan import Plan
from watchtime.reporting.elements.style import STYLE_FOLDER
from watchtime.reporting.rendering.executed import as_markdown, pandoc
from watchtime.reporting.rendering.page import page_of

PAGE_FOLDER = STYLE_FOLDER.parent / "html"
"""The folder of the page's frame, its style and its script."""

_SVG = "http://www.w3.org/2000/svg"
_LINK = "http://www.w3.org/1999/xlink"
_DRAWN = {
    "svg",
    "g",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "text",
    "tspan",
    "use",
    "image",
}
_DRAWN |= {"defs", "clipPath", "style", "title", "desc", "linearGradient", "radialGradient", "stop", "symbol", "marker"}


def write_html(plan: Plan, artifact: str = "summary") -> None:
    """Write ``reports/<artifact>.html`` of the run from the executed notebook that its PDF is made of.

    Raises `WatchtimeError` where there is no such page, or where its notebook is missing or has a failed cell.
    """
    page = page_of(plan, artifact)
    executed = plan.folder / "notebooks" / f"{artifact}.ipynb"
    target = plan.folder / "reports" / f"{artifact}.html"
    write_text(target, html_of(executed, title=page.title, subtitle=page.subtitle, banner=page.banner))


def html_of(executed: Path, *, title: str, subtitle: str = "", banner: str | None = None) -> str:
    """Return an executed notebook as an HTML page; equal notebooks give equal pages.

    Every text of the notebook is escaped, and the page's content security policy lets nothing run but the script that
    sorts tables, by its hash, and nothing be fetched.
    """
    with tempfile.TemporaryDirectory(prefix="watchtime-") as name:
        folder = Path(name)
        body = pandoc(as_markdown(executed, folder, "figures"), "html5", str(executed), "--mathml")
        rewriter = _Rewriter(folder)
        try:
            rewriter.feed(body)
            rewriter.close()
        except ElementTree.ParseError as error:
            raise WatchtimeError(f"{executed}: figure {rewriter.figures} is no drawing ({error}).") from None
        except WatchtimeError as error:
            raise WatchtimeError(f"{executed}: {error}") from None
    script, style = ((PAGE_FOLDER / file).read_text(encoding="utf-8") for file in ("sort.js", "page.css"))
    frame = (PAGE_FOLDER / "page.html").read_text(encoding="utf-8")
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(frame)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return template.render(
        title=title,
        subtitle=subtitle,
        banner=banner,
        body="".join(rewriter.parts),
        script=script,
        script_hash=f"sha256-{digest}",
        style=style,
    )


class _Rewriter(HTMLParser):
    """Copies pandoc's HTML: headers become buttons, wide tables scroll, figures are drawn in place, no title."""

    def __init__(self, folder: Path) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self.figures, self._folder, self._in_title = 0, folder, False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "h1":
            self._in_title = True
        elif tag == "th":
            text = (self.get_starttag_text() or "").replace("<th", '<th scope="col" aria-sort="none"', 1)
            self._copy(f'{text}<button type="button">')
        elif tag == "img":
            self.figures += 1
            self.parts.append(self._figure(dict(attrs)))
        else:
            opening = '<div class="wide" role="region" aria-label="Table" tabindex="0">' if tag == "table" else ""
            self._copy(opening + (self.get_starttag_text() or ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.handle_starttag(tag, attrs)
        else:
            self._copy(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "h1":
            self._in_title = False
        else:
            self._copy({"th": "</button></th>", "table": "</table></div>"}.get(tag, f"</{tag}>"))

    def handle_data(self, data: str) -> None:
        self._copy(data)

    def handle_entityref(self, name: str) -> None:
        self._copy(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._copy(f"&#{name};")

    def _copy(self, text: str) -> None:
        if not self._in_title:
            self.parts.append(text)

    def _figure(self, attributes: dict[str, str | None]) -> str:
        """Return a figure of the notebook: SVG as it is drawn, PNG as data. An image from elsewhere is refused."""
        path = (self._folder / str(attributes.get("src"))).resolve()
        if not path.is_relative_to(self._folder.resolve()) or not path.is_file():
            raise WatchtimeError(f"figure {attributes.get('src')}: only figures of the notebook itself can be shown.")
        label = escape(attributes.get("alt") or "Figure")
        if path.suffix == ".svg":
            return inline_svg(path.read_text(encoding="utf-8"), f"figure{self.figures}-", label)
        encoded = base64.b64encode(path.read_bytes()).decode()
        return f'<img alt="{label}" src="data:image/png;base64,{encoded}">'


def inline_svg(svg: str, prefix: str, label: str) -> str:
    """Return an SVG text as an element of an HTML page, with ``prefix`` before its ids, which several figures share.

    Only what draws is kept: no script, no handler, no link to anywhere but into the figure or to data in it. ``label``
    is its name for those who do not see it, already escaped.
    """
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        for child in list(element):
            if _name(child.tag) not in _DRAWN:
                element.remove(child)
        for name, value in list(element.attrib.items()):
            if name == "id":
                element.set(name, prefix + value)
            elif name.startswith("on") or (_name(name) == "href" and not value.startswith(("#", "data:image/png"))):
                del element.attrib[name]
            else:
                own = f"#{prefix}{value[1:]}" if _name(name) == "href" and value.startswith("#") else value
                element.set(name, re.sub(r"url\(#", f"url(#{prefix}", own))
        if _name(element.tag) == "style":
            element.text = re.sub(r"^\s*\*", f"#{prefix}svg *", element.text or "")
    root.set("id", f"{prefix}svg")
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _LINK)
    text = ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)
    return text.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)


def _name(tag: str) -> str:
    return tag.rpartition("}")[2]
