"""The data steps of the workflow: each reads what the plan says and writes where the plan says."""

from __future__ import annotations

import importlib

import numpy as np

from watchtime.core.errors import WatchtimeError, unknown
from watchtime.core.files import write_json
from watchtime.core.job import JobSpec
from watchtime.core.plan import Plan
from watchtime.datasets import prepare
from watchtime.datasets.encoded import EncodedLog
from watchtime.labels import storage


def simulate(plan: Plan, dataset: str) -> None:
    """Write the simulated raw files of ``dataset``."""
    module = importlib.import_module(f"watchtime.datasets.simulator.{dataset}")
    settings = plan.config.datasets[dataset].simulator
    module.simulate(plan.raw_folder(dataset), **settings.model_dump())


def interactions(plan: Plan, dataset: str) -> None:
    """Write ``interactions.parquet`` and the counts before and after every rule."""
    folder = plan.data_folder(dataset)
    prepare.prepare_interactions(
        dataset,
        plan.raw_folder(dataset),
        plan.config.datasets[dataset].rules,
        plan.catalog.datasets[dataset],
        folder / "interactions.parquet",
        folder / "counts.json",
    )


def split(plan: Plan, dataset: str, protocol: str) -> None:
    """Write the part of every row and the counts per part."""
    folder = plan.data_folder(dataset)
    prepare.prepare_split(
        folder / "interactions.parquet",
        plan.catalog.protocols[protocol],
        plan.split_seed(dataset, protocol),
        folder / protocol / "part.npy",
        folder / protocol / "counts.json",
    )


def encode(plan: Plan, dataset: str, protocol: str) -> None:
    """Write the encoded columns of all rows and the vocabularies of the training rows."""
    folder = plan.data_folder(dataset)
    prepare.prepare_encoding(
        folder / "interactions.parquet",
        folder / protocol / "part.npy",
        plan.catalog.datasets[dataset],
        plan.encoded_folder(dataset, protocol),
    )


def codec(plan: Plan, name: str) -> None:
    """Fit the codec ``dataset/task/protocol/name-hash`` and note its reconstruction error on the training rows."""
    spec = _codec_spec(plan, name)
    assert spec.codec is not None
    log = EncodedLog.load(plan.encoded_folder(spec.dataset, spec.protocol))
    train = np.flatnonzero(log.part == 0)
    duration = None if log.duration is None else log.duration[train]
    target = log.target(spec.task)[train]
    fitted = storage.fit_codec(spec.codec.name, spec.codec.settings, target, duration)
    path = plan.codec_file(spec)
    assert path is not None
    error = fitted.reconstruction_error(target, duration)
    storage.save(fitted, path)
    write_json(
        path.with_suffix(".json"),
        {"codec": spec.codec.name, "settings": spec.codec.settings, "rows": len(train), "reconstruction_error": error},
    )


def _codec_spec(plan: Plan, name: str) -> JobSpec:
    specs = {f"{spec.dataset}/{spec.task}/{spec.protocol}/{spec.codec_key}": spec for spec in plan.jobs.values()}
    if name not in specs:
        raise WatchtimeError(unknown("codec", name, [key for key in specs if not key.endswith("/None")], "--codec"))
    return specs[name]
