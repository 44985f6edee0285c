"""Pages that show embeddings: what stands in their tables and conclusions, on hand-made embeddings."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from models import save_models
from studies import DATASET, write_study
from watchtime.analyses.run import analyse
from watchtime.core.files import write_text
from watchtime.core.pages import page_inputs
from watchtime.reporting.analyses import code_embeddings, token_embeddings
from watchtime.reporting.elements.alignment import Interval
from watchtime.reporting.elements.tables import Cell, Section, Table
from watchtime.reporting.elements.text import Markdown
from watchtime.reporting.report import Report

SECONDS = np.random.default_rng(1).lognormal(1.5, 1.0, 80).round(3).tolist()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def report(artifact: str, here: Path, repetitions: int = 2) -> Report:
    study = write_study(here, artifact, SECONDS, [1.0, 2.0, 5.0], repetitions=repetitions, size="tiny")
    save_models(study)
    analyse(study.plan, artifact)
    return Report("results/demo", artifact)


def replace(made: Report, table: str, frame: pl.DataFrame) -> None:
    frame.write_parquet(made.plan.analysis_folder(made.name) / DATASET / f"{table}.parquet")


def cells(table: Table | Markdown) -> list[list[Any]]:
    assert isinstance(table, Table)
    rows = [row for row in table.rows if not isinstance(row, Section)]
    return [[cell.value if isinstance(cell, Cell) else cell for cell in row] for row in rows]


@pytest.mark.parametrize("artifact", ["gr/figure3", "rqreg/figure3"])
def test_a_page_runs_with_what_it_declares_alone(artifact: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = report(artifact, here)
    inputs = {path.resolve() for path in page_inputs(made.plan, artifact)}
    for path in made.plan.folder.rglob("*"):
        is_input = inputs & {path.resolve(), *path.resolve().parents}
        if path.is_file() and not is_input and path.name != "config.yaml":
            path.unlink()
    write_text(here / "page.py", made.plan.template(artifact).read_text())
    runpy.run_path(str(here / "page.py"))
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("artifact", ["gr/figure3", "rqreg/figure3"])
def test_an_analysis_has_the_same_bytes_twice(artifact: str, here: Path) -> None:
    made = report(artifact, here)
    files = sorted(made.plan.analysis_folder(artifact).rglob("*.parquet"))
    first = [path.read_bytes() for path in files]
    analyse(made.plan, artifact)
    assert len(files) >= 3
    assert first == [path.read_bytes() for path in files]


# GR, figure 3


def test_token_embeddings_stand_beside_random_ones_and_chance(here: Path) -> None:
    made = report("gr/figure3", here)
    structure = {"row": ["gr", "gr", "random", "random"], "repetition": [0, 1, 0, 1]}
    structure |= {"correlation": [0.7, 0.9, 0.2, 0.2], "same_first": [0.8, 0.9, 0.45, 0.55]}
    structure |= {"token_correlation": [0.5, 0.6, 0.0, 0.0]}
    replace(made, "structure", pl.DataFrame(structure))
    learned, random, chance = cells(token_embeddings.structure(made, DATASET))
    assert [learned[0], random[0], chance[0]] == ["GR", "Random embeddings", "By chance"]
    assert isinstance(learned[1], Interval)
    # t(1) = 12.706 times the standard error, 0.1.
    assert learned[1].mean == pytest.approx(0.8)
    assert learned[1].high == pytest.approx(0.8 + 1.2706, rel=1e-4)
    assert learned[2].mean == pytest.approx(85)
    assert random[2].mean == pytest.approx(50)
    said = token_embeddings.conclusion(made, DATASET)
    assert "85.0\u00a0% of the targets" in said
    assert "50.0\u00a0% under random embeddings" in said
    assert "correlate by 0.800, by 0.200 under random embeddings; those of tokens by 0.550 and 0.000." in said


def test_probability_differences_are_relative_to_those_of_any_pair(here: Path) -> None:
    made = report("gr/figure3", here)
    frame = pl.DataFrame(
        {
            "distance": [1, 2, 1, 2],
            "tokens": [0.01, 0.02, 0.03, 0.04],
            "any_tokens": [0.02, 0.02, 0.04, 0.04],
            "predicted": [0.1, None, 0.1, 0.2],
            "any_predicted": [0.5, 0.5, 0.25, 0.25],
            "repetition": [0, 0, 1, 1],
        }
    )
    replace(made, "differences", frame)
    one, two = cells(token_embeddings.differences(made, DATASET))
    assert (one[0], two[0]) == (1, 2)
    assert one[1].mean == pytest.approx((0.5 + 0.75) / 2)
    assert one[2].mean == pytest.approx((0.2 + 0.4) / 2)
    assert two[2] == pytest.approx(0.8)
    said = token_embeddings.conclusion(made, DATASET)
    assert (
        "differences are 0.62 around any token, 0.30 around the predicted token at distance 1 and 1.00 around" in said
    )
    replace(made, "differences", frame.clear())
    assert "No token was generated" in str(token_embeddings.differences(made, DATASET))
    token_embeddings.draw(made, DATASET)
    assert "Probabilities" not in token_embeddings.conclusion(made, DATASET)


# RQ-Reg, figure 3


@pytest.mark.parametrize(("noise", "word"), [(0.001, "better"), (1.0, "not told apart")])
def test_trainings_are_compared_over_repetitions(here: Path, noise: float, word: str) -> None:
    made = report("rqreg/figure3", here, repetitions=3)
    rows = np.repeat(["rqreg", "rqreg/no_rnc", "random"], 3)
    correlation = np.array([0.9, 0.9 + noise, 0.9 - noise, 0.5, 0.5, 0.5, 0.1, 0.1, 0.1])
    near = np.array([0.8, 0.8 + noise, 0.8 - noise, 0.6, 0.6, 0.6, 0.25, 0.25, 0.25])
    frame = {"row": rows, "repetition": [0, 1, 2] * 3, "correlation": correlation, "near": near}
    replace(made, "structure", pl.DataFrame(frame))
    table = code_embeddings.table(made, DATASET)
    shown = {row[0]: row[1:] for row in cells(table)}
    assert list(shown) == ["RQ-Reg", "w/o L_rnc", "Random embeddings", "By chance", "RQ-Reg − w/o L_rnc"]
    difference = shown["RQ-Reg − w/o L_rnc"]
    assert [one.mean for one in difference] == [pytest.approx(0.4), pytest.approx(20)]
    last = table.rows[-1]
    assert not isinstance(last, Section)
    assert [cell.best for cell in last if isinstance(cell, Cell)] == [word == "better"] * 2
    said = code_embeddings.conclusion(made, DATASET)
    assert f"0.900 against 0.500, {word}." in said
    assert f"80.0\u00a0% against 60.0\u00a0%, {word}." in said
    assert "near neighbours 25.0\u00a0%" in said
