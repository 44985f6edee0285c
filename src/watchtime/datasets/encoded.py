"""Encoded logs: the arrays that methods read, in memory or memory-mapped from a folder of .npy files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from watchtime.core.errors import WatchtimeError, unknown
from watchtime.core.files import read_json, replacing, replacing_folder, write_json
from watchtime.core.seal import intact
from watchtime.datasets.fields import Floats, Ids, MultiValued, VectorTable
from watchtime.datasets.history import History

_ROW_ARRAYS = ("categorical", "numeric", "user", "raw_row", "duration", "timestamp", "day", "part", "positive_feedback")
_LISTS = tuple(field.name for field in fields(MultiValued))
_VECTORS = tuple(field.name for field in fields(VectorTable))
_HISTORY = ("events", "start", "stop")
_TARGET = "target."


@dataclass(frozen=True)
class EncodedLog:
    """One log as arrays with a row per interaction; what the log does not have is None.

    ``categorical`` int32 [rows, fields] and ``numeric`` float32 [rows, columns] follow ``fields`` and ``columns``;
    ``targets`` are in seconds or currency, ``duration`` in seconds, a row without duration has NaN; ``day`` counts the
    days of the calendar; ``user`` counts the raw users of this log, so that users unseen in training stay apart;
    ``part`` is the split (0 training, 1 validation, 2 test); ``positive_feedback`` is 1 where a user gave any;
    ``history`` is what users watched before.
    """

    fields: tuple[str, ...]
    columns: tuple[str, ...]
    categorical: Ids
    numeric: npt.NDArray[np.float32]
    multi_valued: Mapping[str, MultiValued]
    user: Ids
    raw_row: npt.NDArray[np.uint32]
    targets: Mapping[str, Floats] = field(default_factory=dict)
    vectors: Mapping[str, VectorTable] = field(default_factory=dict)
    duration: Floats | None = None
    timestamp: npt.NDArray[np.int64] | None = None
    day: npt.NDArray[np.int32] | None = None
    part: npt.NDArray[np.int8] | None = None
    positive_feedback: npt.NDArray[np.int8] | None = None
    history: History | None = None

    def __len__(self) -> int:
        return len(self.raw_row)

    def target(self, task: str) -> Floats:
        """Return the target of a task; ``watch_ratio`` is watch time / duration, ``label`` goes by watch time."""
        name = "watch_time" if task in ("watch_ratio", "label") else task
        if name not in self.targets:
            raise WatchtimeError(f"the log has no column {name}, so it has no target {task}.")
        if task != "watch_ratio":
            return self.targets[name]
        if self.duration is None:
            raise WatchtimeError("the log has no column duration, which watch_ratio needs.")
        without = np.flatnonzero(~(self.duration > 0))
        if len(without):
            raise WatchtimeError(
                f"watch_ratio needs a duration above 0, {len(without)} of {len(self)} rows have none "
                f"(first: raw row {self.raw_row[without[0]]}); the rule 'zero_duration: drop' leaves out those with "
                "duration 0, an option of the data set may leave out those without any."
            )
        return self.targets[name] / self.duration

    def full_watch(self, task: str) -> Floats | None:
        """Return the target of having watched each item once to its end: its duration, or a watch ratio of 1.

        NaN where the duration is unknown; None on a log without durations, and for a target that is no watching.
        """
        if self.duration is None or task not in ("watch_time", "watch_ratio"):
            return None
        return self.duration if task == "watch_time" else np.where(self.duration > 0, 1.0, np.nan)

    def rows(self, index: npt.NDArray[np.generic]) -> EncodedLog:
        """Return the rows that ``index`` (positions or a mask) selects."""
        arrays = {name: array[index] for name in _ROW_ARRAYS if (array := getattr(self, name)) is not None}
        lists = {name: one.rows(index) for name, one in self.multi_valued.items()}
        vectors = {name: one.rows(index) for name, one in self.vectors.items()}
        targets = {name: target[index] for name, target in self.targets.items()}
        history = self.history.rows(index) if self.history else None
        return replace(self, multi_valued=lists, vectors=vectors, targets=targets, history=history, **arrays)

    def select(self, names: Sequence[str]) -> EncodedLog:
        """Return only the inputs in ``names``, in the order of the log."""
        known = [*self.fields, *self.columns, *self.multi_valued, *self.vectors]
        for name in names:
            if name not in known:
                raise WatchtimeError(unknown("feature", name, known))
        kept_fields = [i for i, name in enumerate(self.fields) if name in names]
        kept_columns = [i for i, name in enumerate(self.columns) if name in names]
        return replace(
            self,
            fields=tuple(self.fields[i] for i in kept_fields),
            columns=tuple(self.columns[i] for i in kept_columns),
            categorical=self.categorical[:, kept_fields],
            numeric=self.numeric[:, kept_columns],
            multi_valued={name: lists for name, lists in self.multi_valued.items() if name in names},
            vectors={name: one for name, one in self.vectors.items() if name in names},
            history=self.history.select(list(names)) if self.history else None,
        )

    def unknown_shares(self, part: int) -> dict[str, float]:
        """Return, per field, the share of the part's rows that have id 0; for lists, that are empty or hold a 0."""
        index = np.flatnonzero(self.part == part) if self.part is not None else np.arange(0)
        if not len(index):
            raise WatchtimeError(f"the log has no rows in part {part}.")
        shares = {name: float(np.mean(self.categorical[index, i] == 0)) for i, name in enumerate(self.fields)}
        for name, lists in self.multi_valued.items():
            zeros = np.concatenate([[0], np.cumsum(lists.values == 0)])[lists.offsets]
            unknown_list = (np.diff(lists.offsets) == 0) | (np.diff(zeros) > 0)
            shares[name] = float(np.mean(unknown_list[lists.pointer[index]]))
        return shares

    def save(self, folder: Path) -> None:
        """Write one .npy file per array and log.json; the folder is whole or absent, an older one is replaced."""
        with replacing_folder(folder) as temporary:
            self.write_into(temporary)

    def write_into(self, folder: Path) -> None:
        """Write the files into a folder that exists."""
        for name in _ROW_ARRAYS:
            if (array := getattr(self, name)) is not None:
                np.save(folder / f"{name}.npy", array, allow_pickle=False)
        for name, target in self.targets.items():
            np.save(folder / f"{_TARGET}{name}.npy", target, allow_pickle=False)
        for group, pieces in ((self.multi_valued, _LISTS), (self.vectors, _VECTORS)):
            for name, one in group.items():
                for piece in pieces:
                    np.save(folder / f"{name}.{piece}.npy", getattr(one, piece), allow_pickle=False)
        if self.history:
            for piece in _HISTORY:
                np.save(folder / f"history.{piece}.npy", getattr(self.history, piece), allow_pickle=False)
        names = {"fields": self.fields, "columns": self.columns}
        groups = {"multi_valued": list(self.multi_valued), "vectors": list(self.vectors)}
        history = {"history": self.history.fields} if self.history else {}
        rows = {"rows": len(self)}
        write_json(folder / "log.json", {**rows, **names, **groups, "targets": list(self.targets), **history})

    @classmethod
    def load(cls, folder: Path, mmap: bool = True) -> EncodedLog:
        """Read what ``save`` wrote; with ``mmap`` the arrays stay on disk until they are read."""
        names = read_json(folder / "log.json")
        arrays: dict[str, Any] = {
            name: read_array(path, mmap) for name in _ROW_ARRAYS if (path := folder / f"{name}.npy").exists()
        }
        lists = {
            name: MultiValued(*(read_array(folder / f"{name}.{piece}.npy", mmap) for piece in _LISTS))
            for name in names["multi_valued"]
        }
        vectors = {
            name: VectorTable(*(read_array(folder / f"{name}.{piece}.npy", mmap) for piece in _VECTORS))
            for name in names["vectors"]
        }
        targets = {name: read_array(folder / f"{_TARGET}{name}.npy", mmap) for name in names["targets"]}
        history = None
        if "history" in names:
            pieces = (read_array(folder / f"history.{piece}.npy", mmap) for piece in _HISTORY)
            history = History(tuple(names["history"]), *pieces)
        pointers = {name: one.pointer for name, one in (lists | vectors).items()}
        starts = {"history": history.start} if history else {}
        for name, array in {**arrays, **pointers, **starts, **targets}.items():
            if len(array) != names["rows"]:
                raise WatchtimeError(f"{folder}: {name} has {len(array)} rows, log.json says {names['rows']}.")
        for name in ("categorical", "numeric", "user", "raw_row"):
            if name not in arrays:
                raise WatchtimeError(f"{folder}/{name}.npy: the file does not exist.")
        return cls(
            fields=tuple(names["fields"]),
            columns=tuple(names["columns"]),
            multi_valued=lists,
            vectors=vectors,
            targets=targets,
            history=history,
            **arrays,
        )


def write_array(path: Path, array: npt.NDArray[Any]) -> None:
    """Write one .npy file, whole or not at all."""
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)


def read_array(path: Path, mmap: bool = False) -> npt.NDArray[Any]:
    """Read one .npy file; with ``mmap`` it stays on disk until it is used."""
    try:
        return np.load(intact(path), mmap_mode="r" if mmap else None, allow_pickle=False)
    except FileNotFoundError:
        raise WatchtimeError(f"{path}: the file does not exist.") from None
    except (ValueError, EOFError, MemoryError, OSError):
        raise WatchtimeError(f"{path}: not a whole .npy file.") from None
