"""The duration-bucket median by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logs import table_log
from watchtime.core.errors import WatchtimeError
from watchtime.methods.base import build
from watchtime.methods.duration_bucket_median import DurationBucketMedian


def fitted(buckets: int, duration: list[float], target: list[float]) -> DurationBucketMedian:
    method: DurationBucketMedian = build("duration_bucket_median", {"buckets": buckets}, None, "watch_time")
    ids = [1] * len(target)
    train = table_log(ids, ids, target, duration)
    method.fit(train, train, seed=0)
    return method


def predicted(method: DurationBucketMedian, duration: list[float]) -> npt.NDArray[Any]:
    ids = [0] * len(duration)
    return method.predict(table_log(ids, ids, duration=duration))["median"]


def test_medians_by_hand() -> None:
    """Two buckets, cut at the median duration 6: (5, 1, 9) and (2, 4, 30); other durations belong to the nearest."""
    method = fitted(2, [1, 2, 3, 9, 10, 11], [5, 1, 9, 2, 4, 30])
    assert predicted(method, [0.0, 3, 5.9, 6, 9, 400]).tolist() == [5, 5, 5, 4, 4, 4]


def test_one_bucket_is_the_training_median() -> None:
    assert predicted(fitted(1, [1, 2, 3], [7, 1, 5]), [0, 2, 9]).tolist() == [5, 5, 5]


def test_durations_that_no_training_row_has_get_the_overall_median() -> None:
    """Four quantile edges between two durations, 2.8 to 8.2 apart: nothing was watched between them."""
    method = fitted(5, [1, 10, 1, 10], [2, 8, 4, 6])
    assert predicted(method, [1, 5.5, 10]).tolist() == [3, 5, 7]


@given(
    rows=st.lists(st.tuples(st.integers(1, 8), st.integers(0, 50)), min_size=1, max_size=40),
    buckets=st.integers(1, 6),
)
@settings(max_examples=50)
def test_every_training_row_gets_the_median_of_the_rows_in_its_bucket(
    rows: list[tuple[int, int]], buckets: int
) -> None:
    duration, target = ([float(value) for value in column] for column in zip(*rows, strict=True))
    edges = [np.quantile(duration, place / buckets) for place in range(1, buckets)]
    bucket = [sum(edge <= seconds for edge in edges) for seconds in duration]
    expected = [np.median([y for y, other in zip(target, bucket, strict=True) if other == own]) for own in bucket]
    assert predicted(fitted(buckets, duration, target), duration).tolist() == expected


def test_no_bucket_is_refused() -> None:
    with pytest.raises(WatchtimeError, match="buckets: found 0"):
        build("duration_bucket_median", {"buckets": 0}, None, "watch_time")
