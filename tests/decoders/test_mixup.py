"""Mixtures of embeddings against a loop over tokens."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from watchtime.decoders.mixup import mixed_embeddings, predicted_tokens
from watchtime.labels.sequence import END, FIRST_VALUE, PADDING, START

VOCABULARY, WIDTH = 14, 4
EMBEDDINGS = torch.randn(VOCABULARY, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(5))


def scores(*shape: int, seed: int = 0) -> Tensor:
    return 2 * torch.randn(*shape, VOCABULARY, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def slow(rho: list[float], centre: int, tokens: list[int]) -> list[float]:
    """Return Σ_w e^{ρ_w} E_w / Σ_w e^{ρ_w} over ``tokens``."""
    assert centre in tokens
    total = sum(math.exp(rho[token]) for token in tokens)
    return [sum(math.exp(rho[w]) / total * EMBEDDINGS[w, at].item() for w in tokens) for at in range(WIDTH)]


@given(window=st.integers(0, 20).map(lambda half: 2 * half + 1), seed=st.integers(0, 1000))
def test_windows_are_those_of_a_loop(window: int, seed: int) -> None:
    rho = scores(3, 5, seed=seed)
    centres = torch.randint(0, VOCABULARY, (3, 5), generator=torch.Generator().manual_seed(seed))
    found = mixed_embeddings("window", window, rho, centres, EMBEDDINGS)
    assert found.shape == (3, 5, WIDTH)
    for row in range(3):
        for step in range(5):
            centre, half = int(centres[row, step]), window // 2
            tokens = [w for w in range(FIRST_VALUE, VOCABULARY) if abs(w - centre) <= half]
            tokens = tokens if centre >= FIRST_VALUE else [centre]
            assert found[row, step].tolist() == pytest.approx(slow(rho[row, step].tolist(), centre, tokens))


@pytest.mark.parametrize("special", [PADDING, START, END])
def test_special_tokens_are_fed_unmixed(special: int) -> None:
    found = mixed_embeddings("window", 7, scores(2), torch.full((2,), special), EMBEDDINGS)
    assert torch.equal(found, EMBEDDINGS[[special, special]])


@pytest.mark.parametrize("centre", [FIRST_VALUE, VOCABULARY - 1])
def test_a_window_does_not_go_round_the_ends(centre: int) -> None:
    """Beyond the ends, however likely, nothing is mixed in."""
    rho = scores(1)
    rho[:, [PADDING, START, END, VOCABULARY + FIRST_VALUE - 1 - centre]] = 50.0
    found = mixed_embeddings("window", 3, rho, torch.tensor([centre]), EMBEDDINGS)
    inner = centre + (1 if centre == FIRST_VALUE else -1)
    assert found[0].tolist() == pytest.approx(slow(rho[0].tolist(), centre, [centre, inner]))


def test_the_whole_vocabulary_is_mixed_whatever_the_centre() -> None:
    rho = scores(4)
    for centre in (END, 6):
        found = mixed_embeddings("vocabulary", 3, rho, torch.full((4,), centre), EMBEDDINGS)
        for row in range(4):
            assert found[row].tolist() == pytest.approx(slow(rho[row].tolist(), centre, list(range(VOCABULARY))))


def test_without_mixing_and_with_a_window_of_one_it_is_the_centres_embedding() -> None:
    rho = scores(6)
    centres = torch.arange(6)
    assert torch.equal(mixed_embeddings("none", 5, rho, centres, EMBEDDINGS), EMBEDDINGS[:6])
    assert torch.equal(mixed_embeddings("window", 1, rho, centres, EMBEDDINGS), EMBEDDINGS[:6])


def test_gradients_reach_embeddings_and_the_scores_in_the_window() -> None:
    rho, embeddings = scores(1).requires_grad_(), EMBEDDINGS.clone().requires_grad_()
    found = mixed_embeddings("window", 5, rho, torch.tensor([8]), embeddings).pow(2).sum()
    of_scores, of_embeddings = torch.autograd.grad(found, (rho, embeddings))
    assert of_scores[0].nonzero().flatten().tolist() == [6, 7, 8, 9, 10]
    assert of_embeddings.abs().sum(1).nonzero().flatten().tolist() == [6, 7, 8, 9, 10]


def test_a_centre_that_is_next_to_impossible_has_finite_weights_and_gradients() -> None:
    rho = torch.zeros(1, VOCABULARY)
    rho[0, 12] = 1e4
    rho.requires_grad_()
    found = mixed_embeddings("window", 3, rho, torch.tensor([5]), EMBEDDINGS.float())
    torch.testing.assert_close(found[0], EMBEDDINGS[4:7].float().mean(0))
    (gradient,) = torch.autograd.grad(found.sum(), rho)
    assert gradient.isfinite().all()


def test_only_ends_and_values_are_predicted() -> None:
    rho = scores(3, 2)
    rho[..., [PADDING, START]] = 100
    expected = [[max(range(END, VOCABULARY), key=row.__getitem__) for row in rows] for rows in rho.tolist()]
    assert predicted_tokens(rho).tolist() == expected
    rho[..., END] = 50
    assert predicted_tokens(rho).tolist() == [[END, END]] * 3
