"""Nothing is fitted on validation or test rows: where they are corrupted, what was fitted keeps its bytes.

Variants that leak on purpose, so that a page can say what it is worth, do not keep them, and no other job is like them.
"""

from __future__ import annotations

import pkgutil
import shutil
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from watchtime import labels, steps
from watchtime.core.catalog import Catalog, MethodOptions, find_root
from watchtime.core.config import RunConfig
from watchtime.core.plan import Plan
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.protocols import OUTSIDE, TEST, TRAINING, VALIDATION
from watchtime.labels.fitting import fit
from watchtime.labels.watch_ratio_mixtures import WatchRatioMixtures
from watchtime.training.job import train

DATASET, PROTOCOL = "kuairand_pure", "random_622"
CATALOG = Catalog.load(find_root())
# No method has the codec of stage 1 yet; it has the label and the way back of VR's.
MIXTURES = MethodOptions(
    codec_name="watch_ratio_mixtures", codec=WatchRatioMixtures.Settings().model_dump(), tasks=["watch_time"]
)
CATALOG.methods["vr"].variants["mixtures"] = MIXTURES
# Methods for lifetime value alone read watch times here, which the log has.
VALUES = {"tasks": ["watch_time", "watch_ratio"]}
METHODS = {
    name: card.model_copy(update=VALUES) if card.tasks == ["ltv"] else card for name, card in CATALOG.methods.items()
}
CATALOG = replace(CATALOG, methods=METHODS)
LEAKS = {
    f"{name}/{variant}": options.leak
    for name, card in CATALOG.methods.items()
    for variant, options in card.variants.items()
    if options.leak
}
FIRST = [f"{name}/{next(iter(card.variants))}" for name, card in CATALOG.methods.items()]
# Few users have as many validation rows as a list has places.
LISTS = {name: {"list_length": 3} for name, card in CATALOG.methods.items() if card.tasks == ["label"]}
NETWORKS = [name for name, card in CATALOG.methods.items() if card.family == "network"]
PLAN = Plan(
    RunConfig.model_validate(
        {
            "datasets": {DATASET: {"simulator": {"rows": 3000, "users": 100, "items": 80}}},
            "tasks": ["watch_time", "watch_ratio", "label"],
            "artifacts": [],
            "methods": [*FIRST, "vr/mixtures", *LEAKS],
            "repetitions": 1,
            "settings": {name: {"training": {"epochs": 1}} | LISTS.get(name, {}) for name in NETWORKS},
        }
    ),
    CATALOG,
)
ENCODED = PLAN.encoded_folder(DATASET, PROTOCOL)
FITTED = {
    f"{spec.dataset}/{spec.task}/{spec.protocol}/{spec.codec_key}": spec for spec in PLAN.jobs.values() if spec.codec
}
LEAKING = {name for name, spec in FITTED.items() if spec.leak == "statistics_over_all_rows"}
CODECS = {name: spec for name, spec in FITTED.items() if name not in LEAKING}
LEARNED = [
    key
    for key, spec in PLAN.jobs.items()
    if spec.family != "oracle" and spec.task == ("label" if spec.method in LISTS else "watch_time") and not spec.leak
]
SELECTED = [key for key, spec in PLAN.jobs.items() if spec.leak == "selection_on_test" and spec.task == "watch_time"]


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run's split, encoded columns and codecs."""
    folder = tmp_path_factory.mktemp("honest")
    with chdir(folder):
        steps.simulate(PLAN, DATASET)
        steps.interactions(PLAN, DATASET)
        steps.split(PLAN, DATASET, PROTOCOL)
        prepare()
    return folder


def prepare() -> None:
    steps.encode(PLAN, DATASET, PROTOCOL)
    for name in FITTED:
        fit(PLAN, name)


def corrupted(honest: Path, folder: Path, parts: list[int]) -> Path:
    """Return a copy of the run in which every value of the rows of ``parts`` is another.

    So are the features of the users and items that no other row has.
    """
    shutil.copytree(honest, folder, dirs_exist_ok=True)
    with chdir(folder):
        file, *tables = PLAN.data_files(DATASET)
        frame = pl.read_parquet(file)
        # Rows of the random policy are in no part, and no business of this protocol.
        rows = pl.Series(np.isin(np.load(PLAN.data_folder(DATASET) / PROTOCOL / "part.npy"), [*parts, OUTSIDE]))
        for side, path in zip(("user", "item"), tables, strict=True):
            table = pl.read_parquet(path)
            seen = table[side].is_in(frame.filter(~rows)[side].unique().implode())
            changed(table, ~seen, [side]).write_parquet(path)
        changed(frame, rows, ["raw_row"]).write_parquet(file)
        prepare()
    return folder


def changed(frame: pl.DataFrame, rows: pl.Series, kept: list[str]) -> pl.DataFrame:
    """Return the frame with other values in the chosen rows of every column that is not kept."""
    values = ((name, value) for name, value in other(frame) if name not in kept)
    return frame.with_columns(pl.when(rows).then(value).otherwise(name).alias(name) for name, value in values)


def other(frame: pl.DataFrame) -> Iterator[tuple[str, pl.Expr]]:
    """Return another value for every column; text sorts before what training has seen."""
    for name, dtype in frame.schema.items():
        column = pl.col(name)
        if dtype == pl.String:
            yield name, pl.lit("!unseen")
        elif dtype == pl.List(pl.String):
            yield name, pl.lit(["!unseen", "!tag"])
        elif dtype == pl.Date:
            yield name, column.dt.offset_by("400d")
        elif dtype == pl.Int8:
            yield name, (1 - column).cast(pl.Int8)
        elif dtype == pl.Float64:
            yield name, column.fill_null(0.0) * 7 + 1000
        else:
            yield name, column + 10**9


def fitted(folder: Path) -> dict[str, bytes]:
    """Return what was fitted but for the codecs that leak on purpose."""
    codecs = folder / PLAN.folder / "codecs"
    honest = [path for path in sorted(codecs.rglob("*.*")) if not is_leaking(path.relative_to(codecs))]
    return {str(path.relative_to(folder)): path.read_bytes() for path in [folder / ENCODED / "encoding.json", *honest]}


def is_leaking(codec: Path) -> bool:
    return codec.with_suffix("").as_posix() in LEAKING


def test_every_codec_is_fitted_here() -> None:
    from watchtime.labels.storage import _codec_in

    names = {module.name for module in pkgutil.iter_modules(labels.__path__) if _codec_in(module.name)}
    assert {spec.codec.name for spec in CODECS.values() if spec.codec} == names


def test_codecs_and_vocabularies_see_training_rows_only(honest: Path, tmp_path: Path) -> None:
    before, after = fitted(honest), fitted(corrupted(honest, tmp_path, [VALIDATION, TEST]))
    assert len(before) == 2 * len(CODECS) + 1
    assert before == after


def test_training_rows_are_encoded_as_before(honest: Path, tmp_path: Path) -> None:
    folders = (honest, corrupted(honest, tmp_path, [VALIDATION, TEST]))
    logs = [EncodedLog.load(folder / ENCODED) for folder in folders]
    for part, alike in ((TRAINING, True), (TEST, False)):
        one, two = (log.rows(np.flatnonzero(log.part == part)) for log in logs)
        for name in ("categorical", "numeric", "duration", "timestamp"):
            assert np.array_equal(getattr(one, name), getattr(two, name), equal_nan=True) == alike, name
        assert np.array_equal(one.target("watch_time"), two.target("watch_time")) == alike


def test_corrupted_training_rows_are_noticed(honest: Path, tmp_path: Path) -> None:
    """The check above can fail: every codec and the vocabularies follow the training rows.

    What is noted beside one that loses nothing at all does not: its error is 0 on any rows.
    """
    before, after = fitted(honest), fitted(corrupted(honest, tmp_path, [TRAINING]))
    notes = {name for name in before if "progress_buckets" in name and name.endswith(".json")}
    same = [name for name in before if before[name] == after.get(name) and name not in notes]
    assert same == []


@pytest.fixture(scope="module")
def tested(honest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return corrupted(honest, tmp_path_factory.mktemp("tested"), [TEST])


@pytest.mark.parametrize("key", LEARNED, ids=lambda key: "/".join(key.split("/")[-2:]))
def test_what_a_method_learns_does_not_depend_on_test_rows(honest: Path, tested: Path, key: str) -> None:
    folder = PLAN.job_folder(PLAN.jobs[key])
    learned = []
    for run in (honest, tested):
        with chdir(run):
            train(PLAN, key)
        learned.append([(run / folder / name).read_bytes() for name in ("model.safetensors", "history.parquet")])
    assert learned[0] == learned[1]
    assert (honest / folder / "metrics.json").read_bytes() != (tested / folder / "metrics.json").read_bytes()


def test_a_leak_is_in_no_list_and_stands_in_the_variants_name() -> None:
    """Only who names such a variant, or shows its page, runs it; the first variant of a method never is one."""
    names = {"selection_on_test": "selected_on_test", "statistics_over_all_rows": "statistics_over_all_rows"}
    assert LEAKS
    assert all(name.split("/")[1] == names[str(leak)] for name, leak in LEAKS.items())
    assert not set(LEAKS) & set(FIRST)
    for chosen in ("main", "all", list(CATALOG.methods)):
        config = PLAN.config.model_copy(update={"methods": chosen})
        plan = replace(PLAN, config=config)
        assert not [spec.key for spec in plan.jobs.values() if spec.leak]
    assert not {tuple(name.split("/")) for name in LEAKS} & PLAN.shown_variants(DATASET)


def test_what_leaks_is_fitted_on_every_row(honest: Path, tmp_path: Path) -> None:
    """Beside each codec that leaks stands the same one, which does not."""
    twins = {(spec.method, spec.task, str(spec.codec)) for spec in CODECS.values()}
    assert {(spec.method, spec.task, str(FITTED[name].codec)) for name in LEAKING for spec in [FITTED[name]]} <= twins
    for parts in ([TRAINING], [VALIDATION], [TEST]):
        changed_rows = corrupted(honest, tmp_path / str(parts[0]), parts)
        for name in LEAKING:
            file = PLAN.folder / "codecs" / f"{name}.npz"
            assert (honest / file).read_bytes() != (changed_rows / file).read_bytes()


@pytest.mark.parametrize("key", SELECTED, ids=lambda key: "/".join(key.split("/")[-2:]))
def test_a_job_that_selects_on_test_rows_judges_epochs_by_them_and_trains_as_before(
    honest: Path, tested: Path, key: str
) -> None:
    folder, curves = PLAN.job_folder(PLAN.jobs[key]), []
    for run in (honest, tested):
        with chdir(run):
            train(PLAN, key)
        curves.append(pl.read_parquet(run / folder / "history.parquet"))
    assert curves[0]["training"].to_list() == curves[1]["training"].to_list()
    assert curves[0]["validation"].to_list() != curves[1]["validation"].to_list()
