"""The listings: one aligned line each, with reasons."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from watchtime.core.catalog import Catalog, find_root
from watchtime.listing import artifact_lines, dataset_lines, method_lines

CATALOG = Catalog.load(find_root())
CARD = CATALOG.datasets["kuairand_pure"]
ONE = replace(CATALOG, datasets={"kuairand_pure": CARD})


def cells(lines: list[str], name: str) -> list[str]:
    """Return the cells of the line that begins with ``name``; columns are at least two spaces apart."""
    (line,) = [line for line in lines if line.split("  ")[0] == name]
    return re.split(r"  +", line)


@pytest.mark.parametrize("listing", [method_lines, dataset_lines, artifact_lines])
def test_every_entry_is_one_line_and_columns_are_aligned(listing: object) -> None:
    assert callable(listing)
    lines = listing(CATALOG)
    starts = [match.end() for match in re.finditer(r"  +", lines[0])]
    assert all(line[start - 2 : start] == "  " and line[start] != " " for line in lines for start in starts)
    assert not any("\n" in line or line.endswith(" ") for line in lines)
    names = {method_lines: CATALOG.methods, dataset_lines: CATALOG.datasets, artifact_lines: CATALOG.artifacts()}
    assert [line.split("  ")[0] for line in lines[1:]] == list(names[listing])


def test_a_method_says_what_it_needs_and_answers() -> None:
    assert cells(method_lines(ONE), "training_constant")[1:5] == ["trivial", "median, mean", "median, mean", "-"]
    assert cells(method_lines(ONE), "wlr")[4] == "duration (long_play)"


def test_a_method_says_where_it_cannot_run_and_why() -> None:
    lines = method_lines(ONE)
    assert cells(lines, "vr")[-1] == "-"
    assert cells(lines, "oracle")[-1] == "kuairand_pure: needs the known distribution of a simulated log"
    assert cells(lines, "wlr")[-1] == "kuairand_pure (long_play watch_ratio): predicts watch_time, not watch_ratio"


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


def test_an_artifact_names_each_of_its_protocols_once() -> None:
    paper = CATALOG.papers["ptpm"]
    protocol = {"kuairec": "big_to_small", "cikm16": "random_82", "wechat21": "random_82"}
    table = paper.artifacts["table2"].model_copy(update={"protocol": protocol})
    catalog = replace(CATALOG, papers={"ptpm": paper.model_copy(update={"artifacts": {"table2": table}})})
    assert cells(artifact_lines(catalog), "ptpm/table2")[3] == "big_to_small, random_82"


def test_an_artifact_without_a_template_says_so() -> None:
    paper = CATALOG.papers["prowtp"]
    artifact = paper.artifacts["table1"].model_copy(update={"template": "none", "protocol": None})
    catalog = replace(CATALOG, papers={"prowtp": paper.model_copy(update={"artifacts": {"table1": artifact}})})
    assert cells(artifact_lines(catalog), "prowtp/table1")[1:] == [
        artifact.title,
        "reports/none.py",
        "the run's first",
        "reports/none.py is missing",
    ]
