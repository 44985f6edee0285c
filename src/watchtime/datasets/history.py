"""Histories: what each user watched before a row, stored once for all rows of the user."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from watchtime.datasets.fields import Ids

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class History:
    """Row r has the events ``events[start[r] : stop[r]]``, the latest last.

    ``events`` int32 [events, fields]: the ids of the item of an event in ``fields``, which are categorical fields of
    the log · ``start``, ``stop`` int64 [rows].
    """

    fields: tuple[str, ...]
    events: Ids
    start: Places
    stop: Places

    @classmethod
    def empty(cls, fields: tuple[str, ...], rows: int) -> History:
        """Return the histories of rows before which nothing is known."""
        nothing = np.zeros(rows, dtype=np.int64)
        return cls(fields, np.empty((0, len(fields)), dtype=np.int32), nothing, nothing)

    @classmethod
    def of(
        cls,
        fields: tuple[str, ...],
        ids: Ids,
        user: Ids,
        time: npt.NDArray[np.int64] | npt.NDArray[np.int32],
        training: npt.NDArray[np.bool_],
    ) -> History:
        """Return the histories of rows with ``ids`` [rows, fields] of their items.

        A history has the training rows of the same user whose ``time`` is smaller, whatever the order of the rows: none
        of the same time, and no row of validation or test, whose outcomes are to be predicted.
        """
        _, moment = np.unique(time, return_inverse=True)
        moments = int(moment.max(initial=0)) + 1
        key = user.astype(np.int64) * moments + moment
        rows = np.flatnonzero(training)
        order = rows[np.lexsort((rows, key[rows]))]
        ordered = key[order]
        start = np.searchsorted(ordered, user.astype(np.int64) * moments)
        return cls(fields, ids[order], start, np.searchsorted(ordered, key))

    def rows(self, index: npt.NDArray[np.generic]) -> History:
        """Return the histories of the rows in ``index``; the events are shared."""
        return History(self.fields, self.events, self.start[index], self.stop[index])

    def select(self, names: list[str]) -> History | None:
        """Return only the fields in ``names``; None where none of them is left."""
        kept = [place for place, name in enumerate(self.fields) if name in names]
        if not kept:
            return None
        return History(tuple(self.fields[place] for place in kept), self.events[:, kept], self.start, self.stop)
