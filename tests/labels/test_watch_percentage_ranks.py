"""DML's ranks are D2Q's levels in other groups, and its views follow from them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import percentileofscore

from watchtime.core.errors import WatchtimeError
from watchtime.labels.storage import fit_codec

DRAWS = np.random.default_rng(2)
DURATION = np.repeat([10.0, 11.0, 40.0], [60, 60, 101])
TARGET = np.where(DRAWS.random(221) < 0.2, 0.0, np.round(DURATION * DRAWS.random(221), 2))


def codec(**options: Any) -> Any:
    return fit_codec("watch_percentage_ranks", options, TARGET, DURATION)


def test_ranks_are_mid_ranks_among_the_rows_of_merged_durations() -> None:
    """With as many knots as rows, row i of n has the mid-rank (i + ½) / n and the level i / (n − 1)."""
    short = DURATION < 20
    found = codec(knots=120)
    assert found.facts() == {"groups": 2, "smallest_group": 101}
    mid_rank = np.array([percentileofscore(TARGET[short], value, kind="mean") / 100 for value in TARGET[short]])
    rank = found.encode(TARGET[short], DURATION[short])["rank"]
    np.testing.assert_allclose(rank, (mid_rank * 120 - 0.5) / 119, atol=1e-9)


def test_views_are_the_ranks_above_their_levels() -> None:
    labels = codec().encode(TARGET, DURATION)
    assert labels["views"].shape == (221, 3)
    long = DURATION == 40
    assert labels["views"][long].sum(0).tolist() == [50, 25, 10]
    for place, level in enumerate([0.5, 0.75, 0.9]):
        assert np.array_equal(labels["views"][:, place], labels["rank"] > level)
    other = codec(effective=0.1, long=0.2, complete=0.3).encode(np.array([0.0, 1e9]), np.array([10.0, 40.0]))
    assert other["views"][1].all()


def test_ranks_decode_to_their_targets() -> None:
    found = codec(knots=1000)
    np.testing.assert_allclose(found.reconstruct(TARGET, DURATION), TARGET, atol=1e-9)
    # 26 s are nearer to 40 s than to 11 s.
    asked = found.decode(np.array([0.0, 1.0, 1.0]), np.array([1.0, 25.0, 26.0]))
    assert asked.tolist() == [0, TARGET[DURATION < 20].max(), TARGET[DURATION == 40].max()]


@pytest.mark.parametrize("name", ["effective", "long", "complete"])
def test_a_level_is_inside_zero_and_one(name: str) -> None:
    with pytest.raises(WatchtimeError, match=rf"^codec 'watch_percentage_ranks': {name}: found 1.0"):
        codec(**{name: 1.0})
