from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchtime.core.errors import WatchtimeError
from watchtime.labels.storage import fit_codec

TRAIN = np.array([0.0, 4.0, 4.0, 8.0])


@pytest.mark.parametrize(
    ("scale", "multiplier", "label_of_6"),
    [("max", 1, 0.75), ("max", 20, 15.0), ("mean", 1, 1.5), ("standard_deviation", 2, 12 / np.sqrt(8)), ("none", 1, 6)],
)
def test_labels_by_hand(scale: str, multiplier: float, label_of_6: float) -> None:
    codec: Any = fit_codec("scaled", {"scale": scale, "multiplier": multiplier}, TRAIN)
    labels = codec.encode(np.array([6.0]))
    assert labels["value"] == pytest.approx([label_of_6])
    assert codec.decode(labels["value"]) == pytest.approx([6.0])


@settings(max_examples=60)
@given(
    st.lists(st.floats(1e-3, 1e5), min_size=1, max_size=30),
    st.floats(0.01, 100),
    st.sampled_from(["max", "mean", "none"]),
)
def test_round_trip_and_order(train: list[float], multiplier: float, scale: str) -> None:
    codec = fit_codec("scaled", {"scale": scale, "multiplier": multiplier}, np.array(train))
    ordered = np.sort([*train, 0.0, 1e6])
    np.testing.assert_allclose(codec.reconstruct(ordered), ordered, rtol=1e-14)
    assert np.all(np.diff(codec.encode(ordered)["value"]) >= 0)


def test_decoding_is_linear_so_it_keeps_means() -> None:
    codec: Any = fit_codec("scaled", {"scale": "mean", "multiplier": 3}, TRAIN)
    values = np.array([-1.0, 0.2, 5.0])
    assert codec.decode(values).mean() == pytest.approx(float(codec.decode(values.mean())))


@pytest.mark.parametrize("scale", ["max", "mean", "standard_deviation"])
def test_a_scale_of_zero_is_one_sentence(scale: str) -> None:
    with pytest.raises(WatchtimeError, match=rf"the {scale} of the training targets is 0\.0"):
        fit_codec("scaled", {"scale": scale}, np.zeros(3))
    assert fit_codec("scaled", {"scale": "none"}, np.zeros(3)).reconstruct(np.ones(2)) == pytest.approx([1, 1])


@pytest.mark.parametrize("multiplier", [0, -1, np.inf, np.nan])
def test_the_multiplier_is_a_positive_number(multiplier: float) -> None:
    with pytest.raises(WatchtimeError, match="multiplier"):
        fit_codec("scaled", {"multiplier": multiplier}, TRAIN)
