"""What a run worked with: its data and its settings."""

from __future__ import annotations

from typing import Any

from watchtime.core.job import JobSpec
from watchtime.evaluation.metrics import METRICS
from watchtime.reporting.comparisons.leaderboard import Board
from watchtime.reporting.comparisons.leaderboard import title as board_title
from watchtime.reporting.elements.tables import Column, Section, Table, Value
from watchtime.reporting.elements.text import Markdown
from watchtime.reporting.report import Report


def data(report: Report) -> Table:
    """The data sets of the run: where they come from, how many rows count, and the hash of rows and tables."""
    hashes = dict(report.table("metrics").select("dataset", "data").unique().iter_rows())
    rows: list[list[Value]] = []
    for dataset in report.datasets:
        counts = report.counts(dataset)["rules"]
        rows.append(
            [
                report.plan.catalog.datasets[dataset].title,
                report.origin(dataset),
                counts[0]["rows"],
                *(counts[-1][name] for name in ("rows", "users", "items")),
                hashes[dataset][:16] if dataset in hashes else None,
            ]
        )
    columns = [
        *(Column("Data set"), Column("Origin"), Column("Rows as read"), Column("Rows"), Column("Users")),
        *(Column("Items"), Column("sha256", align="left")),
    ]
    caption = (
        "The data: counts after the row rules, of the main log where there are several, and the first 16 digits of the "
        "hash over interactions and tables. The page of every data set says more."
    )
    return Table(columns, rows, caption=caption)


def shared_settings(report: Report) -> Markdown:
    """Say which encoder and training the networks of the run share, and how settings were chosen."""
    config = report.plan.config
    size = report.plan.catalog.sizes[config.size]
    chosen = (
        f"{config.search_trials} random draws per method from its search space, chosen on validation"
        if config.search_trials
        else "no search, every method has the settings listed below"
    )
    return Markdown(
        f"Regime {config.regime.replace('_', ' ')}, size {config.size}, root seed {config.seed}. Encoder: "
        f"{_plain(size.encoder.model_dump())}. Training: {_plain(size.training.model_dump())}. Choice of settings: "
        f"{chosen}."
    )


def settings(report: Report) -> Table:
    """The settings of every method, and what its variants and the shared encoder and training have otherwise."""
    size = report.plan.catalog.sizes[report.plan.config.size]
    shared = {**size.encoder.model_dump(), **size.training.model_dump()}
    variants: dict[str, dict[str, JobSpec]] = {}
    for spec in report.plan.jobs.values():
        variants.setdefault(spec.method, {}).setdefault(spec.variant, spec)
    rows: list[list[Value]] = []
    for method in variants.values():
        first = next(iter(method.values()))
        for spec in method.values():
            own = {**spec.encoder.model_dump(), **spec.training.model_dump()}
            changed = _otherwise(own, shared) | ({"leak": spec.leak} if spec.leak else {})
            of_codec = None if spec == first else first
            shown = spec.settings if spec == first else _otherwise(spec.settings, first.settings)
            title = report.method_title(spec.method, spec.variant)
            rows.append([title, _plain(shown) or None, _codec(spec, of_codec), _plain(changed) or None])
    columns = [Column("Method"), Column("Settings"), Column("Codec"), Column("Instead of the shared")]
    caption = (
        "The settings of every method, before the search where there is one; of its further variants what is otherwise "
        "than in the first one."
    )
    return Table(columns, rows, caption=caption)


def _otherwise(values: dict[str, Any], than: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in than or than[key] != value}


def _codec(spec: JobSpec, than: JobSpec | None) -> str | None:
    """Return a job's codec with its settings, or what of them is otherwise than in another job."""
    if spec.codec is None:
        return "none" if than and than.codec else None
    if than is None or than.codec is None or than.codec.name != spec.codec.name:
        return f"{_shown(spec.codec.name)}: {_plain(spec.codec.settings)}"
    return _plain(_otherwise(spec.codec.settings, than.codec.settings)) or None


def searches(report: Report) -> Table | Markdown:
    """What the search chose for every job, and by which validation metric."""
    found = report.searches()
    if not found:
        return Markdown("No settings were searched.")
    rows: list[Section | list[Value]] = []
    before = None
    for key, one in found.items():
        spec = report.plan.jobs[key]
        board = Board(spec.dataset, spec.task, spec.protocol)
        if board != before:
            rows.append(Section(board_title(report, board)))
        before = board
        scores = [trial["score"] for trial in one["trials"] if trial["score"] is not None]
        rows.append(
            [
                report.method_title(spec.method, spec.variant),
                len(one["trials"]),
                f"{METRICS[one['metric']].title} of the {one['readout']}",
                _plain(one["chosen"]),
                f"{min(scores):.4g} to {max(scores):.4g}",
            ]
        )
    columns = [Column(title) for title in ("Method", "Trials", "Chosen by", "Chosen", "Scores")]
    caption = "The searches: every trial is judged on validation rows alone, the chosen settings then train anew."
    return Table(columns, rows, caption=caption)


def _plain(values: dict[str, Any]) -> str:
    return ", ".join(f"{_shown(key.replace('.', ' '))} {_shown(value)}" for key, value in values.items())


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return " × ".join(map(str, value))
    return str(value).replace("_", " ")
