"""The use of tokens, by hand and against counting token by token."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from studies import write_study
from watchtime.analyses.token_frequencies import evenness, spread_sample, tables
from watchtime.labels.token_vocabulary import TokenVocabulary

ARTIFACT = "gr/figure4"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_three_targets_by_hand(here: Path) -> None:
    """Manual: 3 = 3 and 8 = 5 + 3. Binary: 3 = 2 + 1 and 8 = 8. Of equally frequent tokens the larger stands first."""
    made = tables(write_study(here, ARTIFACT, [3, 3, 8], [700]))
    tokens = {name: made["tokens"].filter(row=f"gr/vocab_{name}") for name in ("manual", "binary")}
    assert tokens["manual"]["value"].to_list() == [3, 5, 1]
    assert tokens["manual"]["uses"].to_list() == [3, 1, 0]
    assert tokens["manual"]["share"].to_list() == [0.75, 0.25, 0]
    assert tokens["manual"]["rank"].to_list() == [1, 2, 3]
    assert tokens["binary"]["value"].to_list() == [2, 1, 8, 4]
    assert tokens["binary"]["uses"].to_list() == [2, 2, 1, 0]
    manual, binary, _ = made["vocabularies"].to_dicts()
    assert (manual["tokens"], manual["rows"], manual["longest"], manual["unit"]) == (3, 3, 2, 1)
    assert (manual["hardly_used"], binary["hardly_used"]) == (pytest.approx(1 / 3), 1 / 4)
    assert (manual["mean_length"], binary["mean_length"]) == (pytest.approx(4 / 3), pytest.approx(5 / 3))
    assert manual["evenness"] == pytest.approx(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)) / math.log(3))
    assert manual["reconstruction_error"] == 0


def test_the_shortest_sequence_may_exceed_the_target(here: Path) -> None:
    """4,999 is within 0.1 % of the token 5,000; greedily it is 3000 + 1000 + 500 + 300 + 100 + 50 + 30 + 10 + 5."""
    manual = tables(write_study(here, ARTIFACT, [4999, 5000], [1]))["vocabularies"].row(0, named=True)
    assert (manual["sample"], manual["sample_length"], manual["shortest_length"]) == (2, 5, 1)
    assert manual["reconstruction_error"] == 2


def test_counts_are_those_of_the_encoded_rows_and_rows_keep_their_order(here: Path) -> None:
    seconds = np.random.default_rng(1).lognormal(1.5, 1.2, 500).round(3)
    study = write_study(here, ARTIFACT, seconds.tolist(), [1.0])
    made = tables(study)
    rows = list(study.plan.artifacts[ARTIFACT].rows)
    assert made["vocabularies"]["row"].to_list() == rows
    for row in rows:
        codec = study.codec(study.jobs[row])
        assert isinstance(codec, TokenVocabulary)
        counted = Counter(codec.encode(seconds)["tokens"].ravel().tolist())
        frame, one = made["tokens"].filter(row=row), made["vocabularies"].filter(row=row).row(0, named=True)
        assert frame["uses"].is_sorted(descending=True)
        assert dict(frame.select("value", "uses").iter_rows()) == {
            value: counted[number] for number, value in enumerate(codec.token_values) if number >= 3
        }
        assert frame["share"].sum() == pytest.approx(1)
        assert one["shortest_length"] <= one["sample_length"]
        assert one["mean_length"] == pytest.approx(frame["uses"].sum() / 500)
        assert one["hardly_used"] == pytest.approx((frame["share"] < 0.1 / len(frame)).mean())


def test_evenness_has_its_limits() -> None:
    assert evenness(np.full(7, 5)) == pytest.approx(1)
    assert evenness(np.array([9, 0, 0])) == 0
    assert evenness(np.array([4])) == 1
    # Half of the tokens alike, the others never: ln(V / 2) / ln V.
    assert evenness(np.array([3, 3, 3, 3, 0, 0, 0, 0])) == pytest.approx(2 / 3)


def test_a_sample_spans_the_targets_in_even_steps() -> None:
    target = np.random.default_rng(2).permutation(np.arange(1001.0))
    assert spread_sample(target, 11).tolist() == [0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]
    assert spread_sample(target[:3], 11).tolist() == sorted(target[:3])
