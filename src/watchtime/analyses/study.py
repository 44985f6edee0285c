"""What an analysis works with: the trained jobs of one artifact on one data set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl
import torch

from watchtime.core.config import validate
from watchtime.core.files import read_json, read_parquet
from watchtime.core.job import JobSpec
from watchtime.core.plan import Plan
from watchtime.core.settings import EncoderSettings, Settings
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.log import Log, scan
from watchtime.labels import storage
from watchtime.labels.base import Codec, Floats
from watchtime.methods.network import NetworkMethod
from watchtime.training import engine
from watchtime.training.group import Parameters
from watchtime.training.model import Model, selected
from watchtime.training.resident import ResidentRows

Options = TypeVar("Options", bound=Settings)


@dataclass(frozen=True)
class Study:
    """The jobs of ``artifact`` on ``dataset``, which are the rows of its card, and the rows that they saw."""

    plan: Plan
    artifact: str
    dataset: str
    device: torch.device

    @cached_property
    def jobs(self) -> Mapping[str, JobSpec]:
        """The artifact's jobs under the keys of its rows, in their order; rows that cannot run are absent."""
        return self.plan.row_jobs(self.artifact, self.dataset)

    @property
    def task(self) -> str:
        return self.plan.artifacts[self.artifact].task

    def options(self, model: type[Options]) -> Options:
        """The artifact's ``options`` as the analysis declares them."""
        return validate(model, self.plan.artifacts[self.artifact].options, f"options of {self.artifact}")

    @cached_property
    def log(self) -> EncodedLog:
        """All rows of the split, encoded with all features."""
        card = self.plan.artifacts[self.artifact]
        return EncodedLog.load(self.plan.encoded_folder(self.dataset, self.plan.artifact_protocol(card, self.dataset)))

    def part(self, number: int) -> EncodedLog:
        """The rows of one part of the split."""
        return self.log.rows(np.flatnonzero(self.log.part == number))

    def target(self, number: int) -> Floats:
        """The targets of the rows of one part of the split, [rows]."""
        return np.asarray(self.log.target(self.task)[np.asarray(self.log.part) == number])

    def duration(self, number: int) -> Floats:
        """The durations of the rows of one part of the split in seconds, NaN where there is none, [rows]."""
        duration = self.log.duration
        assert duration is not None
        return np.asarray(duration[np.asarray(self.log.part) == number])

    @cached_property
    def rows(self) -> Log:
        """The rows that are left after the row rules, of the main log where there are several, with both tables."""
        log = Log.read(self.plan.data_folder(self.dataset))
        main = self.plan.catalog.datasets[self.dataset].main_log
        return log.where(log.values("log") == main) if main and "log" in log.names else log

    def interactions(self, columns: list[str]) -> pl.DataFrame:
        """Columns of the rows that are left after the row rules."""
        path = self.plan.data_folder(self.dataset) / "interactions.parquet"
        return scan(path).select(columns).collect()

    def codec(self, spec: JobSpec) -> Codec:
        path = self.plan.codec_file(spec)
        assert path is not None
        return storage.load(path)

    def model(self, spec: JobSpec) -> Model:
        return Model.load(self.plan.job_folder(spec) / "model.safetensors")

    def predictions(self, spec: JobSpec) -> pl.DataFrame:
        """One row per test row: raw_row, user, target, and ``<readout>.<repetition>``."""
        return read_parquet(self.plan.job_folder(spec) / "predictions.parquet")

    def metrics(self, spec: JobSpec) -> Any:
        return read_json(self.plan.job_folder(spec) / "metrics.json")

    def history(self, spec: JobSpec) -> pl.DataFrame:
        return read_parquet(self.plan.job_folder(spec) / "history.parquet")

    def outputs(self, model: Model, repetition: int, rows: EncodedLog) -> Iterator[npt.NDArray[np.float32]]:
        """Yield the network's outputs of inference for consecutive slabs of ``rows``."""
        return engine.outputs(*self._inference(model, repetition, rows))

    def represented(self, model: Model, repetition: int, rows: EncodedLog) -> Floats:
        """Return f(x) of ``rows``, what the first tower's encoder hands to its head, [rows, width]."""
        return engine.represented(*self._inference(model, repetition, rows)[1:])

    def _inference(
        self, model: Model, repetition: int, rows: EncodedLog
    ) -> tuple[NetworkMethod, ResidentRows, EncoderSettings, int, Parameters]:
        resident = ResidentRows(
            selected(rows, model.spec.features), model.encoding.cardinalities, self.device, model.spec.encoder.events
        )
        parameters = {name: torch.from_numpy(np.array(array)) for name, array in model.states[repetition].items()}
        return model.method, resident, model.spec.encoder, model.spec.training.evaluation_batch, parameters
