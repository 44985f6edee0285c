"""What stands around the pages, what they may read, and that they run."""

from __future__ import annotations

import re
import runpy
import shutil
from pathlib import Path

import pytest

from handmade_run import own_log, write_run
from watchtime.core.catalog import Catalog, find_root
from watchtime.core.config import RunConfig
from watchtime.core.errors import WatchtimeError
from watchtime.core.pages import page_inputs
from watchtime.core.plan import SUMMARIES, Plan
from watchtime.core.sources import PACKAGE, script_sources
from watchtime.reporting.comparisons import leaderboard
from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.elements.notes import Notes
from watchtime.reporting.rendering.page import artifact_label, page_of
from watchtime.reporting.rendering.render import render
from watchtime.reporting.report import Report

DATA, TABLE6 = "kuairand_pure", "prowtp/table6"
PAGES = [*SUMMARIES, "simulator", f"data/{DATA}", "prowtp", "prowtp/figure1", "prowtp/table1", "prowtp/table6"]
PAGES.append("findings/readouts")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_banner_says_that_data_are_simulated(here: Path) -> None:
    plan = write_run(here, tables=False)
    page = page_of(plan, "prowtp/table1")
    assert page.title == "ProWTP, table 1: Overall performance"
    assert page.subtitle == "run demo · size tiny · random 6:2:2 (ProWTP)"
    assert page.banner == "SIMULATED DATA"
    assert page_of(plan, "summary").banner == "SIMULATED DATA"
    assert page_of(plan, "prowtp/figure1").subtitle == "run demo · size tiny · all rows"
    assert page_of(write_run(here, real=True, tables=False), "prowtp/table1").banner is None
    with pytest.raises(WatchtimeError, match="unknown artifact 'prowtp/tabel1', did you mean 'prowtp/table1'"):
        page_of(plan, "prowtp/tabel1")


def test_a_page_names_its_own_data_sets_and_protocols(here: Path) -> None:
    wechat = {"protocols": ["days_12_1_1", "random_811"], "core": 20, "methods": ["vr"]}
    datasets = {DATA: {"methods": ["vr"]}, "wechat21": wechat, "shop": own_log(here, task="ltv", unit="currency")}
    plan = write_run(here, datasets=datasets, tables=False)
    summary, shop = page_of(plan, "summary"), page_of(plan, "data/shop")
    assert summary.banner == "SIMULATED DATA: KuaiRand-Pure, WeChat21"
    assert summary.subtitle == "run demo · size tiny · 3 protocols"
    assert (shop.title, shop.banner) == ("Data: Shop", None)
    assert page_of(plan, "data/wechat21").subtitle == "run demo · size tiny · 2 protocols"
    assert shop.subtitle == "run demo · size tiny · random 6:2:2 (ProWTP)"
    # WeChat21 has not the protocol of the table, so that its page is about KuaiRand-Pure alone.
    assert page_of(plan, "prowtp/table1").subtitle == "run demo · size tiny · random 6:2:2 (ProWTP)"
    assert page_of(plan, "prowtp/table1").banner == "SIMULATED DATA"
    assert page_of(plan, "prowtp/table6").banner == "SIMULATED DATA: KuaiRand-Pure, WeChat21"


def test_a_page_may_read_only_what_it_declares(here: Path) -> None:
    write_run(here)
    with pytest.raises(WatchtimeError, match="prowtp/table1: the page reads interactions, but declares only"):
        Report("results/demo", "prowtp/table1").interactions(DATA, ["duration"])
    with pytest.raises(WatchtimeError, match="summary: the page reads resources"):
        Report("results/demo", "summary").table("resources")


@pytest.mark.parametrize("name", PAGES)
def test_a_template_runs_by_hand_with_its_declared_inputs_alone(
    here: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Everything that the page does not declare is gone, as if it had never been made."""
    plan = write_run(here, protocols=["days_8_2", "random_622"])
    inputs = {path.resolve() for path in page_inputs(plan, name)}
    assert all(path.exists() for path in inputs)
    for path in plan.folder.rglob("*"):
        is_input = inputs & {path.resolve(), *path.resolve().parents}
        if path.is_file() and not is_input and path.name != "config.yaml":
            path.unlink()
    for artifact in PAGES:
        if plan.template(artifact) == plan.template(name):
            runpy.run_path(str(plan.template(name)))
            assert "Traceback" not in capsys.readouterr().err


def test_a_page_without_a_protocol_reads_no_split(here: Path) -> None:
    wechat = {"protocols": ["days_12_1_1"], "core": 20, "methods": ["vr"]}
    plan = write_run(here, datasets={"wechat21": wechat}, tables=False)
    (plan.data_folder("wechat21") / "days_12_1_1" / "counts.json").unlink()
    assert "WeChat21" in opening(Report("results/demo", "prowtp/figure1"))


def test_a_page_depends_on_the_sources_of_its_own_tables_only() -> None:
    reports = find_root() / "reports"

    def imported(name: str) -> set[str]:
        return {str(path.resolve().relative_to(PACKAGE)) for path in script_sources(reports / f"{name}.py")}

    board = "reporting/comparisons/leaderboard.py"
    needed = {"reporting/comparisons/comparison.py", "reporting/published/rules.py", "evaluation/statistics.py"}
    assert needed <= imported("comparison")
    assert not {board, "reporting/data/distribution.py"} & imported("comparison")
    assert board in imported("summary")
    assert not any(file.startswith(("methods/", "training/")) for file in imported("comparison"))


def test_a_rendered_page_has_the_same_bytes_again(here: Path) -> None:
    plan: Plan = write_run(here, tables=False)
    render(plan, "prowtp/table1")
    pdf = plan.folder / "reports" / "prowtp" / "table1.pdf"
    first = pdf.read_bytes()
    assert first.startswith(b"%PDF")
    assert (plan.folder / "notebooks" / "prowtp" / "table1.ipynb").is_file()
    shutil.rmtree(plan.folder / "reports")
    render(plan, "prowtp/table1")
    assert pdf.read_bytes() == first


def test_equal_notes_share_a_letter() -> None:
    notes = Notes()
    assert [notes.letter(text) for text in ("one", "two", "one", "")] == ["a", "b", "a", ""]
    assert notes.texts == {"a": "one", "b": "two"}


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("prowtp/table1", "ProWTP, table 1"),
        ("gr/figure10", "GR, figure 10"),
        ("gr/table1_watch_ratio", "GR, table 1 watch ratio"),
        ("rqreg/text_s4.1.1", "RQ-Reg, section 4.1.1"),
        ("nobody/text_a5", "nobody, appendix A5"),
        ("gr/text_table1_caption", "GR, caption of table 1"),
        ("rqreg/text_abstract", "RQ-Reg, abstract"),
    ],
)
def test_a_place_in_a_paper_is_cited(name: str, label: str) -> None:
    assert artifact_label(Plan(RunConfig(), Catalog.load(find_root())), name) == label


def test_the_pages_of_a_run_with_other_targets_and_a_log_of_ones_own_run(here: Path) -> None:
    """A log without durations has no watch ratio anywhere, and a target of its own has its own leaderboard."""
    own = own_log(here, target="paid", task="ltv", unit="currency")
    plan = write_run(here, datasets={"criteo_ssc": {"protocols": ["random_712"]}, "shortvideo": own})
    report = Report("results/demo", "summary")
    boards = leaderboard.boards(report)
    assert {(board.dataset, board.task, board.protocol) for board in boards} == {
        ("criteo_ssc", "ltv", "random_712"),
        ("shortvideo", "ltv", "random_622"),
    }
    assert report.unit("criteo_ssc", "ltv") == "euro"
    for template, artifact in (("summary", "summary"), ("data", "data/shortvideo"), ("dataset_statistics", TABLE6)):
        source = plan.catalog.root / "reports" / f"{template}.py"
        text = re.sub(r'artifact: str = ".*"', f'artifact: str = "{artifact}"', source.read_text(encoding="utf-8"))
        (here / "page.py").write_text(text, encoding="utf-8")
        runpy.run_path(str(here / "page.py"))
