"""ProWTP: its losses from the formulas, where gradients go, and where prototypes come from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize

import logs
from watchtime.core.errors import WatchtimeError
from watchtime.core.job import JobSpec
from watchtime.labels.storage import fit_codec
from watchtime.methods.base import build
from watchtime.methods.network import Guide, Moment
from watchtime.methods.prowtp import PrototypeAlignment, PrototypeHead
from watchtime.training import engine
from watchtime.training.fitting import fit
from watchtime.training.model import Model
from watchtime.training.network_fitting import part
from watchtime.training.resident import ResidentRows

CPU = engine.deterministic("cpu")
DRAWS = np.random.default_rng(5)
ROWS, WIDTH = 7, 4
DURATION = np.repeat([10.0, 40.0], 60)
TARGET = DURATION * np.concatenate([DRAWS.normal(0.3, 0.05, 60), DRAWS.normal(1.0, 0.05, 60)]).clip(0)
SMALL = {
    "clusters": 2,
    "size": 3,
    "codebook_width": 5,
    "vectors": 60,
    "vector_length": 8,
    "codebook_epochs": 4,
    "temperature": 0.3,
    "tolerance": 1e-9,
}


def method(**settings: Any) -> PrototypeAlignment:
    codec = fit_codec("watch_ratio_mixtures", {"buckets": 2}, TARGET, DURATION)
    built: PrototypeAlignment = build("prowtp", SMALL | settings, codec, "watch_time")
    return built


def head(prowtp: PrototypeAlignment) -> PrototypeHead:
    torch.manual_seed(0)
    made = prowtp.head(WIDTH)
    assert isinstance(made, PrototypeHead)
    return made.double()


def guide(value: NDArray[np.float64] | None = None) -> Guide:
    given = np.linspace(0, 2, ROWS) if value is None else value
    draws = torch.from_numpy(np.random.default_rng(1).random((ROWS, 1)))
    return Guide({"value": torch.from_numpy(given)}, draws, Moment(0, 1, 1))


def hidden() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(2).random((ROWS, WIDTH))).requires_grad_()


class Parts:
    """Stage 2 of one batch by numpy and loops, from the head's own weights."""

    def __init__(self, made: PrototypeHead, features: torch.Tensor, temperature: float) -> None:
        weights = {name: value.detach().numpy() for name, value in made.named_parameters()}
        self.prototypes = weights["codebook"] @ weights["projection.weight"].T
        self.directions = self.prototypes / np.linalg.norm(self.prototypes, axis=1, keepdims=True)
        rows = features.detach().numpy()
        self.representations = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        self.cost = 1 - self.representations @ self.directions.T
        scores = np.exp((1 - self.cost) / temperature)
        self.alpha = scores / scores.sum(1, keepdims=True)
        self.weight, self.bias = weights["regressor.weight"][0], weights["regressor.bias"][0]

    def predicted(self, plan: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([sum(t * p for t, p in zip(row, self.prototypes, strict=True)) for row in plan]) @ self.weight

    def objective(self, plan: NDArray[np.float64], penalty: float) -> float:
        excess = plan.sum(0) - 1 / plan.shape[1]
        return float((plan * self.cost).sum() + penalty * (excess**2).sum())

    def plan(self, penalty: float) -> NDArray[np.float64]:
        """Return n_b T of eq. 8 by a general solver."""
        shape = self.cost.shape
        rows = {"type": "eq", "fun": lambda flat: flat.reshape(shape).sum(1) - 1 / shape[0]}
        found = minimize(
            lambda flat: self.objective(flat.reshape(shape), penalty),
            np.full(self.cost.size, 1 / self.cost.size),
            bounds=[(0, None)] * self.cost.size,
            constraints=rows,
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 2000},
        )
        assert found.success
        return shape[0] * found.x.reshape(shape)


def test_the_training_loss_is_that_of_the_formulas() -> None:
    prowtp = method(compactness_weight=0.2, compactness_share=0.6, column_penalty=0.7, assignment_weight=0.5)
    made, features, shown = head(prowtp), hidden(), guide()
    found = prowtp.training_loss(made(features, shown), shown).item()

    parts, tau = Parts(made, features, 0.3), 0.3
    plan = parts.plan(0.7)
    value = shown.labels["value"].numpy()
    task = np.mean((parts.predicted(plan) + parts.bias - value) ** 2)
    assign = -np.mean(
        [sum(t * math.log(a) for t, a in zip(*pair, strict=True)) for pair in zip(plan, parts.alpha, strict=True)]
    )
    chosen = np.argsort(shown.draws[:, 0].numpy())[:4]
    near = {(a, b): math.exp(parts.representations[a] @ parts.representations[b] / tau) for a in chosen for b in chosen}
    compact = -sum(
        math.log(near[a, b] / sum(near.values()))
        for k in range(6)
        for a in chosen
        for b in chosen
        if a != b and min(plan[a, k], plan[b, k]) > max(plan[:, k].mean(), 1e-6)
    )
    assert found == pytest.approx(task + 0.5 * assign + 0.2 * compact / 6, rel=1e-4)


def test_inference_weighs_prototypes_by_similarity() -> None:
    made, features = head(method()), hidden()
    parts = Parts(made, features, 0.3)
    np.testing.assert_allclose(made(features).detach().numpy()[:, 0], parts.predicted(parts.alpha) + parts.bias)


def test_the_distance_is_that_of_equation_36() -> None:
    prowtp = method(alignment="distance", compactness_weight=0.0)
    made, features, shown = head(prowtp), hidden(), guide()
    parts = Parts(made, features, 0.3)
    away = np.linalg.norm(parts.representations - parts.alpha @ parts.prototypes, axis=1).mean()
    task = prowtp.loss(made(features), shown.labels).item()
    assert prowtp.training_loss(made(features, shown), shown).item() == pytest.approx(task + away)


@pytest.mark.parametrize("alignment", ["semi_relaxed", "unbalanced", "balanced"])
def test_plans_have_the_marginals_that_their_problem_keeps(alignment: str) -> None:
    made, features = head(method(alignment=alignment, column_penalty=1.0)), hidden()
    plan = made.aligned(features, transported=True).plan.detach().numpy()
    rows_kept = np.allclose(plan.sum(1), 1, atol=1e-6)
    columns_kept = np.allclose(plan.sum(0), ROWS / 6, atol=1e-6)
    assert (rows_kept, columns_kept) == (alignment != "unbalanced", alignment == "balanced")


def test_without_an_alignment_similarities_stand_for_the_plan() -> None:
    made, features = head(method(alignment="none")), hidden()
    aligned = made.aligned(features, transported=True)
    torch.testing.assert_close(aligned.plan, aligned.logits.softmax(-1))


@pytest.mark.parametrize("settings", [{"regression_on": "similarities"}, {"alignment": "none"}])
def test_the_consistent_regression_is_trained_as_it_predicts(settings: dict[str, Any]) -> None:
    made, features = head(method(**settings)), hidden()
    torch.testing.assert_close(made(features, guide())[:, :1], made(features))


@pytest.mark.parametrize(
    ("settings", "seen"),
    [
        ({}, False),
        ({"prototypes": "random"}, False),
        ({"alignment": "balanced"}, False),
        ({"plan_gradient": "implicit"}, True),
        ({"regression_on": "similarities"}, True),
        ({"alignment": "none"}, True),
        ({"alignment": "distance"}, True),
    ],
)
def test_where_labels_reach_the_encoder(settings: dict[str, Any], seen: bool) -> None:
    """Through an exact plan no gradient passes, so the encoder is moved alike whatever was watched."""
    prowtp = method(**settings)
    made, gradients = head(prowtp), list[torch.Tensor]()
    for value in (np.zeros(ROWS), np.linspace(3, 9, ROWS)):
        features, shown = hidden(), guide(value)
        gradients += torch.autograd.grad(prowtp.training_loss(made(features, shown), shown), features)
    assert torch.equal(*gradients) != seen


@pytest.mark.parametrize(
    ("norm", "task_moves", "cost_moves"), [("cost_only", True, False), ("both", False, False), ("none", True, True)]
)
def test_where_the_norms_of_prototypes_matter(norm: str, task_moves: bool, cost_moves: bool) -> None:
    made, features = head(method(prototype_norm=norm, alignment="none")), hidden()
    before = made.aligned(features, True), made(features)
    with torch.no_grad():
        made.codebook.mul_(3)
    after = made.aligned(features, True), made(features)
    assert torch.allclose(before[0].logits, after[0].logits) != cost_moves
    assert torch.allclose(before[1], after[1]) != task_moves


def test_an_implicit_gradient_needs_the_semi_relaxed_plan() -> None:
    with pytest.raises(WatchtimeError, match=r"plan_gradient: implicit needs alignment: semi_relaxed, found balanced"):
        method(plan_gradient="implicit", alignment="balanced")


# Prototypes

TRAINING = {"batch": 128, "epochs": 2, "learning_rate": 0.01}


def job(variant: str, **options: Any) -> JobSpec:
    return logs.spec("prowtp", variant, training=TRAINING | options.pop("training", {}), **options)


def fitted(spec: JobSpec) -> Model:
    model = logs.model(spec)
    fit(model, logs.encoded()[0], None, "")
    return model


def codebooks(model: Model) -> list[NDArray[np.float32]]:
    return [state["towers.0.head.codebook"] for state in model.states]


def test_the_codebook_is_trained_anew_for_every_seed_and_stays_as_it_is() -> None:
    """Two epochs with weight decay and none leave the same codebook, and each repetition has its own."""
    first, second = codebooks(fitted(job("paper", repetitions=2)))
    assert not np.allclose(first, second)
    decayed = codebooks(fitted(job("paper", training={"weight_decay": 0.5, "epochs": 1})))[0]
    assert decayed.tobytes() == first.tobytes()


def test_other_alignments_of_a_seed_share_its_codebook() -> None:
    paper, other = (codebooks(fitted(job(variant)))[0] for variant in ("paper", "no_alignment"))
    assert paper.tobytes() == other.tobytes()


def test_random_prototypes_learn() -> None:
    one, two = (codebooks(fitted(job("random_prototypes", training={"epochs": epochs})))[0] for epochs in (1, 2))
    assert not np.allclose(one, two)


def test_k_means_prototypes_are_centres_of_what_value_regression_learns() -> None:
    """The representations are those of the job ``vr`` with the same encoder, training and seed."""
    log, encoding = logs.encoded()
    centres = codebooks(fitted(job("k_means", settings={"size": 3})))[0].astype(np.float64)
    model = logs.model(logs.spec("vr", training=TRAINING))
    fit(model, log, None, "")
    rows = log.rows(np.flatnonzero(log.part == 0))
    resident = part(model.method, rows, "watch_time", encoding, CPU).rows
    state = {name: torch.from_numpy(value) for name, value in model.states[0].items()}
    points = engine.represented(resident, model.spec.encoder, 4096, state)
    nearest = ((points[:, None] - centres) ** 2).sum(-1).argmin(1)
    for number in np.unique(nearest):
        np.testing.assert_allclose(points[nearest == number].mean(0), centres[number], atol=1e-4)


def test_representations_are_what_the_head_gets() -> None:
    """And so the head's map of them is the network's output; the last slab is shorter."""
    log, encoding = logs.encoded()
    model = logs.model(logs.spec("vr", training=TRAINING))
    fit(model, log, None, "")
    rows = log.rows(np.flatnonzero(log.part == 1))
    resident = ResidentRows(rows, encoding.cardinalities, CPU)
    state = {name: torch.from_numpy(value) for name, value in model.states[0].items()}
    points = engine.represented(resident, model.spec.encoder, 77, state)
    by_hand = points @ state["towers.0.head.weight"].double().numpy().T + state["towers.0.head.bias"].numpy()
    outputs = np.concatenate(list(engine.outputs(model.method, resident, model.spec.encoder, 77, state)))
    np.testing.assert_allclose(by_hand, outputs, rtol=1e-4, atol=1e-5)
