"""Small logs with a known signal, made in memory, and models that train on them in a second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from watchtime.core.catalog import Catalog, find_root
from watchtime.core.config import DatasetSource, RunConfig, to_yaml
from watchtime.core.dataset_card import DatasetCard, Feature
from watchtime.core.files import write_text
from watchtime.core.job import JobSpec, resolve
from watchtime.core.plan import Plan
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.encoding import Encoding
from watchtime.datasets.protocols import TRAINING
from watchtime.labels.base import Codec
from watchtime.labels.storage import fit_codec, save
from watchtime.training.model import Model, durations

USERS, ITEMS, ROWS = 30, 20, 2400
CARD = DatasetCard(
    title="Tiny",
    summary="a log with a known signal",
    reference="none",
    licence="none",
    redistribution="none",
    tasks={"watch_time": "s", "watch_ratio": "ratio", "ltv": "euro", "label": "score"},
    provides=["duration", "timestamp"],
    logs=[],
    tables={},
    features={
        "user": Feature(kind="categorical", side="user"),
        "item": Feature(kind="categorical", side="item"),
        "tab": Feature(kind="categorical", side="context"),
        "duration_seconds": Feature(kind="numeric", side="item", source="duration", scale="log"),
        "tag": Feature(kind="multi_valued", side="item"),
    },
    feature_sets={},
    feedback=["like"],
    positive_feedback=["like"],
    history=["item"],
    duration_buckets=2,
)


@cache
def catalog() -> Catalog:
    """Return what ``config/`` declares, with the tiny data set beside the real ones."""
    real = Catalog.load(find_root())
    return replace(real, datasets={**real.datasets, "tiny": CARD})


@cache
def interactions(rows: int = ROWS, seed: int = 0) -> pl.DataFrame:
    """Return rows whose watch time is 0 for a tenth of them, else duration · e^(taste + appeal + noise) / 2.

    Tastes and appeals have twice the noise's standard deviation, so that ids explain most of what can be explained.
    Who watches for less than ten seconds spends nothing, and who watches longer a euro for every second.
    What is watched for longer than the video lasts is liked. The last quarter of the rows is of the second day.
    """
    draws = np.random.default_rng(seed)
    taste, appeal = draws.normal(0, 0.6, USERS), draws.normal(0, 0.6, ITEMS)
    seconds = np.round(draws.uniform(5, 60, ITEMS), 3)
    user, item = draws.integers(0, USERS, rows), draws.integers(0, ITEMS, rows)
    watched = seconds[item] / 2 * np.exp(taste[user] + appeal[item] + draws.normal(0, 0.3, rows))
    watched = np.where(draws.random(rows) < 0.1, 0.0, np.round(watched, 3))
    return pl.DataFrame(
        {
            "user": user,
            "item": item,
            "watch_time": watched,
            "ltv": np.where(watched < 10, 0.0, watched),
            "duration": seconds[item],
            "timestamp": np.arange(rows),
            "tab": [f"tab{number}" for number in draws.integers(0, 3, rows)],
            "tag": [[f"tag{place % 4}", "all"][: place % 3] for place in item.tolist()],
            "raw_row": np.arange(rows, dtype=np.uint32),
            "like": (watched > seconds[item]).astype(np.int8),
            "day": pl.Series(np.arange(rows) >= rows * 3 // 4).cast(pl.Int32).cast(pl.Date),
        }
    )


@cache
def encoded(rows: int = ROWS, seed: int = 0) -> tuple[EncodedLog, Encoding]:
    """Return the log as arrays, split 6:2:2 in turn, and the encoding of its training rows."""
    frame = interactions(rows, seed)
    part = np.resize(np.array([0, 0, 0, 1, 2], dtype=np.int8), rows)
    encoding = Encoding.fit(frame.filter(pl.Series(part == TRAINING)), CARD)
    log = replace(encoding.encode(frame, ["watch_time", "ltv"]), part=part)
    return encoding.with_history(log, part == TRAINING), encoding


def spec(method: str, variant: str | None = None, task: str = "watch_time", **options: Any) -> JobSpec:
    """Return a job on the tiny data set; ``training``, ``encoder``, ``codec`` and ``settings`` change the method's."""
    settings = dict(options.pop("settings", {}))
    settings |= {group: options.pop(group) for group in ("training", "encoder", "codec") if group in options}
    config = RunConfig(
        datasets={"tiny": DatasetSource()}, **({"repetitions": 1} | options), settings={method: settings}
    )
    names = variant or next(iter(catalog().methods[method].variants))
    return resolve(catalog(), config, "tiny", task, "random_622", method, names)


def codec(job: JobSpec, log: EncodedLog) -> Codec | None:
    """Return the job's codec, fitted on the training rows."""
    if job.codec is None:
        return None
    train = log.rows(np.flatnonzero(log.part == TRAINING))
    return fit_codec(job.codec.name, job.codec.settings, train.target(job.task), durations(train))


def model(job: JobSpec, log: EncodedLog | None = None, encoding: Encoding | None = None) -> Model:
    """Return the job's model with its codec fitted and nothing trained."""
    if log is None or encoding is None:
        log, encoding = encoded()
    return Model(job, encoding, codec(job, log), [])


def table_log(
    user: Sequence[int],
    item: Sequence[int],
    target: Sequence[float] | None = None,
    duration: Sequence[float] | None = None,
    numeric: Sequence[float] | None = None,
) -> EncodedLog:
    """Return a log with the fields user and item, and one numeric column that is 0 where none is given."""
    column = np.zeros(len(user)) if numeric is None else np.asarray(numeric)
    return EncodedLog(
        fields=("user", "item"),
        columns=("column",),
        categorical=np.column_stack([user, item]).astype(np.int32),
        numeric=column[:, None].astype(np.float32),
        multi_valued={},
        user=np.asarray(user, dtype=np.int32),
        raw_row=np.arange(len(user), dtype=np.uint32),
        targets={} if target is None else {"watch_time": np.asarray(target, dtype=np.float64)},
        duration=None if duration is None else np.asarray(duration, dtype=np.float64),
    )


def write_run(root: Path, methods: list[str], **options: Any) -> Plan:
    """Write ``results/tiny`` below ``root`` with all that ``watchtime train`` reads, and return the plan.

    The tiny log stands in the place of KuaiRand-Pure. Paths are relative: the working folder has to be ``root``.
    """
    kuairand = {"kuairand_pure": DatasetSource()}
    config = RunConfig(
        **({"name": "tiny", "datasets": kuairand, "tasks": ["watch_time"]} | options), methods=methods, artifacts=[]
    )
    write_text(root / "results" / "tiny" / "config.yaml", to_yaml(config))
    plan = Plan.load(root / "results" / "tiny" / "config.yaml", catalog().root)
    (log, encoding), (dataset,) = encoded(), config.datasets
    folder = root / plan.encoded_folder(dataset, config.protocols[0])
    log.save(folder)
    encoding.save(folder / "encoding.json")
    frames = (interactions(), *(interactions().select(side).clear() for side in ("user", "item")))
    for file, frame in zip(plan.data_files(dataset), frames, strict=True):
        frame.write_parquet(root / file)
    for job in plan.jobs.values():
        path, fitted = plan.codec_file(job), codec(job, log)
        if path is not None and fitted is not None:
            save(fitted, root / path)
    return plan
