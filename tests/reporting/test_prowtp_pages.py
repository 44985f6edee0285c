"""The pages of ProWTP's figures 3, 4, 5, 11 and table 5 on hand-made numbers: what they draw, print and conclude."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from handmade_run import by_order, write_run
from studies import DATASET, write_study
from watchtime.core.errors import WatchtimeError
from watchtime.core.files import read_json, write_json, write_parquet, write_text
from watchtime.core.job import JobSpec
from watchtime.core.pages import page_inputs
from watchtime.reporting.analyses import instance_representations, prototype_weights
from watchtime.reporting.comparisons import batch_time, setting_levels
from watchtime.reporting.elements.alignment import Interval
from watchtime.reporting.elements.tables import Cell, Table
from watchtime.reporting.report import Report

REPETITIONS = 3
NOISE = [np.sin(1 + one) / 1000 for one in range(REPETITIONS)]
MEAN_NOISE = float(np.mean(NOISE))
Rows = list[dict[str, Any]]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def cells(table: Table) -> list[list[Any]]:
    return [[one.value if isinstance(one, Cell) else one for one in row] for row in table.rows]  # type: ignore[union-attr]


def mean_of(value: Any) -> float:
    return float(value.mean if isinstance(value, Interval) else value)


def by_size(spec: JobSpec, readout: str, metric: str, convention: str, repetition: int) -> float:
    """RMSE is 1 s worse at K = 4 and 1 s better at K = 16; XAUC is alike up to noise."""
    if spec.method != "prowtp" or metric not in ("rmse", "xauc"):
        return by_order(spec, readout, metric, convention, repetition)
    own = 0.01 * ((repetition + spec.settings["size"] // 4) % REPETITIONS - 1)
    if metric == "xauc":
        return 0.6 + own
    return 40 + {4: 1.0, 16: -1.0}.get(spec.settings["size"], 0.0) + own


def methods() -> Rows:
    """Errors of TR do not follow distances in one repetition; groups of ProWTP part by 0.2 more."""
    return [
        {"row": row, "repetition": one, "spearman": sign * 0.5, "pearson": 0.4, "silhouette": part * (1 + NOISE[one])}
        | {"inactive": 0.02}
        for row, part in (("tr", 0.1), ("prowtp", 0.3))
        for one in range(REPETITIONS)
        for sign in [-1 if row == "tr" and one == 0 else 1]
    ]


def groups() -> Rows:
    """Group 2 of TR has no row of a centre in the last two repetitions."""
    return [
        {"row": row, "repetition": one, "group": group, "rows": 50, "central": 0 if missing else 4, "large": 10 + group}
        | {"distance": None if missing else 1.5, "pearson": None, "spearman": None if missing else 0.25}
        for row in ("tr", "prowtp")
        for one in range(REPETITIONS)
        for group in range(3)
        for missing in [row == "tr" and group == 2 and one > 0]
    ]


def points() -> Rows:
    return [
        {"row": row, "panel": panel, "group": group, "x": float(place), "y": 0.1 * place}
        | {"error": None if panel == "far" and place == 3 else 0.1 * place}
        for row in ("tr", "prowtp")
        for panel in ("error", "near", "far")
        for group in range(3)
        if not (row == "tr" and panel == "far" and group == 2)
        for place in range(4)
    ]


def spread() -> Rows:
    """α of SUOT uses 4 prototypes, by distance 40, and without alignment as many as with SUOT but for noise."""
    kinds = {("prowtp/align_suot", "plan"): 2.0, ("prowtp/align_suot", "similarities"): 4.0}
    kinds |= {("prowtp/align_l2", "similarities"): 40.0, ("prowtp/align_none", "similarities"): 4.0}
    return [
        {"row": row, "kind": kind, "repetition": one, "effective": used + 10 * NOISE[one - (row[-1] == "e")]}
        | {"above": used / 80, "leading": 30 + one, "agreement": 0.5 if kind == "plan" else None}
        for (row, kind), used in kinds.items()
        for one in range(REPETITIONS)
    ]


def weights() -> Rows:
    found = {"prowtp/align_suot": ("plan", "similarities"), "prowtp/align_l2": ("similarities",)}
    return [
        {"row": row, "kind": kind, "weights": [0.0, 0.5, 0.25, 0.25]}
        for row, kinds in found.items()
        for kind in kinds
        for _ in range(3)
    ]


TABLES = {
    "prowtp/figure4": {"methods": methods, "groups": groups, "points": points},
    "prowtp/figure5": {"methods": methods, "groups": groups, "points": points},
    "prowtp/figure11": {"spread": spread, "weights": weights, "facts": lambda: [{"rows": 3, "clusters": 2, "size": 2}]},
}


def analysed(place: Path, artifact: str) -> Report:
    """Return a report on hand-made tables."""
    training = np.random.default_rng(1).uniform(0, 20, 50).tolist()
    plan = write_study(place, artifact, training, [1.0], duration=[10.0] * 51, repetitions=REPETITIONS).plan
    for name, rows in TABLES[artifact].items():
        frame = pl.DataFrame(rows(), infer_schema_length=None)
        write_parquet(plan.analysis_folder(artifact) / DATASET / f"{name}.parquet", frame)
    return Report("results/demo", artifact)


def trained(place: Path, artifact: str) -> Report:
    """Return a report on the metrics of jobs that nobody trained."""
    data = {"wechat21": {"methods": ["training_constant/median"]}}
    write_run(place, scores=by_size, tables=False, datasets=data, protocols=["random_622"], artifacts=[artifact])
    return Report("results/demo", artifact)


@pytest.mark.parametrize("artifact", [*TABLES, "prowtp/figure3", "prowtp/table5"])
def test_a_page_runs_with_what_it_declares_alone(here: Path, artifact: str, capsys: pytest.CaptureFixture[str]) -> None:
    made = (analysed if artifact in TABLES else trained)(here, artifact)
    inputs = {path.resolve() for path in page_inputs(made.plan, artifact)}
    assert all(path.exists() for path in inputs)
    for path in made.plan.folder.rglob("*"):
        if path.is_file() and not inputs & {path.resolve(), *path.resolve().parents} and path.name != "config.yaml":
            path.unlink()
    page = made.plan.template(artifact).read_text()
    write_text(here / "page.py", re.sub(r'^artifact: str = ".*"$', f'artifact: str = "{artifact}"', page, flags=re.M))
    runpy.run_path(str(here / "page.py"))
    assert "Traceback" not in capsys.readouterr().err


# Figure 3


def test_numbers_of_prototypes_stand_in_order_beside_their_difference_to_twenty(here: Path) -> None:
    made = trained(here, "prowtp/figure3")
    rows = {row[0]: row[1:] for row in cells(setting_levels.table(made, "wechat21"))}
    assert list(rows) == [4, 8, 12, 16, 20, 24]
    assert mean_of(rows[4][0]) == pytest.approx(41)
    assert mean_of(rows[4][1]) == pytest.approx(1)
    assert rows[20][1] is None
    first = setting_levels.table(made, "wechat21").rows[0]
    assert [first[place].best for place in (2, 6)] == [True, False]  # type: ignore[index, union-attr]


def test_more_prototypes_are_better_or_worse_than_twenty_or_not_told_apart(here: Path) -> None:
    said = setting_levels.conclusion(trained(here, "prowtp/figure3"), "wechat21")
    assert (
        "RMSE: best mean at K = 16. Significantly worse than K = 20: 4; better: 16; not told apart: 8, 12, 24." in said
    )
    assert "XAUC: best mean" in said


# Figures 4 and 5


def test_correlations_and_shares_stand_for_each_method(here: Path) -> None:
    rows = cells(instance_representations.table(analysed(here, "prowtp/figure5"), DATASET))
    tr, ours = rows
    assert (tr[0], ours[0]) == ("TR", "ProWTP")
    assert mean_of(tr[1]) == pytest.approx(0.5 / 3)
    assert mean_of(ours[3]) == pytest.approx(0.3 * (1 + MEAN_NOISE))
    assert tr[4] == pytest.approx(2)


def test_groups_stand_with_the_share_of_large_errors(here: Path) -> None:
    rows = cells(instance_representations.groups(analysed(here, "prowtp/figure4"), DATASET))
    assert [row[:3] for row in rows] == [["TR", one, 50] for one in instance_representations.GROUPS]
    assert mean_of(rows[2][3]) == pytest.approx(4 / 3)
    assert [mean_of(row[4]) for row in rows] == [20, 22, 24]
    assert rows[2][5:] == [1.5, 0.25]


def test_what_is_said_of_representations_comes_from_the_numbers(here: Path) -> None:
    said = instance_representations.conclusion(analysed(here, "prowtp/figure5"), DATASET).replace("\\", "")
    assert "TR: error and distance correlate by 0.167 (Spearman) and 0.400 (Pearson), positively in 2 of 3" in said
    assert "ProWTP: the prediction of 2.00\u00a0% of the test rows is not above 0" in said
    assert "TR: no row of the watch ratio [2, 2.1) has an error below 0.01 in 2 repetitions" in said
    assert "ProWTP: no row" not in said
    assert "Silhouette of ProWTP − TR: 0.200, better." in said


# Figure 11


def test_a_plan_and_similarities_stand_with_their_spread(here: Path) -> None:
    rows = cells(prototype_weights.table(analysed(here, "prowtp/figure11"), DATASET))
    assert [row[:2] for row in rows] == [["SUOT", "plan"], ["SUOT", "α"], ["L2 distance", "α"], ["w/o alignment", "α"]]
    assert mean_of(rows[0][2]) == pytest.approx(2 + 10 * MEAN_NOISE)
    assert rows[2][3] == pytest.approx(50)
    assert [mean_of(row[4]) for row in rows] == [31] * 4
    assert [row[5] for row in rows] == [0.5, None, None, None]


def test_similarities_without_a_plan_are_compared_with_those_of_transport(here: Path) -> None:
    path = "results/demo/analyses/prowtp/figure11"
    made = analysed(here, "prowtp/figure11")
    file = here / path / DATASET / "spread.parquet"
    more = pl.when(row="prowtp/align_l2").then(pl.col("repetition") * 0.5).otherwise(0.0)
    write_parquet(file, pl.read_parquet(file).with_columns(effective=pl.col("effective") + more))
    said = prototype_weights.conclusion(made, DATASET).replace("\\", "")
    assert "SUOT: a row's plan uses 2.0 prototypes and its α 4.0; they agree by 0.500." in said
    assert "L2 distance: a row's α uses 40.5 prototypes, significantly more than that of SUOT." in said
    assert "w/o alignment: a row's α uses 4.0 prototypes, not told from that of SUOT." in said


# Table 5


def test_times_are_multiples_of_the_reference_beside_those_that_the_paper_prints(here: Path) -> None:
    made = trained(here, "prowtp/table5")
    specs = made.jobs("wechat21")
    for row, speed in (("tr", 2000.0), ("prowtp/sample_20", 500.0)):
        path = made.plan.job_folder(specs[row]) / "resources.json"
        write_json(path, read_json(path) | {"training_samples_per_second": speed})
    rows = {row[0]: row[1:] for row in cells(batch_time.table(made, "wechat21"))}
    batch = specs["tr"].training.batch
    assert list(rows) == ["TR", "D2Q", *(f"ProWTP {share} %" for share in (0, 10, 20, 30, 50, 100))]
    assert rows["TR"][:3] == [pytest.approx(1000 * batch / 2000), 1, 1]
    assert rows["ProWTP 20 %"][:3] == [pytest.approx(1000 * batch / 500), 4, pytest.approx(0.061 / 0.011)]
    # One printed time of prediction stands for all shares.
    assert [row[5] for row in rows.values()] == [1, 1, *[pytest.approx(4 / 3)] * 6]
    said = batch_time.conclusion(made, "wechat21").replace("\\", "")
    assert "ProWTP 20 % 4.0 (5.5)" in said
    assert "A batch's prediction in multiples of TR's" in said


def test_measured_time_makes_a_page_vary_and_is_for_pages_that_declare_it(here: Path) -> None:
    made = trained(here, "prowtp/table5")
    assert made.plan.measured_pages == ["prowtp/table5", "resources", "prowtp"]
    other = trained(here, "prowtp/figure3")
    with pytest.raises(WatchtimeError, match="reads measured_time, but declares only"):
        other.measured_time(other.jobs("wechat21")["prowtp"])


def test_no_verdict_depends_on_measured_time(here: Path) -> None:
    verdicts = trained(here, "prowtp/table5").verdicts
    costs = verdicts.filter(task="cost")
    assert costs.height == 11
    assert set(costs["verdict"]) == {"not run"}
    assert set(costs["reason"]) == {"no verdict on measured time: its page shows it beside the printed one"}
    assert verdicts.filter(metric="rmse")["ours"].null_count() == 0
