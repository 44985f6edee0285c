"""The page of a published comparison: its rows measured again beside the rows that it leaves out, and the verdicts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from watchtime.core.catalog import PublishedRow
from watchtime.evaluation.metrics import METRICS
from watchtime.evaluation.xauc import CONVENTIONS, SAME_AS
from watchtime.reporting.elements.notes import Notes
from watchtime.reporting.elements.tables import Cell, Column, Section, Table, Value
from watchtime.reporting.elements.text import Markdown
from watchtime.reporting.elements.words import percent, sentence
from watchtime.reporting.measured.measure_columns import measure_column
from watchtime.reporting.measured.results import ALPHA, Line, Measure, Results
from watchtime.reporting.published.cells import row_key
from watchtime.reporting.report import Report


@dataclass(frozen=True)
class Entry:
    """One row of the table: a line of the leaderboard, or the reason why there is none."""

    title: str
    line: Line | None
    published_row: str | None = None
    reason: str = ""


def entries(report: Report, dataset: str) -> dict[str, list[Entry]]:
    """Return the rows under their headings: the published ones, those that tables leave out, the oracle."""
    cards = report.plan.catalog.methods
    artifact = report.artifact
    published = [entry for key, row in artifact.rows.items() for entry in _published_entries(report, dataset, key, row)]
    plain = [
        entry
        for name, card in cards.items()
        if card.family in ("trivial", "trees")
        for variant in card.variants
        if not report.plan.catalog.is_out_of_place(name, variant, artifact.task)
        for entry in _job_entries(report, dataset, name, variant)
    ]
    oracle = [
        entry
        for name, card in cards.items()
        if card.family == "oracle"
        for variant in card.variants
        for entry in _job_entries(report, dataset, name, variant)
    ]
    headings = ("Published rows", "Rows that the published table leaves out", "Upper bound")
    if artifact.study:
        headings = ("Compared rows", "Rows that stand in every table", "Upper bound")
    return dict(zip(headings, (published, plain, oracle), strict=True))


def measures(report: Report, results: Results) -> list[Measure]:
    """Return the columns of the table: each metric of the artifact that a line has, as this project defines it."""
    shown = [Measure.of(name) for name in report.artifact.metrics]
    return [measure for measure in shown if any(results.values(line, measure) for line in results.lines())]


def competitors(report: Report, dataset: str) -> list[Line]:
    """Return the lines of which one can be the best: all but the oracle."""
    *sections, _ = entries(report, dataset).values()
    return [entry.line for section in sections for entry in section if entry.line]


def line_names(report: Report, dataset: str) -> dict[Line, str]:
    """Return a name for every line that competes: its title, with the readout where several have that title."""
    *sections, _ = entries(report, dataset).values()
    found = {entry.line: entry.title for section in sections for entry in section if entry.line}
    titles = Counter(found.values())
    return {line: f"{title} ({line.readout})" if titles[title] > 1 else title for line, title in found.items()}


def table(report: Report, dataset: str) -> Table:
    """Our values with their intervals, each beside the published number, whose note is the verdict."""
    results, notes = report.results(dataset), Notes()
    columns, printed = measures(report, results), set(report.verdicts["metric"])
    best = results.best(competitors(report, dataset), columns)
    verdicts = {
        (row_key(row["method"], row["variant"]), row["metric"]): row
        for row in report.verdicts.filter(dataset=dataset).iter_rows(named=True)
    }

    def cells(entry: Entry) -> list[Cell | Value]:
        shown: list[Cell | Value] = []
        for measure in columns:
            value = results.interval(entry.line, measure) if entry.line else None
            shown.append(Cell(value, best=entry.line in best.get(measure, [])))
            if measure.metric not in printed:
                continue
            row = verdicts.get((entry.published_row, measure.metric)) if entry.published_row else None
            shown.append(Cell(row["published"], note=notes.letter(sentence(row["verdict"]))) if row else None)
        return shown

    rows: list[Section | list[Cell | Value]] = []
    for title, section in entries(report, dataset).items():
        rows.append(Section(title))
        for entry in section:
            parameters = report.parameters(results, entry.line) if entry.line else None
            readout = entry.line.readout if entry.line else None
            name = Cell(entry.title, note=notes.letter(entry.reason))
            rows.append([name, readout, parameters, *cells(entry)])
    heads, unit = (
        [Column("Method"), Column("Readout"), Column("Parameters")],
        report.unit(dataset, report.artifact.task),
    )
    for measure in columns:
        heads.append(measure_column(measure, unit))
        if measure.metric in printed:
            heads.append(Column("Paper", align="right"))
    return Table(heads, rows, caption=_caption(report, dataset), notes=notes.texts)


def conventions(report: Report, dataset: str) -> Table:
    """XAUC and XGAUC of every line under every rule for ties, with the tie masses."""
    results = report.results(dataset)
    names = ("xauc", "xgauc")
    shown = [Measure(name, rule) for name in names for rule in METRICS[name].conventions if rule not in SAME_AS]
    ties = Measure.of("prediction_tie_mass")
    rows = [
        [
            entry.title,
            entry.line.readout,
            *(results.mean(entry.line, measure) for measure in shown),
            _share(results.mean(entry.line, ties)),
        ]
        for section in entries(report, dataset).values()
        for entry in section
        if entry.line
    ]
    heads = [Column("Method"), Column("Readout")]
    heads += [Column(measure.title, decimals=4) for measure in shown]
    caption = (
        f"Rank metrics on {report.data_title(dataset)} under every rule for ties: means over repetitions. "
        "The last column is the share of all pairs of test rows whose predictions are equal."
    )
    return Table([*heads, Column("Ties", "%", 2)], rows, caption=caption)


def tie_mass(report: Report, dataset: str) -> Markdown:
    """Say how many pairs are tied and how many users XGAUC counts."""
    results = report.results(dataset)
    first = results.lines()[0]
    tied = results.mean(first, Measure.of("target_tie_mass"))
    counted, users = (results.mean(first, Measure.of(name)) for name in ("xgauc_users", "users"))
    assert tied is not None
    return Markdown(
        f"Of all pairs of test rows {percent(tied, 2)} are tied in the target. XGAUC counts {counted:,.0f} of "
        f"{users:,.0f} users: the others have no two rows with different targets."
    )


def definitions() -> Markdown:
    """List what every convention of XAUC counts."""
    return Markdown("\n".join(f"- *{name}*: {definition}" for name, definition in CONVENTIONS.items()))


def _published_entries(report: Report, dataset: str, key: str, row: PublishedRow) -> list[Entry]:
    if row.method is None or row.variant is None:
        return [Entry(row.title, None, key, "This method is not in this project yet.")]
    return [
        # The published number stands beside the readout that the paper uses.
        Entry(entry.title, entry.line, key if _is_printed(report, dataset, row, entry.line) else None, entry.reason)
        for entry in _job_entries(report, dataset, row.method, row.variant, row.title)
    ]


def _is_printed(report: Report, dataset: str, row: PublishedRow, line: Line | None) -> bool:
    if line is None:
        return True
    return line.readout == (row.readout or _readouts(report, dataset, line.method, line.variant)[0])


def _job_entries(report: Report, dataset: str, method: str, variant: str, title: str | None = None) -> list[Entry]:
    plan, task = report.plan, report.artifact.task
    title = title or report.method_title(method, variant)
    reason = plan.reason_against(method, dataset, task, variant)
    if reason:
        return [Entry(title, None, reason=sentence(f"not run: {reason}"))]
    readouts = _readouts(report, dataset, method, variant)
    if not readouts:
        return [Entry(title, None, reason="Not run: left out by this run's list of methods.")]
    return [Entry(title, Line(method, variant, readout)) for readout in readouts]


def _readouts(report: Report, dataset: str, method: str, variant: str) -> list[str]:
    """Return the readouts of a job of this page, nothing where the run leaves the method out."""
    specs = [report.plan.jobs[key] for key in report.plan.artifact_keys(report.name)]
    own = [spec for spec in specs if (spec.dataset, spec.method, spec.variant) == (dataset, method, variant)]
    return own[0].readouts if own else []


def _share(value: float | None) -> float | None:
    return None if value is None else 100 * value


def _caption(report: Report, dataset: str) -> Markdown:
    repetitions = report.plan.config.repetitions
    spread = (
        f"Mean ± half of the 95 % interval over {repetitions} repetitions; a method without randomness is fitted once "
        "and has none."
        if repetitions > 1
        else "One repetition, so there are no intervals."
    )
    beside, letters = ", each measure beside what the paper prints", " The letter at a published number is its verdict."
    if report.artifact.study:
        beside = letters = ""
    return Markdown(
        f"{report.artifact.title} on {report.data_title(dataset)}, {report.test_rows(dataset):,} test rows{beside}. "
        f"{spread} **Bold**: the best of its column and what is not "
        f"significantly different from it (paired t-test, Holm over the table, α = {ALPHA}); the oracle, which knows "
        "the distribution, does not compete. A rank has no error in the unit of the target. "
        f"{_rules_for_ties(report)}{letters}"
    )


def _rules_for_ties(report: Report) -> str:
    """Say how the metrics of the table take ties, and which rows they are about."""
    shown, said = set(report.artifact.metrics), []
    if shown & {"xauc", "xgauc"}:
        said.append("XAUC and XGAUC are strict: ties in the target are left out.")
    if shown & {"norm_gini", "norm_gini_pos"}:
        said.append("Of rows with equal predictions the normalised Gini is the mean over all their orders.")
    if shown & {"spearman", "spearman_pos"}:
        said.append("Spearman's ranks of equal values are their mean rank.")
    if any(name.endswith("_pos") for name in shown):
        said.append("(Positive): of the rows with a target above 0 alone.")
    return " ".join(said)
