"""What a run says about the published cells of one artifact: the verdicts, and what can be concluded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from watchtime.evaluation.metrics import METRICS
from watchtime.evaluation.statistics import holm
from watchtime.reporting.comparisons.comparison import competitors, entries, line_names
from watchtime.reporting.comparisons.opening import value_obstacles
from watchtime.reporting.elements.alignment import format_number, usual_decimals
from watchtime.reporting.elements.notes import Notes
from watchtime.reporting.elements.tables import Cell, Column, Section, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.elements.words import few, sentence
from watchtime.reporting.measured.measure_columns import ARROWS
from watchtime.reporting.measured.results import ALPHA, Line, Measure, Results
from watchtime.reporting.published import rules
from watchtime.reporting.published.cells import GAIN, row_key
from watchtime.reporting.report import Report


def table(report: Report, dataset: str) -> Table | Markdown:
    """Every published cell of one data set with what was measured for it, its verdict and the reason."""
    if not report.verdicts.filter(dataset=dataset).height:
        return Markdown(f"The paper prints no number on {escape(report.data_title(dataset))}.")
    artifact, notes = report.artifact, Notes()
    obstacles = rules.uncompared(value_obstacles(report, dataset))
    rows: list[Section | list[Cell | Value]] = []
    reference = artifact.rows[artifact.reference_row].title if artifact.reference_row else "reference"
    for name in (one for metric in artifact.metrics for one in (metric, metric + GAIN)):
        cells = report.verdicts.filter(dataset=dataset, metric=name)
        if not cells.height:
            continue
        measure = Measure.of(name.removesuffix(GAIN), artifact.conventions)
        decimals = usual_decimals(cells["published"].to_list())
        heading = measure.title + ARROWS[METRICS[measure.metric].direction]
        rows.append(Section(f"{measure.title}, gain over {reference} (%)" if name.endswith(GAIN) else heading))
        for one in cells.iter_rows(named=True):
            row = artifact.rows[row_key(one["method"], one["variant"])]
            job = f"{row.method}/{row.variant}" if row.method else None
            note = notes.letter(sentence(one["reason"].removesuffix(f"; {obstacles}")))
            rows.append([row.title, job, *_numbers(one, decimals), Cell(one["verdict"], note=note)])
    heads = [Column("Row"), Column("Our job")]
    heads += [
        Column(title, align="right")
        for title in ("Paper", "Ours", "Off (%)", f"Paper − {reference}", f"Ours − {reference}", "p")
    ]
    rule = ", XAUC by the paper's own rule for ties" if "xauc" in artifact.metrics else ""
    caption = (
        f"The published numbers on {report.data_title(dataset)} and their verdicts{rule}. Off: "
        f"(ours − paper) / paper. The two differences are to the row {reference}; p belongs to ours, is paired over "
        "repetitions, and is corrected by Holm over all differences of the table."
    )
    if obstacles:
        caption += f" {sentence(obstacles)}"
    return Table([*heads, Column("Verdict")], rows, caption=caption, notes=notes.texts)


def counts(report: Report, dataset: str | None = None) -> Markdown:
    """Say how many published cells got which verdict."""
    frame = report.verdicts if dataset is None else report.verdicts.filter(dataset=dataset)
    if not frame.height:
        return Markdown("The paper prints no number for this.")
    found = {word: frame.filter(verdict=word).height for word in rules.WORDS}
    listed = ", ".join(f"{number} *{word}*" for word, number in found.items() if number)
    return Markdown(f"Of the {frame.height} published numbers: {listed}.")


def conclusions(report: Report, dataset: str) -> Markdown:
    """Say how the verdicts fall, and per metric which line is best and what the rows that tables leave out reach.

    A study has no published numbers: its rows are set against its reference row.
    """
    results, lines = report.results(dataset), competitors(report, dataset)
    published, plain, _ = entries(report, dataset).values()
    ours = [entry.line for entry in published if entry.line and entry.published_row]
    others = [entry.line for entry in plain if entry.line]
    if report.artifact.study:
        reference = report.artifact.rows[str(report.artifact.reference_row)]
        others = [line for line in ours if (line.method, line.variant) == (reference.method, reference.variant)]
        ours = [line for line in ours if line not in others]
    columns = [Measure.of(name) for name in report.artifact.metrics]
    best, against = results.best(lines, columns), _against(results, ours, others, columns)
    names = line_names(report, dataset)
    said = [counts(report, dataset), *_orders(report, dataset)]
    for measure in best:
        parts = [_best_sentence(results, measure, best[measure], names)]
        if measure in against:
            what = ", the reference" if report.artifact.study else ", the best row that the published table leaves out"
            parts.append(_against_sentence(*against[measure], names, what))
        said.append(Markdown(f"*{escape(METRICS[measure.metric].title)}*: {' '.join(parts)}"))
    return Markdown("\n".join(f"- {line}" for line in [*said, *_constant(report, dataset)]))


def _numbers(one: dict[str, Any], decimals: int) -> list[Value]:
    """Return the numbers of a row as text: metrics of different size share the columns."""

    def shown(value: float | None, places: int = decimals) -> str | None:
        return None if value is None else format_number(value, places)

    ours = shown(one["ours"])
    if one["low"] is not None and one["low"] < one["high"]:
        ours = f"{ours} ± {shown((one['high'] - one['low']) / 2)}"
    off = None if one["ours"] is None else 100 * (one["ours"] - one["published"]) / one["published"]
    differences = [shown(one["published_difference"]), shown(one["difference"]), shown(one["p_value"], 3)]
    return [shown(one["published"]), ours, shown(off, 1), *differences]


def _orders(report: Report, dataset: str) -> list[str]:
    """Say which differences to the reference row are significant, and whether they point as published."""
    artifact = report.artifact
    if artifact.reference_row is None or not report.verdicts.filter(dataset=dataset).height:
        return []
    # A gain says what the difference beside it says.
    tested = report.verdicts.filter(pl.col("p_value") <= ALPHA, ~pl.col("metric").str.ends_with(GAIN), dataset=dataset)
    agrees = pl.col("difference").sign() == pl.col("published_difference").sign()
    parts = []
    for words, frame in (("as published", tested.filter(agrees)), ("the other way round", tested.filter(~agrees))):
        cells = [
            f"{METRICS[one['metric']].title} of {artifact.rows[row_key(one['method'], one['variant'])].title}"
            for one in frame.iter_rows(named=True)
        ]
        parts.append(f"{words}: {escape(few(cells) or 'none')}")
    title = escape(artifact.rows[artifact.reference_row].title)
    return [f"Significant differences to {title}, {'; '.join(parts)}."]


def _constant(report: Report, dataset: str) -> list[str]:
    """On real data, set the best constant beside the errors that the paper prints."""
    line, measure = Line("training_constant", "median", "median"), Measure.of("mae")
    ours = report.results(dataset).summary(line, measure)
    printed = report.verdicts.filter(dataset=dataset, metric="mae")["published"].to_list()
    if ours is None or not printed or report.origin(dataset) != "real":
        return []
    span = f"{format_number(min(printed), 2)} to {format_number(max(printed), 2)}"
    return [
        f"One number for every row, the training median, has an MAE of {format_number(ours.mean, 2)} here; the rows "
        f"of the paper print {span}."
    ]


def _best_sentence(results: Results, measure: Measure, tied: Sequence[Line], names: dict[Line, str]) -> str:
    leader = results.leader(tied, measure)
    assert leader is not None
    others = [line for line in results.ranked(tied, measure) if line != leader]
    rest = f"; not significantly different: {_listed(others, names)}" if others else ", significantly"
    return f"{escape(names[leader])} has the best mean{rest}."


def _against(
    results: Results, ours: Sequence[Line], others: Sequence[Line], columns: Iterable[Measure]
) -> dict[Measure, tuple[Line, dict[str, list[Line]]]]:
    """Return per measure the best of ``others``, and which of ``ours`` are better, worse, or not told from it."""
    leaders = {measure: leader for measure in columns if (leader := results.leader(others, measure))}
    tested = [(measure, line, results.compare(line, leaders[measure], measure)) for measure in leaders for line in ours]
    known = [(measure, line, one) for measure, line, one in tested if one]
    adjusted = holm([one.p_value for _, _, one in known])
    found: dict[Measure, tuple[Line, dict[str, list[Line]]]] = {
        measure: (leader, {"better": [], "worse": [], "not told apart": []}) for measure, leader in leaders.items()
    }
    for (measure, line, one), p_value in zip(known, adjusted, strict=True):
        is_open = p_value is None or p_value > ALPHA
        found[measure][1]["not told apart" if is_open else "better" if one.better else "worse"].append(line)
    return found


def _against_sentence(leader: Line, groups: dict[str, list[Line]], names: dict[Line, str], what: str) -> str:
    parts = [f"{word}: {_listed(lines, names)}" for word, lines in groups.items() if lines]
    start = f"Against {escape(names[leader])}{what}"
    return f"{start}, {'; '.join(parts) or 'no row of the table was run'}."


def _listed(lines: Sequence[Line], names: dict[Line, str]) -> str:
    return escape(few([names[line] for line in lines]))
