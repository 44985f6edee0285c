"""Histories against a loop over rows, and against what must not change them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from watchtime.datasets.history import History

DRAWS = np.random.default_rng(4)
ROWS = 300
USER = DRAWS.integers(0, 12, ROWS).astype(np.int32)
TIME = DRAWS.integers(0, 25, ROWS)
TRAINING = DRAWS.random(ROWS) < 0.6
IDS = DRAWS.integers(0, 50, (ROWS, 2)).astype(np.int32)


def made(
    ids: npt.NDArray[np.int32] = IDS, time: npt.NDArray[np.int64] = TIME, training: npt.NDArray[np.bool_] = TRAINING
) -> History:
    return History.of(("item", "duration_level"), ids, USER, time, training)


def before(history: History, row: int) -> list[list[int]]:
    found: list[list[int]] = history.events[history.start[row] : history.stop[row]].tolist()
    return found


def test_a_row_has_the_training_rows_of_its_user_that_are_earlier() -> None:
    history = made()
    for row in range(ROWS):
        earlier = [one for one in range(ROWS) if TRAINING[one] and USER[one] == USER[row] and TIME[one] < TIME[row]]
        expected = [IDS[one].tolist() for one in sorted(earlier, key=lambda one: (TIME[one], one))]
        assert before(history, row) == expected


def test_what_comes_later_changes_no_history() -> None:
    """Items of rows from a moment on are shuffled: rows up to that moment see the same events."""
    moment = 15
    later = np.flatnonzero(moment <= TIME)
    shuffled = IDS.copy()
    shuffled[later] = IDS[DRAWS.permutation(later)]
    histories = made(), made(ids=shuffled)
    assert (shuffled != IDS).any()
    for row in np.flatnonzero(moment >= TIME).tolist():
        assert before(histories[0], row) == before(histories[1], row)


def test_rows_of_validation_and_test_are_in_no_history() -> None:
    marked = IDS.copy()
    marked[~TRAINING] = 99
    assert not (made(ids=marked).events == 99).any()


def test_rows_keep_their_own_history_when_they_are_chosen() -> None:
    history, index = made(), DRAWS.permutation(ROWS)[:40]
    chosen = history.rows(index)
    for place, row in enumerate(index.tolist()):
        assert before(chosen, place) == before(history, row)


def test_fields_are_chosen_by_name() -> None:
    chosen = made().select(["duration_level", "tab"])
    assert chosen is not None
    assert chosen.fields == ("duration_level",)
    assert (chosen.events[:, 0] == made().events[:, 1]).all()
    assert made().select(["tab"]) is None


def test_an_empty_history_has_no_events() -> None:
    history = History.empty(("item",), 3)
    assert [before(history, row) for row in range(3)] == [[], [], []]
