"""The pages of ProWTP's figures 7, 8 and 10 and table 7 on hand-made tables: what they print and conclude."""

from __future__ import annotations

import math
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from handmade_run import write_run
from project import with_rows
from watchtime.core.files import write_parquet, write_text
from watchtime.core.pages import analysis_inputs, page_inputs
from watchtime.reporting.analyses import sampled_watch_ratios
from watchtime.reporting.comparisons import duration_bucket_scores
from watchtime.reporting.comparisons.duration_bucket_scores import Place
from watchtime.reporting.data import watch_ratio_stability
from watchtime.reporting.elements.alignment import Interval
from watchtime.reporting.elements.tables import Cell, Section, Table
from watchtime.reporting.elements.text import Markdown
from watchtime.reporting.report import Report

DATASET = "kuairand_pure"
Rows = list[dict[str, Any]]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    with_rows(tmp_path, "prowtp", "table7", {"prowtp": {"title": "ProWTP", "method": "vr", "variant": "paper"}})
    return tmp_path


def sampled() -> dict[str, Rows]:
    """Two buckets; in the second one the sampled distribution is as near as chance."""
    buckets = [
        {"bucket": one, "low": 5.0 + one, "high": 6.0 + one, "rows": 900, "vectors": 99, "length": 64}
        | {"original_mean": 0.5, "sampled_mean": 0.5, "original_deviation": 0.4, "sampled_deviation": 0.1 + 0.1 * one}
        | {"wasserstein": 0.2 - 0.1 * one, "wasserstein_by_chance": 0.1}
        | {"kolmogorov": 0.3 - 0.2 * one, "kolmogorov_by_chance": 0.1}
        for one in (0, 1)
    ]
    peaks = [{"bucket": one, "weight": 0.5, "mean": 0.1, "deviation": 0.1, "vectors": 49} for one in (0, 0, 1)]
    density = {"original": 1.0, "sampled": 0.5}
    histograms = [{"bucket": one, "low": low, "high": low + 0.5, **density} for one in (0, 1) for low in (0.0, 0.5)]
    return {"buckets": buckets, "peaks": peaks, "histograms": histograms}


def drift() -> dict[str, Rows]:
    """Weeks 2 and 3 against the first, in which two buckets have 200 rows; the third bucket has too few for halves.

    All halves of 100 rows are 0.1 apart, so that whole weeks would be 0.1 / √2 apart by chance.
    """
    buckets = [{"bucket": one, "low": 5.0 + one, "high": 6.0 + one, "rows": 600} for one in (0, 1, 2)]
    periods = [{"period": one, "days": 7 if one < 3 else 2, "users": 50, "rows": 500} for one in (1, 2, 3)]
    found = {(0, 2): 0.072, (1, 2): 0.07, (2, 2): 0.9, (0, 3): 0.06, (1, 3): 0.051}
    rows = [
        {
            "period": period,
            "bucket": bucket,
            "rows": 200 if bucket < 2 else 40,
            "other_rows": 200 if period == 2 else 10**6,
        }
        | {"wasserstein": value, "kolmogorov": value / 2, "p_value": 0.01 if period == 2 else 0.2}
        for (bucket, period), value in found.items()
    ]
    halves = [
        {"split": split, "bucket": bucket, "rows": 100, "other_rows": 100}
        | {"wasserstein": 0.1, "kolmogorov": 0.2, "p_value": 0.04 if split == 0 else 0.5}
        for split in range(20)
        for bucket in (0, 1)
    ]
    return {"buckets": buckets, "periods": periods, "drift": rows, "halves": halves}


def by_bucket() -> dict[str, Rows]:
    """RMSE rises from 8 s, MAE falls, XAUC is alike but for chance, and the fourth bucket has no test rows."""
    buckets: Rows = [
        {"bucket": one, "low": 10.0 * one, "high": 10.0 * one + 9, "training": 100, "test": 30 * (one != 3)}
        for one in range(5)
    ]
    scores = []
    for bucket in (*range(5), None):
        for repetition in range(4):
            noise, place = np.sin(1 + 7 * repetition + 3 * (bucket or 0)) / 100, bucket or 0
            values = {"rmse": 8 + place + noise, "mae": 6 - place / 2 + noise, "xauc": 0.6 + noise, "xgauc": None}
            for metric, value in values.items():
                names = {"row": "prowtp", "repetition": repetition, "bucket": bucket, "metric": metric}
                scores.append({**names, "value": None if bucket == 3 else value})
    return {"buckets": [*buckets, {**buckets[0], "bucket": None, "high": 49.0, "test": 120}], "scores": scores}


TABLES = {
    "prowtp/figure7": sampled,
    "prowtp/figure8": sampled,
    "prowtp/figure10": drift,
    "prowtp/table7": by_bucket,
}


def report(here: Path, artifact: str, changes: dict[str, Rows] | None = None, **config: Any) -> Report:
    dataset = "wechat21" if artifact.endswith("figure7") else DATASET
    settings: dict[str, Any] = {"datasets": {dataset: {}}, "artifacts": [artifact], "methods": ["vr/paper"], **config}
    plan = write_run(here, tables=False, **settings)
    for name, rows in {**TABLES[artifact](), **(changes or {})}.items():
        frame = pl.DataFrame(rows, infer_schema_length=None)
        write_parquet(plan.analysis_folder(artifact) / dataset / f"{name}.parquet", frame)
    return Report("results/demo", artifact)


def cells(table: Table | Markdown) -> list[list[Any]]:
    assert isinstance(table, Table)
    rows = [row for row in table.rows if not isinstance(row, Section)]
    return [[one.value if isinstance(one, Cell) else one for one in row] for row in rows]


@pytest.mark.parametrize("artifact", TABLES)
def test_a_page_runs_with_what_it_declares_alone(here: Path, artifact: str, capsys: pytest.CaptureFixture[str]) -> None:
    made = report(here, artifact)
    inputs = {path.resolve() for path in page_inputs(made.plan, artifact)}
    assert all(path.exists() for path in inputs)
    for path in made.plan.folder.rglob("*"):
        if path.is_file() and not inputs & {path.resolve(), *path.resolve().parents} and path.name != "config.yaml":
            path.unlink()
    text = made.plan.template(artifact).read_text().replace("prowtp/figure7", artifact)
    write_text(here / "page.py", text)
    runpy.run_path(str(here / "page.py"))
    assert "Traceback" not in capsys.readouterr().err


def test_an_analysis_of_training_rows_depends_on_the_split_that_its_artifact_names(here: Path) -> None:
    plan = report(here, "prowtp/figure8").plan
    encoded = plan.encoded_folder(DATASET, "random_622")
    assert analysis_inputs(plan, "prowtp/figure8") == [*plan.data_files(DATASET), encoded]
    assert analysis_inputs(report(here, "prowtp/figure10").plan, "prowtp/figure10") == plan.data_files(DATASET)


# Figures 7 and 8


def test_moments_and_distances_stand_by_bucket(here: Path) -> None:
    made = report(here, "prowtp/figure8")
    assert cells(sampled_watch_ratios.table(made, DATASET)) == [
        ["5.0 to 6.0", 900, 2, 99, 0.5, 0.5, 0.4, 0.1, 0.2, 0.1, 0.3, 0.1],
        ["6.0 to 7.0", 900, 1, 99, 0.5, 0.5, 0.4, 0.2, 0.1, 0.1, pytest.approx(0.1), 0.1],
    ]
    said = sampled_watch_ratios.conclusion(made, DATASET)
    assert "KS distance: 0.100 to 0.300, median 0.200, the largest at 5.0 to 6.0 s" in said
    assert "Wasserstein distance: 0.100 to 0.200, median 0.150" in said
    assert said.count("It is above chance in 1 of 2 buckets.") == 2
    assert "the smaller deviation in 2 of 2 buckets; the median bucket keeps 37.5\u00a0% of it" in said


# Figure 10


def test_a_distance_is_drift_beyond_halves_with_as_many_rows(here: Path) -> None:
    """Halves would be 0.1 / √2 = 0.0707 apart with 200 rows each, and 0.05 with 200 and very many."""
    made = report(here, "prowtp/figure10")
    found = watch_ratio_stability.drift_beside_halves(made, DATASET)
    assert found.select("bucket", "period", "wasserstein_is_drift", "kolmogorov_is_drift").rows() == [
        (0, 2, True, False),
        (1, 2, False, False),
        (2, 2, None, None),
        (0, 3, True, False),
        (1, 3, True, False),
    ]
    halves = watch_ratio_stability.scaled_halves(made, DATASET)
    assert halves["wasserstein"].to_list() == pytest.approx([0.1 / math.sqrt(2)] * 40)
    assert halves["kolmogorov"].to_list() == pytest.approx([0.2 / math.sqrt(2)] * 40)


def test_periods_stand_with_what_is_drift_and_what_tests_reject(here: Path) -> None:
    made = report(here, "prowtp/figure10")
    first, second, third, halves = cells(watch_ratio_stability.table(made, DATASET))
    assert first == ["Week 1", 7, 500, 50, *[None] * 7]
    assert second[4:] == [0.072, 0.9, pytest.approx(0.036), 0.45, "1 of 2", "0 of 2", "3 of 3"]
    assert third[:4] == ["Week 3", 2, 500, 50]
    assert third[8:] == ["2 of 2", "0 of 2", "0 of 2"]
    assert halves == [
        "Halves of week 1",
        *[None] * 3,
        *[pytest.approx(0.1 / math.sqrt(2))] * 2,
        *[pytest.approx(0.2 / math.sqrt(2))] * 2,
        *[None] * 2,
        "2 of 40",
    ]
    said = watch_ratio_stability.conclusion(made, DATASET)
    assert "Above nearly all halves: 3 of 4 distances, of which 5\u00a0% would be chance." in said
    assert "at most 0.900 (week 2); of random halves median 0.071" in said
    assert "rejects at 0.05 in 60.0\u00a0% of the comparisons with week 1, and in 5.0\u00a0% of those between" in said
    assert "this log covers 16 days" in said


def test_without_halves_nothing_is_called_drift(here: Path) -> None:
    path = report(here, "prowtp/figure10").plan.analysis_folder("prowtp/figure10") / DATASET / "halves.parquet"
    write_parquet(path, pl.read_parquet(path).clear())
    made = Report("results/demo", "prowtp/figure10")
    assert [row[8:10] for row in cells(watch_ratio_stability.table(made, DATASET))] == [[None] * 2] * 4
    said = watch_ratio_stability.conclusion(made, DATASET)
    assert said.count("no bucket has rows enough for halves") == 2
    assert "between halves" not in said


def test_a_log_without_two_periods_says_so(here: Path) -> None:
    folder = report(here, "prowtp/figure10").plan.analysis_folder("prowtp/figure10") / DATASET
    for name, kept in (("drift", 0), ("halves", 0), ("periods", 1)):
        path = folder / f"{name}.parquet"
        write_parquet(path, pl.read_parquet(path).head(kept))
    made = Report("results/demo", "prowtp/figure10")
    watch_ratio_stability.draw(made, DATASET)
    for said in (watch_ratio_stability.table(made, DATASET), watch_ratio_stability.conclusion(made, DATASET)):
        assert "nothing can be compared, as it covers no two periods." in str(said)


# Table 7


def test_buckets_stand_beside_the_published_ones(here: Path) -> None:
    made = report(here, "prowtp/table7", repetitions=4)
    rows = cells(duration_bucket_scores.table(made, DATASET))
    assert [row[:3] for row in rows[:1] + rows[3:]] == [
        ["0.0 to 9.0", 100, 30],
        ["30.0 to 39.0", 100, 0],
        ["40.0 to 49.0", 100, 30],
        ["All rows", 100, 120],
    ]
    noise = [np.sin(1 + 7 * repetition) / 100 for repetition in range(4)]
    assert isinstance(rows[0][3], Interval)
    assert rows[0][3].mean == pytest.approx(8 + np.mean(noise))
    assert [rows[0][place] for place in (4, 6, 8, 10)] == ["7.82", "5.57", "0.6922", "0.6365"]
    assert rows[3][3::2] == [None] * 4, "an empty bucket"
    assert rows[3][4] == "43.62"
    assert rows[5][4::2] == [None] * 4, "no number is printed for all rows"
    assert rows[0][9] is None


def test_buckets_are_judged_against_that_of_the_shortest_videos(here: Path) -> None:
    """The paper's errors rise with the duration; here those of RMSE do, and those of MAE fall."""
    judged = duration_bucket_scores.verdicts(report(here, "prowtp/table7", repetitions=4), DATASET)
    words = {(place.metric, place.bucket): verdict.word for place, verdict in judged.items()}
    assert set(words) == {(metric, bucket) for metric in ("rmse", "mae", "xauc") for bucket in (0, 1, 2, 4)}
    assert {words["rmse", bucket] for bucket in (1, 2, 4)} == {"ordering holds"}
    assert {words["mae", bucket] for bucket in (1, 2, 4)} == {"differs"}
    assert {words["xauc", bucket] for bucket in (0, 1, 2, 4)} == {words["rmse", 0]} == {"not comparable"}
    assert judged[Place("prowtp", "rmse", 0)].reason.startswith("the reference bucket; values not compared")


def test_short_and_long_videos_stand_beside_the_papers(here: Path) -> None:
    made = report(here, "prowtp/table7", repetitions=4)
    said = duration_bucket_scores.conclusion(made, DATASET)
    assert "Of the 12 published numbers: 3 *ordering holds*, 3 *differs*, 6 *not comparable*." in said
    ends = [8 + end + np.mean([np.sin(1 + 7 * one + 3 * end) / 100 for one in range(4)]) for end in (0, 4)]
    assert f"RMSE: {ends[0]:.2f} in the bucket of the shortest videos, {ends[1]:.2f} in that of the longest" in said
    assert "; the paper prints 7.82 and 69.09." in said
    assert "XGAUC (strict): – in the bucket of the shortest videos" in said


def test_a_row_that_was_not_run_has_no_scores(here: Path) -> None:
    path = report(here, "prowtp/table7").plan.analysis_folder("prowtp/table7") / DATASET / "scores.parquet"
    write_parquet(path, pl.read_parquet(path).clear())
    made = Report("results/demo", "prowtp/table7")
    assert "none of the methods was run" in str(duration_bucket_scores.table(made, DATASET))
    assert "Nothing was measured." in duration_bucket_scores.conclusion(made, DATASET)
