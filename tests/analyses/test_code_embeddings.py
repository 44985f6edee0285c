"""Code embeddings whose answers are known, and the tables of models with hand-made embeddings."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from models import save_models
from studies import write_study
from watchtime.analyses.code_embeddings import NEAR, embedded, near_by_chance, near_share, tables
from watchtime.analyses.embedding_geometry import distances, projected, token_table
from watchtime.analyses.study import Study
from watchtime.labels.sequence import SequenceCodec

ARTIFACT = "rqreg/figure3"
SECONDS = np.random.default_rng(1).lognormal(1.5, 1.0, 150).round(3)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_embedding_is_those_of_all_codes_side_by_side() -> None:
    table = np.array([[0.0, 0], [1, 2], [3, 4]])
    assert embedded(np.array([[1, 2], [2, 2], [0, 1]]), table).tolist() == [[1, 2, 3, 4], [3, 4, 3, 4], [0, 0, 1, 2]]


def test_nearest_neighbours_are_near_in_order_or_not() -> None:
    assert near_share(distances(np.arange(30.0)[:, None] ** 2)) == 1
    # The nearest one lies half the values away.
    assert near_share(distances((np.arange(30.0) % 15)[:, None])) == 0
    # All but the last two have a neighbour at 5 and at 6 places; 5 is near, 6 is not.
    for step, share in ((NEAR, 1.0), (NEAR + 1, 0.0)):
        points = np.concatenate([np.arange(step) * 10.0, np.arange(step) * 10.0 + 1])
        assert near_share(distances(points[:, None])) == share


@pytest.mark.parametrize("number", [2, 4, 6, 7, 50])
def test_what_is_near_by_chance_is_counted_over_pairs(number: int) -> None:
    pairs = [abs(one - other) <= NEAR for one, other in combinations(range(number), 2)]
    assert near_by_chance(number) == pytest.approx(np.mean(pairs))


def made(here: Path) -> Study:
    """Return a study in which RQ-Reg's embeddings of two levels add up to the value, and the other's are all alike."""
    study = write_study(here, ARTIFACT, SECONDS.tolist(), [1.0], repetitions=2, size="tiny")
    codec = study.codec(study.jobs["rqreg"])
    assert isinstance(codec, SequenceCodec)
    linear = np.zeros((len(codec.token_values), study.jobs["rqreg"].settings["width"]))
    linear[:, 0] = codec.token_values
    name = "towers.0.head.embeddings"
    save_models(study, {"rqreg": {name: linear}, "rqreg/no_rnc": {name: np.ones_like(linear)}})
    return study


def test_tables_know_which_embeddings_follow_the_value(here: Path) -> None:
    """Of [g(q_1), g(q_2), g(q_3)] the first is nearly the value, as later codes are small."""
    found = tables(made(here))
    assert list(found) == ["points", "structure", "facts"]
    numbers = {(row, place): rest for row, place, *rest in found["structure"].iter_rows()}
    assert list(numbers) == [(row, place) for row in ("rqreg", "rqreg/no_rnc", "random") for place in (0, 1)]
    assert numbers["rqreg", 0] == numbers["rqreg", 1]
    assert numbers["rqreg", 0][0] > 0.9
    assert numbers["rqreg/no_rnc", 0][0] == 0
    assert numbers["random", 0] != numbers["random", 1]
    assert 0 < numbers["random", 0][0] < 0.5
    assert numbers["rqreg", 0][1] > 0.9
    facts = found["facts"].row(0, named=True)
    assert (facts["values"], facts["near"]) == (len(np.unique(SECONDS)), NEAR)
    points = found["points"].filter(row="rqreg")
    assert points["value"].to_list() == np.unique(SECONDS).tolist()
    assert points["x"].n_unique() > 100
    assert not found["points"].filter(row="rqreg/no_rnc").select("x", "y").to_numpy().any()


def test_every_repetition_has_its_own_embeddings_and_the_first_is_drawn(here: Path) -> None:
    study = write_study(here, ARTIFACT, SECONDS[:60].tolist(), [1.0], repetitions=2, size="tiny")
    save_models(study)
    found = tables(study)
    assert found["structure"].filter(row="rqreg")["correlation"].n_unique() == 2
    spec, values = study.jobs["rqreg"], np.unique(SECONDS[:60])
    codes = study.codec(spec).encode(values)["tokens"].astype(np.int64)
    plane = projected(embedded(codes, token_table(study.model(spec).states[0])), spec.seed)
    assert found["points"].filter(row="rqreg").select("x", "y").to_numpy().tolist() == plane.tolist()
