"""The same number in several tables: which published cells are about one quantity, and where they disagree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from watchtime.core.catalog import Catalog, PublishedRow
from watchtime.core.plan import Plan
from watchtime.evaluation.metrics import METRICS
from watchtime.reporting.published.cells import PRIVATE, PublishedCell, shown_in
from watchtime.reporting.published.check import published_cells
from watchtime.reporting.published.readings import TITLES


@dataclass(frozen=True)
class Quantity:
    """What is printed: a metric of a method, as one variant of it, for one target of one data set."""

    dataset: str
    task: str
    metric: str
    method: str
    variant: str


@dataclass(frozen=True)
class Printing:
    """The values of one quantity by the table that prints them, such as ``gr/table1``.

    ``jobs`` are the variants that papers' tables take for it, each with the readout that its row names, in their order.
    """

    quantity: Quantity
    title: str
    values: Mapping[str, float]
    jobs: tuple[tuple[str, str | None], ...] = ()

    @property
    def lowest(self) -> tuple[str, float]:
        return min(self.values.items(), key=lambda one: one[1])

    @property
    def highest(self) -> tuple[str, float]:
        return max(self.values.items(), key=lambda one: one[1])

    @property
    def apart(self) -> float:
        """(highest − lowest) / lowest, 0 where one table prints it; published values are above 0."""
        return self.highest[1] / self.lowest[1] - 1

    @property
    def papers(self) -> set[str]:
        return {place.split("/")[0] for place in self.values}


@dataclass(frozen=True)
class Flip:
    """Two methods that papers order differently: where the first is better, and where the second is."""

    dataset: str
    task: str
    metric: str
    first: str
    second: str
    first_better: tuple[str, ...]
    second_better: tuple[str, ...]


def printings(plan: Plan) -> list[Printing]:
    """Return every quantity of public data that a table prints for a method, in the order of the papers.

    A row that no variant names is the method as such, whatever variant a paper's table takes for it: the first paper's
    stands for all. Rows of ablations belong to the variant that they are, which may be the method itself. What only one
    ablation row prints is left to the page of its table.
    """
    catalog, found = plan.catalog, dict[Quantity, dict[str, float]]()
    jobs: dict[Quantity, dict[tuple[str, str | None], None]] = {}
    cells = published_cells(plan)
    whole = _whole_methods(catalog, cells)
    for cell in cells:
        row = _row(catalog, cell)
        if row is None or row.method is None or row.variant is None or not _is_compared(cell):
            continue
        # As a whole method a row goes by its name, otherwise by its job.
        variant = whole.get((cell.row, row.method), row.variant)
        quantity = Quantity(cell.dataset, cell.task, cell.metric, row.method, variant)
        found.setdefault(quantity, {})[cell.name] = cell.value
        jobs.setdefault(quantity, {})[row.variant, row.readout] = None
    titles = _titles(catalog, cells)
    return [
        Printing(quantity, titles.get(own) or _variant_title(catalog, *own), values, tuple(jobs[quantity]))
        for quantity, values in found.items()
        if (own := (quantity.method, quantity.variant)) in titles or len(values) > 1
    ]


def contradictions(found: list[Printing], tolerance: float) -> list[Printing]:
    """Return the quantities of which tables print values that differ by more than ``tolerance``, the largest first."""
    return sorted((one for one in found if one.apart > tolerance), key=lambda one: -one.apart)


def flips(found: list[Printing]) -> list[Flip]:
    """Return every pair of methods that two papers order differently in one metric."""
    groups: dict[tuple[str, str, str], list[Printing]] = {}
    for one in found:
        groups.setdefault((one.quantity.dataset, one.quantity.task, one.quantity.metric), []).append(one)
    flipped = []
    for (dataset, task, metric), group in groups.items():
        for first, second in combinations(group, 2):
            sign = 1 if METRICS[metric].direction == "higher" else -1
            gains = {place: sign * (first.values[place] - second.values[place]) for place in _common(first, second)}
            better = tuple(place for place, gain in gains.items() if gain > 0)
            worse = tuple(place for place, gain in gains.items() if gain < 0)
            papers = {place.split("/")[0] for place in better + worse}
            if better and worse and len(papers) > 1:
                flipped.append(Flip(dataset, task, metric, first.title, second.title, better, worse))
    return flipped


def counts(plan: Plan) -> dict[tuple[str, str], dict[str, float]]:
    """Return the counts of every public data set that papers print differently: (data set, count) → paper → value."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for cell in published_cells(plan):
        if cell.task == "stats" and cell.metric in TITLES and cell.dataset not in (*PRIVATE, "none"):
            found.setdefault((cell.dataset, cell.metric), {})[cell.paper] = cell.value
    return {key: values for key, values in found.items() if len(set(values.values())) > 1}


def _common(first: Printing, second: Printing) -> list[str]:
    return [place for place in first.values if place in second.values]


def _is_compared(cell: PublishedCell) -> bool:
    return cell.metric in METRICS and cell.dataset not in (*PRIVATE, "none")


def _row(catalog: Catalog, cell: PublishedCell) -> PublishedRow | None:
    artifact = catalog.artifacts().get(shown_in(catalog, cell))
    return artifact.rows.get(cell.row) if artifact and cell.task == artifact.task else None


def _whole_methods(catalog: Catalog, cells: list[PublishedCell]) -> dict[tuple[str, str], str]:
    """Return the variant that stands for a row's name where it is a whole method: (row, method) → variant."""
    variants: dict[tuple[str, str], str] = {}
    for cell in cells:
        row = _row(catalog, cell)
        if row and row.method and row.variant and "/" not in cell.row:
            variants.setdefault((cell.row, row.method), row.variant)
    return variants


def _titles(catalog: Catalog, cells: list[PublishedCell]) -> dict[tuple[str, str], str]:
    """Return what the first paper calls every method, by the job that stands for it."""
    titles: dict[tuple[str, str], str] = {}
    whole = _whole_methods(catalog, cells)
    for cell in cells:
        row = _row(catalog, cell)
        if row and row.method and (variant := whole.get((cell.row, row.method))):
            titles.setdefault((row.method, variant), row.title)
    return titles


def _variant_title(catalog: Catalog, method: str, variant: str) -> str:
    return f"{catalog.methods[method].title} ({variant.replace('_', ' ')})"
