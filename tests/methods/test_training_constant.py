"""The constants that are best for MAE and for RMSE."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs import table_log
from watchtime.core.errors import WatchtimeError
from watchtime.methods.base import build


def constant(statistic: str, target: list[float]) -> float:
    method = build("training_constant", {"statistic": statistic}, None, "watch_time")
    ids = [1] * len(target)
    method.fit(table_log(ids, ids, target), table_log([1], [1], [1e6]), seed=0)
    prediction = method.predict(table_log([0, 1, 7], [1, 0, 2]))
    assert list(prediction) == [statistic]
    assert len(set(prediction[statistic].tolist())) == 1
    return float(prediction[statistic][0])


def test_median_and_mean_by_hand() -> None:
    assert constant("median", [1, 2, 30, 4]) == 3
    assert constant("mean", [1, 2, 30, 4]) == 9.25


@given(target=st.lists(st.integers(0, 100).map(float), min_size=1, max_size=20), other=st.floats(0, 100))
def test_no_other_constant_has_a_lower_error(target: list[float], other: float) -> None:
    rows = np.array(target)
    assert np.abs(rows - constant("median", target)).sum() <= np.abs(rows - other).sum() + 1e-9
    assert np.square(rows - constant("mean", target)).sum() <= np.square(rows - other).sum() + 1e-6


def test_another_statistic_is_refused() -> None:
    with pytest.raises(WatchtimeError, match="did you mean 'median'"):
        build("training_constant", {"statistic": "medain"}, None, "watch_time")
