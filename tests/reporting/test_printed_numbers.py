"""What several tables print of one quantity, by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchtime.core.catalog import Catalog, find_root
from watchtime.core.config import RunConfig
from watchtime.core.plan import Plan
from watchtime.evaluation.metrics import METRICS
from watchtime.reporting.published.cells import PRIVATE
from watchtime.reporting.published.printed_numbers import Printing, Quantity, contradictions, counts, flips, printings

PLAN = Plan(RunConfig(), Catalog.load(find_root()))


def written(folder: Path, monkeypatch: pytest.MonkeyPatch, **rows: list[str]) -> list[Printing]:
    """Return what is printed where the papers print these cells alone."""
    head = "artifact,dataset,task,method,variant,metric,direction,value,spread,unit,note"
    for paper, cells in rows.items():
        lines = [head, *(f"{cell},,," for cell in cells)]
        (folder / f"{paper}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    monkeypatch.setattr(Plan, "published_files", sorted(folder.glob("*.csv")))
    return printings(PLAN)


def one(method: str, title: str, **values: float) -> Printing:
    quantity = Quantity("kuairec", "watch_time", "mae", method, "paper")
    return Printing(quantity, title, {place.replace("_", "/"): value for place, value in values.items()})


def test_rows_are_the_same_where_one_job_stands_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names differ (TR, VR; OR), a variant may be the method itself, and PTPM's TPM has leaves of its own."""
    found = written(
        tmp_path,
        monkeypatch,
        gr=[
            "table1,kuairec,watch_time,tpm,full,mae,lower,3.5",
            "table1,kuairec,watch_time,tpm,full,xauc_relative_gain_pct,higher,1.0",
            "table1,kuairec,watch_time,gr,full,mae,lower,3.2",
            "table3,kuairec,watch_time,gr,vocab_dynamic,mae,lower,3.1",
            "table3,kuairec,watch_time,gr,vocab_manual,mae,lower,9.0",
        ],
        ptpm=[
            "table2,kuairec,watch_time,tpm,full,mae,lower,4.2",
            "table2,wechat21,watch_time,or,full,mae,lower,19",
        ],
        prowtp=[
            "table1,wechat21,watch_time,or,full,mae,lower,20",
            "table1,wechat21,watch_time,tr,full,mae,lower,21",
            "table2,wechat21,watch_time,prowtp,no_prowtp,mae,lower,22",
        ],
    )
    shown = {(one.title, one.quantity.dataset): dict(one.values) for one in found}
    assert shown == {
        ("TPM", "kuairec"): {"gr/table1": 3.5, "ptpm/table2": 4.2},
        ("GR", "kuairec"): {"gr/table1": 3.2, "gr/table3": 3.1},
        ("OR", "wechat21"): {"prowtp/table1": 20.0, "ptpm/table2": 19.0},
        ("TR", "wechat21"): {"prowtp/table1": 21.0, "prowtp/table2": 22.0},
    }


def test_contradictions_are_apart_by_more_than_the_tolerance_the_largest_first() -> None:
    near = one("vr", "VR", gr_table1=100, ptpm_table2=101.9)
    far = one("tpm", "TPM", gr_table1=100, ptpm_table2=125, rqreg_table2=110)
    middle = one("gr", "GR", gr_table1=100, rqreg_table2=103)
    alone = one("cwm", "CWM", gr_table1=100)
    assert contradictions([near, middle, alone, far], 0.02) == [far, middle]
    assert far.apart == pytest.approx(0.25)
    assert (far.lowest, far.highest) == (("gr/table1", 100), ("ptpm/table2", 125))


def test_methods_change_places_only_between_papers_that_both_print_them() -> None:
    tpm = one("tpm", "TPM", gr_table1=3.5, ptpm_table2=4.7, rqreg_table2=4.7)
    cread = one("cread", "CREAD", gr_table1=3.3, ptpm_table2=5.2, rqreg_table2=4.7)
    other = one("vr", "VR", prowtp_table1=1.0, prowtp_table8=3.0)
    same = one("wlr", "WLR", prowtp_table1=2.0, prowtp_table8=2.0)
    (flip,) = flips([tpm, cread, other, same])
    assert (flip.first, flip.first_better) == ("TPM", ("ptpm/table2",))
    assert (flip.second, flip.second_better) == ("CREAD", ("gr/table1",))


def test_every_published_contradiction_is_one_of_the_files() -> None:
    """A slow count over all pairs of printed values of the same method."""
    found = printings(PLAN)
    apart = [one for one in found if any(b > a * 1.02 for a in one.values.values() for b in one.values.values())]
    assert {one.quantity for one in contradictions(found, 0.02)} == {one.quantity for one in apart}
    assert {one.quantity.metric for one in found} <= set(METRICS)


def test_counts_that_differ_at_all_are_told() -> None:
    found = counts(PLAN)
    assert found["cikm16", "n_items"] == {"rqreg": 122991.0, "ptpm": 122994.0}
    assert ("kuairec", "n_users") not in found
    assert all(dataset not in PRIVATE for dataset, _ in found)
