"""What an analysis works with, and on which files it therefore depends."""

from __future__ import annotations

from pathlib import Path

import pytest

from studies import DATASET, PROTOCOL, write_study
from watchtime.analyses.run import analyse
from watchtime.core.errors import WatchtimeError
from watchtime.core.pages import analysis_inputs, page_inputs
from watchtime.datasets.protocols import TEST, TRAINING
from watchtime.labels.token_vocabulary import TokenVocabulary


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_study_has_the_jobs_of_its_rows_with_their_codecs_and_targets(here: Path) -> None:
    study = write_study(here, "gr/figure4", [1, 2, 4], [3, 5])
    assert {row: (spec.method, spec.variant) for row, spec in study.jobs.items()} == {
        "gr/vocab_manual": ("gr", "vocabulary_manual"),
        "gr/vocab_binary": ("gr", "vocabulary_binary"),
        "gr/vocab_dynamic": ("gr", "paper"),
    }
    codec = study.codec(study.jobs["gr/vocab_binary"])
    assert isinstance(codec, TokenVocabulary)
    assert codec.whole_tokens.tolist() == [4, 2, 1]
    assert study.target(TRAINING).tolist() == [1, 2, 4]
    assert study.target(TEST).tolist() == [3, 5]


def test_an_analysis_depends_on_its_jobs_and_rows_and_its_page_on_the_analysis(here: Path) -> None:
    plan = write_study(here, "gr/figure4", [1], [2]).plan
    inputs = set(analysis_inputs(plan, "gr/figure4"))
    jobs = [spec for spec in plan.jobs.values() if spec.method == "gr"]
    assert {plan.codec_file(spec) for spec in jobs} <= inputs
    assert {plan.job_folder(spec) / "predictions.parquet" for spec in jobs} <= inputs
    assert plan.encoded_folder(DATASET, PROTOCOL) in inputs
    assert not any("training_constant" in path.parts for path in inputs)
    assert plan.analysis_folder("gr/figure4") in page_inputs(plan, "gr/figure4")


def test_an_analysis_without_jobs_depends_on_the_log_alone(here: Path) -> None:
    plan = write_study(here, "ptpm/figure2", [1], [2]).plan
    assert analysis_inputs(plan, "ptpm/figure2") == plan.data_files(DATASET)


def test_only_an_artifact_with_an_analysis_is_analysed(here: Path) -> None:
    plan = write_study(here, "gr/figure4", [1], [2]).plan
    said = r"^--artifact: unknown artifact with an analysis 'gr/figure3'.* Allowed: gr/figure4\.$"
    with pytest.raises(WatchtimeError, match=said):
        analyse(plan, "gr/figure3")


def test_the_tables_of_an_analysis_replace_those_of_the_last(here: Path) -> None:
    plan = write_study(here, "gr/figure4", [1, 2, 4], [3]).plan
    old = plan.analysis_folder("gr/figure4") / "old.parquet"
    old.parent.mkdir(parents=True)
    old.write_text("")
    analyse(plan, "gr/figure4")
    found = sorted(path.relative_to(old.parent).as_posix() for path in old.parent.rglob("*.parquet"))
    assert found == [f"{DATASET}/tokens.parquet", f"{DATASET}/vocabularies.parquet"]
    first = {name: (old.parent / name).read_bytes() for name in found}
    analyse(plan, "gr/figure4")
    assert first == {name: (old.parent / name).read_bytes() for name in found}
