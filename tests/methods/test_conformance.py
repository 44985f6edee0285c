"""What every method and variant promises, checked for each one that lies in ``config/methods``.

A new method is one file in ``methods/`` and one in ``config/methods/``: this file finds it by itself.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
import torch

import logs
import watchtime.methods
from watchtime.core.catalog import Catalog, MethodCard, find_root
from watchtime.core.errors import WatchtimeError
from watchtime.core.job import JobSpec
from watchtime.datasets.encoded import EncodedLog
from watchtime.evaluation.metrics import evaluate
from watchtime.labels import storage
from watchtime.labels.sequence import SequenceCodec
from watchtime.methods.base import Readouts, method_class
from watchtime.methods.network import NetworkMethod
from watchtime.methods.ranking import BilevelMethod, RankingMethod
from watchtime.training.engine import deterministic
from watchtime.training.fitting import fit
from watchtime.training.model import Model
from watchtime.training.network_fitting import labels_of
from watchtime.training.resident import on_device
from watchtime.training.search import changed, draws

Statistic = Callable[[npt.NDArray[np.float64]], Any]

CPU = deterministic("cpu")
# Enough steps for a tiny log to learn from; everything else is as the method's YAML says.
TRAINING = {"batch": 64, "epochs": 8, "learning_rate": 0.01}
# Enough for what does not have to be learned, with a second epoch that follows on the first.
BRIEF = {**TRAINING, "epochs": 2}
OWN_METRIC: dict[str, tuple[str, Statistic]] = {
    "mean": ("rmse", np.mean),
    "median": ("mae", np.median),
    "quantile": ("mae", np.median),
}
# Readouts that minimise no metric of the table: an order, the value of one generated sequence, sums of parts of a
# distribution, a mean of powers, what would be watched of a video cut short or of an endless one, a place in the
# likeliest bucket, the mean of one component of a mixture.
OTHER_READOUTS = {"rank", "sequence", "window", "regression", "exponential_mean", "truncated", "counterfactual"}
OTHER_READOUTS |= {"mode", "selected_mean", "score"}


class Case(NamedTuple):
    """One method and variant on one task."""

    method: str
    variant: str
    task: str


def cases(catalog: Catalog) -> list[Case]:
    """Return every method, variant and task that can run on a log without a known truth.

    Other variants than the first one run on the first task alone that they can: a variant is no other code there. Of
    variants that differ in numbers alone, none of them 0, one stands for all: they run the same code.
    """
    found = [
        Case(method, variant, task)
        for method, card in catalog.methods.items()
        if card.family != "oracle"
        for variant in _different(card)
        for task in catalog.datasets["tiny"].tasks
        if catalog.reason_against(method, "tiny", task, truth=False, variant=variant) is None
    ]
    firsts = {(case.method, case.variant): case for case in reversed(found)}
    return [
        case
        for case in found
        if case == firsts[case[:2]] or case.variant == next(iter(catalog.methods[case.method].variants))
    ]


def _different(card: MethodCard) -> list[str]:
    """Return the first of the variants that run the same code."""
    codec = card.codec.settings if card.codec else {}
    code: dict[str, str] = {}
    for name, options in card.variants.items():
        own = options.model_dump(exclude={"note", "sizes", "training", "encoder"})
        whole = own | {"settings": card.settings | options.settings, "codec": codec | options.codec}
        code.setdefault(json.dumps(_without_numbers(whole), sort_keys=True), name)
    return list(code.values())


def _without_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_numbers(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_numbers(one) for one in value]
    return bool(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


CASES = cases(logs.catalog())
Check = Callable[[Case], None]
DropIn = Callable[[str, str], list[Case]]
CHECKS: list[Check] = []


def for_every_case(check: Check) -> Check:
    """Let pytest check every case; all checks of one case run in one process, which trains it once."""
    CHECKS.append(check)
    params = [pytest.param(case, marks=pytest.mark.xdist_group("-".join(case)), id="-".join(case)) for case in CASES]
    return pytest.mark.parametrize("case", params)(check)


def job(case: Case, training: dict[str, Any] | None = None) -> JobSpec:
    network = logs.catalog().methods[case.method].family == "network"
    options = {"training": training or TRAINING} if network else {}
    return logs.spec(case.method, case.variant, case.task, **options)


def encoder_sees_targets(case: Case) -> bool:
    """Return False for ProWTP where all that the encoder hears of targets would have to pass through an exact plan."""
    settings = job(case).settings
    through_plan = settings.get("regression_on") == "plan" and settings.get("plan_gradient") == "none"
    return not through_plan or settings["alignment"] in ("distance", "none")


def part(number: int) -> EncodedLog:
    log, _ = logs.encoded()
    return log.rows(np.flatnonzero(log.part == number))


@dataclass(frozen=True)
class Trained:
    """A model that was fitted on the tiny log, and its predictions of the validation rows."""

    model: Model
    readouts: Readouts


@cache
def trained(case: Case) -> Trained:
    # Labels that learn owe no signal (below).
    model = logs.model(job(case, BRIEF if issubclass(method_class(case.method), BilevelMethod) else None))
    fit(model, logs.encoded()[0], None, "")
    return Trained(model, model.predict(part(1))[0])


def bytes_of(values: dict[str, npt.NDArray[Any]]) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in values.items()}


# The card


@for_every_case
def test_the_card_names_a_paper_and_readouts_that_exist(case: Case) -> None:
    card = logs.catalog().methods[case.method]
    assert card.title
    assert card.reference
    assert card.summary == card.summary.strip(". ")
    assert card.readouts
    for readouts in [card.readouts, *(options.readouts for options in card.variants.values())]:
        assert set(readouts) <= {*OWN_METRIC, *OTHER_READOUTS}
        assert len(set(readouts)) == len(readouts)


@for_every_case
def test_it_builds_from_its_yaml_at_every_size(case: Case) -> None:
    for size in logs.catalog().sizes:
        spec = logs.spec(case.method, case.variant, case.task, size=size)
        settings = logs.model(spec).method.settings
        assert settings.model_dump(mode="json") == spec.settings, "every setting stands in the YAML"


def test_every_variant_has_settings_of_its_method() -> None:
    for name, card in logs.catalog().methods.items():
        for variant, options in card.variants.items():
            spec = logs.spec(name, variant, (options.tasks or card.tasks)[0])
            settings = method_class(name).Settings.model_validate(spec.settings)
            assert settings.model_dump(mode="json") == spec.settings, f"{name}/{variant}: every setting is in the YAML"


@for_every_case
def test_its_search_space_names_settings_that_exist(case: Case) -> None:
    model, space = logs.model(job(case)), logs.catalog().methods[case.method].search
    for values in draws(space, 1000, seed=0) if space else []:
        assert replace(model, spec=changed(model.spec, values)).method


@for_every_case
def test_its_needs_are_those_of_its_code(case: Case) -> None:
    card = logs.catalog().methods[case.method]
    needs = [*card.needs, *card.variants[case.variant].needs]
    assert trained(case).model.method.needs_duration == ("duration" in needs)


# Predictions


@for_every_case
def test_it_offers_the_readouts_that_it_declares_the_default_first(case: Case) -> None:
    declared = trained(case).model.spec.readouts
    assert list(trained(case).readouts)[: len(declared)] == declared


@for_every_case
def test_predictions_are_one_finite_number_per_row(case: Case) -> None:
    for prediction in trained(case).readouts.values():
        assert prediction.shape == (len(part(1)),)
        assert np.isfinite(prediction).all()


@for_every_case
def test_ranks_are_shares_and_distributions_stay_on_the_training_targets(case: Case) -> None:
    """What a codec's distribution or a quantile function answers is no target that training never saw.

    Sums of tokens may go beyond it; what the first token alone tells, the median, does not.
    """
    target, known = part(0).target(case.task), trained(case)
    codec = known.model.codec
    bounded = {"quantile", *(codec.readouts if codec is not None else ())}
    bounded -= {"mean"} if isinstance(codec, SequenceCodec) else set()
    for readout in known.model.spec.readouts:
        prediction = known.readouts[readout]
        if readout == "rank":
            assert prediction.min() >= 0
            assert prediction.max() <= 1
        elif readout in bounded:
            assert prediction.min() >= target.min()
            assert prediction.max() <= target.max()


@for_every_case
def test_it_learns_the_signal(case: Case) -> None:
    """A readout beats the best constant on its own metric, and orders rows better than chance.

    A constant is the best constant itself. A ``released`` variant keeps the faults of its authors' code, so that
    order is all that it owes; an encoder that no target reaches owes nothing, and labels that learn owe what they are
    judged by, which is no order of watch times.
    """
    if not encoder_sees_targets(case) or isinstance(trained(case).model.method, BilevelMethod):
        return
    train, target = part(0).target(case.task), part(1).target(case.task)
    for readout in trained(case).model.spec.readouts:
        prediction = trained(case).readouts[readout]
        measured = {(one.metric, one.convention): one.value for one in evaluate(target, prediction)}
        metric, statistic = OWN_METRIC.get(readout, ("", np.mean))
        if np.ptp(prediction) == 0:
            assert logs.catalog().methods[case.method].family == "trivial"
            assert prediction[0] == pytest.approx(statistic(train), rel=1e-12)
            continue
        order = measured["xauc", "strict"]
        assert order is not None
        assert order > 0.55
        if metric and case.variant != "released":
            constant = np.full(len(target), statistic(train))
            ours, best = measured[metric, ""], evaluate(target, constant, metrics=[metric])[0].value
            assert ours is not None
            assert best is not None
            assert ours < best


@for_every_case
def test_one_seed_gives_the_same_bytes(case: Case) -> None:
    first, again = (logs.model(job(case, BRIEF)) for _ in range(2))
    for model in (first, again):
        fit(model, logs.encoded()[0], None, "")
    assert [bytes_of(state) for state in again.states] == [bytes_of(state) for state in first.states]
    assert bytes_of(again.predict(part(1))[0]) == bytes_of(first.predict(part(1))[0])


@for_every_case
def test_what_is_saved_predicts_the_same_bytes(case: Case) -> None:
    known = trained(case)
    with TemporaryDirectory() as name:
        folder = Path(name)
        known.model.encoding.save(folder / "data" / "encoding.json")
        codec = folder / "codecs" / "codec.npz" if known.model.codec else None
        if codec is not None and known.model.codec is not None:
            storage.save(known.model.codec, codec)
        known.model.save(folder / "job" / "model.safetensors", folder / "data" / "encoding.json", codec)
        loaded = Model.load(folder / "job" / "model.safetensors")
        assert loaded.spec == known.model.spec
        assert bytes_of(loaded.predict(part(1))[0]) == bytes_of(known.readouts)


@for_every_case
def test_it_predicts_strangers_in_a_log_without_target_and_features(case: Case) -> None:
    known = trained(case)
    needed = {"duration": [12.0, 3.0, 0.0]} if known.model.method.needs_duration else {}
    strangers = pl.DataFrame({"user": ["nobody", None, "7"], "item": ["nothing", "4", None], **needed})
    log = known.model.encoding.encode(strangers, [], required=False)
    for prediction in known.model.predict(log)[0].values():
        assert prediction.shape == (3,)
        assert np.isfinite(prediction).all()


@for_every_case
def test_it_says_so_where_a_needed_duration_is_missing(case: Case) -> None:
    catalog, known = logs.catalog(), trained(case)
    if not known.model.method.needs_duration:
        return
    without = catalog.datasets["tiny"].model_copy(update={"provides": []})
    bare = replace(catalog, datasets={"tiny": without})
    reason = bare.reason_against(case.method, "tiny", case.task, truth=False, variant=case.variant)
    assert reason == "needs duration, which Tiny does not have"
    duration = np.array(part(1).duration)
    duration[6] = np.nan
    for log, row in ((replace(part(1), duration=duration), 7), (replace(part(1), duration=None), 1)):
        with pytest.raises(WatchtimeError, match=rf"^row {row}: .*duration.*'{case.method}'.*\.$"):
            known.model.predict(log)


# Labels and loss


def loss_of(method: NetworkMethod, target: npt.NDArray[np.float64], duration: npt.NDArray[np.float64]) -> list[float]:
    """Return the loss of random outputs and the sum of its absolute gradients."""
    known = dict(method.labels(target, duration))
    if isinstance(method, RankingMethod):
        known |= {"positive_feedback": np.arange(len(target)) % 2.0, "watch_time": target, "duration": duration}
    labels = on_device(known, CPU)
    assert all(len(value) == len(target) for value in labels.values())
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(len(target), method.towers * method.outputs, generator=generator, requires_grad=True)
    loss = method.loss(outputs, labels)
    assert loss.shape == ()
    (gradient,) = torch.autograd.grad(loss, outputs)
    return [loss.item(), gradient.abs().sum().item()]


@for_every_case
def test_labels_and_loss_are_finite_for_extreme_targets(case: Case) -> None:
    method = trained(case).model.method
    if not isinstance(method, NetworkMethod) or isinstance(method, BilevelMethod):
        return
    for target in (np.zeros(5), np.array([3.0]), np.full(5, 1e9), np.array([0.0, 1e-9, 1e9])):
        assert np.isfinite(loss_of(method, target, np.full(len(target), 10.0))).all()


@for_every_case
def test_the_loss_is_a_mean_over_rows(case: Case) -> None:
    """Validation weighs slabs by their rows, which is right for means alone."""
    method = trained(case).model.method
    if not isinstance(method, NetworkMethod) or isinstance(method, BilevelMethod):
        return
    rows = part(1).rows(np.arange(60))
    labels = on_device(labels_of(method, rows, case.task), CPU)
    outputs = torch.randn(60, method.towers * method.outputs, generator=torch.Generator().manual_seed(0))
    alone = [method.loss(outputs[[row]], {name: value[[row]] for name, value in labels.items()}) for row in range(60)]
    assert float(method.loss(outputs, labels)) == pytest.approx(float(torch.stack(alone).mean()), rel=1e-4)


@for_every_case
def test_constant_training_targets_are_fitted_or_refused_in_one_sentence(case: Case) -> None:
    log, encoding = logs.encoded()
    refusals = []
    for seconds in (0.0, 4.0):
        constant = replace(log, targets=dict.fromkeys(log.targets, np.full(len(log), seconds)))
        try:
            model = logs.model(job(case, BRIEF), constant, encoding)
            fit(model, constant, None, "")
        except WatchtimeError as error:
            refusals.append(str(error))
            continue
        for prediction in model.predict(part(1))[0].values():
            assert np.isfinite(prediction).all()
    assert all(refusal.startswith(("codec ", case.method)) and refusal.endswith(".") for refusal in refusals)


# New methods

NEW_CARD = """
title: Nearest
summary: the training mean, moved by the numeric column
reference: "nobody, nowhere"
family: network
tasks: [watch_time]
readouts: [mean]
codec: {name: scaled, settings: {scale: mean}}
variants:
  paper: {}
"""
NEW_METHOD = """
import torch

from watchtime.methods.network import NetworkMethod


class Dropped(NetworkMethod):
    def loss(self, outputs, labels):
        return torch.mean((outputs[..., 0] - labels["value"]) ** 2)

    def readouts(self, outputs, duration):
        return {"mean": self.codec.decode(outputs[:, 0])}
"""
# What is wrong, put in the place of what is right, and the check that has to see it.
FAULTS = {
    "sum": ("torch.mean", "torch.sum", test_the_loss_is_a_mean_over_rows),
    "readout": ('"mean"', '"median"', test_it_offers_the_readouts_that_it_declares_the_default_first),
    "need": ("    def loss", "    needs_duration = True\n\n    def loss", test_its_needs_are_those_of_its_code),
    "infinity": ("outputs[:, 0]", "outputs[:, 0] / 0", test_predictions_are_one_finite_number_per_row),
    "chance": ("outputs[:, 0]", "outputs[:, 0] * 0 + range(len(outputs))", test_it_learns_the_signal),
    "memory": ("outputs[:, 0]", "outputs[:, 0] + __import__('random').random()", test_one_seed_gives_the_same_bytes),
}


@pytest.fixture
def drop_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DropIn]:
    """Give a function that puts a method beside the others and returns the cases that are new."""

    def add(name: str, source: str) -> list[Case]:
        methods = shutil.copytree(find_root() / "config", tmp_path / "config") / "methods"
        (methods / f"{name}.yaml").write_text(NEW_CARD)
        (tmp_path / f"{name}.py").write_text(source)
        together = replace(Catalog.load(tmp_path), datasets=logs.catalog().datasets)
        monkeypatch.setattr(logs, "catalog", lambda: together)
        return [case for case in cases(together) if case not in CASES]

    monkeypatch.setattr(watchtime.methods, "__path__", [*watchtime.methods.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "watchtime.methods.nearest", raising=False)
    trained.cache_clear()
    yield add
    trained.cache_clear()


def test_a_new_method_is_found_and_passes(drop_in: DropIn) -> None:
    new = drop_in("nearest", NEW_METHOD)
    assert new == [Case("nearest", "paper", "watch_time")]
    for check in CHECKS:
        check(new[0])


@pytest.mark.parametrize("fault", FAULTS)
def test_a_new_method_with_a_fault_is_caught(fault: str, drop_in: DropIn) -> None:
    right, wrong, check = FAULTS[fault]
    (case,) = drop_in("nearest", NEW_METHOD.replace(right, wrong))
    with pytest.raises(AssertionError), np.errstate(all="ignore"):
        check(case)


def test_a_card_without_a_file_is_told(drop_in: DropIn) -> None:
    (case,) = drop_in("nearest", NEW_METHOD)
    Path(watchtime.methods.__path__[-1], "nearest.py").unlink()
    with pytest.raises(WatchtimeError, match=r"^config/methods/nearest\.yaml .* methods/nearest\.py does not exist\.$"):
        logs.model(job(case)).method  # noqa: B018


def test_a_wrong_setting_names_both_places_where_it_may_stand() -> None:
    spec = logs.spec("vr").model_copy(update={"settings": {"output": "round"}})
    said = r"^settings of method 'vr' \(config/methods/vr\.yaml and the run's settings\): output: found 'round', "
    with pytest.raises(WatchtimeError, match=said):
        logs.model(spec).method  # noqa: B018


def test_methods_that_need_a_truth_say_so_on_real_logs() -> None:
    for name, card in logs.catalog().methods.items():
        if card.family == "oracle":
            reason = logs.catalog().reason_against(name, "tiny", card.tasks[0], truth=False)
            assert reason == "needs the known distribution of a simulated log"
