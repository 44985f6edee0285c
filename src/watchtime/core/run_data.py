"""The data of one run: where its raw files come from, and what is made of each data set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watchtime.core.catalog import Catalog
from watchtime.core.config import SIMULATOR_VERSION, RunConfig
from watchtime.core.dataset_card import Rules
from watchtime.core.files import settings_hash
from watchtime.core.provenance import recorded
from watchtime.core.seeds import derive_seed

SIMULATED = Path("data/simulated")
OFFICIAL = Path("data/official")


@dataclass(frozen=True)
class RunData:
    """What a run reads, known from YAML and from which given files are there."""

    config: RunConfig
    catalog: Catalog

    # What is made of a data set

    def tasks(self, dataset: str) -> list[str]:
        """The targets of a data set: its own choice, or those of the run that it has, or its first one."""
        source, there = self.config.datasets[dataset], list(self.catalog.datasets[dataset].tasks)
        return [task for task in (source.tasks or self.config.tasks or there[:1]) if task in there]

    def protocols(self, dataset: str) -> list[str]:
        """The protocols of a data set: its own choice, or the run's."""
        return self.config.datasets[dataset].protocols or self.config.protocols

    def rules(self, dataset: str) -> Rules:
        """Which rows of a data set count: its own rules, but for what the run says."""
        own = self.catalog.datasets[dataset].rules.model_dump()
        chosen = self.config.datasets[dataset].rules.model_dump(exclude_none=True)
        return Rules(**(own | chosen))

    def core(self, dataset: str, protocol: str) -> int | None:
        """The least rows per user and item under a protocol with a k-core, None under any other."""
        own = self.catalog.protocols[protocol].core
        return own and (self.config.datasets[dataset].core or own)

    def split_seed(self, dataset: str, protocol: str) -> int:
        return derive_seed(self.config.seed, axis="split", dataset=dataset, protocol=protocol)

    # Where the data come from

    def is_simulated(self, dataset: str) -> bool:
        return self.config.datasets[dataset].is_simulated

    def has_truth(self, dataset: str, task: str) -> bool:
        """Whether the law of a target is known: on a simulated log, read as the simulator expects."""
        return self.is_simulated(dataset) and task in self.catalog.datasets[dataset].truth

    def raw_folder(self, dataset: str) -> Path:
        source = self.config.datasets[dataset]
        if source.log is not None:
            return Path(source.log.file).parent
        if source.folder is not None:
            return Path(source.folder)
        if source.download:
            return OFFICIAL / dataset
        return SIMULATED / f"{dataset}-{settings_hash(self.raw_identity(dataset))[:8]}"

    def raw_identity(self, dataset: str) -> dict[str, Any]:
        """What identifies raw files before they are read.

        Simulator settings and version, the checksums of a download, or of given files what ``data.dvc`` records of
        them, and their names and sizes where it does not know them.
        """
        source = self.config.datasets[dataset]
        if source.is_simulated:
            return {"simulator": SIMULATOR_VERSION, **source.simulator.model_dump()}
        if source.download:
            return {one.url: one.checksum for one in self.catalog.datasets[dataset].sources}
        return recorded(self.raw_files(dataset))

    def raw_files(self, dataset: str) -> list[Path]:
        """The raw files that the loader reads: every log and optional table that is there, and every table."""
        card, source = self.catalog.datasets[dataset], self.config.datasets[dataset]
        folder = self.raw_folder(dataset)
        found = [folder / name for name in [*card.logs, *card.optional_tables.values()]]
        if not source.is_simulated and not source.download:
            found = [path for path in found if path.is_file()]
        return found + [folder / name for name in card.tables.values()]

    def loader(self, dataset: str) -> str:
        """The module below ``datasets`` that reads the raw files."""
        return "own_log" if self.config.datasets[dataset].log else dataset

    def truth(self, dataset: str) -> Path | None:
        """The known distribution of a simulated log."""
        return self.raw_folder(dataset) / "truth.npz" if self.is_simulated(dataset) else None
