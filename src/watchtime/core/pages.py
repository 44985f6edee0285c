"""What a page and the verdicts of a run follow from: files, and settings that stand in no file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from watchtime.core.catalog import UNASKED, Artifact
from watchtime.core.plan import DATA_PAGES, SIMULATOR_FITTED_TO, SIMULATOR_PAGE, Plan


def page_inputs(plan: Plan, name: str) -> list[Path]:
    """The files that an artifact's notebook reads, its template first."""
    if name in plan.papers:
        return [plan.template(name), *_paper_page_inputs(plan, name)]
    if name in plan.pages:
        return [plan.template(name), *_own_page_inputs(plan, name)]
    artifact, datasets = plan.artifacts[name], plan.artifact_datasets(name)
    inputs = [plan.template(name), *plan.published_files]
    if "counts" in artifact.reads:
        inputs += [file for one in datasets for file in plan.count_files(one, _shown_protocols(plan, artifact, one))]
    if "interactions" in artifact.reads:
        inputs += [plan.data_folder(dataset) / "interactions.parquet" for dataset in datasets]
    if "analysis" in artifact.reads:
        inputs.append(plan.analysis_folder(name))
    if "measured_time" in artifact.reads:
        inputs += [plan.job_folder(plan.jobs[key]) / "resources.json" for key in plan.artifact_keys(name)]
    if "results" in artifact.reads:
        folders = [plan.job_folder(plan.jobs[key]) for key in plan.artifact_keys(name)]
        inputs += [folder / file for folder in folders for file in ("metrics.json", "history.parquet")]
    return inputs


def analysis_inputs(plan: Plan, name: str) -> list[Path]:
    """The files that an artifact's analysis may read: its jobs' own, the rows that they saw, their codecs."""
    artifact, datasets = plan.artifacts[name], plan.artifact_datasets(name)
    named = {(row.method, row.variant) for row in artifact.rows.values()}
    specs = [spec for key in plan.artifact_keys(name) if ((spec := plan.jobs[key]).method, spec.variant) in named]
    inputs = [file for dataset in datasets for file in plan.data_files(dataset)]
    if artifact.protocol:
        inputs += [plan.encoded_folder(one, plan.artifact_protocol(artifact, one)) for one in datasets]
    inputs += [file for spec in specs if (file := plan.codec_file(spec))]
    files = ("model.safetensors", "predictions.parquet", "metrics.json", "history.parquet")
    return inputs + [plan.job_folder(spec) / file for spec in specs for file in files]


def _shown_protocols(plan: Plan, artifact: Artifact, dataset: str) -> list[str]:
    """The protocols whose counts a page shows: statistics may be those of any k-core."""
    if artifact.task == "stats":
        return plan.protocols(dataset)
    return plan.artifact_protocols(artifact, dataset) if artifact.protocol else []


def _paper_page_inputs(plan: Plan, paper: str) -> list[Path]:
    """The files from which the verdicts on all numbers of a paper follow."""
    keys = dict.fromkeys(key for name in plan.papers[paper] for key in plan.artifact_keys(name))
    return [
        *plan.published_files,
        *_all_counts(plan),
        *(plan.job_folder(plan.jobs[key]) / "metrics.json" for key in keys),
    ]


def _all_counts(plan: Plan) -> list[Path]:
    return [file for one in plan.config.datasets for file in plan.count_files(one, plan.protocols(one))]


def _own_page_inputs(plan: Plan, name: str) -> list[Path]:
    if name == "resources":
        return [plan.folder / "resources.parquet", plan.folder / "environment.json"]
    if name == "across_papers":
        return [plan.folder / "metrics.parquet", *plan.published_files]
    if name == SIMULATOR_PAGE:
        dataset = SIMULATOR_FITTED_TO
        return [*plan.count_files(dataset, []), plan.data_folder(dataset) / "interactions.parquet"]
    if name.startswith(DATA_PAGES):
        dataset = name.removeprefix(DATA_PAGES)
        encoded = [plan.encoded_folder(dataset, protocol) for protocol in plan.protocols(dataset)]
        counts = plan.count_files(dataset, plan.protocols(dataset))
        return [*plan.published_files, *counts, plan.data_folder(dataset) / "interactions.parquet", *encoded]
    tables = [plan.folder / f"{table}.parquet" for table in ("metrics", "calibration", "verdicts")]
    searches = [plan.job_folder(spec) / "metrics.json" for spec in plan.jobs.values() if spec.search_trials]
    return [*tables, *searches, *_all_counts(plan)]


def page_settings(plan: Plan, name: str) -> dict[str, Any]:
    """What an artifact's page depends on beside its files."""
    if name.startswith(DATA_PAGES):
        dataset = name.removeprefix(DATA_PAGES)
        page = plan.catalog.datasets[dataset].model_dump(mode="json")
        return {**_shown_settings(plan, [], [dataset]), "page": page}
    if name == SIMULATOR_PAGE:
        return _shown_settings(plan, [], [SIMULATOR_FITTED_TO])
    if name in plan.papers:
        card = plan.catalog.papers[name].model_dump(mode="json")
        ledger = [entry.model_dump() for entry in plan.catalog.ledger.values() if entry.paper == name]
        return {**verdict_settings(plan), "page": card, "ledger": ledger, "joined": plan.papers[name]}
    if name in plan.pages:
        shown = _shown_settings(plan, plan.catalog.methods, plan.config.datasets)
        if name == "across_papers":
            return {**shown, "papers": _tables(plan)}
        return {**shown, "methods": _described(plan), "findings": _findings(plan)} if name == "summary" else shown
    named = {row.method for row in plan.artifacts[name].rows.values()}
    methods = [one for one, card in plan.catalog.methods.items() if one in named or card.family in UNASKED]
    reference = plan.catalog.papers[name.split("/")[0]].reference
    page = plan.artifacts[name].model_dump(mode="json")
    return {**_shown_settings(plan, methods, plan.artifact_datasets(name)), "page": page, "reference": reference}


def _described(plan: Plan) -> dict[str, Any]:
    """What the summary prints from the cards of the run's methods."""
    lines = {"title", "summary", "reference", "watch_ratio", "without_duration"}
    cards = plan.catalog.methods
    return {name: cards[name].model_dump(include=lines) for name in plan.methods}


def _tables(plan: Plan) -> dict[str, Any]:
    """What the page across papers takes from the papers: which job stands for which row, by which rules."""
    papers = plan.catalog.papers.items()
    return {name: paper.model_dump(mode="json", exclude={"ambiguities", "settings"}) for name, paper in papers}


def _findings(plan: Plan) -> dict[str, Any]:
    """What the summary prints from the cards of this project's own pages."""
    own = [name for name in plan.artifacts if not plan.catalog.papers[name.split("/")[0]].reference]
    return {name: plan.artifacts[name].model_dump(mode="json") for name in own}


def _shown_settings(plan: Plan, methods: Iterable[str], datasets: Iterable[str]) -> dict[str, Any]:
    """What pages and verdicts on ``methods`` take from the configuration and the cards, not from files."""
    chosen = {name: plan.catalog.methods[name] for name in methods}
    names = ("name", "tasks", "protocols", "regime", "size", "repetitions", "seed", "search_trials", "tolerance")
    cards = (chosen, plan.catalog.protocols, plan.catalog.papers)
    shown = list(datasets)
    return {
        "run": {name: getattr(plan.config, name) for name in names},
        "data": {name: _shown_source(plan, name) for name in shown},
        "titles": [{name: card.title for name, card in group.items()} for group in cards],
        "excluded": {
            what: reason
            for what, reason in plan.excluded().items()
            if what.split("/")[0] in chosen and what.split(" on ")[1].split(",")[0] in shown
        },
    }


def _shown_source(plan: Plan, dataset: str) -> dict[str, Any]:
    source = plan.config.datasets[dataset].model_dump(mode="json", exclude={"folder", "log"})
    return {"simulated": plan.is_simulated(dataset), **source}


def verdict_settings(plan: Plan) -> dict[str, Any]:
    """What the verdicts depend on beside their files."""
    cards = plan.catalog.papers.items()
    papers = {name: paper.model_dump(mode="json", exclude={"ambiguities"}) for name, paper in cards}
    shown = _shown_settings(plan, plan.catalog.methods, plan.config.datasets)
    return {**shown, "artifacts": list(plan.artifacts), "papers": papers}


def verdict_inputs(plan: Plan) -> list[Path]:
    """The files from which the verdicts follow."""
    return [plan.folder / "metrics.parquet", *_all_counts(plan), *plan.published_files]
