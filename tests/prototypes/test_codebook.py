"""Which prototype is chosen, against loops, and which gradients flow where in the autoencoder."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from watchtime.labels.base import Floats
from watchtime.prototypes.autoencoder import AutoencoderSettings, VectorAutoencoder, learned
from watchtime.prototypes.codebook import HierarchicalCodebook

SETTINGS = AutoencoderSettings(
    clusters=3, size=4, codebook_hidden=16, codebook_epochs=25, codebook_batch=32, codebook_learning_rate=0.01
)


def slow_choice(prototypes: Tensor, latent: Tensor) -> int:
    """Return c · K + k by eqs. 5 and 6, one cluster and one prototype at a time."""
    distances = []
    for cluster in prototypes:
        weights = [torch.exp(one @ latent) for one in cluster]
        parts = [weight / sum(weights) * one for weight, one in zip(weights, cluster, strict=True)]
        centre = torch.stack(parts).sum(0)
        distances.append(float(torch.dist(centre, latent)))
    nearest = int(np.argmin(distances))
    within = [float(torch.dist(one, latent)) for one in prototypes[nearest]]
    return nearest * prototypes.shape[1] + int(np.argmin(within))


@pytest.mark.parametrize("clusters", [1, 3])
def test_the_chosen_prototypes_are_those_of_loops(clusters: int) -> None:
    torch.manual_seed(0)
    codebook, latent = HierarchicalCodebook(clusters, 5, 4), torch.randn(40, 4)
    found = codebook.choose(latent)
    assert found.tolist() == [slow_choice(codebook.prototypes.detach(), one) for one in latent]
    torch.testing.assert_close(codebook.at(found), codebook.prototypes.flatten(0, 1)[found])


def test_clusters_are_chosen_first() -> None:
    """The nearest of all prototypes is not chosen where its cluster's centre lies further off."""
    codebook = HierarchicalCodebook(2, 2, 1)
    codebook.prototypes.data = torch.tensor([[[1.0], [-9.0]], [[0.6], [0.5]]])
    latent = torch.tensor([[0.1]])
    assert codebook.choose(latent).tolist() == [3]
    codebook.prototypes.data[0, 0] = 0.2
    assert codebook.choose(latent).tolist() == [3]


def test_every_term_of_the_loss_reaches_what_it_should() -> None:
    """Reconstruction: decoder and, straight through, encoder; the second term: prototypes; the third: encoder."""
    torch.manual_seed(1)
    model, vectors = VectorAutoencoder(6, 4, SETTINGS), torch.rand(10, 6)
    names = [name for name, _ in model.named_parameters()]
    reached = []
    for term in range(3):
        losses, _, _ = model.losses(vectors)
        gradients = torch.autograd.grad(losses[term], list(model.parameters()), allow_unused=True)
        pairs = zip(names, gradients, strict=True)
        reached.append({name.split(".")[0] for name, one in pairs if one is not None and bool(one.any())})
    assert reached == [{"encoder", "decoder"}, {"codebook"}, {"encoder"}]


def test_the_encoder_gets_the_decoders_gradient_at_the_prototype() -> None:
    torch.manual_seed(2)
    model, vectors = VectorAutoencoder(6, 4, SETTINGS), torch.rand(10, 6)
    losses, chosen, _ = model.losses(vectors)
    straight = torch.autograd.grad(losses[0], list(model.encoder.parameters())[-1])[0]
    prototype = model.codebook.at(chosen).detach().requires_grad_()
    rebuilt = (vectors - model.decoder(prototype)).square().sum(-1).mean()
    assert float(rebuilt.detach()) == pytest.approx(float(losses[0].detach()))
    torch.testing.assert_close(torch.autograd.grad(rebuilt, prototype)[0].sum(0), straight)


def groups() -> Floats:
    """Return 6 kinds of ordered vectors around .1, .3, … 1.1."""
    draws = np.random.default_rng(0)
    centres = np.repeat(np.arange(6) * 0.2 + 0.1, 80)
    return np.sort(draws.normal(centres[:, None], 0.01, (480, 8)), axis=1)


def test_a_codebook_learns_the_kinds_of_vectors() -> None:
    codes = learned(groups(), 4, SETTINGS, seed=0)
    assert codes.prototypes.shape == (3, 4, 4)
    assert codes.losses.shape == (25, 3)
    assert float(codes.losses[-1, 0]) < 0.05 * float(codes.losses[0, 0])
    # The variance within a kind is 8 · 0.01², between kinds 8 · 0.117.
    assert float(codes.losses[-1, 0]) < 0.05
    assert int(codes.used.sum()) >= 6


def test_reviving_leaves_fewer_prototypes_without_use() -> None:
    codes = [learned(groups(), 4, SETTINGS.model_copy(update={"revive": one}), seed=3) for one in (True, False)]
    assert int(codes[0].used.sum()) > int(codes[1].used.sum())


def test_a_codebook_follows_from_its_seed_alone() -> None:
    torch.manual_seed(7)
    before = torch.rand(1)
    torch.manual_seed(7)
    first = learned(groups(), 4, SETTINGS, seed=5).prototypes
    assert torch.equal(torch.rand(1), before)
    assert torch.equal(learned(groups(), 4, SETTINGS, seed=5).prototypes, first)
    assert not torch.equal(learned(groups(), 4, SETTINGS, seed=6).prototypes, first)
