"""The autoencoder of watch-ratio vectors whose codebook becomes the prototypes: HVQ-VAE (ProWTP, eq. 7) and VQ-VAE."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from pydantic import Field
from torch import Tensor, nn

from watchtime.core import settings as core
from watchtime.labels.base import Floats
from watchtime.optimisers.adam import Adam, in_one_tensor
from watchtime.prototypes.codebook import HierarchicalCodebook


class AutoencoderSettings(core.Settings):
    """Codebook and training. ``commitment`` is β of eq. 7, 0.25 as in VQ-VAE; K is searched from 4 to 24 by the paper.

    Hidden width, epochs, batch and learning rate are not printed. ``revive`` puts prototypes that no vector chose in
    an epoch on vectors of it, half of the training long; without it most of a codebook is never used.
    """

    clusters: int = Field(4, ge=1)
    size: int = Field(20, ge=1)
    codebook_hidden: int = Field(64, ge=1)
    commitment: float = Field(0.25, ge=0)
    codebook_epochs: int = Field(30, ge=1)
    codebook_batch: int = Field(128, ge=1)
    codebook_learning_rate: float = Field(0.001, gt=0)
    revive: bool = True


@dataclass(frozen=True)
class Codes:
    """``prototypes`` [C, K, d] · ``losses`` [epochs, 3], means of the three terms of eq. 7 · ``used`` bool [C, K]."""

    prototypes: Tensor
    losses: Tensor
    used: Tensor


class VectorAutoencoder(nn.Module):
    """w → e = E(w) → z, the chosen prototype → D(e + sg[z − e]); E and D are perceptrons with one hidden layer."""

    def __init__(self, length: int, width: int, settings: AutoencoderSettings) -> None:
        super().__init__()
        self.encoder = _perceptron(length, settings.codebook_hidden, width)
        self.codebook = HierarchicalCodebook(settings.clusters, settings.size, width)
        self.decoder = _perceptron(width, settings.codebook_hidden, length)

    def losses(self, vectors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the three terms of eq. 7 without β, [3], the chosen prototypes [batch] and the latents [batch, d].

        ‖w − D(e + sg[z − e])‖², ‖sg[e] − z‖² and ‖e − sg[z]‖², each a mean over the vectors.
        """
        latent = self.encoder(vectors)
        chosen = self.codebook.choose(latent)
        prototype = self.codebook.at(chosen)
        rebuilt = self.decoder(latent + (prototype - latent).detach())
        terms = (vectors - rebuilt, latent.detach() - prototype, latent - prototype.detach())
        return torch.stack([term.square().sum(-1).mean() for term in terms]), chosen, latent.detach()


def learned(vectors: Floats, width: int, settings: AutoencoderSettings, seed: int) -> Codes:
    """Return the codebook that the autoencoder learns of ``vectors`` [vectors, n], with latents of ``width`` d.

    Everything random follows from ``seed``; torch's own stream is left as it was.
    """
    inputs = torch.from_numpy(vectors).float()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = VectorAutoencoder(inputs.shape[-1], width, settings)
    generator = torch.Generator().manual_seed(seed)
    optimiser = Adam(in_one_tensor(model), settings.codebook_learning_rate)
    losses, used = [], torch.zeros(settings.clusters * settings.size, dtype=torch.bool)
    for epoch in range(settings.codebook_epochs):
        used, latents, total = torch.zeros_like(used), list[Tensor](), torch.zeros(3)
        for batch in torch.randperm(len(inputs), generator=generator).split(settings.codebook_batch):  # type: ignore[no-untyped-call]
            terms, chosen, latent = model.losses(inputs[batch])
            optimiser.zero_gradient()
            (terms[0] + terms[1] + settings.commitment * terms[2]).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            used[chosen] = True
            latents.append(latent)
            total += terms.detach() * len(batch) / len(inputs)
        losses.append(total)
        if settings.revive and 2 * epoch < settings.codebook_epochs:
            model.codebook.revive(used, torch.cat(latents), generator)
    prototypes = model.codebook.prototypes.detach()
    return Codes(prototypes, torch.stack(losses), used.view(settings.clusters, settings.size))


def _perceptron(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))
