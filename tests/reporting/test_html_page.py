"""The HTML page: its structure by the standard library's parser, its script by node where it is at hand.

No browser has seen the page in these tests.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest

from watchtime.core.errors import WatchtimeError
from watchtime.reporting.elements.figures import figure, to_svg
from watchtime.reporting.elements.tables import Cell, Column, Section, Table
from watchtime.reporting.elements.text import escape
from watchtime.reporting.rendering.html_page import PAGE_FOLDER, html_of, inline_svg

# nbformat has no annotations.
NBFORMAT: Any = nbformat
HOSTILE = '</title><script>alert(1)</script><img src=x onerror="alert(2)"> & "quoted" | `a`{=html} <b>'


class Elements(HTMLParser):
    """Every element with its attributes and text, and whether tags are closed in the order in which they are opened."""

    VOID = {"meta", "img", "br"}

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[tuple[str, list[str]]] = []
        self.feed(page)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        texts: list[str] = []
        self.found.append((tag, dict(attrs), texts))
        if tag not in self.VOID:
            self._open.append((tag, texts))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), []))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for _, texts in self._open:
            texts.append(data)

    def named(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [(attributes, "".join(texts)) for name, attributes, texts in self.found if name == tag]


def drawn() -> str:
    drawing = figure("half", 40)
    panel = drawing.subplots()
    panel.plot([0, 1], [0, 1])
    panel.set(xlabel=HOSTILE)
    return to_svg(drawing)


def page(folder: Path, banner: str | None = "SIMULATED DATA") -> str:
    """Return the page of a notebook with a table of a hostile title and twice the same figure."""
    columns = [Column(HOSTILE), Column("MAE ↓", "s", 2)]
    rows: list[Any] = [Section(HOSTILE), [Cell(HOSTILE, note="a"), 1.0], ["b", None], [Cell("c", best=True), 1234.5]]
    table = Table(columns, rows, caption=HOSTILE, notes={"a": HOSTILE})
    svg = {"image/svg+xml": drawn(), "text/plain": "Figure"}
    shown = [
        NBFORMAT.v4.new_output("display_data", data={"text/markdown": f"# Title\n\n## {escape(HOSTILE)}\n\n$x < 1$\n"}),
        NBFORMAT.v4.new_output("display_data", data={"text/markdown": table._repr_markdown_()}),
        *[NBFORMAT.v4.new_output("display_data", data=svg, metadata={"caption": escape(HOSTILE)}) for _ in range(2)],
        NBFORMAT.v4.new_output("stream", name="stdout", text=HOSTILE),
    ]
    notebook = NBFORMAT.v4.new_notebook(cells=[NBFORMAT.v4.new_code_cell("x", outputs=shown)])
    NBFORMAT.write(notebook, folder / "executed.ipynb")
    return html_of(folder / "executed.ipynb", title=HOSTILE, subtitle=HOSTILE, banner=banner)


def test_what_comes_from_data_is_text(tmp_path: Path) -> None:
    text = page(tmp_path)
    elements = Elements(text)
    assert [told for _, told in elements.named("title")] == [
        HOSTILE,
        *[told for _, told in elements.named("title")][1:],
    ]
    assert len(elements.named("script")) == 1
    assert not elements.named("img")
    assert not elements.named("b")
    assert not any(name.startswith("on") for _, attributes, _ in elements.found for name in attributes)
    assert [told.replace("\u2060", "") for _, told in elements.named("h1")] == [HOSTILE]
    assert elements.named("th")[0][1] == HOSTILE
    assert HOSTILE in elements.named("td")[0][1]
    assert HOSTILE in elements.named("caption")[0][1]
    assert HOSTILE in elements.named("pre")[0][1]


def test_the_policy_lets_only_the_pages_own_script_run_and_nothing_be_fetched(tmp_path: Path) -> None:
    text = page(tmp_path)
    elements = Elements(text)
    policy = next(one["content"] for one, _ in elements.named("meta") if one.get("http-equiv"))
    assert policy
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    digest = base64.b64encode(hashlib.sha256(elements.named("script")[0][1].encode()).digest()).decode()
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"'sha256-{digest}'"
    assert rules["img-src"] == "data:"
    for _, attributes, _ in elements.found:
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))
    assert "link" not in {tag for tag, _, _ in elements.found}
    assert "@import" not in text


def test_headers_are_buttons_that_say_how_the_table_is_sorted(tmp_path: Path) -> None:
    elements = Elements(page(tmp_path))
    headers, buttons = elements.named("th"), elements.named("button")
    assert len(headers) == len(buttons) == 2
    assert {one["aria-sort"] for one, _ in headers} == {"none"}
    assert {one["scope"] for one, _ in headers} == {"col"}
    assert {one["type"] for one, _ in buttons} == {"button"}
    assert all(told.strip() for _, told in buttons)
    regions = [one for one, _ in elements.named("div") if one.get("role") == "region"]
    assert [one["tabindex"] for one in regions] == ["0"]


def test_figures_are_drawn_in_place_with_ids_of_their_own(tmp_path: Path) -> None:
    elements = Elements(page(tmp_path))
    drawings = elements.named("svg")
    assert [one["role"] for one, _ in drawings] == ["img", "img"]
    assert drawings[0][0]["aria-label"] == HOSTILE
    assert HOSTILE in drawings[0][1]
    ids = [one["id"] for _, one, _ in elements.found if one.get("id")]
    assert len(ids) == len(set(ids)) > 10
    used = [one.get("xlink:href") for one, _ in elements.named("use")]
    assert used
    assert {str(one)[1:] for one in used} <= set(ids)
    clips = {
        found for _, one, _ in elements.found for found in re.findall(r"url\(#(.*?)\)", one.get("clip-path") or "")
    }
    assert clips
    assert clips <= set(ids)


def test_of_a_figure_only_what_draws_is_kept() -> None:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" onload="x()">'
        "<script>x()</script><foreignObject><p>x</p></foreignObject><metadata>m</metadata>"
        '<use xlink:href="https://example.org/a.svg#b"/><g onclick="x()"><text>kept</text></g></svg>'
    )
    found = inline_svg(svg, "figure1-", "label")
    assert "kept" in found
    for word in ("script", "foreignObject", "metadata", "example.org", "onload", "onclick"):
        assert word not in found


def test_the_banner_stands_where_data_are_simulated_alone(tmp_path: Path) -> None:
    assert [told for one, told in Elements(page(tmp_path)).named("p") if one.get("class") == "banner"] == [
        "SIMULATED DATA"
    ]
    assert not [one for one, _ in Elements(page(tmp_path, None)).named("p") if one.get("class") == "banner"]


def test_equal_notebooks_give_equal_pages_for_screens_and_paper(tmp_path: Path) -> None:
    text = page(tmp_path)
    assert text == page(tmp_path)
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_an_image_from_elsewhere_is_refused(tmp_path: Path) -> None:
    output = NBFORMAT.v4.new_output("display_data", data={"text/markdown": "![x](https://example.org/x.png)"})
    notebook = NBFORMAT.v4.new_notebook(cells=[NBFORMAT.v4.new_code_cell("x", outputs=[output])])
    NBFORMAT.write(notebook, tmp_path / "executed.ipynb")
    with pytest.raises(WatchtimeError, match="only figures of the notebook itself"):
        html_of(tmp_path / "executed.ipynb", title="t")


needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def evaluated(expression: str) -> Any:
    """Return the value of an expression after the page's script."""
    script = (PAGE_FOLDER / "sort.js").read_text(encoding="utf-8")
    code = f"{script}\nprocess.stdout.write(JSON.stringify({expression}))"
    return json.loads(subprocess.run(["node", "-e", code], capture_output=True, check=True, text=True).stdout)


def ordered(texts: list[str], descending: bool = False) -> list[str]:
    return [texts[place] for place in evaluated(f"order({json.dumps(texts)}, {json.dumps(descending)})")]


@needs_node
@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1.23 ± 0.04", "–", "0.9ᵃ ± 1.00", "10.5"], ["0.9ᵃ ± 1.00", "1.23 ± 0.04", "10.5", "–"]),
        (["1,234.5", "999", "−3.2", ">−0.01", "<0.001"], ["−3.2", ">−0.01", "<0.001", "999", "1,234.5"]),
        (["12 %", "", "7\u00a0%"], ["7\u00a0%", "12 %", ""]),
        (["2–10", "16.5–19", "1"], ["1", "2–10", "16.5–19"]),
        (["\u20070.57 [0.50, 0.61]", "undefined", "0.6"], ["\u20070.57 [0.50, 0.61]", "0.6", "undefined"]),
        (["TPM", "2 trees", "GR", "–"], ["2 trees", "GR", "TPM", "–"]),
        (["1e-5", "0.1", "2e3"], ["1e-5", "0.1", "2e3"]),
    ],
)
def test_columns_are_sorted_by_number_or_by_text_and_what_is_missing_stands_last(
    texts: list[str], expected: list[str]
) -> None:
    assert ordered(texts) == expected
    missing = [text for text in expected if text in ("–", "", "undefined")]
    present = expected[: len(expected) - len(missing)]
    assert ordered(texts, descending=True) == [*reversed(present), *missing]


@needs_node
def test_equal_values_keep_their_order() -> None:
    assert evaluated('order(["2", "1", "2", "1"], false)') == [1, 3, 0, 2]
    assert evaluated('order(["2", "1", "2", "1"], true)') == [0, 2, 1, 3]


TABLE = """
(() => {
  const body = { rows: [], appendChild(row) { this.rows.splice(this.rows.indexOf(row), 1); this.rows.push(row); } };
  const row = (...texts) => ({ cells: texts.map((textContent) => ({ textContent })) });
  body.rows = [row("One", ""), row("a", "3"), row("b", "1"), row("Two", ""), row("c", "2"), row("d", "10")];
  const header = (cellIndex) => ({
    cellIndex, sort: "none", getAttribute() { return this.sort; }, setAttribute(_, value) { this.sort = value; },
    closest() { return { tBodies: [body] }; },
  });
  const headers = [header(0), header(1)];
  for (const one of headers) one.parentNode = { cells: headers };
  const said = [];
  for (const place of [1, 1, 0]) {
    sortBy(headers[place]);
    said.push([body.rows.map((one) => one.cells[0].textContent).join(""), ...headers.map((one) => one.sort)]);
  }
  return said;
})()
"""


@needs_node
def test_rows_are_sorted_below_their_own_heading_and_the_header_says_how() -> None:
    assert evaluated(TABLE) == [
        ["OnebaTwocd", "none", "ascending"],
        ["OneabTwodc", "none", "descending"],
        ["OneabTwocd", "ascending", "none"],
    ]
