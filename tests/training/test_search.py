"""The search: which settings it draws, how it judges them, and what it never reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import logs
from watchtime.core.errors import WatchtimeError
from watchtime.core.job import JobSpec
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.protocols import TEST, VALIDATION
from watchtime.evaluation.metrics import evaluate
from watchtime.training.engine import deterministic
from watchtime.training.fitting import fit
from watchtime.training.search import changed, draws, search

CPU = deterministic("cpu")
TRAINING = {"batch": 64, "epochs": 3, "learning_rate": 0.01}
Space = dict[str, list[Any]]
SPACE: Space = {"training.learning_rate": [1e-7, 0.01], "encoder.embedding": [4]}


def job(method: str = "vr", variant: str | None = None, trials: int = 2, space: Space = SPACE) -> JobSpec:
    options: dict[str, Any] = {"repetitions": 2}
    if logs.catalog().methods[method].family == "network":
        options["training"] = TRAINING
    spec = logs.spec(method, variant, **options)
    return spec.model_copy(update={"search_trials": trials, "search": space})


def searched(spec: JobSpec, log: EncodedLog | None = None) -> tuple[JobSpec, dict[str, Any]]:
    return search(logs.model(spec), log or logs.encoded()[0], None, "")


# Draws


def test_draws_are_different_combinations() -> None:
    space: Space = {"a": [1, 2, 3], "b": ["x", "y"], "c": [0.5]}
    drawn = draws(space, 4, seed=1)
    assert len(drawn) == 4
    assert len({tuple(sorted(values.items())) for values in drawn}) == 4
    assert all(values[name] in space[name] for values in drawn for name in space)
    assert draws(space, 4, seed=1) == drawn
    assert draws({name: space[name] for name in reversed(space)}, 4, seed=1) == drawn, (
        "the order of keys in the YAML does not matter"
    )
    assert any(draws(space, 4, seed=seed) != drawn for seed in range(2, 6))


def test_all_combinations_are_drawn_where_there_are_fewer() -> None:
    drawn = draws({"a": [1, 2, 3], "b": ["x", "y"]}, 100, seed=0)
    assert sorted((values["a"], values["b"]) for values in drawn) == [(a, b) for a in (1, 2, 3) for b in "xy"]


def test_every_combination_is_drawn_equally_often() -> None:
    """800 draws of one of four: 200 each, within 4 standard deviations of the binomial count."""
    found = [draws({"a": [0, 1], "b": [0, 1]}, 1, seed)[0] for seed in range(800)]
    for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
        assert abs(found.count({"a": a, "b": b}) - 200) < 4 * (800 * 0.25 * 0.75) ** 0.5


def test_methods_and_variants_draw_for_themselves_and_equally_often() -> None:
    space = {"training.learning_rate": [0.01 / 2**power for power in range(12)]}
    reports = [
        searched(job(method, variant, 3, space))[1]
        for method, variant in (("vr", "paper"), ("vr", "released"), ("d2q", "paper"))
    ]
    values = [tuple(trial["values"]["training.learning_rate"] for trial in report["trials"]) for report in reports]
    assert [len(one) for one in values] == [3, 3, 3]
    assert len(set(values)) == 3


# Changes


def test_dotted_names_change_their_group_and_plain_names_the_method() -> None:
    spec = job("tpm")
    found = changed(spec, {"training.batch": 7, "encoder.layers": [3, 2], "variance_weight": 0.5})
    assert (found.training.batch, found.encoder.layers, found.settings["variance_weight"]) == (7, (3, 2), 0.5)
    same = found.model_copy(update={"training": spec.training, "encoder": spec.encoder, "settings": spec.settings})
    assert same == spec
    assert spec == job("tpm"), "the job itself stays as it is"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("codec.leaves", 8, r"'codec\.leaves' cannot be searched, because a codec is fitted before the training\."),
        ("trainning.batch", 8, r"unknown group of settings 'trainning', did you mean 'training'\? Allowed: .*\."),
        ("training.bacth", 8, r"unknown setting 'bacth', did you mean 'batch'\? Allowed: .*\."),
        ("variance_wieght", 8, r"unknown setting 'variance_wieght', did you mean 'variance_weight'\? Allowed: .*\."),
        ("training.batch", 0, r"batch: found 0.*\."),
    ],
)
def test_a_mistake_in_the_space_is_told_before_anything_trains(name: str, value: Any, sentence: str) -> None:
    with pytest.raises(WatchtimeError, match=rf"^config/methods/tpm\.yaml: search: {sentence}$"):
        searched(job("tpm", None, 1, {name: [value]}))


# Choice


def test_it_chooses_the_obviously_better_learning_rate() -> None:
    """One in 10⁷ leaves the network where it started."""
    spec, report = searched(job())
    assert spec.training.learning_rate == 0.01
    assert (spec.repetitions, spec.search_trials) == (2, 2), "the job trains as it was planned"
    assert report["chosen"] == {"training.learning_rate": 0.01, "encoder.embedding": 4}
    assert (report["readout"], report["metric"]) == ("mean", "rmse")
    scores = {trial["values"]["training.learning_rate"]: trial["score"] for trial in report["trials"]}
    assert scores[0.01] < scores[1e-7]


@pytest.mark.parametrize(
    ("method", "variant", "metric", "space"),
    [
        ("vr", "paper", "rmse", {"training.learning_rate": [0.0003, 0.01]}),
        ("d2q", "paper", "rmse", {"training.learning_rate": [0.0003, 0.01]}),
        ("lightgbm", "l1", "mae", {"rounds": [1, 60]}),
        ("lightgbm", "rank", "xauc", {"rounds": [1, 60]}),
    ],
)
def test_trials_are_judged_on_the_validation_rows(method: str, variant: str, metric: str, space: Space) -> None:
    """Each score is that of repetition 0, trained here by hand; the best is the lowest, or the highest XAUC."""
    spec, report = searched(job(method, variant, 2, space))
    log, _ = logs.encoded()
    validation = log.rows(np.flatnonzero(log.part == VALIDATION))
    assert report["metric"] == metric
    for trial in report["trials"]:
        model = logs.model(changed(spec, trial["values"]))
        fit(model, log, None, "")
        prediction = model.predict(validation)[0][spec.readouts[0]]
        measured = evaluate(validation.target("watch_time"), prediction, metrics=[metric])
        assert trial["score"] == next(one.value for one in measured if one.convention in ("", "strict"))
    best = (max if metric == "xauc" else min)(trial["score"] for trial in report["trials"])
    assert report["chosen"] == next(trial["values"] for trial in report["trials"] if trial["score"] == best)
    assert changed(spec, report["chosen"]) == spec
    assert len({trial["score"] for trial in report["trials"]}) == 2


def test_test_rows_are_never_read() -> None:
    log, _ = logs.encoded()
    target, ids = np.array(log.targets["watch_time"]), np.array(log.categorical)
    target[log.part == TEST] = np.nan
    ids[log.part == TEST] = 10**6
    assert searched(job(), replace(log, targets={"watch_time": target}, categorical=ids)) == searched(job())


def test_a_trial_that_diverges_is_not_chosen() -> None:
    _, report = searched(job(space={"training.learning_rate": [1e25, 0.01]}))
    assert report["chosen"] == {"training.learning_rate": 0.01}
    scores = {trial["values"]["training.learning_rate"]: trial["score"] for trial in report["trials"]}
    assert scores[1e25] is None


def test_it_is_told_where_every_trial_diverges() -> None:
    with pytest.raises(WatchtimeError, match=r"^search of vr/paper: none of 2 trials trained to finite numbers\.$"):
        searched(job(space={"training.learning_rate": [1e25, 1e30]}))


def test_a_killed_search_goes_on_with_the_same_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchtime.training.checkpoint.SECONDS_BETWEEN", 0.0)
    model, log = logs.model(job()), logs.encoded()[0]
    whole = search(model, log, None, "")
    assert search(model, log, tmp_path / "checkpoint", "") == whole
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["checkpoint_trial0.0.safetensors", "checkpoint_trial1.0.safetensors"]
    epochs: list[int] = []
    monkeypatch.setattr("watchtime.training.engine._epoch", lambda group, part: epochs.append(0))
    assert search(model, log, tmp_path / "checkpoint", "") == whole
    assert not epochs, "every trial was finished"
