"""The step that computes an artifact's analysis, as the command line calls it."""

from __future__ import annotations

import importlib

from watchtime.analyses.study import Study
from watchtime.core.errors import WatchtimeError, unknown
from watchtime.core.files import replacing_folder, write_parquet
from watchtime.core.plan import Plan
from watchtime.training.device import reserved
from watchtime.training.engine import deterministic


def analyse(plan: Plan, artifact: str, memory: int | None = None) -> None:
    """Write ``<run>/analyses/<artifact>/<data set>/<table>.parquet`` for every data set and table of the analysis.

    The module ``analyses/<analysis>.py`` has one function ``tables(study)`` that returns frames by name. Raises
    ``WatchtimeError`` where the run has no such artifact or the artifact no analysis. A GPU is held with ``memory``
    MiB, or alone.
    """
    analysed = [name for name, card in plan.artifacts.items() if card.analysis]
    if artifact not in analysed:
        raise WatchtimeError(unknown("artifact with an analysis", artifact, analysed, "--artifact"))
    module = importlib.import_module(f"watchtime.analyses.{plan.artifacts[artifact].analysis}")
    place = plan.config.device
    with reserved(place, memory=memory), replacing_folder(plan.analysis_folder(artifact)) as folder:
        device = deterministic(place)
        for dataset in plan.artifact_datasets(artifact):
            for name, frame in module.tables(Study(plan, artifact, dataset, device)).items():
                write_parquet(folder / dataset / f"{name}.parquet", frame)
