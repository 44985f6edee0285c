"""Token embeddings and probabilities whose answers are known, and loops over tokens and steps."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch

from models import save_models
from studies import write_study
from watchtime.analyses.study import Study
from watchtime.analyses.token_embeddings import Steps, Targets, embedded, generated, probability_differences, tables
from watchtime.datasets.protocols import TEST
from watchtime.labels.sequence import END, FIRST_VALUE, SequenceCodec

ARTIFACT = "gr/figure3"
SECONDS = np.random.default_rng(1).lognormal(1.5, 1.0, 120).round(3)
TABLE = "towers.0.head.embeddings"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_embedding_is_weighted_by_what_tokens_contribute() -> None:
    """Equation 10 of 8 = 5 + 3 and of 3 = 3, with tokens 3 and 4 of 5 and 3; the end does not count."""
    targets = Targets(np.array([3.0, 8]), np.array([[4, END, 0], [3, 4, END]]), np.array([0.0, 0, 0, 5, 3]))
    table = np.array([[9.0, 9], [9, 9], [9, 9], [1, 0], [0, 1]])
    assert embedded(targets, table).tolist() == [[0, 1], [5 / 8, 3 / 8]]


def test_differences_are_those_of_loops_over_steps_and_pairs() -> None:
    probabilities = np.random.default_rng(2).dirichlet(np.ones(14), 6) * 0.9
    predicted = probabilities.argmax(1)
    found = {int(str(one["distance"])): one for one in probability_differences(Steps(probabilities, predicted))}
    assert list(found) == list(range(1, 11))
    pairs = {(v, w): np.abs(probabilities[:, v] - probabilities[:, w]) for v, w in combinations(range(14), 2)}
    around = {
        distance: [
            abs(one[best] - one[best + side * distance])
            for one, best in zip(probabilities, predicted, strict=True)
            for side in (-1, 1)
            if 0 <= best + side * distance < 14
        ]
        for distance in range(1, 14)
    }
    for distance, one in found.items():
        assert one["tokens"] == pytest.approx(np.mean([pairs[v, v + distance] for v in range(14 - distance)]))
        assert one["any_tokens"] == pytest.approx(np.mean(list(pairs.values())))
        assert one["predicted"] == pytest.approx(np.mean(around[distance]))
        assert one["any_predicted"] == pytest.approx(np.mean([gap for gaps in around.values() for gap in gaps]))


def test_a_slope_over_the_vocabulary_makes_differences_grow_with_distance() -> None:
    """p = j / 190: a pair at distance k differs by k / 190, one at any distance by 7 on average."""
    slope = np.arange(20.0) / 190
    found = list(probability_differences(Steps(slope[None], np.array([19]))))
    assert [one["tokens"] for one in found] == pytest.approx([distance / 190 for distance in range(1, 11)])
    assert [one["predicted"] for one in found] == pytest.approx([distance / 190 for distance in range(1, 11)])
    assert found[0]["any_tokens"] == pytest.approx(7 / 190)
    assert found[0]["any_predicted"] == pytest.approx(10 / 190)


def test_small_vocabularies_and_no_steps_have_fewer_distances() -> None:
    three = Steps(np.array([[0.2, 0.5, 0.3]]), np.array([1]))
    assert [(one["distance"], one["predicted"]) for one in probability_differences(three)] == [
        (1, pytest.approx(0.25)),
        (2, None),
    ]
    assert not list(probability_differences(Steps(np.ones((1, 1)), np.array([0]))))
    assert not list(probability_differences(Steps(np.zeros((0, 3)), np.zeros(0, np.int64))))


def study_of(here: Path) -> Study:
    return write_study(here, ARTIFACT, [0.0, *SECONDS.tolist()], [1.0, 2.0, 4.0], repetitions=2, size="tiny")


def test_tables_know_embeddings_that_are_linear_in_the_value(here: Path) -> None:
    """E[w] = g(w): tokens order distances as values do, and Σ g(s_t)² / y follows the first token."""
    study = study_of(here)
    codec = study.codec(study.jobs["gr"])
    assert isinstance(codec, SequenceCodec)
    linear = np.zeros((len(codec.token_values), study.jobs["gr"].settings["width"]))
    linear[:, 0] = codec.token_values
    save_models(study, {"gr": {TABLE: linear}})
    found = tables(study)
    numbers = {(row, place): rest for row, place, *rest in found["structure"].iter_rows()}
    assert list(numbers) == [(row, place) for row in ("gr", "random") for place in (0, 1)]
    correlation, _, tokens = numbers["gr", 0]
    # Distances that are equal in decimals are not in binary.
    assert tokens == pytest.approx(1, abs=1e-3)
    assert correlation > 0.8
    assert abs(numbers["random", 1][2]) < 0.1
    # The empty sequence of 0 has no embedding.
    points, target = found["points"], np.unique(SECONDS)
    assert points["value"].to_list() == target.tolist()
    first = codec.token_values[codec.encode(target)["tokens"][:, 0]]
    assert points["first"].to_list() == first.tolist()
    facts = found["facts"].row(0, named=True)
    assert (facts["values"], facts["test_rows"]) == (len(target), 3)
    assert facts["tokens"] == len(codec.token_values) - FIRST_VALUE
    assert facts["same_first_by_chance"] == pytest.approx(np.mean([a == b for a, b in combinations(first, 2)]))
    assert found["differences"]["repetition"].unique().to_list() == [0, 1]


def test_neighbours_with_the_same_first_token_are_counted_one_by_one(here: Path) -> None:
    study = study_of(here)
    codec = study.codec(study.jobs["gr"])
    assert isinstance(codec, SequenceCodec)
    shape = (len(codec.token_values), study.jobs["gr"].settings["width"])
    table = np.random.default_rng(5).normal(size=shape).astype(np.float32)
    save_models(study, {"gr": {TABLE: table}})
    values = np.unique(SECONDS)
    sequences = [[one for one in row if one >= FIRST_VALUE] for row in codec.encode(values)["tokens"].tolist()]
    vectors = np.array(
        [
            sum(codec.token_values[one] * table[one].astype(float) for one in row) / y
            for row, y in zip(sequences, values, strict=True)
        ]
    )
    same = 0
    for place, vector in enumerate(vectors):
        apart = np.linalg.norm(vectors - vector, axis=1)
        apart[place] = np.inf
        same += sequences[int(apart.argmin())][0] == sequences[place][0]
    shares = tables(study)["structure"].filter(row="gr")["same_first"]
    assert shares[0] == pytest.approx(same / len(values))
    assert 0.2 < shares[0] < 1


def test_steps_are_those_before_the_end_of_what_inference_generates(here: Path) -> None:
    """Scores that do not depend on the input: the second token always, or the end at once."""
    study = study_of(here)
    save_models(study)
    model = study.model(study.jobs["gr"])
    rows, size, steps = study.part(TEST), model.method.vocabulary, model.method.steps
    scores = torch.randn(size, generator=torch.Generator().manual_seed(1)).numpy()
    for best, number in ((FIRST_VALUE + 1, 3 * steps), (END, 0)):
        bias = scores.copy()
        bias[best] = 9
        for state in model.states:
            state["towers.0.head.scores.weight"] = np.zeros_like(state["towers.0.head.scores.weight"])
            state["towers.0.head.scores.bias"] = bias
        found = generated(study, model, 0, rows)
        assert found.probabilities.shape == (number, size - FIRST_VALUE)
        assert (found.predicted == best - FIRST_VALUE).all()
        expected = np.exp(bias.astype(float)) / np.exp(bias.astype(float)).sum()
        assert np.allclose(found.probabilities, expected[FIRST_VALUE:])
