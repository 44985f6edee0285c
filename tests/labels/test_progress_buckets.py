"""Buckets of the horizon and of progress bars, by hand and against loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchtime.core.errors import WatchtimeError
from watchtime.labels.storage import fit_codec

TARGET = np.array([0.0, 0.0, 2.0, 4.0, 6.0, 20.0])
DURATION = np.array([10.0, 0.0, 4.0, 4.0, 24.0, 10.0])


def fit(target: npt.ArrayLike, duration: npt.ArrayLike | None = None, **options: Any) -> Any:
    durations = None if duration is None else np.asarray(duration, dtype=float)
    return fit_codec("progress_buckets", options, np.asarray(target, dtype=float), durations)


def test_edges_are_training_quantiles_from_0_on_without_equal_ones() -> None:
    """Order statistics 0 0 2 4 6 20: the quantiles at 1/5, …, 1 are 0 2 4 6 20."""
    assert fit(TARGET, count=5).edges.tolist() == [0, 2, 4, 6, 20]
    assert fit(TARGET, count=5).facts() == {"buckets": 4, "largest_progress": 20}
    assert fit(TARGET, count=4, spacing="equal_width").edges.tolist() == [0, 5, 10, 15, 20]


def test_the_own_bar_of_a_video_goes_beyond_1_for_replays() -> None:
    """Progress 0 ½ 1 ¼ 2, the video of no duration left out; its view goes to the end if there was any."""
    codec = fit(TARGET, DURATION, count=4, unit="duration")
    assert codec.edges.tolist() == [0, 0.25, 0.5, 1, 2]
    assert codec.encode(TARGET, DURATION)["progress"].tolist() == [0, 0, 0.5, 1, 0.25, 2]
    assert codec.encode(np.array([3.0]), np.array([0.0]))["progress"].tolist() == [2]
    assert codec.reconstruct(np.array([3.0, 3.0]), np.array([0.0, 1.0])).tolist() == [0, 2]
    assert codec.in_targets(np.array([0.5]), np.array([30.0])).tolist() == [15]


def test_cells_are_cut_half_way_between_edges() -> None:
    codec = fit(TARGET, count=5)
    cells = codec.intervals
    assert cells.edges.tolist() == [0, 1, 3, 5, 13, 20]
    assert cells.values.tolist() == [0, 2, 4, 6, 20]
    assert cells.shares.tolist() == pytest.approx([2 / 6, 1 / 6, 1 / 6, 1 / 6, 1 / 6])


@given(st.lists(st.floats(0, 1e4), min_size=2, max_size=40).filter(any), st.integers(1, 12))
def test_what_is_watched_of_all_buckets_is_the_target_up_to_the_last_edge(train: list[float], count: int) -> None:
    codec = fit(train, count=count)
    assert np.all(codec.widths > 0)
    assert codec.edges[-1] == max(train)
    assert codec.cell_shares.sum() == pytest.approx(1)
    for y in [*train, 1e5]:
        watched = 0.0
        for start, end in zip(codec.edges[:-1].tolist(), codec.edges[1:].tolist(), strict=True):
            watched += min(max(y - start, 0.0), end - start)
        assert codec.reconstruct(np.array([y])).item() == pytest.approx(watched)


@pytest.mark.parametrize("options", [{}, {"unit": "duration"}])
def test_no_progress_at_all_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(WatchtimeError, match=r"^codec 'progress_buckets': no training row has any progress, .*\.$"):
        fit(np.zeros(3), np.ones(3), **options)


def test_videos_of_no_duration_alone_are_refused() -> None:
    with pytest.raises(WatchtimeError, match="no training row has any progress"):
        fit([1.0, 2.0], [0.0, 0.0], unit="duration")


def test_only_the_own_bar_needs_a_duration() -> None:
    assert fit(TARGET, np.full(6, np.nan), count=5).edges[-1] == 20
    with pytest.raises(WatchtimeError, match="needs a duration for every row"):
        fit(TARGET, np.full(6, np.nan), unit="duration")
