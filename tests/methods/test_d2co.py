"""D2Co: what its losses estimate, and what the estimate decodes to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from minimum import minimum
from watchtime.core.errors import WatchtimeError
from watchtime.labels.storage import fit_codec
from watchtime.methods.base import build
from watchtime.methods.d2co import DebiasedDenoisedCorrection

DRAWS = np.random.default_rng(3)
DURATION = np.full(400, 20.0)
TARGET = np.abs(np.where(DRAWS.random(400) < 0.5, 16.0, 4.0) + DRAWS.normal(0, 2.0, 400))
CONTEXT = (TARGET + DRAWS.normal(0, 8, 400) > 10).astype(int)


def method(codec: dict[str, Any] | None = None, **settings: Any) -> DebiasedDenoisedCorrection:
    fitted = fit_codec("duration_mixtures", codec or {}, TARGET, DURATION)
    built: DebiasedDenoisedCorrection = build("d2co", settings, fitted, "watch_time")
    return built


def best(d2co: DebiasedDenoisedCorrection) -> dict[str, Any]:
    """Return the readouts of each context where nothing limits the model."""
    labels = {name: torch.from_numpy(value) for name, value in d2co.labels(TARGET, DURATION).items()}
    outputs = minimum(lambda outputs: d2co.loss(outputs[CONTEXT], labels), 2, 1)
    return d2co.readouts(outputs, DURATION[:2])


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
def test_the_clipped_labels_expectation_decodes_to_an_exponential_mean(loss: str) -> None:
    d2co = method(loss=loss)
    (low,), (high,) = d2co.codec.low, d2co.codec.high
    powers = np.exp(0.3 * np.clip(TARGET, low, high))
    expected = [np.log(powers[context == CONTEXT].mean()) / 0.3 for context in (0, 1)]
    found = best(d2co)
    assert list(found) == ["exponential_mean"]
    np.testing.assert_allclose(found["exponential_mean"], expected, rtol=1e-4)


def test_the_linear_labels_expectation_decodes_to_the_mean() -> None:
    found = best(method({"label": "linear"}, loss="squared_error"))
    assert list(found) == ["mean"]
    np.testing.assert_allclose(found["mean"], [TARGET[context == CONTEXT].mean() for context in (0, 1)], rtol=1e-5)


def test_no_prediction_leaves_the_two_means_of_a_clipped_label() -> None:
    d2co = method()
    found = d2co.readouts(np.array([[-800.0], [800.0]]), DURATION[:2])["exponential_mean"]
    assert found.tolist() == [d2co.codec.low[0], d2co.codec.high[0]]


def test_clipping_cuts_predictions_at_zero_and_the_duration() -> None:
    linear = method({"label": "linear"}, loss="squared_error", clip=True)
    assert linear.readouts(np.array([[-9.0], [9.0]]), DURATION[:2])["mean"].tolist() == [0, 20]
    free = method({"label": "linear"}, loss="squared_error")
    assert free.readouts(np.array([[9.0]]), DURATION[:1])["mean"] > 20


def test_an_unbounded_label_is_no_probability() -> None:
    with pytest.raises(WatchtimeError, match=r"^method 'd2co': loss: found 'cross_entropy', allowed .*: squared_err"):
        method({"label": "linear"})
