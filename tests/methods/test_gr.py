"""GR against plain loops over rows, steps and tokens."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor

from watchtime.core.errors import WatchtimeError
from watchtime.decoders.base import Decoder, State
from watchtime.decoders.mixup import mixed_embeddings, predicted_tokens
from watchtime.decoders.transformer import TransformerDecoder
from watchtime.labels.sequence import END, PADDING, START, SequenceCodec
from watchtime.labels.storage import fit_codec
from watchtime.methods.base import build
from watchtime.methods.gr import GenerativeHead, GenerativeRegression
from watchtime.methods.network import Guide, Moment

DRAWS = np.random.default_rng(0)
TARGET = np.concatenate([np.zeros(40), np.round(DRAWS.gamma(1.0, 20.0, 360), 1)])
CODEC = cast(SequenceCodec, fit_codec("token_vocabulary", {"vocabulary": "manual"}, TARGET))
VALUES, STEPS = CODEC.token_values.tolist(), CODEC.steps
VOCABULARY = len(VALUES)
SMALL = {"width": 12, "layers": 2, "heads": 3, "feed_forward": 16}
HIDDEN, BATCH = 5, 6
HALF = Moment(step=50, steps=100, epochs=5)


def method(**chosen: Any) -> GenerativeRegression:
    built: GenerativeRegression = build("gr", SMALL | chosen, CODEC, "watch_time")
    return built


def head_of(gr: GenerativeRegression) -> GenerativeHead:
    """Return a head in double precision whose weights are large enough for sharp and varied predictions."""
    torch.manual_seed(0)
    head = gr.head(HIDDEN).double()
    assert isinstance(head, GenerativeHead)
    with torch.no_grad():
        head.embeddings.mul_(20)
        head.scores.weight.mul_(4)
        head.memory.weight.mul_(10)
    return head


def random_outputs(rows: int, passes: int = 1, scale: float = 3.0) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return scale * torch.randn(rows, passes * STEPS * VOCABULARY, dtype=torch.float64, generator=generator)


def hidden(rows: int = BATCH) -> Tensor:
    return torch.randn(rows, HIDDEN, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def labels(gr: GenerativeRegression, target: list[float]) -> dict[str, Tensor]:
    encoded = gr.labels(np.array(target), np.full(len(target), np.nan))
    return {name: torch.from_numpy(value) for name, value in encoded.items()}


def guide(gr: GenerativeRegression, moment: Moment = HALF) -> Guide:
    known = labels(gr, [0.0, 0.3, 7.7, 31.9, float(TARGET.max()), 12.0])
    draws = torch.rand(BATCH, gr.draws, generator=torch.Generator().manual_seed(3))
    return Guide(known, draws, moment)


# Plain loops


def softmax(scores: list[float]) -> list[float]:
    powers = [math.exp(score - max(scores)) for score in scores]
    return [power / sum(powers) for power in powers]


def distributions(outputs: Tensor, row: int) -> list[list[float]]:
    return [softmax(step) for step in outputs[row].view(STEPS, VOCABULARY).tolist()]


def best(p: list[float]) -> int:
    return max(range(END, VOCABULARY), key=p.__getitem__)


def slow_sequence(steps: list[list[float]]) -> float:
    total = 0.0
    for p in steps:
        if best(p) == END:
            break
        total += VALUES[best(p)]
    return total


def slow_window(steps: list[list[float]], reach: int) -> float:
    total = 0.0
    for p in steps:
        total += sum(p[w] * VALUES[w] for w in range(VOCABULARY) if abs(w - best(p)) <= reach)
        if best(p) == END:
            break
    return total


def slow_expectation(steps: list[list[float]]) -> float:
    total, reached = 0.0, 1.0
    for p in steps:
        total += reached * sum(share * value for share, value in zip(p, VALUES, strict=True))
        reached *= 1 - p[END]
        if best(p) == END:
            break
    return total


def slow_huber(error: float, delta: float) -> float:
    return error**2 / 2 if abs(error) <= delta else delta * (abs(error) - delta / 2)


# The loss


@pytest.mark.parametrize("unit", ["standard_deviation", "target"])
@pytest.mark.parametrize("huber_on", ["expectation", "window"])
@pytest.mark.parametrize("validation", ["first", "all"])
def test_the_loss_is_cross_entropy_and_huber_row_by_row(unit: str, huber_on: str, validation: str) -> None:
    """Of all tokens in training; validation may count the first token alone."""
    weights = {"likelihood_weight": 0.7, "huber_weight": 1.3, "huber_delta": 0.6}
    gr = method(unit=unit, huber_on=huber_on, validation=validation, readout_window=2, **weights)
    target = [0.0, 0.3, 7.7, 31.9, float(TARGET.max()), 500.0]
    outputs, known = random_outputs(len(target)), labels(gr, target)
    scale = float(np.std(TARGET)) if unit == "standard_deviation" else 1.0
    rows, firsts = [], []
    for row, y in enumerate(target):
        steps = distributions(outputs, row)
        pairs = zip(steps, known["tokens"][row].tolist(), strict=True)
        entropies = [-math.log(p[token]) for p, token in pairs if token != PADDING]
        predicted = slow_window(steps, 2) if huber_on == "window" else slow_expectation(steps)
        error = slow_huber((predicted - y) / scale, 0.6)
        rows.append(0.7 * sum(entropies) + 1.3 * error)
        firsts.append(0.7 * entropies[0] + 1.3 * error)
    training = gr.training_loss(outputs, Guide(known, torch.empty(0), HALF))
    assert training.item() == pytest.approx(np.mean(rows), rel=1e-9)
    validated = np.mean(rows if validation == "all" else firsts)
    assert gr.loss(outputs, known).item() == pytest.approx(validated, rel=1e-9)


def test_with_losses_on_both_passes_training_takes_their_mean() -> None:
    gr = method(loss_on="both", validation="all")
    known = guide(gr)
    outputs = random_outputs(BATCH, passes=2)
    first, second = outputs.chunk(2, 1)
    expected = (gr.loss(first, known.labels) + gr.loss(second, known.labels)) / 2
    assert gr.training_loss(outputs, known).item() == pytest.approx(expected.item(), rel=1e-12)
    assert gr.training_loss(second, known).item() == pytest.approx(gr.loss(second, known.labels).item(), rel=1e-12)
    found = head_of(gr)(hidden(), known)
    second_only = head_of(method())(hidden(), known)
    first_only = head_of(method(curriculum="none"))(hidden(), known)
    torch.testing.assert_close(found, torch.cat([first_only, second_only], 1))


@pytest.mark.parametrize("huber_on", ["expectation", "window"])
def test_gradients_are_finite_where_the_model_is_certain(huber_on: str) -> None:
    gr = method(huber_on=huber_on, validation="all")
    outputs = random_outputs(50, scale=300.0).float().requires_grad_()
    (gradient,) = torch.autograd.grad(gr.loss(outputs, labels(gr, [0.0, 40.0] * 25)), outputs)
    assert gradient.isfinite().all()
    assert gradient.abs().sum() > 0


# Readouts


@pytest.mark.parametrize("reach", [0, 3, 10])
def test_readouts_are_those_of_loops(reach: int) -> None:
    gr = method(readout_window=reach)
    outputs = random_outputs(200)
    outputs.view(-1, STEPS, VOCABULARY)[:, :, END] += 2
    found = gr.readouts(outputs.numpy(), np.full(200, np.nan))
    lengths = set()
    for row in range(200):
        steps = distributions(outputs, row)
        tokens = [best(p) for p in steps]
        lengths.add(tokens.index(END) if END in tokens else STEPS)
        assert found["sequence"][row] == pytest.approx(slow_sequence(steps), rel=1e-9, abs=1e-9)
        assert found["window"][row] == pytest.approx(slow_window(steps, reach), rel=1e-9)
        assert found["mean"][row] == pytest.approx(slow_expectation(steps), rel=1e-9)
    assert {0, 1, STEPS} <= lengths


def test_the_distribution_is_that_of_the_first_token() -> None:
    gr = method()
    outputs = random_outputs(20)
    found, intervals = gr.distribution(outputs.numpy()), CODEC.intervals
    readouts = gr.readouts(outputs.numpy(), np.full(20, np.nan))
    for row in range(20):
        first = distributions(outputs, row)[0]
        parts = [first[END], *reversed(first[END + 1 :])]
        expected = [part / sum(parts) for part in parts]
        assert found[row].tolist() == pytest.approx(expected)
        mean = sum(p * v for p, v in zip(expected, intervals.values.tolist(), strict=True))
        square = sum(p * v**2 for p, v in zip(expected, intervals.values.tolist(), strict=True))
        assert readouts["variance"][row] == pytest.approx(square - mean**2)
        ranks = zip(expected, intervals.ranks.tolist(), strict=True)
        assert readouts["rank"][row] == pytest.approx(sum(p * rank for p, rank in ranks))
    np.testing.assert_allclose(readouts["median"], intervals.median(found))


def test_a_model_that_is_certain_of_the_right_tokens_predicts_what_is_left_of_the_target() -> None:
    gr = method(readout_window=0, validation="all")
    target = np.unique(TARGET)
    tokens = labels(gr, target.tolist())["tokens"].long()
    outputs = 60.0 * torch.nn.functional.one_hot(tokens, VOCABULARY).double().flatten(1)
    found, expected = gr.readouts(outputs.numpy(), target), CODEC.reconstruct(target)
    for name in ("sequence", "window", "mean"):
        np.testing.assert_allclose(found[name], expected, atol=1e-9)
    assert (np.abs(expected - target) <= np.maximum(0.001 * target, 0.05) + 1e-9).all()
    assert gr.loss(outputs, labels(gr, target.tolist())).item() < 1e-4


def test_the_chosen_prediction_comes_first() -> None:
    outputs = random_outputs(2).numpy()
    names = ["sequence", "window", "mean", "median", "rank", "variance"]
    assert list(method().readouts(outputs, outputs)) == names
    assert list(method(prediction="window").readouts(outputs, outputs)) == ["window", "sequence", *names[2:]]


# Inference


class Recomputing(Decoder):
    """The same decoder without a cache: a step runs over all inputs so far."""

    def __init__(self, decoder: TransformerDecoder) -> None:
        super().__init__()
        self.decoder = decoder

    def begin(self, vector: Tensor) -> State:
        return (vector,)

    def step(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        vector, *before = state
        given = [*before, inputs]
        return self.decoder(torch.stack(given, 1), vector)[:, -1], (vector, *given)


@pytest.mark.parametrize("positions", ["none", "learned"])
@pytest.mark.parametrize("mixup", ["window", "vocabulary", "none"])
def test_generation_with_a_cache_is_generation_without(mixup: str, positions: str) -> None:
    head = head_of(method(mixup=mixup, positions=positions))
    with_cache = head(hidden(50))
    tokens = predicted_tokens(with_cache.view(-1, STEPS, VOCABULARY))
    assert len({tuple(row) for row in tokens.tolist()}) > 8
    head.decoder = Recomputing(head.decoder)  # type: ignore[assignment]
    torch.testing.assert_close(head(hidden(50)), with_cache, rtol=1e-9, atol=1e-9)


def test_generation_feeds_what_it_predicted() -> None:
    """Training's whole-sequence pass, fed the mixtures of the generated scores, gives these scores back."""
    gr = method()
    head = head_of(gr)
    generated = head(hidden()).view(BATCH, STEPS, VOCABULARY)
    given = generated[:, :-1]
    fed = mixed_embeddings("window", 5, given, predicted_tokens(given), head.embeddings)
    inputs = torch.cat([head.embeddings[START].expand(BATCH, 1, -1), fed], 1)
    again = head.scores(head.decoder(inputs, head.memory(hidden())))
    torch.testing.assert_close(again, generated, rtol=1e-9, atol=1e-9)


def test_what_a_head_has_memorised_it_generates() -> None:
    gr = method(width=24, heads=4)
    torch.manual_seed(0)
    head = gr.head(8)
    target = [0.0, 0.3, 1.9, 7.7, 12.0, 31.9, 64.2, 99.9]
    known, rows = labels(gr, target), torch.eye(8)
    known["target"] = known["target"].float()
    optimiser = torch.optim.Adam(head.parameters(), lr=0.02)
    for step in range(150):
        now = Guide(known, torch.rand(8, gr.draws), Moment(step, 150, 3))
        loss = gr.training_loss(head(rows, now), now)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    found = gr.readouts(head(rows).detach().double().numpy(), np.full(8, np.nan))
    np.testing.assert_allclose(found["sequence"], CODEC.reconstruct(np.array(target)), atol=1e-9)
    np.testing.assert_allclose(found["mean"], target, atol=2.0)


# Training


def second_inputs(gr: GenerativeRegression, moment: Moment = HALF) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return what the second pass was fed after ``START``, the true and the mixed embeddings, and the draws."""
    head, now = head_of(gr), guide(gr, moment)
    fed: list[Tensor] = []
    head.decoder.register_forward_pre_hook(lambda _, given: fed.append(given[0]))
    head(hidden(), now)
    tokens = now.labels["tokens"][:, :-1].long()
    first = head.scores(TransformerDecoder.forward(head.decoder, fed[0], head.memory(hidden())))[:, :-1]
    mixed = mixed_embeddings("window", 5, first, predicted_tokens(first), head.embeddings)
    truth = head.embeddings[tokens]
    torch.testing.assert_close(fed[0][:, 1:], truth)
    assert torch.equal(fed[1][:, 0], head.embeddings[START].expand(BATCH, -1))
    return fed[1][:, 1:], truth, mixed, now.draws


@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_the_second_pass_sees_each_true_token_with_its_own_chance(rate: float) -> None:
    fed, truth, mixed, draws = second_inputs(method(curriculum="constant", rate=rate))
    for row in range(BATCH):
        for step in range(STEPS - 1):
            expected = truth if draws[row, step] < rate else mixed
            torch.testing.assert_close(fed[row, step], expected[row, step])


def test_one_coin_per_step_is_shared_by_the_batch() -> None:
    fed, truth, mixed, draws = second_inputs(method(curriculum="constant", rate=0.5, sampling="step"))
    assert 0 < (draws[0] < 0.5).sum() < STEPS - 1
    for step in range(STEPS - 1):
        torch.testing.assert_close(fed[:, step], (truth if draws[0, step] < 0.5 else mixed)[:, step])


@pytest.mark.parametrize(
    ("curriculum", "step", "rate"), [("linear", 25, 0.75), ("released", 20, 1.0), ("released", 22, 0.0)]
)
def test_the_schedule_follows_the_training(curriculum: str, step: int, rate: float) -> None:
    """Five epochs of 20 steps: step 20 is the first of the second epoch."""
    fed, truth, mixed, draws = second_inputs(method(curriculum=curriculum), Moment(step, 100, 5))
    torch.testing.assert_close(fed, torch.where((draws < rate)[..., None], truth, mixed))


def test_true_tokens_can_be_mixed_too() -> None:
    gr = method(curriculum="constant", rate=1.0, mixup_on_truth=True)
    head, now = head_of(gr), guide(gr)
    fed = second_inputs(gr)[0]
    tokens = now.labels["tokens"][:, :-1].long()
    first = head_of(method(curriculum="none"))(hidden(), now).view(BATCH, STEPS, VOCABULARY)[:, :-1]
    expected = mixed_embeddings("window", 5, first, tokens, head.embeddings)
    torch.testing.assert_close(fed, expected)
    assert not torch.allclose(fed, head.embeddings[tokens])


def test_with_true_tokens_alone_two_passes_are_one() -> None:
    two, one = method(curriculum="constant", rate=1.0), method(curriculum="none")
    now = guide(one)
    torch.testing.assert_close(head_of(two)(hidden(), now), head_of(one)(hidden(), now))


def test_teacher_forcing_sees_earlier_true_tokens_alone() -> None:
    gr = method(curriculum="none")
    now = guide(gr)
    tokens = now.labels["tokens"].clone()
    tokens[:, 2] = VOCABULARY - 1
    other = Guide(now.labels | {"tokens": tokens}, now.draws, now.moment)
    moved = (head_of(gr)(hidden(), now) - head_of(gr)(hidden(), other)).view(BATCH, STEPS, VOCABULARY)
    assert (moved[:, :3] == 0).all()
    assert (moved[:, 3].abs().amax(1) > 1e-6).all()


def test_gradients_go_through_the_mixture_into_the_first_pass() -> None:
    """The derivative along the output layer's bias is that of finite differences, mixtures and both passes included."""
    gr = method(curriculum="constant", rate=0.0)
    head, now = head_of(gr), guide(gr)
    direction = torch.randn(VOCABULARY, dtype=torch.float64, generator=torch.Generator().manual_seed(4))

    def loss(step: float) -> Tensor:
        with torch.no_grad():
            head.scores.bias.add_(step * direction)
        found = gr.training_loss(head(hidden(), now), now)
        with torch.no_grad():
            head.scores.bias.sub_(step * direction)
        return found

    (gradient,) = torch.autograd.grad(loss(0.0), head.scores.bias)
    differences = (loss(1e-6) - loss(-1e-6)) / 2e-6
    assert float(gradient @ direction) == pytest.approx(differences.item(), rel=1e-5)


def test_dropout_is_for_training_alone() -> None:
    noisy, plain = method(dropout=0.3), method()
    now = guide(plain)
    torch.testing.assert_close(head_of(noisy)(hidden()), head_of(plain)(hidden()))
    assert not torch.allclose(head_of(noisy)(hidden(), now), head_of(plain)(hidden(), now))


# Settings


def test_settings_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(WatchtimeError, match=r"^settings of method 'gr' .* an odd window, which has a centre\.$"):
        method(window=4)
    with pytest.raises(WatchtimeError, match=r"^settings of method 'gr' .* a width that is a multiple of heads\.$"):
        method(width=16, heads=3)
