"""Measured time and memory, the only numbers that differ between equal runs."""

from __future__ import annotations

from typing import Any

from watchtime.reporting.elements.tables import Column, Section, Table, Value
from watchtime.reporting.elements.words import target_name
from watchtime.reporting.report import Report


def jobs(report: Report) -> Table:
    """Seconds, samples per second and memory of every job."""
    rows: list[Section | list[Value]] = []
    frame = report.table("resources")
    for (dataset, task, protocol), board in frame.group_by("dataset", "task", "protocol", maintain_order=True):
        title = report.plan.catalog.protocols[str(protocol)].title
        rows.append(Section(f"{report.data_title(str(dataset))}, {target_name(str(task))}, {title}"))
        rows += [_job(report, one) for one in board.iter_rows(named=True)]
    columns = [
        *(Column("Method"), Column("Device"), Column("Training", "s", 1), Column("Training", "samples/s", 0)),
        *(Column("Prediction", "s", 2), Column("Prediction", "samples/s", 0), Column("Memory", "MiB", 0)),
    ]
    total = sum(one["training_seconds"] + one["prediction_seconds"] for one in frame.iter_rows(named=True))
    caption = (
        f"All repetitions of every job together; in all {total:,.0f} s of training and prediction. Memory is the peak "
        "of the process. A sample is one training row in one epoch, or one predicted row."
    )
    return Table(columns, rows, caption=caption)


def environment(report: Report) -> Table:
    """The machine and the versions."""
    found = report.environment()
    packages = [[name, version] for name, version in sorted(found["packages"].items())]
    rows: list[list[Value]] = [
        ["code", found["code"]],
        ["Python", found["python"]],
        ["system", found["system"]],
        ["processors", str(found["processors"])],
        *packages,
    ]
    return Table([Column("What"), Column("Value")], rows, caption="Where the run was collected.")


def _job(report: Report, one: dict[str, Any]) -> list[Value]:
    return [
        report.method_title(one["method"], one["variant"]),
        one["device"],
        one["training_seconds"],
        one["training_samples_per_second"],
        one["prediction_seconds"],
        one["prediction_samples_per_second"],
        one["peak_memory_mb"],
    ]
