"""The Transformer decoder: with its cache against without, its mask, and against torch's own layers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from watchtime.decoders.transformer import TransformerBlock, TransformerDecoder

BATCH, STEPS, WIDTH = 5, 7, 12


def decoder(layers: int = 2, positions: int = 0) -> TransformerDecoder:
    torch.manual_seed(0)
    return TransformerDecoder(WIDTH, layers, heads=3, feed_forward=20, positions=positions)


def inputs(seed: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(BATCH, STEPS, WIDTH, generator=generator), torch.randn(BATCH, WIDTH, generator=generator)


def stepwise(module: TransformerDecoder, given: Tensor, vector: Tensor) -> Tensor:
    state, outputs = module.begin(vector), []
    for step in range(given.shape[1]):
        output, state = module.step(given[:, step], state)
        outputs.append(output)
    return torch.stack(outputs, 1)


@pytest.mark.parametrize("positions", [0, STEPS])
@pytest.mark.parametrize("layers", [1, 3])
def test_step_by_step_gives_what_all_steps_at_once_give(layers: int, positions: int) -> None:
    module = decoder(layers, positions)
    torch.testing.assert_close(stepwise(module, *inputs()), module(*inputs()), rtol=1e-5, atol=1e-5)


def test_a_step_leaves_the_state_before_it_as_it_was() -> None:
    """So that several continuations may start from one state."""
    module = decoder()
    given, vector = inputs()
    _, state = module.step(given[:, 0], module.begin(vector))
    kept = [one.clone() for one in state]
    first, _ = module.step(given[:, 1], state)
    module.step(given[:, 2], state)
    again, _ = module.step(given[:, 1], state)
    assert all(torch.equal(one, other) for one, other in zip(state, kept, strict=True))
    assert torch.equal(first, again)


@pytest.mark.parametrize("changed", range(STEPS))
def test_a_step_sees_no_later_inputs_and_all_earlier_ones(changed: int) -> None:
    module = decoder()
    given, vector = inputs()
    other = given.clone()
    other[:, changed] += 1
    moved = (module(given, vector) - module(other, vector)).abs().amax((0, 2))
    assert (moved[:changed] == 0).all()
    assert (moved[changed:] > 1e-6).all()


def test_rows_do_not_see_one_another_but_their_own_memory() -> None:
    module = decoder()
    given, vector = inputs()
    other = vector.clone()
    other[2] += 1
    moved = (module(given, vector) - module(given, other)).abs().amax((1, 2))
    assert moved[2] > 1e-3
    assert (moved[[0, 1, 3, 4]] == 0).all()


def torchs(block: TransformerBlock) -> nn.TransformerDecoderLayer:
    """Return torch's layer with the same weights; the queries and keys of its attention to the memory stay random."""
    layer = nn.TransformerDecoderLayer(WIDTH, 3, 20, dropout=0.0, batch_first=True)
    weights = {
        "self_attn.in_proj_": block.queries_keys_values,
        "self_attn.out_proj.": block.attended,
        "multihead_attn.out_proj.": block.memory_attended,
        "linear1.": block.inner,
        "linear2.": block.outer,
        "norm1.": block.norms[0],
        "norm2.": block.norms[1],
        "norm3.": block.norms[2],
    }
    same = {f"{name}{kind}": value for name, ours in weights.items() for kind, value in ours.state_dict().items()}
    for kind, value in block.memory_value.state_dict().items():
        free = torch.randn(2 * WIDTH, *value.shape[1:])
        same[f"multihead_attn.in_proj_{kind}"] = torch.cat([free, value])
    layer.load_state_dict(same)
    return layer


def test_it_is_torchs_decoder_whose_attention_to_one_token_ignores_queries_and_keys() -> None:
    module = decoder(2)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    given, vector = inputs()
    states, mask = given, nn.Transformer.generate_square_subsequent_mask(STEPS)
    for block in module.blocks:
        assert isinstance(block, TransformerBlock)
        states = torchs(block)(states, vector[:, None], tgt_mask=mask)
    torch.testing.assert_close(module(given, vector), states, rtol=1e-4, atol=1e-5)


def test_positions_tell_the_order_and_without_them_earlier_inputs_have_none() -> None:
    given, vector = inputs()
    swapped = given[:, [1, 0, *range(2, STEPS)]]
    plain, placed = decoder(1), decoder(1, STEPS)
    torch.testing.assert_close(plain(given, vector)[:, 2:], plain(swapped, vector)[:, 2:], rtol=1e-5, atol=1e-5)
    assert (placed(given, vector)[:, 2:] - placed(swapped, vector)[:, 2:]).abs().max() > 1e-3


def test_dropout_is_noise_in_training_alone() -> None:
    module = decoder()
    torch.manual_seed(3)
    first, second = module(*inputs(), dropout=0.2), module(*inputs(), dropout=0.2)
    assert not torch.equal(first, second)
    assert torch.equal(module(*inputs()), module(*inputs()))
    torch.manual_seed(3)
    assert torch.equal(module(*inputs(), dropout=0.2), first)


def test_it_maps_over_repetitions() -> None:
    module = decoder(2, STEPS)
    pairs = [inputs(seed) for seed in (1, 2)]
    given, vector = (torch.stack(part) for part in zip(*pairs, strict=True))
    expected = torch.stack([module(*pair) for pair in pairs])
    torch.testing.assert_close(torch.vmap(module)(given, vector), expected, rtol=1e-5, atol=1e-5)
    steps = torch.vmap(lambda one, other: stepwise(module, one, other))(given, vector)
    torch.testing.assert_close(steps, expected, rtol=1e-5, atol=1e-5)
