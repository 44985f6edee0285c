"""Prediction of a log with a trained model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from watchtime.core.errors import WatchtimeError
from watchtime.core.files import write_parquet
from watchtime.datasets.log import Log, scan
from watchtime.datasets.own_file import readable
from watchtime.training.device import reserved
from watchtime.training.model import Model


def predict(model_folder: Path, log: Path, output: Path, device: str = "cpu", memory: int | None = None) -> None:
    """Write one row per row of ``log`` with a column ``<readout>.<repetition>`` for each.

    ``log`` is a Parquet file with every column beside its row, or a folder like ``<run>/data/<data set>``, in which
    users and items have tables of their own. ``user`` and ``item`` must be there, any other column may be absent, but
    a duration that the method needs. Raises ``WatchtimeError`` where the log or the model cannot be read, and where
    ``device`` is ``cuda`` and there is none; either device predicts any model. A GPU is held with ``memory`` MiB, or
    alone.
    """
    with reserved(device, memory=memory):
        _predict(model_folder, log, output, device)


def _predict(model_folder: Path, log: Path, output: Path, device: str) -> None:
    model = Model.load(model_folder / "model.safetensors")
    with readable(log):
        rows = Log.read(log) if log.is_dir() else Log.of(scan(log))
        if not len(rows):
            raise WatchtimeError(f"{log}: the log has no rows.")
        try:
            encoded = model.encoding.encode(rows, [], required=False)
        except WatchtimeError as error:
            raise WatchtimeError(f"{log}: {error}") from None
    columns = {
        f"{readout}.{repetition}": np.asarray(values, dtype=np.float32)
        for repetition, readouts in enumerate(model.predict(encoded, device))
        for readout, values in readouts.items()
    }
    write_parquet(output, pl.DataFrame(columns))
