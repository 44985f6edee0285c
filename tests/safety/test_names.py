"""Names become paths, cells, words of a shell and text of pages: what a configuration may call things."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from handmade_run import own_log, write_run
from watchtime.cli import main
from watchtime.core.catalog import Catalog, find_root
from watchtime.core.config import RunConfig, validate
from watchtime.core.errors import WatchtimeError
from watchtime.core.run_lock import LOCKS
from watchtime.datasets.download.member_names import normal_name
from watchtime.reporting.measured.collect import metrics, plotted_scores

SAFE = re.compile(r"[a-z0-9][a-z0-9_]*")
HOSTILE = [
    "../x",
    "..",
    "/x",
    "a/b",
    "a\\b",
    "a b",
    "a;b",
    "$(a)",
    "`a`",
    "a\n",
    "a\0",
    "-a",
    "=1+1",
    "+1",
    "@a",
    "<b>",
    "ä",
    "",
]
JOB = "kuairand_pure/watch_time/random_622/shared/vr/paper"


def places(name: str) -> dict[str, dict[str, object]]:
    """Return a configuration for each place where a user gives a name."""
    log = {"file": "log.csv"}
    return {
        "run": {"name": name},
        "data set": {"datasets": {name: {"log": log}}},
        "target": {"tasks": [name]},
        "feature": {"datasets": {"a": {"log": log | {"features": {name: {}}}}}},
        "feedback": {"datasets": {"a": {"log": log | {"feedback": {name: "x"}}}}},
    }


@pytest.mark.parametrize("place", places(""))
@given(name=st.sampled_from(HOSTILE) | st.text(max_size=6))
def test_a_name_has_lower_case_letters_digits_and_underscores(place: str, name: str) -> None:
    """So it starts no formula and no option, leads nowhere, and means nothing to a shell or a page."""
    if SAFE.fullmatch(name):
        validate(RunConfig, places(name)[place], "run.yaml")
        assert normal_name(name) == name
    else:
        with pytest.raises(WatchtimeError):
            validate(RunConfig, places(name)[place], "run.yaml")


@pytest.mark.parametrize(
    "arguments",
    [
        ["render", "--artifact", "../../x"],
        ["analyse", "--artifact", "../../x"],
        ["train", "--job", f"{JOB}/../../x"],
        ["codec", "--codec", "../../x"],
        ["interactions", "--dataset", "../x"],
        ["split", "--dataset", "kuairand_pure", "--protocol", "../x"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_name_on_the_command_line_is_one_that_the_run_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "results" / "demo" / "config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("methods: [vr]\nartifacts: []\ndatasets: {kuairand_pure: {}}\n")
    result = CliRunner().invoke(main, [*arguments, "--run", "results/demo"])
    assert result.exit_code == 2
    assert "unknown" in result.stderr
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name != LOCKS]
    assert files == [config]


def test_a_download_is_of_a_data_set_that_there_is(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["download", "../x", "--folder", str(tmp_path / "raw")])
    assert result.stderr.startswith("watchtime: unknown data set '../x'")
    assert list(tmp_path.iterdir()) == []


def test_the_catalogue_keeps_to_the_same_letters() -> None:
    catalog = Catalog.load(find_root())
    variants = [name for card in catalog.methods.values() for name in card.variants]
    names = [*catalog.datasets, *catalog.methods, *variants, *catalog.protocols, *catalog.papers]
    assert [name for name in names if not SAFE.fullmatch(name)] == []


def test_no_cell_of_a_table_for_spreadsheets_is_a_formula(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    log = {"mine": own_log(tmp_path, user="=1+1", item="@item", target="+target")}
    plan = write_run(tmp_path, datasets=log, methods=["training_constant"], artifacts=[], tables=False)
    text = plotted_scores(plan, metrics(plan, list(plan.jobs))).write_csv()
    header, *rows = csv.reader(io.StringIO(text))
    assert rows
    for cell in [*header, *(cell for row in rows for cell in row)]:
        assert SAFE.match(cell), cell
