"""MDME's loss against a loop over its towers, and its readouts by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from watchtime.labels.storage import fit_codec
from watchtime.losses.ordered_classes import ordered_classification
from watchtime.methods.base import build
from watchtime.methods.mdme import MultiDistributionMultiExperts

# The edges of two sub-distributions of two buckets are 0, 0, 2, 4, 8, 9.
TARGET = np.array([0.0, 0.0, 1.0, 2.0, 4.0, 8.0, 9.0])
NO_DURATION = np.full(3, np.nan)


def method(**settings: Any) -> MultiDistributionMultiExperts:
    fitted = fit_codec("value_buckets", {"sub_distributions": 2, "buckets": 2}, TARGET)
    built: MultiDistributionMultiExperts = build("mdme", settings, fitted, "ltv")
    return built


def towers(rows: int) -> dict[str, Tensor]:
    """Return random outputs by what they are for; ``bucket``, ``above`` and ``bias`` lead with a sub-distribution."""
    generator = torch.Generator().manual_seed(0)
    shapes = {"sub": (3,), "sub_above": (2,), "bucket": (2, 2), "above": (2, 1), "bias": (2, 2)}
    return {name: torch.randn(rows, *shape, dtype=torch.float64, generator=generator) for name, shape in shapes.items()}


def side_by_side(parts: dict[str, Tensor]) -> Tensor:
    inner = [parts[name][:, which] for which in range(2) for name in ("bucket", "above", "bias")]
    return torch.cat([parts["sub"], parts["sub_above"], *inner], -1)


def test_the_head_has_an_output_for_each_of_them() -> None:
    assert method().outputs == 3 + 2 + 2 * (2 + 1 + 2)
    assert method().head(7)(torch.randn(4, 7)).shape == (4, 15)


def test_a_row_teaches_the_towers_of_its_own_sub_distribution() -> None:
    mdme = method(distillation_weight=0.3, bias_weight=0.6)
    target, parts = np.array([0.0, 3.0, 8.5]), towers(3)
    labels = {name: torch.from_numpy(one) for name, one in mdme.labels(target, NO_DURATION).items()}
    # 3 is half way in the second bucket of the first sub-distribution, 8.5 in that of the second.
    places = [None, (0, 1, 0.5), (1, 1, 0.5)]
    expected = []
    for row, place in enumerate(places):
        sub = 0 if place is None else place[0] + 1
        loss = ordered_classification(parts["sub"][row], parts["sub_above"][row], torch.tensor(sub), 0.3).item()
        if place is not None:
            which, bucket, bias = place
            inner = parts["bucket"][row, which], parts["above"][row, which]
            loss += ordered_classification(*inner, torch.tensor(bucket), 0.3).item()
            loss += 0.6 * (1 / (1 + math.exp(-parts["bias"][row, which, bucket].item())) - bias) ** 2
        expected.append(loss)
    outputs = side_by_side(parts).requires_grad_()
    found = mdme.loss(outputs, labels)
    assert found.item() == pytest.approx(np.mean(expected), rel=1e-9)
    (gradient,) = torch.autograd.grad(found, outputs)
    assert (gradient[0, 5:] == 0).all()
    assert (gradient[1, 10:] == 0).all()
    assert (gradient[2, 5:10] == 0).all()


def test_readouts_by_hand() -> None:
    """P(0) = 0.2, then 0.1, 0.4, 0.24 and 0.06; all biases are one half, but that of the likeliest bucket, a quarter.

    Without teachers' and biases' outputs: logits are logarithms of probabilities.
    """
    sub, buckets = np.log([0.2, 0.5, 0.3]), np.log([[0.2, 0.8], [0.8, 0.2]])
    quarter = math.log(1 / 3)
    row = [*sub, 9.0, -9.0, *buckets[0], 5.0, 0.0, quarter, *buckets[1], -5.0, 0.0, 0.0]
    certain = [*np.log([0.9, 0.05, 0.05]), *row[3:]]
    mdme = method()
    probabilities = mdme.distribution(np.array([row, certain]))
    assert probabilities[0].tolist() == pytest.approx([0.2, 0.1, 0.4, 0.24, 0.06])
    found = mdme.readouts(np.array([row, certain]), NO_DURATION)
    assert list(found) == ["mode", "mean", "median", "rank", "variance"]
    assert found["mode"].tolist() == pytest.approx([2 + 2 / 4, 0])
    assert found["mean"][0] == pytest.approx(0.1 * 1 + 0.4 * 2.5 + 0.24 * 6 + 0.06 * 8.5)
    assert found["median"][0] == pytest.approx(3.0)
    shares = np.array([2, 2, 1, 1, 1]) / 7
    assert found["rank"][0] == pytest.approx(probabilities[0] @ (np.cumsum(shares) - shares / 2))
