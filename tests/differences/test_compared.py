"""What a diff of two runs names, and what it leaves out."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from compared_runs import sections, write_compared
from handmade_run import by_order
from watchtime.core.errors import WatchtimeError
from watchtime.core.files import write_json
from watchtime.core.job import JobSpec
from watchtime.core.manifest import write_manifest

SAME = {"Configuration", "Jobs", "Data", "Metrics", "Notebooks", "Figures", "Files", "Environment"}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_compared(tmp_path_factory.mktemp("plain"), "plain")


def shifted(spec: JobSpec, readout: str, metric: str, convention: str, repetition: int) -> float:
    """VR is better by a tenth in MAE, which no noise explains, and otherwise as it was."""
    value = by_order(spec, readout, metric, convention, repetition)
    return value * 0.9 + repetition / 1000 if (spec.method, metric) == ("vr", "mae") else value


def test_a_run_does_not_differ_from_itself_or_from_its_like(plain: Path, tmp_path: Path) -> None:
    like = write_compared(tmp_path, "like")
    for other in (plain, like):
        found = sections(plain, other)
        assert set(found) == SAME
        assert [section.rows for section in found.values()] == [[]] * len(SAME)


def test_one_setting_and_the_cells_that_it_moved_are_named_and_nothing_else(plain: Path, tmp_path: Path) -> None:
    settings = {"vr": {"training": {"epochs": 3}}}
    found = sections(plain, write_compared(tmp_path, "other", settings=settings, scores=shifted))
    assert found["Configuration"].rows == [["settings.vr.training.epochs", "–", "3"]]
    assert found["Jobs"].rows == [["vr/paper", "training.epochs", "6", "3", "kuairand_pure watch_time random_622"]]
    ((where, method, readout, metric, *_, verdict),) = found["Metrics"].rows
    assert (where, method) == ("kuairand_pure watch_time random_622 shared tiny", "vr/paper")
    assert (readout, metric, verdict) == ("mean", "mae", "changed")
    assert not found["Data"].rows
    assert not found["Notebooks"].rows
    assert found["Files"].differs
    assert {row[0] for row in found["Files"].rows} <= {
        "jobs",
        "metrics.parquet",
        "verdicts.parquet",
        "scores.json",
        "scores.csv",
    }


def test_rows_columns_and_data_sets_of_one_run_alone_are_named(plain: Path, tmp_path: Path) -> None:
    other = write_compared(tmp_path, "other", rows=39_000)
    place = other / "data" / "kuairand_pure" / "interactions.parquet"
    pl.read_parquet(place).rename({"item": "video"}).with_columns(pl.col("user").cast(pl.Int32)).write_parquet(place)
    write_manifest(other)
    rows = [row[1:] for row in sections(plain, other)["Data"].rows]
    assert ["as read.rows", "40000", "39000"] in rows
    assert ["interactions.item", "Int64", "–"] in rows
    assert ["interactions.video", "–", "Int64"] in rows
    assert ["interactions.user", "Int64", "Int32"] in rows
    assert not any(row[0].startswith("interactions.duration") for row in rows)
    more = write_compared(tmp_path, "more", datasets={"kuairand_pure": {}, "wechat21": {}})
    assert ["wechat21", "data set", "–", "there"] in sections(plain, more)["Data"].rows


def test_jobs_that_one_run_alone_has_are_named(plain: Path, tmp_path: Path) -> None:
    more = write_compared(tmp_path, "more", methods=["vr/paper", "d2q/paper", "training_constant", "cread/paper"])
    found = sections(plain, more)
    board = "kuairand_pure/watch_time/random_622/shared"
    assert [f"{board}/cread/paper", "only in B", "", "", ""] in found["Jobs"].rows
    assert {row[-1] for row in found["Metrics"].rows} == {"only in B"}
    assert {row[1] for row in found["Metrics"].rows} == {row[0].removeprefix(f"{board}/") for row in found["Jobs"].rows}


def test_cells_of_notebooks_are_named_with_what_they_printed(plain: Path, tmp_path: Path) -> None:
    section = sections(plain, write_compared(tmp_path, "other", printed="as never"))["Notebooks"]
    assert section.rows == [["prowtp/table1", "", "1"]]
    ((name, text),) = section.details
    assert name == "prowtp/table1"
    assert "as ever" in text
    assert "as never" in text


def test_a_figure_is_compared_as_it_looks(plain: Path, tmp_path: Path) -> None:
    red = sections(plain, write_compared(tmp_path, "red", colour="#cc0000"))["Figures"]
    assert red.rows == [["prowtp/table1, figure 1", "looks different", "100.00 %"]]
    assert "svg" not in str(sections(plain, write_compared(tmp_path, "again", colour="#cc0000"))["Notebooks"].details)
    assert red.pictures[0].png.startswith(b"\x89PNG")
    spelled = sections(plain, write_compared(tmp_path, "spelled", colour="rgb(51,102,153)"))["Figures"]
    assert spelled.rows == [["prowtp/table1, figure 1", "looks the same", "0.00 %"]]


def test_another_machine_makes_no_difference_and_is_told(plain: Path, tmp_path: Path) -> None:
    other = write_compared(tmp_path, "other")
    write_json(other / "environment.json", {"code": "0123", "packages": {"numpy": "2.1"}})
    write_manifest(other)
    found = sections(plain, other)
    assert found["Environment"].rows == [["packages.numpy", "2.0", "2.1"]]
    assert not any(section.differs for section in found.values())


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        ("folder", "the run's folder does not exist"),
        ("manifest", "only a run that has ended can be compared"),
        ("no files", "found no files with their sha256"),
        ("gone", "manifest.json names the file and it does not exist"),
    ],
)
def test_what_cannot_be_compared_is_told_in_one_sentence(
    plain: Path, tmp_path: Path, broken: str, sentence: str
) -> None:
    other = write_compared(tmp_path, "other")
    if broken == "folder":
        other = tmp_path / "nowhere"
    elif broken == "manifest":
        (other / "manifest.json").unlink()
    elif broken == "no files":
        (other / "manifest.json").write_text(json.dumps({"files": ["a"]}), encoding="utf-8")
    else:
        (other / "metrics.parquet").unlink()
    with pytest.raises(WatchtimeError, match=sentence):
        sections(plain, other)
