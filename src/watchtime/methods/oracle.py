"""The known conditional distribution of a simulated log: what no method can beat on its readout's own metric."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from watchtime.datasets.simulator.truth import Truth
from watchtime.methods.base import Floats, OracleMethod, Readouts


class Oracle(OracleMethod):
    """Mean, median and E[F(Y) | x] of the simulator's own distribution (RMSE, MAE and XAUC optimum)."""

    def predict(self, truth: Path, raw_rows: npt.NDArray[np.uint32], training_target: Floats) -> Readouts:
        known = Truth.load(truth, self.task).select(raw_rows)
        return {"mean": known.mean(), "median": known.median(), "rank": known.rank(np.sort(training_target))}
