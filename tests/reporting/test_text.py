import subprocess
from pathlib import Path

import pypandoc
from hypothesis import given, settings
from hypothesis import strategies as st

from watchtime.reporting.elements.text import Markdown, as_markdown, escape
from watchtime.reporting.rendering.executed import _READER

PANDOC = Path(pypandoc.__file__).parent / "files" / "pandoc"
PRINTABLE = st.characters(min_codepoint=32, max_codepoint=126)
ALPHABET = st.one_of(PRINTABLE, st.sampled_from("\n\t«é–\u2028*_`#$|<[]\\"))


def read_back(paragraphs: list[str]) -> list[str]:
    """Return what pandoc reads in each paragraph, as text without marks."""
    command = [str(PANDOC), f"--from={_READER}", "--to=plain", "--wrap=none"]
    markdown = "\n\n".join(f"start {paragraph} end" for paragraph in paragraphs)
    finished = subprocess.run(command, input=markdown.encode(), capture_output=True, check=True)
    return finished.stdout.decode().strip().split("\n\n")


@settings(max_examples=25)
@given(st.lists(st.text(ALPHABET, min_size=1), min_size=5, max_size=30))
def test_escaped_text_is_read_letter_by_letter(texts: list[str]) -> None:
    expected = [" ".join(f"start {' '.join(text.split())} end".split()) for text in texts]
    found = read_back([escape(text) for text in texts])
    # Typographic dots are the one change that pandoc makes to plain text.
    assert [" ".join(line.replace("\u2060", "").replace("…", "...").split()) for line in found] == expected


def test_only_plain_text_is_escaped_and_both_stay_on_one_line() -> None:
    assert as_markdown("*a*\n| b") == r"\*a\* \| b"
    assert as_markdown(Markdown("*a*\nb")) == "*a* b"


def test_markdown_is_displayed_as_such() -> None:
    assert Markdown("*a*")._repr_markdown_() == "*a*"
