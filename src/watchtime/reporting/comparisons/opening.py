"""How a page begins: question, data, protocol, and what the paper leaves open."""

from __future__ import annotations

from typing import Any

from watchtime.core.catalog import Paper
from watchtime.core.dataset_card import DatasetOption
from watchtime.core.settings import Settings
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.elements.words import sentence, target_name
from watchtime.reporting.published import obstacles
from watchtime.reporting.published.cells import read_published, row_counts
from watchtime.reporting.report import Report


def opening(report: Report) -> Markdown:
    """Return the paragraphs with which the page of a published table or figure begins."""
    paper = _paper(report)
    source = f" ({escape(paper.title)}: {escape(paper.reference)}.)" if paper.reference else ""
    paragraphs = [
        f"**Question.** {escape(report.artifact.question)}{source}",
        *(f"**Data.** {_data(report, dataset)}" for dataset in report.datasets),
        *(f"**Protocol.** {line}" for line in _protocols(report)),
    ]
    if "results" in report.artifact.reads:
        paragraphs.append(f"**Measured.** {_measured(report)}")
    if report.artifact.notes:
        notes = "\n".join(f"- {escape(note)}" for note in report.artifact.notes)
        heading = "What the paper leaves open" if paper.reference else "What to know"
        paragraphs.append(f"**{heading}.**\n\n{notes}")
    return Markdown("\n\n".join(paragraphs))


def _paper(report: Report) -> Paper:
    return report.plan.catalog.papers[report.name.split("/")[0]]


def data_opening(report: Report, dataset: str) -> Markdown:
    """Return the paragraphs with which the page of a data set begins."""
    card, source = report.card(dataset), report.plan.config.datasets[dataset]
    question = "What is in these data, are they those that the papers describe, and what does the split leave open?"
    units = {task: report.unit(dataset, task) for task in card.tasks}
    targets = ", ".join(target_name(task) + (f" ({unit})" if unit else "") for task, unit in units.items())
    paragraphs = [
        f"**Question.** {question}",
        f"**Data.** {escape(card.title)}: {escape(card.summary)}. Source: {escape(card.reference)}. Licence: "
        f"{escape(card.licence)}; redistribution: {escape(card.redistribution)}. Targets: {escape(targets)}. "
        f"{_files(report, dataset)}",
    ]
    chosen = card.read_options(source.options)
    if chosen:
        notes = [_option(option, chosen[name]) for name, option in card.options.items()]
        paragraphs.append("**How the files were read.**\n\n" + "\n".join(f"- {note}" for note in notes))
    return Markdown("\n\n".join(paragraphs))


def _files(report: Report, dataset: str) -> str:
    """Say which files were read."""
    source = report.plan.config.datasets[dataset]
    if source.is_simulated:
        size = source.simulator
        return (
            f"Here the files are *simulated* in the official layout from seed {size.seed}: {size.rows:,} rows of the "
            f"main log, {size.users:,} users, {size.items:,} {report.items(dataset)}, {size.days} days."
        )
    if source.log:
        own = source.log
        target = target_name(own.task)
        columns = {"user": own.user, "item": own.item, target: own.target, "duration": own.duration, "time": own.time}
        named = ", ".join(f"{name} from the column {column}" for name, column in columns.items() if column)
        return f"Here a log of one's own is read: {escape(named)}."
    return "Here the official files were fetched." if source.download else "Here the files were given by the user."


def _option(option: DatasetOption, value: Any) -> str:
    choice = option.choices.get(value) if isinstance(value, str) else None
    shown = " ".join(map(str, value)) or "none" if isinstance(value, list) else str(value).replace("_", " ")
    usual = "" if value == option.default else " (not the default)"
    note = f": {escape(choice.note)}" if choice else ""
    return f"{escape(option.note)}: *{escape(shown)}*{usual}{note}."


def value_obstacles(report: Report, dataset: str) -> list[str]:
    """Return why values measured on a data set of this run cannot be compared with published ones."""
    published = row_counts(read_published(report.plan.published_files), report.name.split("/")[0])
    return obstacles.value_obstacles(report.plan, report.name, dataset, published.get(dataset))


def _data(report: Report, dataset: str) -> str:
    counts = report.counts(dataset)["rules"]
    sentences = [
        f"{escape(report.plan.catalog.datasets[dataset].title)}, {report.origin(dataset)}: "
        f"{counts[0]['rows']:,} rows as read, {counts[-1]['rows']:,} after the row rules, of {counts[-1]['users']:,} "
        f"users and {counts[-1]['items']:,} {report.items(dataset)}."
    ]
    reasons = value_obstacles(report, dataset)
    if reasons and report.verdicts.filter(dataset=dataset).height:
        sentences.append(f"Values here cannot be compared with published ones: {escape(', '.join(reasons))}.")
    return " ".join(sentences)


def _protocols(report: Report) -> list[str]:
    """Return a sentence per protocol, with its data sets where they have different ones."""
    if report.artifact.protocol is None:
        return ["All rows that the row rules leave, whatever the split."]
    datasets: dict[str, list[str]] = {}
    for dataset in report.datasets:
        for said in _protocols_on(report, dataset):
            datasets.setdefault(said, []).append(report.plan.catalog.datasets[dataset].title)
    named = len(datasets) > 1 and len(report.datasets) > 1
    return [said + (f" ({escape(', '.join(titles))}.)" if named else "") for said, titles in datasets.items()]


def _protocols_on(report: Report, dataset: str) -> list[str]:
    """Return the sentence on a paper's protocol, or on every one of a page of this project's own."""
    if _paper(report).reference:
        return [_protocol(report, dataset)]
    titles = [report.plan.catalog.protocols[one].title for one in report.protocols(dataset)]
    return [escape(sentence(title)) for title in titles]


def _protocol(report: Report, dataset: str) -> str:
    catalog, artifact = report.plan.catalog, report.artifact
    protocol, own = report.protocol(dataset), artifact.protocol_on(dataset)
    title = escape(catalog.protocols[protocol].title)
    if not artifact.protocol_stated:
        return f"{title[:1].upper()}{title[1:]}; the paper names none."
    if own is None or own == protocol:
        return f"{title[:1].upper()}{title[1:]}, as the paper's as far as it says."
    other = escape(catalog.protocols[own].title)
    return f"{title[:1].upper()}{title[1:]}; the paper's, {other}, is not in this run."


def _measured(report: Report) -> str:
    config, catalog = report.plan.config, report.plan.catalog
    size = catalog.sizes[config.size]
    regimes = {
        "shared": "one encoder, one set of features and one training for all methods",
        "as_published": "every method with its paper's own encoder, features and training",
    }
    layers = ", ".join(map(str, size.encoder.layers))
    return (
        f"{config.repetitions} repetitions, each with its own seed, on one split. Regime {escape(config.regime)}: "
        f"{regimes[config.regime]}. Size {config.size}: embeddings of {size.encoder.embedding}, layers of {layers}, "
        f"batches of {size.training.batch}, at most {size.training.epochs} epochs. The epoch is chosen on validation "
        f"rows, the test rows are read once. All pairs of test rows are counted, none are sampled.{_exceptions(report)}"
    )


def _exceptions(report: Report) -> str:
    """Name the methods of the page whose encoder or training is not that of the size, and what differs."""
    size = report.plan.catalog.sizes[report.plan.config.size]
    methods: dict[str, list[str]] = {}
    for dataset in report.datasets:
        for spec in report.jobs(dataset).values():
            changes = [*_changes(size.encoder, spec.encoder), *_changes(size.training, spec.training)]
            changes += [f"{_said(spec.leak)}, a leak on purpose"] if spec.leak else []
            title, said = escape(report.plan.catalog.methods[spec.method].title), ", ".join(changes)
            if spec.family == "network" and changes and title not in methods.setdefault(said, []):
                methods[said].append(title)
    exceptions = "; ".join(f"{', '.join(titles)} with {changes}" for changes, titles in methods.items())
    return f" Exceptions: {exceptions}." if exceptions else ""


def _changes(usual: Settings, own: Settings) -> list[str]:
    """Return what of ``own`` is not as in ``usual``, as ``name value``; what was off names its own parts."""
    old, new = usual.model_dump(), own.model_dump()
    return [
        f"{_said(name)} {_said(value)}" if not isinstance(value, dict) else f"{_said(name)} of {_parts(value)}"
        for name, value in new.items()
        if value != old[name]
    ]


def _parts(values: dict[str, Any]) -> str:
    return " and ".join(f"{_said(name)} {_said(value)}" for name, value in values.items())


def _said(value: Any) -> str:
    if isinstance(value, tuple):
        return " and ".join(map(str, value))
    return escape(f"{value:g}" if isinstance(value, float) else str(value).replace("_", " "))
