"""RQ-Reg against plain loops over rows, steps and codes, and against enumerated sequences."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from minimum import minimum
from watchtime.core import settings as core
from watchtime.core.errors import WatchtimeError
from watchtime.decoders.recurrent import LongShortTermMemory, Recurrence
from watchtime.decoders.transformer import TransformerDecoder
from watchtime.labels.base import Array, Codec, Floats, Integers
from watchtime.labels.intervals import Intervals
from watchtime.labels.sequence import END, FIRST_VALUE, PADDING, START, SequenceCodec
from watchtime.losses.rank_contrast import rank_contrast
from watchtime.methods.base import build
from watchtime.methods.network import Guide, Moment
from watchtime.methods.rqreg import CodeHead, SequentialRegression

Shown = list[list[int | None]]
WIDTH, INNER = 6, 8
TARGET = np.array([0.0, 1.0, 2.0, 10.0, 12.0, 19.0, 21.0, 33.0, 9.0, 30.0])
DEVIATION = float(np.std(TARGET))


@dataclass(frozen=True, eq=False)
class Codes(SequenceCodec):
    """Two levels: the nearest of 0, 10, 20, 30, then the nearest of −2, 0, 2 to what is left."""

    class Settings(core.Settings):
        pass

    name = "codes"
    settings: Settings
    deviation: float

    @property
    def token_values(self) -> Floats:
        return np.array([0.0, 0, 0, 0, 10, 20, 30, -2, 0, 2])

    @property
    def steps(self) -> int:
        return 2

    @property
    def intervals(self) -> Intervals:
        return Intervals(np.array([0.0, 5, 15, 25, 33]), np.array([1.0, 10, 20, 31]), np.array([0.3, 0.3, 0.2, 0.2]))

    @property
    def first_tokens(self) -> Integers:
        return np.arange(4) + FIRST_VALUE

    @property
    def standard_deviation(self) -> float:
        return self.deviation

    @classmethod
    def _fit(cls, settings: Any, target: Floats, duration: Floats | None) -> Self:
        return cls(settings, float(np.std(target)))

    def _encode(self, target: Floats, duration: Floats | None) -> dict[str, Array]:
        first = np.abs(target[:, None] - [0, 10, 20, 30]).argmin(1)
        second = np.abs((target - 10 * first)[:, None] - [-2, 0, 2]).argmin(1)
        return {"target": target, "tokens": np.stack([first + 3, second + 7], 1).astype(np.int16)}


@dataclass(frozen=True, eq=False)
class Coins(Codes):
    """At most two coins of 20 and 8 while they fit, then ``END``."""

    name = "coins"

    @property
    def token_values(self) -> Floats:
        return np.array([0.0, 0, 0, 20, 8])

    @property
    def steps(self) -> int:
        return 3

    @property
    def intervals(self) -> Intervals:
        return Intervals(np.array([0.0, 8, 20, 33]), np.array([1.0, 11, 26]), np.array([0.3, 0.4, 0.3]))

    @property
    def first_tokens(self) -> Integers:
        return np.array([END, 4, 3])

    def _encode(self, target: Floats, duration: Floats | None) -> dict[str, Array]:
        rows = []
        for y in target:
            row: list[int] = []
            for _ in range(2):
                fitting = [(value, token) for value, token in ((20, 3), (8, 4)) if value <= y]
                if fitting:
                    y, row = y - fitting[0][0], [*row, fitting[0][1]]
            rows.append([*row, END, *[PADDING] * (2 - len(row))])
        return {"target": target, "tokens": np.array(rows, dtype=np.int16).reshape(-1, 3)}


def method(codec: type[Codes] = Codes, **chosen: Any) -> SequentialRegression:
    fitted: Codec = codec.fit(codec.Settings(), TARGET)
    built: SequentialRegression = build("rqreg", {"width": INNER} | chosen, fitted, "watch_time")
    return built


def head(own: SequentialRegression) -> CodeHead:
    torch.manual_seed(1)
    return own.head(WIDTH).double()


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def labels(own: SequentialRegression, target: Floats = TARGET) -> dict[str, Tensor]:
    encoded = own.labels(target, np.full(len(target), np.nan))
    return {name: torch.from_numpy(value) for name, value in encoded.items()}


def guide(own: SequentialRegression, draws: Tensor | None = None, epoch: int = 0, epochs: int = 50) -> Guide:
    if draws is None:
        draws = torch.rand(len(TARGET), own.draws, generator=torch.Generator().manual_seed(3))
    return Guide(labels(own), draws, Moment(epoch * 7, epochs * 7, epochs))


# The network


def perceptron(layers: nn.Module, vector: Tensor) -> Tensor:
    weights = list(layers.parameters())
    for place in range(0, len(weights), 2):
        vector = linear(vector.relu() if place else vector, weights[place], weights[place + 1])
    return vector


def slow_forward(own: SequentialRegression, network: CodeHead, hidden: Tensor, shown: Shown) -> Tensor:
    """Return what training puts out where ``shown`` holds the true token to show after each step, or None.

    One row after the other through torch's own LSTM, one step after the other, expectations as sums over codes.
    """
    stock = nn.LSTM(INNER, INNER).double()
    decoder = dict(network.decoder.named_parameters())
    stock.load_state_dict(
        {
            "weight_ih_l0": decoder["inputs.weight"],
            "weight_hh_l0": decoder["hidden.weight"],
            "bias_ih_l0": decoder["inputs.bias"],
            "bias_hh_l0": torch.zeros_like(decoder["inputs.bias"]),
        }
    )
    rows = []
    for row, vector in enumerate(hidden):
        start = perceptron(network.encode, vector)
        state = (start[None, :INNER], start[None, INNER:])
        inputs, logits, regressed, expected = network.embeddings[START], list[Tensor](), list[Tensor](), list[Tensor]()
        for step in range(own.steps):
            output, state = stock(inputs[None], state)
            logits.append(perceptron(network.predict, output[0]))
            if network.regress is not None:
                regressed.append(perceptron(network.regress, logits[-1]))
            shares = logits[-1].exp() / logits[-1].exp().sum()
            expected.append(sum((p * e for p, e in zip(shares, network.embeddings, strict=True)), torch.zeros(INNER)))
            token = shown[row][step]
            inputs = expected[-1] if token is None else network.embeddings[token]
        if network.regress_residual is not None:
            regressed.append(perceptron(network.regress_residual, expected[-1]))
        rows.append(torch.cat([*logits, *regressed, *expected]))
    return torch.stack(rows)


NOTHING: Shown = [[None] * 3] * len(TARGET)
HIDDEN = random(len(TARGET), WIDTH)


@pytest.mark.parametrize("codec", [Codes, Coins])
@pytest.mark.parametrize("chosen", [{}, {"regressor": False}, {"residual_regressor": True, "predictor_layers": 1}])
def test_inference_feeds_expected_embeddings(codec: type[Codes], chosen: dict[str, Any]) -> None:
    own = method(codec, **chosen)
    network = head(own)
    expected = slow_forward(own, network, HIDDEN, NOTHING)
    found = network(HIDDEN)
    assert found.shape == (len(TARGET), own.outputs)
    torch.testing.assert_close(found, expected[:, : own.outputs])


@pytest.mark.parametrize("codec", [Codes, Coins])
def test_training_with_p_0_sees_what_inference_sees(codec: type[Codes]) -> None:
    own = method(codec, schedule="constant", rate=0.0)
    network = head(own)
    found = network(HIDDEN, guide(own))
    torch.testing.assert_close(found[:, : own.outputs], network(HIDDEN))
    torch.testing.assert_close(found, slow_forward(own, network, HIDDEN, NOTHING))


@pytest.mark.parametrize("codec", [Codes, Coins])
def test_training_with_p_1_is_teacher_forcing(codec: type[Codes]) -> None:
    own = method(codec, schedule="constant", rate=1.0)
    network = head(own)
    expected = slow_forward(own, network, HIDDEN, labels(own)["tokens"].tolist())
    torch.testing.assert_close(network(HIDDEN, guide(own)), expected)


@pytest.mark.parametrize("sampling", ["row", "batch"])
def test_each_draw_below_p_shows_the_true_code(sampling: str) -> None:
    own = method(Coins, schedule="constant", rate=0.4, sampling=sampling)
    network, tokens = head(own), labels(own)["tokens"].tolist()
    for first in (0.39, 0.41):
        draws = torch.tensor(
            [[first, 0.1, 0.7, 0.4, 0.39, 0.9, 0.0, 0.5, 0.2, 0.41], np.linspace(0.3, 0.9, 10).tolist()]
        ).T
        deciding = (draws[:1].expand(len(TARGET), 2) if sampling == "batch" else draws).tolist()
        shown: Shown = [
            [token if draw < 0.4 else None for token, draw in zip(row, pair, strict=False)] + [None]
            for row, pair in zip(tokens, deciding, strict=True)
        ]
        assert shown != NOTHING
        torch.testing.assert_close(network(HIDDEN, guide(own, draws)), slow_forward(own, network, HIDDEN, shown))


def test_the_schedule_is_equation_17() -> None:
    own = method()
    for epoch in (0, 1, 10, 30, 49):
        expected = 1 / (1 + math.exp(0.1 * (epoch - 10)))
        assert own.settings.truth_rate(guide(own, epoch=epoch).moment) == pytest.approx(expected, rel=1e-12)
        faster = guide(own, epoch=epoch * 2, epochs=100).moment
        assert own.settings.truth_rate(faster) == pytest.approx(expected, rel=1e-12)


BACKBONES = {"lstm": LongShortTermMemory, "rnn": Recurrence, "transformer": TransformerDecoder}


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_learns_through_all_that_it_has(backbone: str) -> None:
    own = method(backbone=backbone, residual_regressor=True)
    network = head(own)
    assert isinstance(network.decoder, BACKBONES[backbone])
    assert not list(network.buffers())
    own.training_loss(network(HIDDEN, guide(own)), guide(own)).backward()  # type: ignore[no-untyped-call]
    for name, value in network.named_parameters():
        assert value.grad is not None, name
        assert value.grad.any(), name


def test_perceptrons_have_the_layers_that_settings_ask_for() -> None:
    for encoder, predictor in itertools.product((1, 2), (1, 2)):
        weights = dict(head(method(encoder_layers=encoder, predictor_layers=predictor)).named_parameters())
        shapes = {
            part: [tuple(value.shape) for name, value in weights.items() if name.startswith(part) and "weight" in name]
            for part in ("encode", "predict", "regress")
        }
        assert shapes["encode"] == [(2 * INNER, WIDTH), (2 * INNER, 2 * INNER)][:encoder]
        assert shapes["predict"] == [(INNER, INNER), (10, INNER)][-predictor:]
        assert shapes["regress"] == [(INNER, 10), (1, INNER)]


def test_without_a_regressor_there_is_none_in_the_network() -> None:
    names = [name for name, _ in head(method(regressor=False)).named_parameters()]
    assert not any(name.startswith("regress") for name in names)


def test_heads_that_do_not_divide_the_width_are_refused_in_one_sentence() -> None:
    with pytest.raises(WatchtimeError, match=r"^settings of method 'rqreg' .*width 6 .*transformer_heads 4.*\.$"):
        method(width=6, backbone="transformer", transformer_heads=4)


# The loss


def huber(value: float, other: float, delta: float) -> float:
    error = abs(value - other)
    return error**2 / 2 if error <= delta else delta * error - delta**2 / 2


def steps_of(own: SequentialRegression, outputs: Tensor) -> list[list[dict[int, float]]]:
    """Return the probability of every token, row by row and step by step."""
    rows = []
    for row in outputs.tolist():
        chunks = [row[step * own.vocabulary : (step + 1) * own.vocabulary] for step in range(own.steps)]
        weights = [[math.exp(value) for value in chunk] for chunk in chunks]
        rows.append([{token: w / sum(one) for token, w in enumerate(one)} for one in weights])
    return rows


def slow_parts(own: SequentialRegression, outputs: Tensor) -> list[list[float]]:
    """Return ŷ_1 … ŷ_L and, where there is one, the predicted residual, of every row."""
    unit = DEVIATION if own.settings.regressor_unit == "standard_deviation" else 1.0
    regressed = (outputs[:, own.steps * own.vocabulary :] * unit).tolist()
    if own.settings.regressor:
        return regressed
    rows = []
    for steps, rest in zip(steps_of(own, outputs), regressed, strict=True):
        alive, parts = 1.0, []
        for shares in steps:
            parts.append(alive * sum(p * own.codec.token_values[token] for token, p in shares.items()))
            alive *= 1 - shares[END] if isinstance(own.codec, Coins) else 1.0
        rows.append(parts + rest)
    return rows


def slow_loss(own: SequentialRegression, outputs: Tensor) -> float:
    chosen, known, total = own.settings, labels(own), 0.0
    pairs = zip(steps_of(own, outputs), slow_parts(own, outputs), strict=True)
    for row, (steps, parts) in enumerate(pairs):
        tokens, y = known["tokens"][row].tolist(), TARGET[row]
        likelihoods = [-math.log(steps[step][token]) for step, token in enumerate(tokens) if token != PADDING]
        codes = [float(own.codec.token_values[token]) for token in tokens]
        errors = [huber(y, sum(parts), chosen.delta)]
        for step in range(own.steps):
            first = 0 if chosen.huber_on == "cumulative" else step
            errors.append(huber(sum(codes[first : step + 1]), sum(parts[first : step + 1]), chosen.delta))
        mean, unit = chosen.reduction == "mean", DEVIATION if chosen.error_unit == "standard_deviation" else 1.0
        total += chosen.likelihood_weight * sum(likelihoods) / (own.steps if mean else 1)
        total += chosen.regression_weight * sum(errors) / (len(errors) if mean else 1) / unit
    return total / len(TARGET)


CHOICES: list[dict[str, Any]] = [
    {},
    {"regressor": False},
    {"residual_regressor": True, "regressor_unit": "standard_deviation", "error_unit": "standard_deviation"},
    {"huber_on": "cumulative", "delta": 0.5, "error_unit": "standard_deviation"},
    {"huber_on": "cumulative", "residual_regressor": True, "reduction": "mean"},
    {"likelihood_weight": 0.3, "regression_weight": 0.7, "delta": 10.0},
]


@pytest.mark.parametrize("codec", [Codes, Coins])
@pytest.mark.parametrize("chosen", CHOICES)
def test_the_loss_is_that_of_plain_loops(codec: type[Codes], chosen: dict[str, Any]) -> None:
    own = method(codec, **chosen)
    outputs = random(len(TARGET), own.outputs)
    assert own.loss(outputs, labels(own)).item() == pytest.approx(slow_loss(own, outputs), rel=1e-9)


def regressor_gradient(own: SequentialRegression, outputs: Tensor) -> Tensor:
    outputs = outputs.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(own.loss(outputs, labels(own)), outputs)
    return gradient[:, own.steps * own.vocabulary :] * len(TARGET)


def test_each_level_learns_from_its_code_and_from_the_target() -> None:
    """The derivative of Huber's loss is the error within ±δ; the target's error reaches every level."""
    own = method()
    outputs = random(len(TARGET), own.outputs)
    parts, codes = np.array(slow_parts(own, outputs)), own.codec.token_values[labels(own)["tokens"].long().numpy()]
    expected = np.clip(parts - codes, -2, 2) + np.clip(parts.sum(1) - TARGET, -2, 2)[:, None]
    np.testing.assert_allclose(regressor_gradient(own, outputs), expected, rtol=1e-9)


def test_in_running_sums_only_the_last_summand_learns() -> None:
    own = method(huber_on="cumulative", residual_regressor=True)
    outputs = random(len(TARGET), own.outputs)
    sums = np.cumsum(slow_parts(own, outputs), 1)
    codes = np.cumsum(own.codec.token_values[labels(own)["tokens"].long().numpy()], 1)
    expected = np.clip(sums - np.column_stack([codes, TARGET]), -2, 2)
    np.testing.assert_allclose(regressor_gradient(own, outputs), expected, rtol=1e-9)


def test_an_output_of_one_is_a_standard_deviation_or_a_unit() -> None:
    scaled, plain = method(regressor_unit="standard_deviation"), method()
    outputs = torch.zeros(3, scaled.outputs, dtype=torch.float64)
    outputs[:, -1] = torch.tensor([1.0, -2.0, 0.5])
    assert scaled.readouts(outputs.numpy(), np.zeros(3))["regression"].tolist() == pytest.approx(
        [DEVIATION, -2 * DEVIATION, DEVIATION / 2]
    )
    assert plain.readouts(outputs.numpy(), np.zeros(3))["regression"].tolist() == [1.0, -2.0, 0.5]


@pytest.mark.parametrize("rows", [None, 4])
def test_training_adds_the_contrast_of_expected_embeddings_of_all_or_of_the_first_rows(rows: int | None) -> None:
    own = method(temperature=1.5, contrast_weight=0.3, contrast_rows=rows)
    plain = method(contrast_weight=0.0)
    training = head(own)(HIDDEN, guide(own))
    outputs, expected = training[:, : own.outputs], training[:, own.outputs :]
    assert expected.shape == (len(TARGET), own.steps * INNER)
    extra = 0.3 * rank_contrast(expected[:rows], torch.from_numpy(TARGET)[:rows], 1.5).item()
    assert extra > 0.1
    loss = own.loss(outputs, labels(own)).item()
    assert own.training_loss(training, guide(own)).item() == pytest.approx(loss + extra, rel=1e-9)
    assert plain.training_loss(training, guide(own)).item() == pytest.approx(loss, rel=1e-9)


def test_a_batch_of_one_row_has_no_contrast() -> None:
    own = method()
    one = Guide({name: value[:1] for name, value in labels(own).items()}, torch.rand(1, own.draws), Moment(0, 1, 1))
    training = head(own)(HIDDEN[:1], one)
    expected = own.loss(training[:, : own.outputs], one.labels).item()
    assert own.training_loss(training, one).item() == pytest.approx(expected)


def test_the_best_constant_distribution_is_the_share_of_each_code() -> None:
    own = method(regression_weight=0.0)
    known = labels(own)
    best = minimum(lambda outputs: own.loss(outputs.expand(len(TARGET), -1), known), 1, own.outputs)
    for step, shares in enumerate(steps_of(own, torch.from_numpy(best))[0]):
        counts = np.bincount(known["tokens"][:, step].numpy(), minlength=own.vocabulary)
        np.testing.assert_allclose(list(shares.values()), counts / len(TARGET), atol=1e-5)


# Readouts


@pytest.mark.parametrize("codec", [Codes, Coins])
def test_the_mean_is_that_of_all_sequences_of_independent_steps(codec: type[Codes]) -> None:
    own = method(codec)
    outputs = random(4, own.outputs)
    found = own.readouts(outputs.numpy(), np.zeros(4))
    for row, steps in enumerate(steps_of(own, outputs)):
        expected = 0.0
        for sequence in itertools.product(range(own.vocabulary), repeat=own.steps):
            probability = math.prod(steps[step][token] for step, token in enumerate(sequence))
            until = sequence.index(END) if END in sequence and codec is Coins else own.steps
            expected += probability * sum(own.codec.token_values[token] for token in sequence[:until])
        assert found["mean"][row] == pytest.approx(expected, rel=1e-9)
        assert found["regression"][row] == pytest.approx(sum(slow_parts(own, outputs)[row]), rel=1e-9)


def test_without_a_regressor_the_regression_is_the_mean() -> None:
    found = method(Coins, regressor=False).readouts(random(4, 15).numpy(), np.zeros(4))
    np.testing.assert_allclose(found["regression"], found["mean"])


@pytest.mark.parametrize("codec", [Codes, Coins])
def test_order_readouts_come_from_the_first_step_over_the_intervals(codec: type[Codes]) -> None:
    own = method(codec)
    outputs = random(5, own.outputs)
    intervals = own.codec.intervals
    probabilities = own.distribution(outputs.numpy())
    assert probabilities is not None
    found = own.readouts(outputs.numpy(), np.zeros(5))
    assert list(found) == ["regression", "mean", "median", "rank", "variance"]
    for row, (first, *_) in enumerate(steps_of(own, outputs)):
        shares = np.array([first[token] for token in own.codec.first_tokens])
        shares /= shares.sum()
        np.testing.assert_allclose(probabilities[row], shares)
        ranks = [intervals.shares[:place].sum() + intervals.shares[place] / 2 for place in range(len(shares))]
        assert found["rank"][row] == pytest.approx(sum(p * rank for p, rank in zip(shares, ranks, strict=True)))
        below = sum(
            p * np.clip((found["median"][row] - low) / (high - low), 0, 1)
            for p, low, high in zip(shares, intervals.edges, intervals.edges[1:], strict=False)
        )
        assert below == pytest.approx(0.5)


def test_without_likelihood_the_regression_is_the_only_readout() -> None:
    own = method(likelihood_weight=0.0)
    outputs = random(3, own.outputs).numpy()
    assert list(own.readouts(outputs, np.zeros(3))) == ["regression"]
    assert own.distribution(outputs) is None
