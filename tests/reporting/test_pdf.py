import re
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

import nbformat
import pytest
import typst

from watchtime.core.errors import WatchtimeError
from watchtime.reporting.elements.tables import Cell, Column, Section, Table, Value
from watchtime.reporting.rendering.notebook import execute
from watchtime.reporting.rendering.pdf import render

# nbformat has no annotations.
NBFORMAT: Any = nbformat
TEMPLATE = Path(__file__).parent / "sample_report.py"
BANNER = "SIMULATED DATA"

needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext (poppler) is not installed")


def poppler(*command: str) -> str:
    return subprocess.run(command, capture_output=True, check=True).stdout.decode()


def build(folder: Path) -> tuple[Path, Path]:
    parameters = {"rows": 60, "name": "<b> #panic() $x$ *"}
    executed = execute(TEMPLATE, parameters, folder / "notebooks" / "sample.ipynb", directory=folder)
    pdf = folder / "reports" / "sample.pdf"
    render([executed], pdf, title="ProWTP, table 1", subtitle="#size <tiny>", banner=BANNER)
    return executed, pdf


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return build(tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="module")
def pages(sample: tuple[Path, Path]) -> list[str]:
    return poppler("pdftotext", "-layout", str(sample[1]), "-").split("\f")[:-1]


def code_cell(output_type: str, **output: object) -> nbformat.NotebookNode:
    """Return a code cell with one output."""
    return NBFORMAT.v4.new_code_cell("x", outputs=[NBFORMAT.v4.new_output(output_type, **output)])


def markdown_cell(source: str) -> nbformat.NotebookNode:
    return NBFORMAT.v4.new_markdown_cell(source)


def written(folder: Path, *cells: nbformat.NotebookNode) -> Path:
    """Write a notebook without running it."""
    notebook = NBFORMAT.v4.new_notebook(cells=list(cells))
    NBFORMAT.write(notebook, folder / "written.ipynb")
    return folder / "written.ipynb"


def test_two_runs_in_different_folders_give_equal_bytes(sample: tuple[Path, Path], tmp_path: Path) -> None:
    again = build(tmp_path)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in sample]


@needs_poppler
def test_banner_header_and_page_number_stand_on_every_page(pages: list[str]) -> None:
    assert len(pages) >= 3
    for number, page in enumerate(pages, 1):
        assert BANNER in page
        assert f"{number} / {len(pages)}" in page or f"{number}/{len(pages)}" in page
        assert "ProWTP, table 1" in page
        assert "#size <tiny>" in page


@needs_poppler
def test_a_long_title_leaves_the_header_room_for_the_subtitle(sample: tuple[Path, Path], tmp_path: Path) -> None:
    subtitle = "run of_a_long_name · size small · a protocol that takes its time to be told"
    render([sample[0]], tmp_path / "long.pdf", title="LabelCraft, table 2: what says a lot " * 2, subtitle=subtitle)
    second = poppler("pdftotext", "-layout", "-f", "2", "-l", "2", str(tmp_path / "long.pdf"), "-")
    assert re.search(rf"^ *LabelCraft, table 2 +{re.escape(subtitle)}$", second, re.MULTILINE)


@needs_poppler
def test_captions_notes_and_figure_labels_are_text(pages: list[str]) -> None:
    text = re.sub(r"\s+", " ", " ".join(pages))
    assert "Table 1. Trees lead (𝛼 = 0.05). Bold: best, or tied with the best. ᵃ Trained once." in text
    assert "Figure 1. Long videos <spread> their #watch time." in text
    assert text.count("Long videos") == 1
    assert "Watch time (s)" in text
    assert "The name is <b> #panic() $x$ *." in text
    assert "60 rows of ['" in text
    assert "'<b> #panic() $x$ *'" in text
    assert "Repeated title" not in text
    assert "import numpy" not in text


@needs_poppler
def test_a_long_table_runs_over_pages_and_repeats_its_header(pages: list[str]) -> None:
    with_rows = [page for page in pages if "video 0" in page or "video 59" in page]
    assert len(with_rows) == 2
    assert all(re.search(r"Number +Video +Value \(s\) +Kept", page) for page in with_rows)


@needs_poppler
def test_only_the_table_that_cannot_fit_turns_its_page(sample: tuple[Path, Path], pages: list[str]) -> None:
    report = poppler("pdfinfo", "-f", "1", "-l", "99", str(sample[1]))
    sizes = [float(width) for width in re.findall(r"Page +\d+ size: +([\d.]+) x", report)]
    turned = [page for page, width in zip(pages, sizes, strict=True) if width > 800]
    assert len(turned) == 1
    assert "Twelve columns with intervals." in turned[0]


@needs_poppler
def test_decimal_points_line_up_in_the_page(sample: tuple[Path, Path]) -> None:
    """The estimates of a column end at the same place: bold ones, those without interval, those with a note."""
    words = re.findall(
        r'xMin="([\d.]+)" yMin="[\d.]+" xMax="([\d.]+)" yMax="[\d.]+">([^<]+)</word>',
        poppler("pdftotext", "-f", "1", "-l", "1", "-bbox", str(sample[1]), "-"),
    )
    starts: dict[str, float] = {}
    ends: dict[str, float] = {}
    for start, end, word in words:
        starts.setdefault(word, float(start))
        ends.setdefault(word, float(end))
    # A word with a note has the note's letter in it, so starts are compared: all have two digits before the point.
    mae = [starts["12.35"], starts["18.29"], starts["11.52"], starts["21.69ᵃ"]]
    assert max(mae) - min(mae) < 0.05
    assert ends["12.35"] == pytest.approx(ends["9.10"], abs=0.05)
    difference = [ends["−0.27"], ends["1.48"], ends["0.98"], ends["10.98"]]
    assert max(difference) - min(difference) < 0.05


def test_the_style_compiles_without_warnings(
    sample: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compile_plainly = typst.compile

    def compile_strictly(*arguments: Any, **options: Any) -> Any:
        document, found = typst.compile_with_warnings(*arguments, **options)
        assert found == []
        return document

    monkeypatch.setattr(typst, "compile", compile_strictly)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        render([sample[0], sample[0]], tmp_path / "two.pdf", title="Two")
    assert compile_plainly is not typst.compile


@needs_poppler
def test_joined_notebooks_have_contents_and_number_through(sample: tuple[Path, Path], tmp_path: Path) -> None:
    render([sample[0], sample[0]], tmp_path / "two.pdf", title="Two")
    text = poppler("pdftotext", "-layout", str(tmp_path / "two.pdf"), "-")
    first, *others = text.split("\f")
    assert first.count("Repeated title") == 2
    assert sum(page.count("Repeated title") for page in others) == 2
    assert "Figure 2. Long videos" in text
    assert "Table 8. Twelve columns with intervals." in text
    assert BANNER not in text


@needs_poppler
def test_text_that_looks_like_code_is_printed_letter_by_letter(tmp_path: Path) -> None:
    from watchtime.reporting.elements.tables import Column, Table

    hard = ["= head", "- item", "+ item", "1. item", "/ term: x", "---", "#panic()", "$x$", "<b>@ref", "`a`{=typst}"]
    hard += ["// comment", "/* open", "a|b", "[^1] [a](b)", "\\panic \\textbf{x}", "'q' \"q\"", "~~~", "::: x", "&lt;"]
    table = Table([Column("Text")], [[text] for text in hard], caption="Hard.")
    executed = written(tmp_path, code_cell("display_data", data={"text/markdown": table._repr_markdown_()}))
    render([executed], tmp_path / "hard.pdf", title='#panic() \\ *a* "b"')
    text = poppler("pdftotext", "-layout", str(tmp_path / "hard.pdf"), "-").replace("\u2060", "")
    found = [line.strip() for line in text.splitlines() if line.strip()]
    assert found[0] == '#panic() \\ *a* "b"'
    start = found.index("Text") + 1
    assert found[start : start + len(hard)] == hard


@needs_poppler
def test_raw_typst_html_and_tex_are_not_run(tmp_path: Path) -> None:
    source = "`#panic()`{=typst} <b>x</b> \\textbf{y}\n\n```{=typst}\n#panic()\n```\n"
    render([written(tmp_path, markdown_cell(source))], tmp_path / "raw.pdf", title="t")
    text = poppler("pdftotext", "-layout", str(tmp_path / "raw.pdf"), "-")
    assert text.count("#panic()") == 2
    assert "<b>x</b>" in text


def test_mathematics_that_cannot_be_typeset_is_one_sentence(tmp_path: Path) -> None:
    executed = written(tmp_path, markdown_cell(r"$\nosuchcommand{x}$"))
    with pytest.raises(WatchtimeError, match=r"written.ipynb: pandoc cannot read the page .*nosuchcommand") as caught:
        render([executed], tmp_path / "out.pdf", title="t")
    assert "\n" not in str(caught.value)


def test_a_notebook_with_a_failed_cell_is_refused(tmp_path: Path) -> None:
    executed = written(tmp_path, code_cell("error", ename="E", evalue="e", traceback=[]))
    with pytest.raises(WatchtimeError, match="has a failed cell, so it is not rendered"):
        render([executed], tmp_path / "out.pdf", title="t")
    assert not (tmp_path / "out.pdf").exists()


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_what_is_not_a_notebook_is_one_sentence(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "wrong.ipynb"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(WatchtimeError, match=r"wrong.ipynb: the executed notebook cannot be read"):
        render([path], tmp_path / "out.pdf", title="t")


def wide(rows: int) -> str:
    """Return a table that only a turned page can hold, of so many rows in two sections."""
    heads = [Column("Method"), *(Column(f"Wide metric {n}", "s", 2) for n in range(11))]
    lines: list[Any] = [[f"method {row}", *[f"{row}.00 ± 1.00"] * 11] for row in range(rows)]
    lines = [Section("First half"), *lines[: rows // 2], Section("Second half"), *lines[rows // 2 :]]
    return Table(heads, lines, caption="Wide.")._repr_markdown_()


@needs_poppler
@pytest.mark.parametrize(("rows", "expected"), [(26, [26]), (31, [31]), (45, [23, 22])])
def test_a_turned_table_leaves_no_few_rows_for_its_last_page(tmp_path: Path, rows: int, expected: list[int]) -> None:
    """One that almost fits a page is set smaller; otherwise pages hold about as many rows each."""
    executed = written(tmp_path, code_cell("display_data", data={"text/markdown": wide(rows)}))
    render([executed], tmp_path / "wide.pdf", title="t")
    pages = poppler("pdftotext", "-layout", str(tmp_path / "wide.pdf"), "-").split("\f")
    found = [len(re.findall(r"^ *method \d+ ", page, re.MULTILINE)) for page in pages]
    counted = [number for number in found if number]
    assert len(counted) == len(expected)
    assert max(abs(one - other) for one, other in zip(counted, expected, strict=True)) <= 4
    assert all("Second half" in page for page in pages if f"method {rows - 1} " in page)


@needs_poppler
def test_a_heading_goes_with_its_table_to_a_turned_page(tmp_path: Path) -> None:
    """Text between them keeps the heading where it is."""
    one, two = (code_cell("display_data", data={"text/markdown": wide(26)}) for _ in range(2))
    texts = map(markdown_cell, ("# t", "Before.", "## Alone", "Between."))
    executed = written(tmp_path, *texts, one, markdown_cell("## Together"), two, markdown_cell("## After"))
    render([executed], tmp_path / "wide.pdf", title="t")
    pages = poppler("pdftotext", "-layout", str(tmp_path / "wide.pdf"), "-").split("\f")
    found = {word: next(number for number, page in enumerate(pages) if word in page) for word in ("Alone", "Together")}
    turned = [number for number, page in enumerate(pages) if "Table 1." in page or "Table 2." in page]
    assert found == {"Alone": 0, "Together": turned[1]}
    assert sum(page.count("Together") for page in pages) == 1
    assert "After" in pages[turned[1] + 1]


def test_a_caption_stands_with_its_table_and_a_section_with_its_rows(tmp_path: Path) -> None:
    for lines in range(36, 48):
        text = "\n\n".join(["x"] * lines)
        lines_below = [list[Cell | Value]([f"row {n}"]) for n in range(40)]
        table = Table([Column("Text")], [Section("Head"), *lines_below], caption="Caption.")._repr_markdown_()
        executed = written(tmp_path, markdown_cell(text), code_cell("display_data", data={"text/markdown": table}))
        render([executed], tmp_path / "long.pdf", title="t")
        pages = poppler("pdftotext", "-layout", str(tmp_path / "long.pdf"), "-").split("\f")
        assert all(("Caption." in page) <= ("row 0" in page) for page in pages)
        assert all(("Head" in page) <= ("row " in page) for page in pages)
