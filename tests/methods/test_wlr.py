"""WLR in the limit of unlimited data, and its predictions by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from minimum import minimum
from watchtime.core.errors import WatchtimeError
from watchtime.labels.storage import fit_codec
from watchtime.methods.base import build
from watchtime.methods.wlr import WeightedLogisticRegression

# Two contexts of five rows each; the 60 % quantile of min(y, 30) is 5.4.
CONTEXT = np.repeat([0, 1], 5)
TARGET = np.array([0.0, 3.0, 5.0, 40.0, 20.0, 1.0, 0.0, 2.0, 13.0, 6.0])
DURATION = np.full(10, 30.0)


def method(codec: dict[str, Any] | None = None, **settings: Any) -> WeightedLogisticRegression:
    fitted = fit_codec("watch_weights", codec or {}, TARGET, DURATION)
    built: WeightedLogisticRegression = build("wlr", settings, fitted, "watch_time")
    return built


def best(wlr: WeightedLogisticRegression) -> npt.NDArray[np.float64]:
    """Return the outputs of each context that minimise the loss, [2, outputs]."""
    labels = {name: torch.from_numpy(value) for name, value in wlr.labels(TARGET, DURATION).items()}

    def loss(outputs: Tensor) -> Tensor:
        return wlr.loss(outputs[CONTEXT], labels)

    return minimum(loss, 2, wlr.towers)


@pytest.mark.parametrize("scale", ["mean", "max"])
def test_the_odds_of_every_impression_are_the_expected_weight(scale: str) -> None:
    """p / (1 − p) = E[y / s | x]; hence the prediction s · odds is E[y | x], whatever s is."""
    wlr = method({"scale": scale})
    unit = TARGET.mean() if scale == "mean" else TARGET.max()
    outputs = best(wlr)
    means = np.array([TARGET[context == CONTEXT].mean() for context in (0, 1)])
    np.testing.assert_allclose(np.exp(outputs[:, 0]), means / unit, rtol=1e-5)
    np.testing.assert_allclose(wlr.readouts(outputs, DURATION[:2])["mean"], means, rtol=1e-5)


def test_long_plays_predict_the_watch_time_that_is_spent_in_them() -> None:
    """odds = Σ t over long plays / short plays; times the share of short plays: Σ t over long plays / rows."""
    wlr = method({"positives": "long_play"})
    played = np.minimum(TARGET, DURATION)
    long = played > np.quantile(played, 0.6)
    expected = [played[(context == CONTEXT) & long].sum() / 5 for context in (0, 1)]
    assert expected == [10.0, 3.8]
    np.testing.assert_allclose(wlr.readouts(best(wlr), DURATION[:2])["mean"], expected, rtol=1e-4)


def test_a_long_play_prediction_by_hand() -> None:
    """Odds 3 (0.75 / 0.25) times 1 − 0.2, then clipped to the duration; 0.250001 is the released code's guard."""
    wlr = method({"positives": "long_play"})
    outputs = np.log(np.array([[3.0, 0.25], [3.0, 0.25], [1e9, 1e-9]]))
    found = wlr.readouts(outputs, np.array([30.0, 2.0, 30.0]))["mean"]
    np.testing.assert_allclose(found, [0.75 / 0.250001 * 0.8, 2.0, 30.0], rtol=1e-12)


def test_logits_too_large_for_their_odds_still_give_numbers() -> None:
    outputs = np.array([[1000.0, -1000.0], [-1000.0, 1000.0]])
    found = method({"positives": "long_play"}).readouts(outputs, np.array([30.0, 30.0]))["mean"]
    assert found.tolist() == [30.0, 0.0]


def test_the_floor_is_in_units_of_the_odds() -> None:
    wlr = method(floor=0.5)
    found = wlr.readouts(np.log([[0.25], [0.75]]), np.full(2, np.nan))["mean"]
    np.testing.assert_allclose(found, np.array([0.5, 0.75]) * TARGET.mean())


def test_weights_of_long_plays() -> None:
    """min(y, d) = 0 3 5 30 20 1 0 2 13 6, its 60 % quantile is 5.4: weights are truncated watch times above it."""
    labels = method({"positives": "long_play"}).labels(TARGET, DURATION)
    assert labels["positive"].tolist() == [0, 0, 0, 1, 1, 0, 0, 0, 1, 1]
    assert labels["positive_weight"].tolist() == [0, 0, 0, 30, 20, 0, 0, 0, 13, 6]
    assert labels["negative_weight"].tolist() == [1, 1, 1, 0, 0, 1, 1, 1, 0, 0]


def test_only_long_plays_need_a_duration() -> None:
    assert not method().needs_duration
    assert method({"positives": "long_play"}).needs_duration
    missing = np.full(10, np.nan)
    assert method().labels(TARGET, missing)["positive_weight"].sum() == pytest.approx(10)
    with pytest.raises(WatchtimeError, match="needs a duration for every row"):
        fit_codec("watch_weights", {"positives": "long_play"}, TARGET, missing)


def test_targets_of_zero_alone_are_refused() -> None:
    with pytest.raises(WatchtimeError, match=r"^codec 'watch_weights': every training target is 0, .*\.$"):
        fit_codec("watch_weights", {}, np.zeros(4))
