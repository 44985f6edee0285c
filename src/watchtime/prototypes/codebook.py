"""A codebook in clusters: first the nearest cluster, then the nearest prototype in it (ProWTP, eqs. 5, 6)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class HierarchicalCodebook(nn.Module):
    """𝒫 [C, K, d]; ``choose`` picks for a latent vector e

    c = argmin_i ‖p̃_i − e‖ with p̃_i = Σ_j softmax_j(p_ij · e) p_ij, then k = argmin_j ‖p_cj − e‖.

    With one cluster that is the codebook of a VQ-VAE. Prototypes start as a normal sample of the latent's scale.
    """

    def __init__(self, clusters: int, size: int, width: int) -> None:
        super().__init__()
        self.prototypes = nn.Parameter(torch.randn(clusters, size, width) / width**0.5)

    @torch.no_grad()
    def choose(self, latent: Tensor) -> Tensor:
        """Return the numbers c · K + k of the chosen prototypes, [batch], for ``latent`` [batch, d]."""
        size = self.prototypes.shape[1]
        scores = torch.einsum("bd,ckd->bck", latent, self.prototypes)
        centres = torch.einsum("bck,ckd->bcd", scores.softmax(-1), self.prototypes)
        cluster = (centres - latent[:, None]).square().sum(-1).argmin(-1)
        members = self.prototypes[cluster]
        return cluster * size + (members - latent[:, None]).square().sum(-1).argmin(-1)

    def at(self, chosen: Tensor) -> Tensor:
        """Return the prototypes with the numbers ``chosen`` [batch], [batch, d]."""
        return self.prototypes.flatten(0, 1)[chosen]

    @torch.no_grad()
    def revive(self, used: Tensor, latent: Tensor, generator: torch.Generator) -> None:
        """Put every prototype that ``used`` [C K] does not mark on one of ``latent`` [rows, d], drawn at random."""
        dead = (~used).nonzero().flatten()
        drawn = torch.randint(len(latent), (len(dead),), generator=generator)
        self.prototypes.data.flatten(0, 1)[dead] = latent[drawn]
