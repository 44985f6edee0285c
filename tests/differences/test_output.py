"""The command ``watchtime diff``: its three forms and its exit status."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from compared_runs import write_compared
from watchtime.cli import main


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    place = tmp_path_factory.mktemp("runs")
    hostile = write_compared(place, "hostile", printed="<script>alert(1)</script>", colour="#cc0000", seed=3)
    return write_compared(place, "one"), write_compared(place, "like"), hostile


def called(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["diff", *map(str, arguments)])


def test_the_exit_status_tells_equal_different_and_not_comparable(
    runs: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    one, like, other = runs
    assert called(one, like).exit_code == 0
    assert called(one, other).exit_code == 1
    refused = called(one, tmp_path / "nowhere")
    assert refused.exit_code == 2
    assert refused.stderr == f"watchtime: {tmp_path / 'nowhere'}: the run's folder does not exist.\n"


def test_text_names_every_subject_and_what_differs(runs: tuple[Path, Path, Path]) -> None:
    text = called(runs[0], runs[2]).stdout
    for title in ("Configuration", "Jobs", "Data", "Metrics", "Notebooks", "Figures", "Files", "Environment"):
        assert f"\n{title}: " in text
    assert "seed   2026  3" in text


def test_markdown_has_its_pictures_beside_it(runs: tuple[Path, Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "diff.md"
    assert called(runs[0], runs[2], "--format", "markdown", "--output", path).stdout == ""
    assert "](diff.md.pictures/figures-01.png)" in path.read_text(encoding="utf-8")
    assert (tmp_path / "diff.md.pictures" / "figures-01.png").read_bytes().startswith(b"\x89PNG")


def test_html_is_one_file_in_which_no_text_is_markup(runs: tuple[Path, Path, Path]) -> None:
    page = called(runs[0], runs[2], "--format", "html").stdout
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert 'src="data:image/png;base64,' in page
