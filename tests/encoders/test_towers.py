"""Towers side by side against matrices."""

from __future__ import annotations

import torch

from watchtime.encoders.towers import Towers


def test_every_tower_is_a_perceptron_of_its_own() -> None:
    torch.manual_seed(0)
    towers, hidden = Towers(5, 4, [2, 3]), torch.randn(6, 5)
    weights = dict(towers.named_parameters())
    parts = []
    for tower in ("towers.0", "towers.1"):
        inner = (hidden @ weights[f"{tower}.0.weight"].T + weights[f"{tower}.0.bias"]).clamp(min=0)
        parts.append(inner @ weights[f"{tower}.2.weight"].T + weights[f"{tower}.2.bias"])
    torch.testing.assert_close(towers(hidden), torch.cat(parts, -1))
    assert [part.shape[-1] for part in parts] == [2, 3]
