"""A mixture of experts against a loop over tasks and experts."""

from __future__ import annotations

import torch

from watchtime.encoders.experts import MixtureOfExperts


def test_every_task_weighs_the_experts_by_its_own_gate() -> None:
    torch.manual_seed(0)
    mixture = MixtureOfExperts(5, (4,), experts=3, tasks=2)
    hidden = torch.randn(7, 5)
    found = mixture(hidden)
    assert found.shape == (7, 2)
    for row in range(7):
        for task in range(2):
            scores = (mixture.gates[task](hidden[row])).exp()
            shares = scores / scores.sum()
            expected = sum(shares[place] * expert(hidden[row])[0] for place, expert in enumerate(mixture.experts))
            torch.testing.assert_close(found[row, task], expected)
