"""Folders in order, one for each kind of input, and the command that reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import polars as pl
import pytest
import yaml
from click.testing import CliRunner, Result

from compared_runs import rename_in_manifest, working_in, write_compared
from handmade_run import write_run
from malformed import archives, configurations, results, tables
from watchtime.cli import main
from watchtime.core.catalog import Catalog, find_root
from watchtime.core.config import RunConfig
from watchtime.core.dataset_card import Source
from watchtime.core.files import write_text
from watchtime.core.job import resolve
from watchtime.core.run_lock import LOCKS
from watchtime.datasets.encoding import Encoding
from watchtime.datasets.fields import CategoricalField
from watchtime.labels import storage
from watchtime.training.model import Model

# nbformat has no annotations.
NBFORMAT: Any = nbformat
PROJECT = Catalog.load(find_root())
SOURCE = Source(url="https://example.org/archive", checksum=f"md5:{'0' * 32}", unpack={archives.MEMBER: "log.csv"})
FETCHED = PROJECT.datasets["kuairec"].model_copy(update={"logs": ["log.csv"], "tables": {}, "sources": [SOURCE]})
CATALOG = replace(PROJECT, datasets={**PROJECT.datasets, "fetched": FETCHED})
"""The project's catalogue and a data set that one archive brings."""


@dataclass(frozen=True)
class Reader:
    """A folder in order and the command, run inside it, that reads its file ``target``; ``good`` are its exits then."""

    write: Callable[[Path], None]
    command: Callable[[str], list[str]]
    good: tuple[int, ...] = (0,)
    own_catalogue: bool = False
    """Whether the folder has a catalogue of its own, which is read anew each time."""

    @contextmanager
    def ready(self, folder: Path) -> Iterator[None]:
        """Make ``folder`` the working folder; nothing is fetched, and what never changes is read once."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            patch.setattr("watchtime.datasets.download.official.fetch", _fetch)
            # Where tests run, standard error may be a file, as the log of a step is.
            patch.setattr("watchtime.core.step_log._is_a_log", lambda: False)
            if not self.own_catalogue:
                patch.setattr(Catalog, "load", lambda root: CATALOG)
            yield

    def run(self, target: str) -> Result:
        return CliRunner().invoke(main, self.command(target))


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below ``folder`` but the empty ones that steps lock while they work."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.parent.name != LOCKS)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def _fetch(url: str, arrived: Path, *_: Any) -> None:
    write_bytes(arrived, Path("archive").read_bytes())


def write_bytes(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _configuration(folder: Path) -> None:
    write_text(folder / "run.yaml", configurations.RUN)


def _logs(folder: Path) -> None:
    write_text(folder / "log.csv", tables.LOG)
    for ending in ("tsv", "txt"):
        write_text(folder / f"log.{ending}", tables.LOG.replace(",", "\t"))
    (folder / "log.parquet").write_bytes(tables.parquet(tables.FRAME))


def _archive(folder: Path) -> None:
    (folder / "archive").write_bytes(archives.ZIP)


def _raw(dataset: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        tables.WRITERS[dataset](folder / "raw")
        options = {"item_vectors": "embeddings"} if dataset == "wechat21" else {}
        source = {"folder": "raw", "options": options}
        run = {"name": "demo", "datasets": {dataset: source}, "artifacts": [], "methods": ["vr"]}
        run["protocols"] = ["random_622"]
        write_text(folder / "results" / "demo" / "config.yaml", yaml.safe_dump(run))

    return write


def _runs(folder: Path) -> None:
    """Write two runs, of which the second's manifest names every file as changed."""
    for name in ("one", "other"):
        run = write_compared(folder / "made", name)
        (folder / "results").mkdir(exist_ok=True)
        run.rename(folder / "results" / name)
    for target in results.RUNS:
        if target not in ("manifest.json", "config.yaml"):
            rename_in_manifest(folder / "results" / "other", target, sha256="0" * 64)


def _page(folder: Path) -> None:
    with working_in(folder / "made"):
        write_run(Path.cwd(), methods=["training_constant"], artifacts=[], tables=False)
        Path("results").rename(folder / "results")
    notebook = NBFORMAT.v4.new_notebook(cells=[NBFORMAT.v4.new_code_cell("x", id="a")])
    write_text(folder / "results/demo/notebooks/summary.ipynb", NBFORMAT.writes(notebook))


def _model(folder: Path) -> None:
    """Write a model that predicts one number for all, with a codec that it does not ask for."""
    config = RunConfig.model_validate({"methods": ["training_constant"], "repetitions": 1})
    table = ("kuairand_pure", "watch_time", "random_622")
    spec = resolve(CATALOG, config, *table, "training_constant", "median")
    field = CategoricalField(name="user", side="user", column="user", values=("a",))
    encoding, place = Encoding(categorical=(field,), numeric=(), multi_valued=()), folder / "data" / "encoding.json"
    encoding.save(place)
    codec = storage.fit_codec("scaled", {}, np.array([1.0, 2.0]))
    storage.save(codec, folder / "codecs" / "codec.npz")
    model = Model(spec, encoding, codec, [{"constant": np.array([1.0])}])
    model.save(folder / "job" / "model.safetensors", place, folder / "codecs" / "codec.npz")
    pl.DataFrame({"user": ["a", "b"], "item": ["1", "2"]}).write_parquet(folder / "log.parquet", statistics=False)


def _catalogue(folder: Path) -> None:
    """Write the project's own catalogue, with the small configuration as the default one."""
    for path in (CATALOG.root / "config").rglob("*"):
        if path.suffix in (".yaml", ".csv"):
            write_bytes(folder / path.relative_to(CATALOG.root), path.read_bytes())
    write_text(folder / "config" / "demo.yaml", configurations.RUN)


def _check(target: str) -> list[str]:
    return ["check", target]


READERS = {
    "archives": Reader(_archive, lambda target: ["download", "fetched", "--folder", "raw/fetched"]),
    "catalogue": Reader(_catalogue, lambda target: ["check"], own_catalogue=True),
    "configurations": Reader(_configuration, _check),
    "logs": Reader(_logs, lambda target: ["check-data", target]),
    "models": Reader(
        _model, lambda target: ["predict", "--model", "job", "--input", "log.parquet", "--output", "made.parquet"]
    ),
    "pages": Reader(_page, lambda target: ["html", "--run", "results/demo"]),
    "runs": Reader(_runs, lambda target: ["diff", "results/one", "results/other"], good=(1,)),
    **{
        f"raw_{dataset}": Reader(
            _raw(dataset),
            lambda target, dataset=dataset: ["interactions", "--run", "results/demo", "--dataset", dataset],  # type: ignore[misc]
        )
        for dataset in tables.WRITERS
    },
}
