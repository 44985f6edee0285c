"""How many rows of validation and test have an unknown id, field by field."""

from __future__ import annotations

from watchtime.reporting.elements.tables import Column, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.report import Report


def table(report: Report, dataset: str, protocol: str) -> Table | Markdown:
    """The share of rows with an unknown id, for every field that has any, the largest share first."""
    counts = report.encoding_counts(dataset, protocol)
    shares, title = counts["unknown_shares"], report.plan.catalog.protocols[protocol].title
    found = {name: (test, shares["validation"][name]) for name, test in shares["test"].items()}
    some = {name: pair for name, pair in found.items() if any(pair)}
    others = [name.replace("_", " ") for name in found if name not in some]
    if not some:
        return Markdown(f"{escape(title)}: no row of validation or test has an unknown id in any field.")
    rows: list[list[Value]] = [
        [name.replace("_", " "), counts["cardinalities"].get(name), 100 * validation, 100 * test]
        for name, (test, validation) in sorted(some.items(), key=lambda one: one[1], reverse=True)
    ]
    columns = [Column("Field"), Column("Ids"), Column("Validation", "%", 2), Column("Test", "%", 2)]
    caption = (
        f"Rows of {report.data_title(dataset)}, {title}, with an unknown id: a value that is missing, that no training "
        "row has or too few of them have; a list counts where it is empty or holds such a value."
    )
    rest = f" Fields without any: {', '.join(others)}." if others else ""
    return Table(columns, rows, caption=caption + rest)
