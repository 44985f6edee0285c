"""Saved models of networks that nobody trained, with starting weights or with hand-made ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from watchtime.analyses.study import Study
from watchtime.core.job import JobSpec
from watchtime.datasets.encoding import Encoding
from watchtime.datasets.fields import CategoricalField
from watchtime.methods.base import build
from watchtime.training.model import Model, State
from watchtime.training.network import initialised
from watchtime.training.resident import ResidentRows

Weights = Mapping[str, npt.NDArray[Any]]


def save_models(study: Study, weights: Mapping[str, Weights] | None = None) -> None:
    """Save a model for each of the study's jobs; ``weights`` of a row replace starting weights in every repetition."""
    field = CategoricalField(name="user", side="user", column="user", values=("0",))
    encoding = Encoding(categorical=(field,), numeric=(), multi_valued=())
    for row, spec in study.jobs.items():
        folder, codec = study.plan.job_folder(spec), study.plan.codec_file(spec)
        states = [_state(study, spec, encoding, place) for place in range(spec.repetitions)]
        for state in states:
            for name, array in (weights or {}).get(row, {}).items():
                assert state[name].shape == array.shape
                state[name] = array.astype(np.float32)
        place = study.plan.data_folder(study.dataset) / "encoding.json"
        encoding.save(place)
        Model(spec, encoding, study.codec(spec), states).save(folder / "model.safetensors", place, codec)


def _state(study: Study, spec: JobSpec, encoding: Encoding, seed: int) -> State:
    method: Any = build(spec.method, spec.settings, study.codec(spec), spec.task)
    shape = ResidentRows(study.log, encoding.cardinalities, torch.device("cpu")).shape
    network = initialised(method, shape, spec.encoder, seed)
    return {name: value.detach().numpy() for name, value in network.named_parameters()}
