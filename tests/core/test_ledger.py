"""The ledger of all printed tables and figures against the papers of the catalogue."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from watchtime.core.catalog import Artifact, Catalog, find_root
from watchtime.core.config import RunConfig
from watchtime.core.errors import WatchtimeError
from watchtime.core.ledger import LedgerEntry, read_ledger
from watchtime.core.plan import Plan

CATALOG = Catalog.load(find_root())
PRINTED = [entry for entry in CATALOG.ledger.values() if entry.kind != "schematic"]


def test_the_ledger_has_sixty_entries_of_five_papers() -> None:
    assert list(dict.fromkeys(entry.paper for entry in CATALOG.ledger.values())) == [
        "gr",
        "rqreg",
        "ptpm",
        "prowtp",
        "labelcraft",
    ]
    kinds = Counter(entry.kind for entry in CATALOG.ledger.values())
    assert kinds == {"schematic": 12, "public": 36, "private": 7, "online": 5}
    online = {entry.name for entry in CATALOG.ledger.values() if entry.kind == "online"}
    assert online == {"gr/table2", "rqreg/table7", "rqreg/figure4", "ptpm/table4", "prowtp/table10"}
    assert all(entry.needs for entry in PRINTED)


@pytest.mark.parametrize("entry", [pytest.param(one, id=one.name) for one in PRINTED])
def test_every_printed_table_or_figure_with_data_can_be_made_again(entry: LedgerEntry) -> None:
    """It has a notebook, data sets or at least a target to find them by, and stands for its own printed numbers."""
    artifact = CATALOG.artifacts()[entry.name]
    assert (CATALOG.root / "reports" / f"{artifact.template}.py").is_file()
    assert artifact.datasets
    assert set(artifact.datasets) <= set(CATALOG.datasets)
    assert CATALOG.printed_name(entry.name) == entry.name


@pytest.mark.parametrize("entry", [one for one in CATALOG.ledger.values() if one.kind == "schematic"])
def test_a_drawing_has_no_page(entry: LedgerEntry) -> None:
    assert entry.name not in CATALOG.artifacts()


@pytest.mark.parametrize(("name", "artifact"), [pytest.param(*one, id=one[0]) for one in CATALOG.artifacts().items()])
def test_what_stands_outside_the_ledger_is_a_study_or_a_part_of_a_printed_table(name: str, artifact: Artifact) -> None:
    assert name in CATALOG.ledger or artifact.study or CATALOG.printed_name(name) in CATALOG.ledger


def test_the_order_is_that_of_the_papers_with_parts_behind_and_studies_last() -> None:
    order = CATALOG.in_order()
    assert [name for name in order if name in CATALOG.ledger] == list(CATALOG.ledger)
    gr = [name for name in order if name.startswith("gr/")]
    assert gr[gr.index("gr/table1") + 1] == "gr/table1_watch_ratio"
    assert gr[-1] == "gr/equal_sizes"


def test_a_paper_of_a_run_joins_what_the_run_shows_in_that_order() -> None:
    plan = Plan(RunConfig(), CATALOG)
    assert list(plan.papers) == ["gr", "rqreg", "ptpm", "prowtp", "labelcraft"]
    printed = [name for name in plan.artifacts if not name.startswith("findings/")]
    assert sorted(name for names in plan.papers.values() for name in names) == sorted(printed)
    assert plan.papers["ptpm"][:2] == ["ptpm/figure2", "ptpm/table2"]
    few = Plan(RunConfig(artifacts=["prowtp/table2", "prowtp/figure1", "gr/table1"]), CATALOG)
    assert few.papers == {"gr": ["gr/table1"], "prowtp": ["prowtp/figure1", "prowtp/table2"]}
    assert few.page_names[-2:] == ["gr", "prowtp"]
    assert few.belongs(Path("reports/gr.pdf"))
    assert few.belongs(Path("notebooks/prowtp.ipynb"))
    assert not few.belongs(Path("reports/ptpm.pdf"))


def test_a_paper_that_holds_measured_time_varies() -> None:
    assert Plan(RunConfig(), CATALOG).measured_pages == ["prowtp/table5", "ptpm/table4", "resources", "ptpm", "prowtp"]
    without = Plan(RunConfig(artifacts=["prowtp/table1"]), CATALOG)
    assert without.measured_pages == ["resources"]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("gr,table1,One,privat,\n", "ledger.csv: line 2: kind: found 'privat', allowed: .*did you mean 'private'"),
        (
            "gr,table1,One,public,\ngr,table1,Two,public,\n",
            "ledger.csv: line 3: 'gr/table1' stands in the ledger twice",
        ),
    ],
)
def test_a_mistake_in_the_ledger_is_one_sentence(tmp_path: Path, rows: str, sentence: str) -> None:
    path = tmp_path / "ledger.csv"
    path.write_text("paper,artifact,title,kind,needs\n" + rows, encoding="utf-8")
    with pytest.raises(WatchtimeError, match=sentence):
        read_ledger(path, "ledger.csv")
    with pytest.raises(WatchtimeError, match=r"absent.csv: the file cannot be read"):
        read_ledger(tmp_path / "absent.csv", "absent.csv")


def test_a_replay_is_of_clicks_and_of_the_protocol_whose_test_rows_are_every_pair() -> None:
    """Neither another simulated log of values nor another split of KuaiRec can be replayed."""
    values = {"valued_shoppers": {"protocols": ["random_712"]}, "kuairec": {"protocols": ["random_811"]}}
    without = Plan(RunConfig.model_validate({"datasets": values}), CATALOG)
    online = {entry.name for entry in CATALOG.ledger.values() if entry.kind == "online"}
    assert not online & set(without.artifacts)
    both = {"criteo_ssc": {"protocols": ["random_712"]}, "kuairec": {"protocols": ["big_to_small"]}}
    assert online <= set(Plan(RunConfig.model_validate({"datasets": both}), CATALOG).artifacts)


def test_the_smoke_run_renders_a_page_of_every_kind() -> None:
    plan = Plan.load(CATALOG.root / ".ci" / "smoke.yaml", CATALOG.root)
    assert {one.template for one in plan.artifacts.values()} == {one.template for one in CATALOG.artifacts().values()}
