"""Published cells that name what does not exist are refused with their place and the nearest spelling."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from watchtime.cli import main
from watchtime.core.catalog import Catalog, find_root
from watchtime.core.config import RunConfig
from watchtime.core.errors import WatchtimeError
from watchtime.core.plan import Plan
from watchtime.core.yaml_files import read_yaml
from watchtime.evaluation.metrics import METRICS
from watchtime.reporting.published.cells import read_published
from watchtime.reporting.published.check import published_cells
from watchtime.reporting.published.verdicts import all_verdicts

CATALOG = Catalog.load(find_root())


def copied(folder: Path, old: str, new: str) -> Plan:
    """Return a plan whose published numbers are a copy, with one text of GR's replaced where it stands first."""
    shutil.copytree(CATALOG.root / "config" / "published", folder / "config" / "published")
    path = folder / "config" / "published" / "gr.csv"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return Plan(RunConfig(), replace(CATALOG, root=folder))


def test_the_words_hold_the_metrics_of_this_project() -> None:
    words = read_yaml(CATALOG.root / "config" / "published" / "words.yaml")
    assert words["metrics"] == list(METRICS)


def test_all_cells_name_what_exists() -> None:
    plan = Plan(RunConfig(), CATALOG)
    assert published_cells(plan) == read_published(plan.published_files)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("table1,", "tabel1,", "line 2, column artifact: unknown artifact 'tabel1', did you mean 'table1'? Allowed: "),
        ("kuairec,", "kuaire,", "line 2, column dataset: unknown data set 'kuaire', did you mean 'kuairec'? Allowed: "),
        ("watch_time", "watchtime", "line 2, column task: unknown task 'watchtime', did you mean 'watch_time'? "),
        ("xauc,", "xuac,", "line 3, column metric: unknown metric 'xuac', did you mean 'xauc'? Allowed: "),
        ("cread,full", "craed,full", "column method: unknown row 'craed', did you mean 'cread'? Allowed: "),
        (
            "gr,vocab_manual,",
            "gr,vocab_manuel,",
            "columns method and variant: unknown row of gr/table3 'gr/vocab_manuel', did you mean 'gr/vocab_manual'? ",
        ),
    ],
)
def test_an_unknown_name_is_told_with_its_line_and_column(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    plan = copied(tmp_path, old, new)
    with pytest.raises(WatchtimeError) as caught:
        published_cells(plan)
    assert "gr.csv: line " in str(caught.value)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    plan = copied(tmp_path, "table1,kuairec,watch_time,vr,full,mae,", "tabel1,kuairek,watch_time,vr,full,mea,")
    with pytest.raises(WatchtimeError) as caught:
        published_cells(plan)
    assert len(str(caught.value).splitlines()) == 3


def test_the_verdicts_and_watchtime_check_refuse_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = copied(tmp_path, "xauc,", "xuac,")
    monkeypatch.setattr(Plan, "published_files", plan.published_files)
    monkeypatch.setattr("watchtime.reporting.published.verdicts.read_parquet", lambda _: None)
    with pytest.raises(WatchtimeError, match="unknown metric 'xuac'"):
        all_verdicts(plan)
    result = CliRunner().invoke(main, ["check"])
    assert result.exit_code == 2
    assert "unknown metric 'xuac', did you mean 'xauc'?" in result.output
