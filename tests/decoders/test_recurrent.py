"""The written-out cells against torch's own, with the same weights."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from watchtime.decoders.base import Decoder
from watchtime.decoders.recurrent import LongShortTermMemory, Recurrence

BATCH, STEPS, WIDTH = 7, 4, 5
Case = tuple[Callable[[int], Decoder], Callable[[int, int], nn.RNNBase]]
CELLS: list[Case] = [(LongShortTermMemory, nn.LSTM), (Recurrence, nn.RNN)]


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def outputs(decoder: Decoder, inputs: Tensor, vector: Tensor) -> Tensor:
    state, found = decoder.begin(vector), []
    for step in range(inputs.shape[1]):
        output, state = decoder.step(inputs[:, step], state)
        found.append(output)
    return torch.stack(found, 1)


def pair(cell: Callable[[int], Decoder], stock: Callable[[int, int], nn.RNNBase]) -> tuple[Decoder, nn.RNNBase]:
    """Return the decoder and torch's module with the decoder's weights, its bias split over torch's two."""
    torch.manual_seed(0)
    decoder, known = cell(WIDTH).double(), stock(WIDTH, WIDTH).double()
    own = dict(decoder.named_parameters())
    extra = random(*own["inputs.bias"].shape, seed=9)
    weights = {
        "weight_ih_l0": own["inputs.weight"],
        "weight_hh_l0": own["hidden.weight"],
        "bias_ih_l0": own["inputs.bias"] - extra,
        "bias_hh_l0": extra,
    }
    known.load_state_dict({name: value.detach() for name, value in weights.items()})
    return decoder, known


@pytest.mark.parametrize(("cell", "stock"), CELLS)
def test_outputs_and_gradients_are_those_of_torch(
    cell: Callable[..., Decoder], stock: Callable[..., nn.RNNBase]
) -> None:
    decoder, known = pair(cell, stock)
    assert decoder.width == WIDTH
    inputs, vector = random(BATCH, STEPS, WIDTH, seed=1), random(BATCH, decoder.entry, seed=2)
    ours = [inputs.clone().requires_grad_(), vector.clone().requires_grad_()]
    theirs = [inputs.clone().requires_grad_(), vector.clone().requires_grad_()]

    found = outputs(decoder, *ours)
    start = tuple(part[None].contiguous() for part in torch.split(theirs[1], WIDTH, 1))
    expected, _ = known(theirs[0].transpose(0, 1), start if len(start) == 2 else start[0])
    torch.testing.assert_close(found, expected.transpose(0, 1))

    weights = random(BATCH, STEPS, WIDTH, seed=3)
    own = dict(decoder.named_parameters())
    stock_names = {"inputs.weight": "weight_ih_l0", "hidden.weight": "weight_hh_l0", "inputs.bias": "bias_ih_l0"}
    assert own.keys() == stock_names.keys()
    pairs = [(value, known.get_parameter(stock_names[name])) for name, value in own.items()]
    leaves = [*zip(ours, theirs, strict=True), *pairs]
    gradients = torch.autograd.grad((found * weights).sum(), [one for one, _ in leaves])
    known_gradients = torch.autograd.grad((expected.transpose(0, 1) * weights).sum(), [other for _, other in leaves])
    torch.testing.assert_close(gradients, known_gradients)


@pytest.mark.parametrize(("cell", "stock"), CELLS)
def test_repetitions_side_by_side_are_those_one_after_another(
    cell: Callable[..., Decoder], stock: Callable[..., nn.RNNBase]
) -> None:
    decoder = cell(WIDTH).double()
    weights = {name: torch.stack([value.detach(), 2 * value.detach()]) for name, value in decoder.state_dict().items()}
    inputs, vector = random(2, BATCH, STEPS, WIDTH), random(2, BATCH, decoder.entry)

    class Unrolled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.decoder = decoder

        def forward(self, inputs: Tensor, vector: Tensor) -> Tensor:
            return outputs(self.decoder, inputs, vector)

    module = Unrolled()

    def run(weights: dict[str, Tensor], inputs: Tensor, vector: Tensor) -> Tensor:
        named = {f"decoder.{name}": value for name, value in weights.items()}
        return functional_call(module, named, (inputs, vector))

    together = torch.vmap(run)(weights, inputs, vector)
    for place in range(2):
        alone = run({name: value[place] for name, value in weights.items()}, inputs[place], vector[place])
        torch.testing.assert_close(together[place], alone)


@pytest.mark.parametrize(("cell", "stock"), CELLS)
def test_a_step_changes_no_state_in_place(cell: Callable[..., Decoder], stock: Callable[..., nn.RNNBase]) -> None:
    decoder = cell(WIDTH).double()
    state = decoder.begin(random(BATCH, decoder.entry))
    before = [part.clone() for part in state]
    first, _ = decoder.step(random(BATCH, WIDTH, seed=1), state)
    assert all(torch.equal(one, other) for one, other in zip(state, before, strict=True))
    again, _ = decoder.step(random(BATCH, WIDTH, seed=1), state)
    assert torch.equal(first, again)
