"""The listings: one aligned line each, with reasons."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from watchtime.core.catalog import Catalog, Paper, find_root
from watchtime.core.config import RunConfig
from watchtime.core.errors import WatchtimeError
from watchtime.core.plan import Plan
from watchtime.listing import artifact_lines, dataset_lines, method_lines, variant_lines

CATALOG = Catalog.load(find_root())
CARD = CATALOG.datasets["kuairand_pure"]
ONE = replace(CATALOG, datasets={"kuairand_pure": CARD})
DEMO = Plan(RunConfig(), CATALOG)


def cells(lines: list[str], name: str) -> list[str]:
    """Return the cells of the line that begins with ``name``; columns are at least two spaces apart."""
    (line,) = [line for line in lines if line.split("  ")[0] == name]
    return re.split(r"  +", line)


@pytest.mark.parametrize("listing", [method_lines, dataset_lines, artifact_lines])
def test_every_entry_is_one_line_and_columns_are_aligned(listing: object) -> None:
    assert callable(listing)
    lines = listing(DEMO if listing is artifact_lines else CATALOG)
    starts = [match.end() for match in re.finditer(r"  +", lines[0])]
    assert all(line[start - 2 : start] == "  " and line[start] != " " for line in lines for start in starts)
    assert not any("\n" in line or line.endswith(" ") for line in lines)
    names = {method_lines: CATALOG.methods, dataset_lines: CATALOG.datasets, artifact_lines: CATALOG.in_order()}
    assert [line.split("  ")[0] for line in lines[1:]] == list(names[listing])  # type: ignore[index]


def test_a_method_says_what_it_needs_and_answers() -> None:
    assert cells(method_lines(ONE), "training_constant")[1:5] == ["trivial", "2", "median, mean", "-"]
    assert cells(method_lines(ONE), "d2q")[4] == "duration"


def test_a_method_says_where_it_cannot_run_and_why() -> None:
    lines = method_lines(ONE)
    assert cells(lines, "vr")[-1] == "-"
    assert cells(lines, "oracle")[-1] == "kuairand_pure: needs the known distribution of a simulated log"


def test_one_reason_is_told_once_for_all_its_data_sets() -> None:
    other = CARD.model_copy(update={"tasks": {"ltv": "euro"}})
    lines = method_lines(replace(CATALOG, datasets={"one": other, "kuairand_pure": CARD, "two": other}))
    assert cells(lines, "d2q")[-1] == "one, two: predicts watch_time, watch_ratio, not ltv"


def test_a_method_tells_its_variants_and_what_it_does_with_each_kind_of_target() -> None:
    lines = variant_lines(ONE, "wlr")
    card = CATALOG.methods["wlr"]
    assert lines[:4] == [
        f"WLR: {card.summary} ({card.reference})",
        f"on watch ratio: {card.watch_ratio}",
        f"without durations: {card.without_duration}",
        "",
    ]
    assert [line.split("  ")[0] for line in lines[5:]] == list(card.variants)
    long_play = card.variants["long_play"]
    reason = "kuairand_pure watch_ratio: predicts watch_time, not watch_ratio"
    assert cells(lines, "long_play") == ["long_play", "mean", "duration", long_play.note, reason]


def test_a_variants_own_readouts_count() -> None:
    assert cells(variant_lines(ONE, "lightgbm"), "rank")[1] == "rank"


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(WatchtimeError, match="unknown method 'wlt', did you mean 'wlr'"):
        variant_lines(ONE, "wlt")


def test_a_missing_need_is_told_for_each_data_set() -> None:
    card = CARD.model_copy(update={"title": "Other", "provides": []})
    lines = method_lines(replace(CATALOG, datasets={"kuairand_pure": CARD, "other": card}))
    assert cells(lines, "d2q")[-1] == "other: needs duration, which Other does not have"


def test_what_is_not_built_says_so() -> None:
    lines = dataset_lines(replace(CATALOG, datasets={"kuairand_pure": CARD, "base": CARD}))
    assert cells(lines, "kuairand_pure")[-1] == "-"
    assert cells(lines, "base")[-1] == "not built: src/watchtime/datasets/base.py is missing"
    lines = dataset_lines(replace(CATALOG, datasets={"prepare": CARD}))
    assert cells(lines, "prepare")[-1] == "needs a folder: it has no simulated logs"


def with_paper(name: str, paper: Paper, **config: object) -> Plan:
    catalog = replace(CATALOG, papers={name: paper}, ledger={})
    return Plan(RunConfig.model_validate({"datasets": {"kuairand_pure": {}}, **config}), catalog)


def test_an_artifact_names_each_of_its_protocols_once() -> None:
    paper = CATALOG.papers["ptpm"]
    protocol = {"kuairec": "big_to_small", "cikm16": "random_82", "wechat21": "random_82"}
    table = paper.artifacts["table2"].model_copy(update={"protocol": protocol})
    plan = with_paper("ptpm", paper.model_copy(update={"artifacts": {"table2": table}}))
    assert cells(artifact_lines(plan), "ptpm/table2")[4] == "big_to_small, random_82"


def test_an_artifact_without_a_template_says_so() -> None:
    paper = CATALOG.papers["prowtp"]
    artifact = paper.artifacts["table1"].model_copy(update={"template": "none", "protocol": None})
    plan = with_paper("prowtp", paper.model_copy(update={"artifacts": {"table1": artifact}}))
    assert cells(artifact_lines(plan), "prowtp/table1")[1:] == [
        artifact.title,
        "study: reports/none.py is missing",
        "reports/none.py",
        "the run's first",
        "kuairand_pure",
    ]


@pytest.mark.parametrize(
    ("name", "state", "shown"),
    [
        ("gr/figure1", "drawing only", "no: a drawing has no data"),
        ("gr/table1", "offline", "kuairec, cikm16"),
        ("gr/table1_watch_ratio", "offline, a part of table1", "kuairec"),
        ("gr/equal_sizes", "study", "kuairec"),
        ("ptpm/figure2", "offline, public data for private ones", "kuairand_pure, kuairec, wechat21"),
    ],
)
def test_a_printed_table_says_what_becomes_of_it(name: str, state: str, shown: str) -> None:
    line = cells(artifact_lines(DEMO), name)
    assert (line[2], line[-1]) == (state, shown)


def test_what_the_run_does_not_show_says_why() -> None:
    one = Plan(RunConfig.model_validate({"datasets": {"kuairand_pure": {}}, "artifacts": ["prowtp/table1"]}), CATALOG)
    assert cells(artifact_lines(one), "prowtp/table2")[-1] == "no: left out by artifacts"
    rest = Plan(RunConfig.model_validate({"datasets": {"kuairand_pure": {}}}), CATALOG)
    assert cells(artifact_lines(rest), "gr/table5")[-1] == "no: no data set of the run has the target ltv"
    assert cells(artifact_lines(rest), "labelcraft/table1")[-1] == "no: its data sets are wechat21"
    without = replace(CATALOG, papers={}, ledger={"gr/table2": CATALOG.ledger["gr/table2"]})
    (_, line) = artifact_lines(Plan(RunConfig(), without))
    assert "online, by a replay: not built" in line
    assert line.endswith(f"no: {CATALOG.ledger['gr/table2'].needs}")
