"""What a batch costs in training and in prediction, as multiples of what it costs the reference row."""

from __future__ import annotations

from collections.abc import Mapping

from watchtime.reporting.elements.tables import Column, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.published.cells import PublishedCell, read_published
from watchtime.reporting.report import Report

PHASES = {"train_s_per_batch": "training", "infer_s_per_batch": "prediction"}
"""The printed measure of each phase of a job."""

Costs = Mapping[str, float]
"""Row → seconds per batch."""


def table(report: Report, dataset: str) -> Table:
    """Seconds per batch of every row, and how many times those of the reference row, here and in the paper."""
    phases = {phase: (_ours(report, dataset, phase), _printed(report, dataset, phase)) for phase in PHASES}
    rows: list[list[Value]] = []
    for row in report.jobs(dataset):
        cells: list[Value] = [report.artifact.rows[row].title]
        for ours, printed in phases.values():
            cells += [1000 * ours[row], _ratio(report, ours, row), _ratio(report, printed, row)]
        rows.append(cells)
    reference = _reference_title(report)
    columns = [Column("Method")]
    for name in PHASES.values():
        columns += [
            Column(name.capitalize(), "ms", 2),
            Column(f"× {reference}", decimals=1),
            Column("Paper", decimals=1),
        ]
    caption = (
        f"Time per batch of {_batch(report, dataset)} rows on {report.data_title(dataset)}, and as a multiple of that "
        f"of {reference}, beside the multiple that follows from the paper's times on an RTX 4090, rounded there to 1 "
        "ms. Training: all that a job does until it predicts, divided by the batches of all epochs and repetitions; "
        "validation after every epoch and, of ProWTP, the training of its prototypes are among it. The page of "
        "measured time names the machine."
    )
    return Table(columns, rows, caption=caption)


def conclusion(report: Report, dataset: str) -> Markdown:
    """Say how much of the paper's order and growth of costs is found here."""
    lines = []
    for phase, name in PHASES.items():
        ours, printed = _ours(report, dataset, phase), _printed(report, dataset, phase)
        both = [row for row in ours if row in printed and row != report.artifact.reference_row]
        if not both:
            continue
        found = ", ".join(
            f"{escape(report.artifact.rows[row].title)} {_times(_ratio(report, ours, row))} "
            f"({_times(_ratio(report, printed, row))})"
            for row in both
        )
        reference = escape(_reference_title(report))
        lines.append(f"A batch's {name} in multiples of {reference}'s, in brackets the paper's: {found}.")
    lines.append(
        "The paper finds that training costs grow with the share of rows in the compactness loss, and that prediction "
        "costs hardly more than the baseline's. Times differ between equal runs, and no verdict is given on them."
    )
    return Markdown(f"{escape(report.data_title(dataset))}.\n\n" + "\n".join(f"- {line}" for line in lines))


def _ours(report: Report, dataset: str, phase: str) -> Costs:
    return {
        row: spec.training.batch / report.measured_time(spec)[f"{PHASES[phase]}_samples_per_second"]
        for row, spec in report.jobs(dataset).items()
    }


def _printed(report: Report, dataset: str, phase: str) -> Costs:
    """Return the printed times; one time of a method, whatever its variant, stands for all of its rows."""
    cells = [cell for cell in read_published(report.plan.published_files) if _is_of(report, cell, dataset, phase)]
    whole = {cell.method: cell.value for cell in cells if cell.variant == "full"}
    own = {cell.row: cell.value for cell in cells}
    found = {row: own.get(row, whole.get(row.split("/")[0])) for row in report.artifact.rows}
    return {row: value for row, value in found.items() if value is not None}


def _is_of(report: Report, cell: PublishedCell, dataset: str, phase: str) -> bool:
    return (cell.name, cell.dataset, cell.metric) == (report.name, dataset, phase)


def _ratio(report: Report, costs: Costs, row: str) -> float | None:
    reference = costs.get(str(report.artifact.reference_row))
    return costs[row] / reference if reference and row in costs else None


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.1f}"


def _reference_title(report: Report) -> str:
    return report.artifact.rows[str(report.artifact.reference_row)].title


def _batch(report: Report, dataset: str) -> int:
    return next(iter(report.jobs(dataset).values())).training.batch
